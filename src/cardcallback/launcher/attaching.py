"""In the command's own process: a ``CardCallback`` for every trainer that has none."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import sys
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

from cardcallback.guard import Guard

_MARK = "__cardcallback_launcher__"
_guard = Guard()
_given: weakref.WeakSet[Any] = weakref.WeakSet()


def watch_trainers(module: ModuleType) -> None:
    """Give a ``CardCallback`` to each handler of callbacks that is made from now on: every trainer makes one.

    One that a person gave is left alone, and ours makes way for one that comes later. What goes wrong warns once and
    nothing of it reaches the trainer.

    Args:
        module: transformers' ``trainer_callback``.
    """
    handler = module.CallbackHandler
    if hasattr(handler.__init__, _MARK):
        return
    handler.__init__ = _attaching(handler.__init__)
    handler.add_callback = _making_way(handler.add_callback)
    if not _is_worker():
        # Now, since adapters that are loaded before there is a trainer are to be seen. Where it cannot be imported
        # yet, the first trainer tries again and says what is wrong.
        with contextlib.suppress(Exception):
            importlib.import_module("cardcallback.callback")


def _attaching(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def initialise(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        with _guard("attach to a trainer"):
            _attach(self)

    setattr(initialise, _MARK, True)
    return initialise


def _making_way(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def add_callback(self: Any, callback: Any) -> Any:
        with _guard("make way for a callback"):
            if _is_card_callback(callback) and not _was_given(callback):
                self.callbacks[:] = [known for known in self.callbacks if not _was_given(known)]
        return original(self, callback)

    return add_callback


def _attach(handler: Any) -> None:
    from cardcallback.callback import CardCallback  # noqa: PLC0415 - it imports transformers
    from cardcallback.settings import is_switched_on  # noqa: PLC0415 - only where there is a trainer

    if is_switched_on(os.environ, "DISABLE") or any(isinstance(known, CardCallback) for known in handler.callbacks):
        return
    callback = CardCallback()
    _given.add(callback)
    handler.add_callback(callback)


def _is_card_callback(callback: Any) -> bool:
    kind = callback if isinstance(callback, type) else type(callback)
    return any(base.__module__ == "cardcallback.callback" for base in kind.__mro__)


def _was_given(callback: Any) -> bool:
    # By identity: other people's callbacks need not be hashable.
    return any(callback is known for known in _given)


def _is_worker() -> bool:
    """Whether this process was started by multiprocessing, to load data perhaps: it may never have a trainer."""
    multiprocessing = sys.modules.get("multiprocessing.process")
    return multiprocessing is not None and multiprocessing.parent_process() is not None
