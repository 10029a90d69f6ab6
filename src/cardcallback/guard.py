"""The one boundary between our failures and the person's training."""

from __future__ import annotations

import errno
import os
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from threading import get_ident

from cardcallback import handlers
from cardcallback.errors import CardCallbackError, CardCallbackWarning
from cardcallback.units import LONGEST_LINE, one_line

# What was swallowed, newest last: the test suite fails on any that a test did not expect.
swallowed: deque[BaseException] = deque(maxlen=100)


_CURES: dict[type[BaseException], str] = {
    PermissionError: "; make the output folder writable, then run `cardcallback render`",
    NotADirectoryError: "; the output folder and training_run in it must be folders",
    FileExistsError: "; the output folder and training_run in it must be folders",
    FileNotFoundError: "; the output folder must stay while training runs",
    OSError: "; see that the disk has room and the output folder can be written",
}


class Guard:
    """Lets nothing of ours escape: the first failure warns, every failure leaves a sentence.

    ``sentences`` are for the record's notes. KeyboardInterrupt, SystemExit and whatever a signal handler raises (a
    time limit, a data loader's worker that died) belong to the person and pass through. A ``quiet`` one keeps its
    sentences and warns of nothing: of several processes one speaks. ``on_leave`` is called in the main thread when it
    leaves its outermost block.
    """

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.on_leave: Callable[[], None] | None = None
        self.quiet = False
        self._warned = False
        self._depth = 0
        # Kept, since to ask for it at every step costs as much as all the rest of a block.
        self._main_thread = threading.main_thread().ident

    @property
    def busy(self) -> bool:
        """Whether the main thread is inside a block, and so may hold locks and half-written files of ours."""
        return self._depth > 0

    def enter(self) -> None:
        """A thread enters a block; only the main one counts."""
        if get_ident() == self._main_thread:
            self._depth += 1

    def leave(self) -> None:
        """It leaves the block."""
        if get_ident() == self._main_thread:
            self._depth -= 1
            if self._depth == 0 and self.on_leave is not None:
                self.on_leave()

    def __call__(self, task: str) -> AbstractContextManager[None]:
        """Run a block; ``task`` completes "could not ..."."""
        return _Guarded(self, task)

    def tell(self, warnings_to_give: Iterable[str], *, aloud: bool = False) -> None:
        """Warn of what a person should know, each sentence once; nothing failed.

        ``aloud``: also where this process is quiet, since nobody else can say it.
        """
        for sentence in warnings_to_give:
            if sentence not in self.sentences:
                self.sentences.append(sentence)
                if aloud or not self.quiet:
                    _warn(f"cardcallback: {sentence}")

    def note(self, task: str, error: BaseException) -> None:
        """Keep a failure that was caught elsewhere, and warn if it is the first."""
        swallowed.append(error)
        sentence = f"cardcallback could not {task}: {_published_reason(error)}"
        if sentence not in self.sentences:
            self.sentences.append(sentence)
        if not self._warned and not self.quiet:
            self._warned = True
            said = f"cardcallback could not {task}: {_whole_reason(error)}"
            _warn(f"{said}. Training goes on{_CURES.get(type(error), '')}.")


class _Guarded(AbstractContextManager[None]):
    """The guarded boundary itself: anything may fail in it, training may not."""

    # A class and not a generator: one stands around what is done at every training step.
    __slots__ = ("_guard", "_task")

    def __init__(self, guard: Guard, task: str) -> None:
        self._guard = guard
        self._task = task

    def __enter__(self) -> None:
        self._guard.enter()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        try:
            if not isinstance(error, Exception):
                return False
            handlers.pass_on(error)
            self._guard.note(self._task, error)
            return True
        finally:
            self._guard.leave()


def _published_reason(error: BaseException) -> str:
    """Only words of ours or of the operating system's own table: other texts hold paths and names."""
    if isinstance(error, CardCallbackError):
        return _first_line(error)
    number = error.errno if isinstance(error, OSError) else None
    if number is not None and number in errno.errorcode:
        return os.strerror(number)
    return type(error).__name__


def _whole_reason(error: BaseException) -> str:
    text = _first_line(error)
    return text if isinstance(error, CardCallbackError) else f"{type(error).__name__}: {text}"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:LONGEST_LINE]


def _warn(message: str) -> None:
    message = one_line(message)
    try:
        # No line of code is named: the person's own did nothing wrong, and one of ours would tell them nothing.
        warnings.warn_explicit(message, CardCallbackWarning, filename="cardcallback", lineno=1)
    except CardCallbackWarning:
        # Someone runs with warnings as errors; that must not become our way of stopping a training.
        _print_error(message)
    except Exception as error:  # noqa: BLE001 - a stream that is closed, a log handler that fails: the record has it
        handlers.pass_on(error)
        swallowed.append(error)


def _print_error(message: str) -> None:
    if sys.stderr is not None:
        with handlers.suppress(OSError, ValueError):
            print(message, file=sys.stderr)  # noqa: T201
