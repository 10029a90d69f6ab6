"""Which callbacks of a trainer send its log on to a tracker: those get figures, and nothing else does."""

from __future__ import annotations

from typing import Any

_OF_TRANSFORMERS = "transformers.integrations"
# Trackers that bring a callback of their own.
_PACKAGES = frozenset(
    {"aim", "clearml", "comet_ml", "dvclive", "mlflow", "neptune", "polyaxon", "swanlab", "trackio", "wandb"}
)
# Those that log "loss" as "train/loss"; the others hand names on as they are, and get plain ones.
_PREFIXING = (
    *("TensorBoardCallback", "WandbCallback", "TrackioCallback"),
    *("CometCallback", "NeptuneCallback", "SwanLabCallback"),
)
# Set to True on a callback of a person's own, it asks for the figures too.
_ASKS = "takes_cardcallback_figures"


def reporters_of(trainer: Any) -> list[Any]:
    """The trainer's callbacks that report to a tracker, in their order.

    Others (progress bars, a person's own) are left alone: some write the log where a name more is one too many.
    """
    callbacks = getattr(getattr(trainer, "callback_handler", None), "callbacks", ())
    return [callback for callback in callbacks if _reports(callback)]


def is_of(reporter: Any, class_name: str) -> bool:
    """Whether the reporter is of that class of transformers, or of one made from it."""
    return any(kind.__name__ == class_name and _is_of_tracker(kind) for kind in type(reporter).__mro__)


def prefixes_names(reporter: Any) -> bool:
    """Whether the reporter puts "train/" before the names of a log."""
    return any(is_of(reporter, class_name) for class_name in _PREFIXING)


def _reports(callback: Any) -> bool:
    if getattr(callback, _ASKS, False) is True:
        return True
    return any("on_log" in vars(kind) and _is_of_tracker(kind) for kind in type(callback).__mro__)


def _is_of_tracker(kind: type) -> bool:
    module = kind.__module__
    return (
        module.partition(".")[0] in _PACKAGES or module == _OF_TRANSFORMERS or module.startswith(_OF_TRANSFORMERS + ".")
    )
