"""What holds for every test."""

from __future__ import annotations

import io
import os
import pathlib
import signal
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from cardcallback import guard


def _asked_when_called(module: ModuleType, name: str) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        return getattr(module, name)(*args, **options)

    return call


# Python 3.10's paths keep the functions that stood in os when pathlib was loaded: a test's stand-in would be passed by.
_kept = getattr(pathlib, "_normal_accessor", None)
for _module in (os, io):
    for _name, _function in vars(type(_kept)).items():
        if getattr(_module, _name, None) is _function:
            setattr(_kept, _name, _asked_when_called(_module, _name))


@pytest.fixture(autouse=True, scope="session")
def _interruptible() -> Iterator[None]:
    """What a shell starts in the background ignores Ctrl-C, and so would all that tests send it to or start."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.fixture(autouse=True)
def _nothing_is_swallowed(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test in which one of our failures was caught and hidden, unless it is about that."""
    guard.swallowed.clear()
    yield
    caught = list(guard.swallowed)
    guard.swallowed.clear()
    if request.node.get_closest_marker("expects_failure") is None:
        assert not caught, f"swallowed: {caught!r}"
