"""Which answers of NVML are believed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardcallback.errors import SensorReadError
from cardcallback.sensors.nvml_errors import reason_at_start, reason_in_call
from cardcallback.sensors.nvml_values import (
    GpuProcess,
    celsius_from,
    count_others,
    hertz_from,
    joules_from,
    own_bytes_from,
    reasons_from,
    watts_from,
)


@given(st.integers(1, 10**15).filter(lambda millijoules: millijoules != 2**32 - 1))  # a driver's fill
def test_millijoules_become_joules(millijoules: int) -> None:
    """Any counter a GPU can reach is believed and converted."""
    assert joules_from(millijoules) == pytest.approx(millijoules / 1000)


@pytest.mark.parametrize(
    ("convert", "value", "expected"),
    [
        (watts_from, 3363, 3.363),
        (watts_from, 2_900_000, 2900.0),
        (celsius_from, 43, 43.0),
        (hertz_from, 208, 208e6),
        (reasons_from, 0, 0.0),
        (reasons_from, 0x24, 36.0),
    ],
)
def test_plain_answers_are_converted(convert: Callable[[int], float], value: int, expected: float) -> None:
    """Base units come out."""
    assert convert(value) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("convert", "value"),
    [
        (joules_from, 0),
        (joules_from, 2**64 - 1),
        (joules_from, 10**16),
        (watts_from, 0),
        (watts_from, 2**32 - 1),
        (watts_from, 2_779_096_485),
        (celsius_from, 0),
        (celsius_from, -40),
        (celsius_from, 165),
        (hertz_from, 0),
        (hertz_from, 42_949_672),
        (reasons_from, 2**64 - 1),
    ],
)
def test_impossible_answers_are_refused(convert: Callable[[int], float], value: int) -> None:
    """Stuck at zero, all ones and beyond any hardware is a failed reading, never a figure."""
    with pytest.raises(SensorReadError):
        convert(value)


def test_own_memory_is_the_sum_over_children() -> None:
    """A job of several processes holds what all of them hold."""
    listed = [GpuProcess(pid=pid, used_bytes=size) for pid, size in ((1, 10), (2, 20), (3, 40))]
    assert own_bytes_from(listed, frozenset({1, 3, 99})) == 50


def test_others_are_known_only_beside_us() -> None:
    """Where none of ours is listed, any listed process may be ours."""
    listed = [GpuProcess(pid=1, used_bytes=None), GpuProcess(pid=2, used_bytes=5), GpuProcess(pid=2, used_bytes=5)]
    assert count_others(listed, frozenset({1})) == 1
    assert count_others(listed, frozenset({9})) is None
    assert count_others([], frozenset({9})) is None


@given(st.integers(1, 10**6))
def test_every_code_has_a_one_line_reason(code: int) -> None:
    """Codes of drivers to come get a sentence too."""
    for reason in (reason_at_start(code), reason_in_call(code)):
        assert reason
        assert "\n" not in reason
