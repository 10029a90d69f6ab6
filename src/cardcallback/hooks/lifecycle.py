"""See ``train``, evaluations and checkpoints from outside: when they begin, end, or break."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from cardcallback.hooks.wrapping import (
    Call,
    GuardFactory,
    Hook,
    Watch,
    guard_or_own,
    start_watch,
    watch_method,
    watch_of,
)

_TOPIC = "life cycle"
_CHECKPOINTS = "checkpoints"
_SAVES = "saved weights"
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
    on_return: Callable[[], None] | None = None,
    on_exception: Callable[[BaseException], None] | None = None,
    guard: GuardFactory | None = None,
) -> None:
    """Know when ``train()`` runs, and be told when it returns, or is left by an exception or interrupt.

    transformers calls no event for the latter (KeyboardInterrupt and SystemExit included), and for the former only
    to callbacks that it still has. The exception goes on
    unchanged. A ``train()`` that is already running is not seen. Calling this again for the same trainer
    replaces what is called.
    """
    hook = Hook(
        task="follow the training",
        guard=guard_or_own(guard),
        after=None if on_return is None else lambda *_: on_return(),
        failed=None if on_exception is None else lambda _, error: on_exception(error),
    )
    watch_method(trainer, "train", _TOPIC, hook)


def is_training(trainer: Any) -> bool:
    """Whether ``train()`` of a trainer runs, in whichever thread, also one that began before it was watched."""
    watch = watch_of(trainer)
    if watch is not None and watch.has_run("train"):
        return watch.is_running("train") or watch.runs_elsewhere("train")
    return _is_on_a_stack(trainer, "train")


def watch_checkpoints(trainer: Any, *, on_saved: Callable[[], None], guard: GuardFactory | None = None) -> None:
    """Be told after each checkpoint that was written whole; nothing to do for None.

    transformers' ``on_save`` comes only where the training loop itself decided to save.
    """
    if trainer is not None:
        hook = Hook(task="follow the checkpoints", guard=guard_or_own(guard), after=lambda *_: on_saved())
        watch_method(trainer, "_save_checkpoint", _CHECKPOINTS, hook)


def watch_saves(trainer: Any, *, on_saved: Callable[[Path], None], guard: GuardFactory | None = None) -> None:
    """Be told of the folder after each ``save_model``; nothing to do for None."""
    if trainer is None:
        return

    def saved(call: Call, result: Any) -> None:
        del result
        folder = call.argument(0, "output_dir")
        on_saved(Path(call.trainer.args.output_dir if folder is None else folder))

    hook = Hook(task="follow the saved weights", guard=guard_or_own(guard), after=saved)
    watch_method(trainer, "save_model", _SAVES, hook)


def watch_phases(
    trainer: Any,
    *,
    now_seconds: Callable[[], float],
    on_visit: Callable[[PhaseVisit], None],
    guard: GuardFactory | None = None,
) -> None:
    """Be told of each stretch of ``PHASES``, inside ``train()`` or out of it, in the order of time.

    While ``train()`` runs only its own thread's are told of: what another one does meanwhile takes none of its time.

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


class _Open(threading.local):
    """The phases that are open in one thread, innermost last, and since when the innermost is on."""

    def __init__(self) -> None:
        self.phases: list[str] = []
        self.since = 0.0


class _Nesting:
    """The phases of each thread by itself: an upload in one takes no time from an evaluation in another."""

    def __init__(self, watch: Watch, now_seconds: Callable[[], float], on_visit: Callable[[PhaseVisit], None]) -> None:
        self._watch = watch
        self._now_seconds = now_seconds
        self._on_visit = on_visit
        self._open = _Open()
        # A training that began before the watch is this thread's, since its events are.
        self._thread = threading.get_ident() if _is_in_train(watch) else None

    def hook(self, phase: str, method: str, guard: GuardFactory) -> Hook:
        def enter(call: Call) -> None:
            del call
            self._enter(phase)

        def leave(call: Call, result: Any) -> None:
            del call, result
            self._leave()

        return Hook(task=f"follow {method}", guard=guard, before=enter, after=leave, failed=leave)

    def _enter(self, phase: str) -> None:
        phases = self._open.phases
        outer = phases[-1] if phases else None
        phases.append(phase)
        if outer != phase:
            self._turn(outer)

    def _leave(self) -> None:
        phases = self._open.phases
        if not phases:
            return
        ended = phases.pop()
        if not phases or phases[-1] != ended:
            self._turn(ended)

    def _turn(self, ended: str | None) -> None:
        """Another phase than ``ended`` is on from now."""
        since, self._open.since = self._open.since, self._now_seconds()
        if ended is None or self._open.since <= since:
            return
        here, elsewhere = self._training()
        if here or not elsewhere:
            self._on_visit(
                PhaseVisit(phase=ended, begin_seconds=since, end_seconds=self._open.since, during_training=here)
            )

    def _training(self) -> tuple[bool, bool]:
        """Whether ``train()`` runs in this thread, and whether in another, whose time this one's is not."""
        # transformers leaves is_in_train True after an exception, so our own mark decides once there is one;
        # a training that began before the watch has only transformers' mark.
        if self._watch.has_run("train"):
            return self._watch.is_running("train"), self._watch.runs_elsewhere("train")
        running = _is_in_train(self._watch)
        here = self._thread in {None, threading.get_ident()}
        return running and here, running and not here


def _is_on_a_stack(subject: Any, method: str) -> bool:
    """Whether a call of that method of ``subject`` is going on.

    transformers' own mark does not tell: it stays where a training was left by an exception.
    """
    for innermost in sys._current_frames().values():  # noqa: SLF001 - nothing else knows of a call that nobody wrapped
        frame: FrameType | None = innermost
        while frame is not None:
            if frame.f_code.co_name == method and frame.f_locals.get("self") is subject:
                return True
            frame = frame.f_back
    return False


def _is_in_train(watch: Watch) -> bool:
    return bool(getattr(watch.trainer(), "is_in_train", False))
