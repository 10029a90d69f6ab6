"""Which arguments a person really gave: one equal to its default still outranks the environment; and where."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cardcallback import handlers
from cardcallback.errors import CardCallbackError
from cardcallback.settings import unknown_cure


def remember_given(initialise: Callable[..., None]) -> Callable[..., None]:
    """Wrap an ``__init__`` so that the names of its given arguments are in ``self._given`` before it runs.

    An unknown name raises a CardCallbackError that says which one was meant.
    """
    signature = inspect.signature(initialise)
    known = [name for name in signature.parameters if name != "self"]

    @functools.wraps(initialise)
    def remembering(self: Any, *args: Any, **kwargs: Any) -> None:
        unknown = next((name for name in kwargs if name not in known), None)
        if unknown is not None:
            msg = f"unknown argument {unknown}: {unknown_cure(unknown, known)}"
            raise CardCallbackError(msg)
        self._given = frozenset(signature.bind(self, *args, **kwargs).arguments) - {"self"}
        initialise(self, *args, **kwargs)

    return remembering


def working_directory() -> Path:
    """The working directory; of one that was removed the relative name, in which no file is found."""
    try:
        return Path.cwd()
    except OSError as error:
        handlers.pass_on(error)
        return Path()
