"""What holds for every test."""

from __future__ import annotations

import faulthandler
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


# A test that waits for what never comes ends its process with the place where each thread stands.
_LONGEST_TEST_SECONDS = 1800.0
_LONGEST_LONG_TEST_SECONDS = 7200.0
_LONG = ("slow", "matrix", "gpu")
_errors = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep the real standard error: while a test runs its own is captured."""
    config.stash[_errors] = os.dup(2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Bound each test; under pytest-xdist the others go on in another process."""
    long = any(item.get_closest_marker(name) for name in _LONG)
    longest = _LONGEST_LONG_TEST_SECONDS if long else _LONGEST_TEST_SECONDS
    seconds = float(os.environ.get("LONGEST_TEST_SECONDS", longest))
    faulthandler.dump_traceback_later(seconds, exit=True, file=item.config.stash[_errors])
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


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
