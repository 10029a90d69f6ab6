"""Where a model's adapters were loaded from: neither PEFT nor transformers keeps it."""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

_LOADERS = (
    ("peft.peft_model", "PeftModel", "model_id"),
    ("peft.mixed_model", "PeftMixedModel", "model_id"),
    ("transformers.integrations.peft", "PeftAdapterMixin", "peft_model_id"),
)
_METHOD = "load_adapter"
_MARK = "__cardcallback_adapter_loads__"
# Weak, so that a model which is dropped is collected.
_folders: weakref.WeakKeyDictionary[Any, list[Path]] = weakref.WeakKeyDictionary()


def watch_adapter_loads() -> None:
    """See from now on which folders adapters are loaded from; again it sees what was imported meanwhile.

    PEFT is found, never imported. What is loaded, and what goes wrong in loading it, is left as it is.
    """
    for module_name, class_name, argument in _LOADERS:
        kind = getattr(sys.modules.get(module_name), class_name, None)
        original = vars(kind).get(_METHOD) if isinstance(kind, type) else None
        if callable(original) and not hasattr(original, _MARK):
            setattr(kind, _METHOD, _seen(original, argument))


def adapter_folders(model: Any) -> tuple[Path, ...]:
    """The folders that a model's adapters were loaded from, in order, as far as that was seen."""
    try:
        return tuple(_folders.get(model, ()))
    except TypeError:  # no weak reference to it, so it is no model
        return ()


def _seen(original: Callable[..., Any], argument: str) -> Callable[..., Any]:
    @functools.wraps(original)
    def load_adapter(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        _remember(self, args[0] if args else kwargs.get(argument))
        return result

    setattr(load_adapter, _MARK, True)
    return load_adapter


def _remember(model: Any, place: Any) -> None:
    try:
        folder = Path(place)
        if folder.is_dir():
            _folders.setdefault(model, []).append(folder.resolve())
    except (TypeError, ValueError, OSError):
        return  # a Hub id, or nothing that a file system knows
