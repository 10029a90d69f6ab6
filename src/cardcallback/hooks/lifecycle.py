"""See ``train``, evaluations and checkpoints from outside: when they begin, end, or break."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cardcallback.hooks.wrapping import Call, GuardFactory, Hook, Watch, guard_or_own, start_watch, watch_method

_TOPIC = "life cycle"
# What a trainer spends time on inside ``train()`` that is not training. ``_save_checkpoint`` calls
# ``save_model`` and starts an upload; a person's own callback may call the other two.
PHASES: Mapping[str, Sequence[str]] = {
    "evaluation": ("evaluate", "predict"),
    "saving": ("_save_checkpoint", "save_model", "push_to_hub"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class PhaseVisit:
    """One stretch of a phase, timed on the caller's clock; ``during_training``: it ran inside ``train()``."""

    phase: str
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
    hook = Hook(
        task="follow the training",
        guard=guard_or_own(guard),
        failed=None if on_exception is None else lambda _, error: on_exception(error),
    )
    watch_method(trainer, "train", _TOPIC, hook)


def watch_phases(
    trainer: Any,
    *,
    now_seconds: Callable[[], float],
    on_visit: Callable[[PhaseVisit], None],
    guard: GuardFactory | None = None,
) -> None:
    """Be told of each stretch of ``PHASES``, inside ``train()`` or out of it, in the order of time.

    A phase inside itself (an evaluation of several sets, or within a prediction) is one visit. A phase
    inside another (a checkpoint saved by an evaluation) interrupts it: the outer one's stretches before
    and after are told apart, so that no second is told of twice. One that raises is told of as well.

    Args:
        trainer: whose.
        now_seconds: the clock that begin and end are read from.
        on_visit: what to call; at a visit's end, or when another phase interrupts it.
        guard: catches what fails here.
    """
    nesting = _Nesting(start_watch(trainer), now_seconds, on_visit)
    for phase, methods in PHASES.items():
        for method in methods:
            watch_method(trainer, method, _TOPIC, nesting.hook(phase, method, guard_or_own(guard)))


class _Nesting:
    """The phases that are open, innermost last."""

    def __init__(self, watch: Watch, now_seconds: Callable[[], float], on_visit: Callable[[PhaseVisit], None]) -> None:
        self._watch = watch
        self._now_seconds = now_seconds
        self._on_visit = on_visit
        self._open: list[str] = []
        self._since = 0.0
        self._thread: int | None = None

    def hook(self, phase: str, method: str, guard: GuardFactory) -> Hook:
        def enter(call: Call) -> None:
            del call
            self._enter(phase)

        def leave(call: Call, result: Any) -> None:
            del call, result
            self._leave()

        return Hook(task=f"follow {method}", guard=guard, before=enter, after=leave, failed=leave)

    def _enter(self, phase: str) -> None:
        thread = threading.get_ident()
        if self._open and thread != self._thread:
            return  # beside a phase of another thread, whose time it is already
        self._thread = thread
        outer = self._open[-1] if self._open else None
        self._open.append(phase)
        if outer != phase:
            self._turn(outer)

    def _leave(self) -> None:
        if not self._open or threading.get_ident() != self._thread:
            return
        ended = self._open.pop()
        if not self._open or self._open[-1] != ended:
            self._turn(ended)

    def _turn(self, ended: str | None) -> None:
        """Another phase than ``ended`` is on from now."""
        since, self._since = self._since, self._now_seconds()
        if ended is not None and self._since > since:
            during_training = _is_training(self._watch)
            self._on_visit(
                PhaseVisit(phase=ended, begin_seconds=since, end_seconds=self._since, during_training=during_training)
            )


def _is_training(watch: Watch) -> bool:
    # transformers leaves is_in_train True after an exception, so our own mark decides once there is one;
    # a training that began before the watch has only transformers' mark.
    if watch.has_run("train"):
        return watch.is_running("train")
    return bool(getattr(watch.trainer(), "is_in_train", False))
