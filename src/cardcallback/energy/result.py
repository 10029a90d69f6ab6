"""What the accounting of one device ends in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from cardcallback.record import Method

Verdict = Literal["consistent", "inconsistent", "not resolved"]

# Closer than this, two sensors are called consistent.
CONSISTENT_SHARE = 0.02
# A shorter visit of a phase is smaller than what lag and refresh blur.
SHORTEST_VISIT_SECONDS = 3.0
# Lag and refresh weigh too much in a shorter comparison.
SHORTEST_COMPARISON_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class EnergyResult:
    """Joules of the watched part of a window and their proved bounds.

    ``gap_seconds`` of the window were watched by nothing: their energy is not in ``joules`` but in
    ``high``, which is ``None`` where nothing bounds it (the device was lost before the end).
    ``unseen_seconds`` lie where the sensor did not look but readings around them stand for them.
    """

    joules: float
    low: float
    high: float | None
    method: Method
    gap_seconds: float = 0.0
    longest_gap_seconds: float = 0.0
    unseen_seconds: float = 0.0

    def coverage(self, duration_seconds: float) -> float | None:
        """The share of the window for which readings stand; ``None`` for a window without length."""
        return _rest_share(self.gap_seconds, duration_seconds)

    def observed(self, duration_seconds: float) -> float | None:
        """The share of the window at which the sensor looked; ``None`` for a window without length."""
        return _rest_share(self.gap_seconds + self.unseen_seconds, duration_seconds)

    def is_surer_than(self, other: EnergyResult) -> bool:
        """Whether its bounds are narrower, and nothing is missing from it."""
        if self.high is None or self.gap_seconds > other.gap_seconds:
            return False
        return other.high is None or self.high - self.low < other.high - other.low


@dataclass(frozen=True, kw_only=True, slots=True)
class Consistency:
    """Counter and integrated power over the intervals that both watched.

    ``doubt_joules`` is how far apart sampling alone may make them.
    """

    seconds: float
    counter_joules: float
    integrated_joules: float
    doubt_joules: float = 0.0

    @property
    def apart(self) -> float:
        """How far the integral is from the counter, as a share of the counter; never negative."""
        return abs(self.relative_difference)

    @property
    def relative_difference(self) -> float:
        """The same with its sign: positive where the integral is higher."""
        if self.counter_joules <= 0:
            return float("inf")
        return (self.integrated_joules - self.counter_joules) / self.counter_joules

    @property
    def verdict(self) -> Verdict:
        """Close enough to be called consistent, which does not prove them right; or whether sampling explains it."""
        if self.apart <= CONSISTENT_SHARE:
            return "consistent"
        explained = abs(self.integrated_joules - self.counter_joules) <= self.doubt_joules
        return "not resolved" if explained else "inconsistent"


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountResult:
    """The energies of one window; ``None`` where the sensor is missing or gave nothing to build on.

    ``consistency`` is ``None`` where both were not watched together for long enough.
    """

    duration_seconds: float
    counter: EnergyResult | None
    integrated: EnergyResult | None
    best: EnergyResult | None
    consistency: Consistency | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit of a phase; times are on the readings' clock."""

    phase: str
    begin_seconds: float
    end_seconds: float


@dataclass(slots=True)
class PhaseSum:
    """Energy of all visits of one phase so far; ``unknown`` if one visit could not be told.

    ``doubt_joules`` goes either way; ``gap_seconds`` of the visits were not watched, with ``gap_joules`` in
    them at most (infinite where nothing bounds it); ``short_seconds`` belong to visits too short to resolve.
    """

    seconds: float = 0.0
    visits: int = 0
    short_seconds: float = 0.0
    joules: float = 0.0
    doubt_joules: float = 0.0
    gap_seconds: float = 0.0
    gap_joules: float = 0.0
    unknown: bool = False

    def add_visit(self, seconds: float) -> None:
        """One more visit."""
        self.visits += 1
        self.seconds += seconds
        self.short_seconds += seconds if seconds < SHORTEST_VISIT_SECONDS else 0.0

    def add_gap(self, seconds: float, most_joules: float | None) -> None:
        """Time of a visit that was not watched; ``most_joules`` is None where nothing bounds them."""
        self.gap_seconds += seconds
        self.gap_joules += math.inf if most_joules is None else most_joules


def _rest_share(missing_seconds: float, duration_seconds: float) -> float | None:
    if duration_seconds <= 0:
        return None
    return min(max(1 - missing_seconds / duration_seconds, 0.0), 1.0)
