"""What the accounting has to know of an energy counter and of a power gauge."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

# NVIDIA's counters from Volta on were seen to advance about every 100 ms.
USUAL_REFRESH_SECONDS = 0.1
# Shorter than this a missing stretch is interpolated, with its doubt; longer, it is a gap.
_SHORTEST_GAP_SECONDS = 0.5
# One reading that fails is no gap: between its neighbours lie two distances that may each be half as long again.
_GAP_INTERVALS = 3
# A gauge that is blind between refreshes can lock onto work that repeats as it refreshes. Training steps
# repeat at up to some tens of hertz, so only a faster gauge may be trusted to see the shape of the work.
_LOCKING_REFRESH_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class CounterTraits:
    """A cumulative energy counter: how often it is renewed, and where (joules) it starts again at zero.

    ``refresh_seconds`` ``None``: nobody published it, and it is watched for. Readings further apart than
    ``turn_seconds`` may hide a whole turn. ``resolution_joules`` is the smallest step it shows.
    """

    refresh_seconds: float | None = USUAL_REFRESH_SECONDS
    wraps_at: float | None = None
    turn_seconds: float = float("inf")
    resolution_joules: float = 0.0


@dataclass(frozen=True, kw_only=True)  # without slots, so that what follows from it is worked out once
class PowerTraits:
    """A power gauge: each reading is the mean of the past ``averaging_seconds``, renewed every refresh.

    ``interval_seconds`` is how often it is read, ``resolution_watts`` the smallest step it shows,
    ``delivered_seconds`` how long after its time a reading may come.
    """

    averaging_seconds: float = 0.0
    refresh_seconds: float = 0.0
    interval_seconds: float = 1.0
    resolution_watts: float = 0.0
    delivered_seconds: float = 0.0

    @cached_property
    def lag_seconds(self) -> float:
        """How long ago, on average, the middle of what a reading saw is."""
        return (self.averaging_seconds + self.refresh_seconds) / 2

    @cached_property
    def sight_seconds(self) -> float:
        """How much time one reading speaks for."""
        return max(self.averaging_seconds, self.refresh_seconds)

    @cached_property
    def gap_after_seconds(self) -> float:
        """The longest unseen stretch that is still interpolated."""
        return max(_GAP_INTERVALS * self.interval_seconds, self.sight_seconds, _SHORTEST_GAP_SECONDS)

    @cached_property
    def blind_share(self) -> float:
        """The share of time in which the gauge itself does not look."""
        if self.refresh_seconds <= self.averaging_seconds:
            return 0.0
        return 1 - self.averaging_seconds / self.refresh_seconds

    @cached_property
    def sees_everything(self) -> bool:
        """Whether each moment is in some reading, so that the integral misses nothing that the device did."""
        return self.blind_share == 0 and self.interval_seconds <= self.sight_seconds

    @cached_property
    def may_lock(self) -> bool:
        """Whether what the gauge does not see may differ, always in the same way, from what it sees."""
        return self.blind_share > 0 and self.refresh_seconds >= _LOCKING_REFRESH_SECONDS
