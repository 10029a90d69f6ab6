"""Series thinned while they grow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardcallback.recorder.traces import ThinnedTrace

VALUES = st.lists(st.floats(0, 1000), min_size=1, max_size=300)


@given(values=VALUES, most=st.integers(1, 40))
def test_a_maximum_is_never_lost(values: list[float], most: int) -> None:
    """However much is thinned, the highest reading stays a point."""
    trace = ThinnedTrace("maximum", 1.0, most)
    for second, value in enumerate(values):
        trace.add(second, value)
    points = trace.points()
    assert len(points) <= most
    assert max(value for _, value in points) == max(values)


@given(values=VALUES, most=st.integers(1, 40))
def test_times_are_in_order_and_inside(values: list[float], most: int) -> None:
    """Points keep the order and the span of the readings."""
    trace = ThinnedTrace("mean", 1.0, most)
    for second, value in enumerate(values):
        trace.add(second, value)
    times = [at for at, _ in trace.points()]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= len(values) - 1


def test_means_are_weighted_by_readings() -> None:
    """A point is the mean of all readings it stands for, however often it was merged."""
    trace = ThinnedTrace("mean", 1.0, 2)
    for second in range(8):
        trace.add(second, float(second))
    assert trace.points() == ((1.5, pytest.approx(1.5)), (5.5, pytest.approx(5.5)))


def test_gaps_stay_gaps() -> None:
    """No point stands where nothing was read."""
    trace = ThinnedTrace("mean", 1.0, 100)
    trace.add(0.0, 1.0)
    trace.add(50.0, 1.0)
    assert [at for at, _ in trace.points()] == [0.0, 50.0]


def test_negative_maxima_are_kept() -> None:
    """The first reading of a bucket is not compared with an empty one."""
    trace = ThinnedTrace("maximum", 1.0, 4)
    trace.add(0.0, -5.0)
    assert trace.points() == ((0.0, -5.0),)
