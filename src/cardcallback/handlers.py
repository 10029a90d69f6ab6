"""What a signal's handler raises in the midst of our work is the person's, whatever kind of error it is.

A time limit's TimeoutError is an OSError, and a data loader's word of a worker that died a RuntimeError: where we go on
without what the disk or the system refuses, neither may be taken for that.
"""

from __future__ import annotations

import functools
import signal
import traceback
from contextlib import AbstractContextManager
from inspect import CO_VARARGS
from itertools import pairwise
from types import CodeType, FrameType

_SIGNALS = tuple(signal.valid_signals())


def raised_by_handler(error: BaseException) -> BaseException | None:
    """The exception that a signal's handler raised, where ``error`` is it or came of it."""
    handlers = {_code_of(handler) for signum in _SIGNALS if callable(handler := signal.getsignal(signum))}
    raised: BaseException | None = error
    seen: set[int] = set()
    while raised is not None and id(raised) not in seen:  # some code raises an error from itself
        seen.add(id(raised))
        frames = [frame for frame, _ in traceback.walk_tb(raised.__traceback__)]
        if any(frame.f_code in handlers for frame in frames) or any(_is_handlers(*pair) for pair in pairwise(frames)):
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


def _is_handlers(interrupted: FrameType, frame: FrameType) -> bool:
    """Whether it was given a signal's number and the frame in the midst of which it was called, as a handler is.

    One that lets the next signal end the program is not in its place any more when it raises.
    """
    code = frame.f_code
    names = code.co_varnames[: code.co_argcount]
    given = [frame.f_locals.get(name) for name in names]
    if code.co_flags & CO_VARARGS:
        given.extend(frame.f_locals.get(code.co_varnames[code.co_argcount + code.co_kwonlyargcount], ()))
    return any(isinstance(number, int) and where is interrupted for number, where in pairwise(given))


def _code_of(handler: object) -> CodeType | None:
    while isinstance(handler, functools.partial):
        handler = handler.func
    # Not as an attribute of the class, which may be its metaclass's: that of every enumeration.
    by_call = next((vars(kind)["__call__"] for kind in type(handler).__mro__ if "__call__" in vars(kind)), None)
    for function in (handler, getattr(handler, "__func__", None), by_call):
        if isinstance(code := getattr(function, "__code__", None), CodeType):
            return code
    return None  # none, or written in C
