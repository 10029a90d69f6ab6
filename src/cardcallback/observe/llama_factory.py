"""What LLaMA-Factory keeps beside the trainer's arguments: its stage, and the settings of its methods."""

from __future__ import annotations

from typing import Any

from cardcallback.observe.plain import lineage, read, top_package

_OBJECTIVES = {"sft": "SFT", "rm": "reward modelling", "dpo": "DPO", "kto": "KTO", "ppo": "PPO"}
# Of the stage "dpo", these losses are methods of their own, which compare with no reference model.
_OWN_METHODS = {"orpo": "ORPO", "simpo": "SimPO"}
# By the names that TRL gives them, LLaMA-Factory's own where it has none; each stage has all of them, and only its own
# do something.
_SETTINGS = {
    "dpo": {
        "loss_type": "pref_loss",
        "beta": "pref_beta",
        "label_smoothing": "dpo_label_smoothing",
        "simpo_gamma": "simpo_gamma",
        "ld_alpha": "ld_alpha",
        "pref_ftx": "pref_ftx",
        "pref_bco_weight": "pref_bco_weight",
    },
    "kto": {
        "beta": "pref_beta",
        "desirable_weight": "kto_chosen_weight",
        "undesirable_weight": "kto_rejected_weight",
        "pref_ftx": "pref_ftx",
    },
}


def stage_objective(trainer: object) -> str | None:
    """What LLaMA-Factory's stage trains for; ``None`` for other trainers, and where a stage alone does not tell."""
    own = _own_arguments(trainer)
    stage = read(own, "stage")
    if stage == "dpo" and read(own, "pref_loss") in _OWN_METHODS:
        return _OWN_METHODS[read(own, "pref_loss")]
    return _OBJECTIVES.get(stage) if isinstance(stage, str) else None


def with_method_settings(args: object, trainer: object) -> Any:
    """The training arguments with the method's settings under TRL's names; other trainers' as they are."""
    own = _own_arguments(trainer)
    stage = read(own, "stage")
    names = _SETTINGS.get(stage, {}) if isinstance(stage, str) else {}
    return _Arguments(args, {name: read(own, theirs) for name, theirs in names.items()}) if names else args


def _own_arguments(trainer: object) -> Any:
    is_theirs = trainer is not None and any(top_package(cls) == "llamafactory" for cls in lineage(trainer))
    return read(trainer, "finetuning_args") if is_theirs else None


class _Arguments:
    """The arguments, some of which are kept elsewhere."""

    def __init__(self, args: object, settings: dict[str, Any]) -> None:
        self._args = args
        self.__dict__.update(settings)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._args, name)
