"""Sees transformers' callbacks being imported, tells cardcallback, and is gone.

Only what every interpreter has loaded anyway is imported: processes that never train pay for this too.
"""

from __future__ import annotations

import _thread
import os
import sys

TYPE_CHECKING = False  # loading typing for it would take longer than all else here
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

# Not the trainer's own module: tools replace Trainer.__init__, but every trainer makes a handler of callbacks.
_AWAITED = "transformers.trainer_callback"


def install() -> None:
    """Wait for transformers' callbacks in this process."""
    sys.meta_path.insert(0, _Finder())


class _Finder:
    """Finds nothing itself: of the one module that is awaited, it looks over the loader's shoulder."""

    def __init__(self) -> None:
        self._searching: set[int] = set()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """What the other finders find; None for every other module."""
        thread = _thread.get_ident()
        if name != _AWAITED or thread in self._searching:
            return None
        # Other people's finders ask all finders in turn, this one too.
        self._searching.add(thread)
        try:
            spec = self._found_by_others(name, path, target)
        finally:
            self._searching.discard(thread)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _Loader(spec.loader, self)
        return spec

    def _found_by_others(self, name: str, path: Any, target: Any) -> Any:
        for finder in list(sys.meta_path):
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find is not None else None
            if spec is not None:
                return spec
        return None

    def remove(self) -> None:
        # A new list: another thread that is going through the old one must not miss its next finder.
        sys.meta_path = [finder for finder in sys.meta_path if finder is not self]


class _Loader:
    """The module's own loader, with something to do once it has run."""

    def __init__(self, loader: Any, finder: _Finder) -> None:
        self._loader = loader
        self._finder = finder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def exec_module(self, module: ModuleType) -> None:
        """Load the module as it would have been, then attach."""
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._finder.remove()
        _attach(module)


def _attach(module: ModuleType) -> None:
    try:
        from cardcallback.launcher.attaching import watch_trainers  # noqa: PLC0415 - only where it is needed

        watch_trainers(module)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with us, the command goes on as if we were not there
        _tell(error)


def _tell(error: Exception) -> None:
    if os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")) not in {"", "0"}:
        return  # of several processes one speaks
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == "cardcallback":
        why = "the Python of this command has no cardcallback, or too old a one"
    else:
        why = f"cardcallback cannot be used in the Python of this command ({type(error).__name__}: {error})"
    line = f"cardcallback: not measured: {why}; for the next run: {sys.executable} -m pip install -U cardcallback"
    if sys.stderr is not None:
        sys.stderr.write(" ".join(line.split()) + "\n")
