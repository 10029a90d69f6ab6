"""Find the trainer that a callback works for: no event of transformers names it."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

from cardcallback.hooks.wrapping import GuardFactory, guard_or_own

CallbackT = TypeVar("CallbackT")

_HANDLER_MODULE = "transformers.trainer_callback"
_LOCAL_NAMES = ("self", "trainer")
_DEEPEST = 100  # frames above an event; a trainer calls its callbacks from about five
_ADDED_MARK = "__cardcallback_added__"


def find_trainer(callback: object) -> Any | None:
    """The trainer whose event is running, found by walking up the calling frames; ``None`` without one.

    Works inside any event, for callbacks given by ``callbacks=`` and by ``add_callback``, and for one that
    another callback holds and calls. ``None`` too while that trainer is still being made, also where an event of
    another trainer makes it.
    """
    handler: object = None
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the only way up: events carry no trainer
    try:
        for _ in range(_DEEPEST):
            if frame is None:
                return None
            for name in _LOCAL_NAMES:
                candidate = frame.f_locals.get(name)
                if _is_trainer_of(candidate, callback, handler):
                    return candidate
                # The innermost handler is whose event this is, or who takes the callback up: one further out is of
                # another trainer, inside whose event ours is made or trained.
                if hasattr(type(candidate), "call_event") and (handler is None or _holds(candidate, handler)):
                    handler = candidate
            frame = frame.f_back
        return None
    finally:
        del frame  # a kept frame would keep everything in it alive


def first_of_kind(trainer: Any, kind: type[CallbackT]) -> CallbackT | None:
    """The first callback of ``kind`` that ``trainer`` has, or ``None``."""
    callbacks = getattr(getattr(trainer, "callback_handler", None), "callbacks", ())
    return next((callback for callback in callbacks if isinstance(callback, kind)), None)


def watch_add_callback(
    kind: type[CallbackT],
    on_added: Callable[[CallbackT, Any], None],
    *,
    guard: GuardFactory | None = None,
) -> None:
    """Call ``on_added(callback, trainer)`` when a callback of ``kind`` is given to ``trainer.add_callback``.

    That road fires no ``on_init_end``, so without this the first ``train()`` could not be watched from
    outside. Does nothing where transformers' callbacks are not loaded; ``find_trainer`` in
    ``on_train_begin`` remains. Once per ``kind``; further calls change nothing.
    """
    # The handler, not the trainer: any callback's own base class has loaded its module.
    handler_class = getattr(sys.modules.get(_HANDLER_MODULE), "CallbackHandler", None)
    original = getattr(handler_class, "add_callback", None)
    if not isinstance(handler_class, type) or original is None or kind in getattr(original, _ADDED_MARK, ()):
        return
    handler_class.add_callback = _telling(original, kind, on_added, guard_or_own(guard))  # type: ignore[attr-defined] # a class found at run time


def _telling(
    original: Callable[..., Any],
    kind: type[CallbackT],
    on_added: Callable[[CallbackT, Any], None],
    guard: GuardFactory,
) -> Callable[..., Any]:
    @functools.wraps(original)
    def add_callback(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        added = self.callbacks[-1] if self.callbacks else None
        if isinstance(added, kind):
            with guard("find the trainer"):
                # None while the trainer is still being made: on_init_end follows.
                trainer = find_trainer(added)
                if trainer is not None:
                    on_added(added, trainer)
        return result

    setattr(add_callback, _ADDED_MARK, (*getattr(original, _ADDED_MARK, ()), kind))
    return add_callback


def _is_trainer_of(candidate: object, callback: object, handler: object) -> bool:
    own = getattr(candidate, "__dict__", {}).get("callback_handler")
    if own is None or not callable(getattr(type(candidate), "train", None)):
        return False
    return _holds(own, callback) if handler is None else own is handler


def _holds(handler: object, callback: object) -> bool:
    return any(known is callback for known in getattr(handler, "callbacks", ()))
