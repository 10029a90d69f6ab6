"""See ``train``, evaluations and checkpoints from outside: when they begin, end, or break."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cardcallback.hooks.wrapping import (
    Call,
    GuardFactory,
    Hook,
    Watch,
    guard_or_own,
    start_watch,
    wrap_method,
    wrap_own_attribute,
)

_TOPIC = "life cycle"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainerCall:
    """One finished call, timed on the caller's clock.

    ``method`` is "evaluate", "predict" or "_save_checkpoint". ``during_training``: it ran inside ``train()``.
    """

    method: str
    begin_seconds: float
    end_seconds: float
    during_training: bool


def watch_train(
    trainer: Any,
    *,
    on_exception: Callable[[BaseException], None] | None = None,
    guard: GuardFactory | None = None,
) -> None:
    """Know when ``train()`` runs, and be told where it is left by an exception or interrupt.

    transformers calls no event then (KeyboardInterrupt and SystemExit included). The exception goes on
    unchanged. A ``train()`` that is already running is not seen. Calling this again for the same trainer
    replaces what is called.
    """
    watch = start_watch(trainer)
    hook = Hook(
        task="follow the training",
        guard=guard_or_own(guard),
        failed=None if on_exception is None else lambda _, error: on_exception(error),
    )
    _set(trainer, watch, "train", hook)


def watch_evaluate(
    trainer: Any,
    *,
    now_seconds: Callable[[], float],
    on_end: Callable[[TrainerCall], None],
    guard: GuardFactory | None = None,
) -> None:
    """Be told of each ``evaluate()`` and ``predict()``, inside ``train()`` or out of it, with its times.

    ``now_seconds`` is the clock that begin and end are read from. One that raises is told of as well. An
    evaluation over several sets is one call.
    """
    for method in ("evaluate", "predict"):
        _watch_timed(trainer, method, _Timed(now_seconds, on_end), guard)


def watch_save(
    trainer: Any,
    *,
    now_seconds: Callable[[], float],
    on_end: Callable[[TrainerCall], None],
    guard: GuardFactory | None = None,
) -> None:
    """Be told of each checkpoint's saving, with its times."""
    _watch_timed(trainer, "_save_checkpoint", _Timed(now_seconds, on_end), guard)


@dataclass(frozen=True)
class _Timed:
    now_seconds: Callable[[], float]
    on_end: Callable[[TrainerCall], None]


def _watch_timed(trainer: Any, method: str, timed: _Timed, guard: GuardFactory | None) -> None:
    watch = start_watch(trainer)
    begun: list[float] = []

    def before(call: Call) -> None:
        del call
        begun[:] = [timed.now_seconds()]

    def finished(call: Call, result: Any) -> None:
        del call, result
        if begun:
            end_seconds = timed.now_seconds()
            timed.on_end(
                TrainerCall(
                    method=method,
                    begin_seconds=begun.pop(),
                    end_seconds=end_seconds,
                    during_training=_is_training(watch),
                )
            )

    task = f"follow {method}"
    hook = Hook(task=task, guard=guard_or_own(guard), before=before, after=finished, failed=finished)
    _set(trainer, watch, method, hook)


def _set(trainer: Any, watch: Watch, method: str, hook: Hook) -> None:
    watch.set_hook(method, _TOPIC, hook)
    wrap_method(type(trainer), method)
    wrap_own_attribute(trainer, method)


def _is_training(watch: Watch) -> bool:
    # transformers leaves is_in_train True after an exception, so our own mark decides once there is one;
    # a training that began before the watch has only transformers' mark.
    if watch.has_run("train"):
        return watch.is_running("train")
    return bool(getattr(watch.trainer(), "is_in_train", False))
