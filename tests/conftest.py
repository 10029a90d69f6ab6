"""What holds for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cardcallback import guard


@pytest.fixture(autouse=True)
def _nothing_is_swallowed(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test in which one of our failures was caught and hidden, unless it is about that."""
    guard.swallowed.clear()
    yield
    caught = list(guard.swallowed)
    guard.swallowed.clear()
    if request.node.get_closest_marker("expects_failure") is None:
        assert not caught, f"swallowed: {caught!r}"
