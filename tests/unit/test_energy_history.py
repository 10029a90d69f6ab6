"""The history that forgets detail with age."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardcallback.energy.history import Cumulative, FadingHistory


def filled(count: int) -> FadingHistory:
    """One point a second at a constant 50 W."""
    history = FadingHistory()
    for second in range(count):
        history.append(Cumulative(float(second), 50.0 * second, 0.0))
    return history


@given(count=st.integers(2, 3000), share=st.floats(0, 1))
def test_a_straight_line_is_found_again_at_any_age(count: int, share: float) -> None:
    """Every time since the first point can be asked, and a constant power is exact."""
    at = share * (count - 1)
    found = filled(count).at(at)
    assert found is not None
    assert found.joules == pytest.approx(50.0 * at)


@given(count=st.integers(10, 3000), share=st.floats(0, 0.99))
def test_spacing_stays_a_small_part_of_the_age(count: int, share: float) -> None:
    """The further back, the coarser, but never coarser than a few percent of the age."""
    at = share * (count - 1)
    found = filled(count).at(at)
    assert found is not None
    assert found.spacing_seconds <= max(1.0, 0.05 * (count - 1 - at) + 2)


def test_before_the_first_and_after_the_last_point_is_unknown() -> None:
    """Nothing is extended."""
    history = filled(10)
    assert history.at(-0.1) is None
    assert history.at(9.1) is None
    assert FadingHistory().at(0.0) is None


def test_memory_grows_with_the_logarithm() -> None:
    """A million points keep a few hundred."""
    history = filled(200_000)
    assert sum(len(level) for level in history._levels) < 64 * 14
