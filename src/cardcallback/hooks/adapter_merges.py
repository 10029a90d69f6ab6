"""What was merged into a model: PEFT gives back the base model, and nothing of it tells that."""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cardcallback.observe.plain import read

# Every tuner has PEFT's own method, but for older versions' that have one each.
_MERGERS = (("peft.tuners.tuners_utils", "BaseTuner"), ("peft.tuners.lora.model", "LoraModel"))
_METHOD = "merge_and_unload"
_MARK = "__cardcallback_adapter_merges__"


@dataclass(eq=False)
class Adapters:
    """The adapters in one model; it outlives that model in the one that they are merged into.

    ``folders`` are those they were loaded from by name, ``merged`` those of the ones that were merged.
    """

    folders: dict[str, Path] = field(default_factory=dict)
    merged: tuple[Path, ...] = ()


# Weak, so that a model which is dropped is collected.
_of_tuner: weakref.WeakKeyDictionary[Any, Adapters] = weakref.WeakKeyDictionary()
_merged: weakref.WeakKeyDictionary[Any, tuple[Adapters, ...]] = weakref.WeakKeyDictionary()


def watch_merges() -> None:
    """See from now on which adapters are merged; PEFT is found, never imported, and what it does is left as it is."""
    for module_name, class_name in _MERGERS:
        kind = getattr(sys.modules.get(module_name), class_name, None)
        original = vars(kind).get(_METHOD) if isinstance(kind, type) else None
        if callable(original) and not hasattr(original, _MARK):
            setattr(kind, _METHOD, _seen(original))


def adapters_of(model: Any) -> Adapters | None:
    """What is kept of the adapters in a model of PEFT's; ``None`` for any other."""
    tuner = read(model, "base_model")
    if not hasattr(getattr(type(tuner), _METHOD, None), _MARK):
        return None
    return _of_tuner.setdefault(tuner, Adapters())


def merged_adapters(model: Any) -> tuple[Adapters, ...]:
    """What was merged into a model, or into the one that its adapters lie over, in this process."""
    tuner = read(model, "base_model")
    below = (read(tuner, "model"), tuner, model)
    return tuple(dict.fromkeys(adapters for one in below for adapters in _merged_into(one)))


def _merged_into(model: Any) -> tuple[Adapters, ...]:
    try:
        return _merged.get(model, ())
    except TypeError:  # no weak reference to it, so it is no model
        return ()


def _seen(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def merge_and_unload(self: Any, *args: Any, **kwargs: Any) -> Any:
        names = args[2] if len(args) > 2 else kwargs.get("adapter_names")
        names = names or read(self, "active_adapters") or ()
        result = original(self, *args, **kwargs)
        _remember(self, result, names)
        return result

    setattr(merge_and_unload, _MARK, True)
    return merge_and_unload


def _remember(tuner: Any, result: Any, names: Any) -> None:
    try:
        adapters = _of_tuner.get(tuner)
        if adapters is not None:
            adapters.merged = tuple(folder for name, folder in adapters.folders.items() if name in names)
            _merged[result] = (*_merged.get(result, ()), adapters)
    except TypeError:
        return  # no model, or no names
