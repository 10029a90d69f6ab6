"""The benchmark of slow drivers: its line of a table, what it calls broken, and one run of it."""

from __future__ import annotations

import pytest

from schedule_run import Outcome, Watch
from simulator import build_problem
from slow_calls import broken, outcome_of, row


def outcome(value: float | None, *, high: float | None = 130.0, coverage: float | None = 1.0) -> Outcome:
    """A run that used 100 J, of which ``value`` were measured by eight readings."""
    watch = Watch(share=1.0, lead_seconds=0.0, tail_seconds=0.0, longest_pause_seconds=30.0, calls=8)
    return Outcome(
        seed=1,
        device="p100",
        faults=("slow calls",),
        duration=600.0,
        truth=100.0,
        value=value,
        low=None if value is None else 80.0,
        high=high,
        method="integrated_power",
        coverage=coverage,
        reason=None,
        counter=None,
        gauge=watch,
        gauge_sees_all=False,
        gauge_window=0.01,
        notes=(),
        driver_share=0.00125,
    )


def test_a_line_hides_no_run() -> None:
    """Ten runs, the worst of which has no figure and one of which has a gap."""
    outcomes = [*(outcome(100.0 + off) for off in range(1, 9)), outcome(110.0, coverage=0.9), outcome(None, high=None)]
    cells = [cell.strip() for cell in row("p100", 600.0, outcomes).strip("|").split("|")]
    assert cells[:2] == ["D", "600 s"]
    assert cells[2] == "5.50%"
    assert cells[3:5] == ["inf%", "inf%"]
    assert cells[6:] == ["10 of 10", "1", "8", "0.125%"]


def test_gaps_and_intervals_that_do_not_hold_are_broken() -> None:
    """One miss in a hundred is what the design allows; a gap where nothing failed is none too few."""
    held, missed = outcome(101.0), outcome(90.0, high=95.0)
    assert broken([held] * 99 + [missed]) == []
    assert len(broken([held] * 98 + [missed] * 2)) == 1
    assert len(broken([held] * 99 + [outcome(101.0, coverage=0.93)])) == 1


@pytest.mark.parametrize("device", ["p100", "p100-samples"])
def test_ten_minutes_of_slow_calls_are_watched_throughout(device: str) -> None:
    """Random work, calls of 20 ms: intervals that hold, no gap, and about a thousandth of the driver's time."""
    if build_problem() is not None:
        pytest.skip(build_problem() or "")
    outcomes = [outcome_of(device, 600.0, 0.02, seed) for seed in (19, 20, 21, 22, 26, 28)]
    assert broken(outcomes) == []
    assert max(one.driver_share for one in outcomes) < 0.003
