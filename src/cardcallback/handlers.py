"""What a signal's handler raises in the midst of our work is the person's, whatever kind of error it is.

A time limit's TimeoutError is an OSError, and a data loader's word of a worker that died a RuntimeError: where we go on
without what the disk or the system refuses, neither may be taken for that.
"""

from __future__ import annotations

import functools
import signal
import traceback
from contextlib import AbstractContextManager
from types import CodeType

_SIGNALS = tuple(signal.valid_signals())


def raised_by_handler(error: BaseException) -> BaseException | None:
    """The exception that a signal's handler raised, where ``error`` is it or came of it."""
    handlers = {_code_of(handler) for signum in _SIGNALS if callable(handler := signal.getsignal(signum))}
    raised: BaseException | None = error
    seen: set[int] = set()
    while raised is not None and id(raised) not in seen:  # some code raises an error from itself
        seen.add(id(raised))
        frames = traceback.walk_tb(raised.__traceback__)
        if any(frame.f_code in handlers for frame, _ in frames):
            return raised
        raised = raised.__cause__
    return None


def pass_on(error: BaseException) -> None:
    """Raise what a signal's handler raised, where ``error`` is it or came of it; any other is the caller's to forgive.

    For the main thread, where files are read or written; it takes some microseconds, and only where something failed.
    """
    theirs = raised_by_handler(error)
    if theirs is not None:
        raise theirs


class suppress(AbstractContextManager[None]):  # noqa: N801 - what it is in the standard library
    """``contextlib.suppress``, which what a signal's handler raised passes."""

    def __init__(self, *kinds: type[Exception]) -> None:
        self._kinds = kinds

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, self._kinds):
            return False
        pass_on(error)
        return True


def _code_of(handler: object) -> CodeType | None:
    while isinstance(handler, functools.partial):
        handler = handler.func
    # Not as an attribute of the class, which may be its metaclass's: that of every enumeration.
    by_call = next((vars(kind)["__call__"] for kind in type(handler).__mro__ if "__call__" in vars(kind)), None)
    for function in (handler, getattr(handler, "__func__", None), by_call):
        if isinstance(code := getattr(function, "__code__", None), CodeType):
            return code
    return None  # none, or written in C
