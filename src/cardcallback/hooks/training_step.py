"""See every training batch as it goes into ``training_step``, before anything is computed from it.

This is called oftener than all other wraps together, and right after a step's own work, which has left nothing of ours
in the processor's caches: each function that is entered costs more than it does in a loop of its own.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import wraps
from inspect import CO_VARARGS, CO_VARKEYWORDS
from types import FunctionType
from typing import Any

from cardcallback import handlers
from cardcallback.hooks.wrapping import GuardFactory, guard_or_own, wrap_method, wrap_own_attribute, wrapped_by

_METHOD = "training_step"
_PARAMETERS = ("self", "model", "inputs", "num_items_in_batch")
_ATTRIBUTE = "_cardcallback_batches"

OnBatch = Callable[[Any, Any], bool]


class _Listener:
    """Who is told of one trainer's batches; ``inside`` while a step runs, of which its parent's method is a part."""

    __slots__ = ("guarded", "inside", "keep", "on_batch", "trainer")

    def __init__(self, trainer: Any, on_batch: OnBatch, keep: OnBatch, guard: GuardFactory) -> None:
        self.trainer: Callable[[], Any] = weakref.ref(trainer)
        self.guarded = guard("count the tokens of the training batches")
        self.inside = False
        self.keep = keep
        self.on_batch = on_batch

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        # As a watch's: a copy is not the watched trainer, and a pickle must not need us.
        return type(None), ()


def watch_training_step(
    trainer: Any, *, on_batch: OnBatch, keep: OnBatch | None = None, guard: GuardFactory | None = None
) -> None:
    """Call ``on_batch(inputs, num_items_in_batch)`` before each ``training_step`` of this trainer.

    That is once for each batch of a gradient accumulation, and never for an evaluation.
    ``num_items_in_batch`` is what transformers gives its loss to divide by, ``None`` where it gives nothing.
    Once it returns False it is told of no more. Calling this again for the same trainer replaces what is called.

    ``keep`` is asked first, and ``on_batch`` is told of what it does not keep. It is not guarded, which costs as much
    again: whatever it changes a signal's handler must be free to find half done.
    """
    setattr(trainer, _ATTRIBUTE, _Listener(trainer, on_batch, keep or _keep_nothing, guard_or_own(guard)))
    wrap_method(type(trainer), _METHOD, wrapped=_wrapped)
    wrap_own_attribute(trainer, _METHOD, run=_run_step)


def _wrapped(original: Any) -> Callable[..., Any]:
    if not _takes_what_transformers_gives(original):
        return wrapped_by(_run_step, original)

    # With the parameters of transformers' own method: to gather them and to spread them out again, and to enter one
    # more function, costs more than all the rest here.
    @wraps(original)
    def around(self: Any, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:
        listener = self.__dict__.get(_ATTRIBUTE)
        # A shallow copy of the trainer has the attribute too.
        if listener is None or listener.inside or listener.trainer() is not self:
            return original(self, model, inputs, num_items_in_batch)
        listener.inside = True
        try:
            try:
                kept = listener.keep(inputs, num_items_in_batch)
            except Exception as error:  # noqa: BLE001 - on_batch finds the same, and is guarded
                kept = _keeps_none(error)
            if not kept:
                _tell(listener, inputs, num_items_in_batch)
            return original(self, model, inputs, num_items_in_batch)
        finally:
            listener.inside = False

    return around


def _takes_what_transformers_gives(original: Any) -> bool:
    """Whether a wrap with the parameters of transformers' own method takes what this one takes."""
    if not isinstance(original, FunctionType) or original.__defaults__ != (None,):
        return False
    code = original.__code__
    takes_more = code.co_kwonlyargcount or code.co_posonlyargcount or code.co_flags & (CO_VARARGS | CO_VARKEYWORDS)
    return not takes_more and code.co_varnames[: code.co_argcount] == _PARAMETERS


def _run_step(original: Callable[..., Any], trainer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    listener = getattr(trainer, _ATTRIBUTE, None)
    if listener is None or listener.inside or listener.trainer() is not trainer:
        return original(*args, **kwargs)
    inputs = args[1] if len(args) > 1 else kwargs.get("inputs")
    num_items = args[2] if len(args) > 2 else kwargs.get("num_items_in_batch")
    listener.inside = True
    try:
        try:
            kept = listener.keep(inputs, num_items)
        except Exception as error:  # noqa: BLE001 - on_batch finds the same, and is guarded
            kept = _keeps_none(error)
        if not kept:
            _tell(listener, inputs, num_items)
        return original(*args, **kwargs)
    finally:
        listener.inside = False


def _tell(listener: _Listener, inputs: Any, num_items: Any) -> None:
    with listener.guarded:
        if not listener.on_batch(inputs, num_items):
            listener.trainer = _nobody


def _keeps_none(error: Exception) -> bool:
    handlers.pass_on(error)
    return False


def _keep_nothing(*_: Any) -> bool:
    return False


def _nobody() -> None:
    return None
