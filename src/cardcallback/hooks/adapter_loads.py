"""Where a model's adapters were loaded from: neither PEFT nor transformers keeps it."""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import sys
import weakref
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from cardcallback import handlers
from cardcallback.errors import CardCallbackError
from cardcallback.hooks.adapter_merges import adapters_of, merged_adapters, watch_merges
from cardcallback.settings import is_switched_on

_LOADERS = (
    ("peft.peft_model", "PeftModel", "model_id"),
    ("peft.mixed_model", "PeftMixedModel", "model_id"),
    ("transformers.integrations.peft", "PeftAdapterMixin", "peft_model_id"),
)
_METHOD = "load_adapter"
_MARK = "__cardcallback_adapter_loads__"
_DEFAULT_NAME = "default"
# By adapter's name; weak, so that a model which is dropped is collected.
_folders: weakref.WeakKeyDictionary[Any, dict[str, Path]] = weakref.WeakKeyDictionary()


def watch_adapter_loads(environ: Mapping[str, str]) -> None:
    """See from now on which folders adapters are loaded from.

    PEFT is imported by transformers' Trainer where it is installed, never here. What is loaded, and what goes wrong in
    loading it, is left as it is.

    Args:
        environ: the process's environment; where it switches everything off, PEFT is not touched.
    """
    if _is_disabled(environ):
        return
    _load_trainer()
    for module_name, class_name, argument in _LOADERS:
        kind = getattr(sys.modules.get(module_name), class_name, None)
        original = vars(kind).get(_METHOD) if isinstance(kind, type) else None
        if callable(original) and not hasattr(original, _MARK):
            setattr(kind, _METHOD, _seen(original, argument))
    watch_merges()


def _load_trainer() -> None:
    # transformers 5 has loaded PEFT with its callbacks, 4 does with its Trainer: an adapter may be loaded before that.
    if "peft" not in sys.modules and importlib.util.find_spec("peft") is not None:
        with contextlib.suppress(ImportError, RuntimeError):  # the second is transformers' own, of modules it delays
            importlib.import_module("transformers.trainer")


def _is_disabled(environ: Mapping[str, str]) -> bool:
    try:
        return is_switched_on(environ, "DISABLE")
    except CardCallbackError:
        return True  # neither on nor off: an import does not raise, the construction that follows does


def adapter_folders(model: Any) -> tuple[Path, ...]:
    """The folders that a model's active adapters, and those merged into it, were loaded from, as far as that was seen.

    One that is loaded beside them, such as a reference to train against, is no part of what is trained.
    """
    try:
        loaded = _folders.get(model, {})
    except TypeError:  # no weak reference to it, so it is no model
        return ()
    active = _active_names(model)
    merged = (folder for adapters in merged_adapters(model) for folder in adapters.merged)
    return (*merged, *(folder for name, folder in loaded.items() if active is None or name in active))


def _active_names(model: Any) -> Collection[str] | None:
    active = getattr(model, "active_adapters", None)  # PEFT has a property, transformers a method
    if callable(active):
        try:
            active = active()
        except Exception as error:  # noqa: BLE001  a foreign method may raise anything; it is then not known
            handlers.pass_on(error)
            return None
    return active if isinstance(active, (list, tuple, set)) else None


def _seen(original: Callable[..., Any], argument: str) -> Callable[..., Any]:
    @functools.wraps(original)
    def load_adapter(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        name = args[1] if len(args) > 1 else kwargs.get("adapter_name")
        _remember(self, args[0] if args else kwargs.get(argument), name or _DEFAULT_NAME)
        return result

    setattr(load_adapter, _MARK, True)
    return load_adapter


def _remember(model: Any, place: Any, name: str) -> None:
    try:
        folder = Path(place)
        if folder.is_dir():
            _folders.setdefault(model, {})[name] = folder.resolve()
            adapters = adapters_of(model)
            if adapters is not None:
                adapters.folders[name] = folder.resolve()
    except (TypeError, ValueError, OSError) as error:
        handlers.pass_on(error)
        return  # a Hub id, or nothing that a file system knows
