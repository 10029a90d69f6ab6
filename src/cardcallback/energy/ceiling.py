"""The most energy a device can have used in a short time: from what was read of it, and from what it may draw."""

from __future__ import annotations

import math
from dataclasses import dataclass

# How far above the highest reading the mean over a stretch that nobody read may lie, and how long such a stretch may
# be beside what was read: longer, the device may have begun to work in it.
SUSTAINED_MARGIN = 1.25
_SHORT_GAP_SHARE = 0.1
# How far above the mean over a window the power in a part of it is taken to lie at most: work that swings
# between idle and full load draws ten times its mean only where it idles for nine tenths of the time.
_HIGHEST_BURST = 10.0
# A power limit is a mean that the driver regulates to within a fraction of a second: shorter bursts pass it.
_BURST_OVER_LIMIT = 1.25
# A mean this far above the limit is no burst: either the reading is garbage or the limit is not the device's.
_IMPOSSIBLE_OVER_LIMIT = 1.5
# More than any one device or module draws.
IMPOSSIBLE_WATTS = 5000.0
# Nor is one so far above it another limit's: it is in another unit.
_ABSURD_OVER_LIMIT = 10.0
# No GPU draws so small a share of what it may: idle ones draw percents of it. A counter in another unit shows it.
_ABSURD_SHARE_OF_LIMIT = 0.002


@dataclass(frozen=True, slots=True)
class Ceiling:
    """``highest_watts`` is the highest mean over ``averaging_seconds`` that was read, 0 if none was.

    ``limit_watts`` is what the device may draw, as its driver or maker says; ``None`` where neither does.
    """

    highest_watts: float
    averaging_seconds: float
    limit_watts: float | None = None

    @property
    def known(self) -> bool:
        """Whether there is anything to bound with."""
        return self.highest_watts > 0

    def joules_in_gap(self, gap_seconds: float, watched_seconds: float) -> float | None:
        """The most energy of time that nobody watched: by the device's limit, or as in a much longer watched time.

        ``None`` where neither bounds it.
        """
        if gap_seconds <= 0:
            return 0.0
        if math.isfinite(self._burst_watts):
            return self._burst_watts / _BURST_OVER_LIMIT * gap_seconds
        if self.known and gap_seconds <= _SHORT_GAP_SHARE * watched_seconds:
            return SUSTAINED_MARGIN * self.highest_watts * gap_seconds
        return None

    def joules_if_allowed(self, seconds: float) -> float:
        """The most energy of that time by the device's own limit alone; infinite without one."""
        return self._burst_watts * seconds

    def most_shown(self, seconds: float, step_joules: float) -> tuple[float, float]:
        """How much a counter of such steps may move on, by what was seen of the device and by its limit."""
        return self.joules_within(seconds) + step_joules, self.joules_if_allowed(seconds) + step_joules

    def least_joules(self, seconds: float) -> float:
        """What a device at rest uses at least between two steps of its counter so far apart; 0 without a limit.

        A step of the counter shows at least half of that time, however old its values are.
        """
        watts = self._burst_watts / _BURST_OVER_LIMIT
        return _ABSURD_SHARE_OF_LIMIT * watts * seconds if math.isfinite(watts) else 0.0

    def joules_within(self, seconds: float) -> float:
        """The most energy of any stretch of that length.

        A mean over a window says what the whole window used and not when: a part of it may have used all.
        """
        if seconds <= 0:
            return 0.0
        burst = self.highest_watts * min(_HIGHEST_BURST * seconds, self.averaging_seconds + seconds)
        return min(max(burst, SUSTAINED_MARGIN * self.highest_watts * seconds), self._burst_watts * seconds)

    def highest_part(self, seconds: float) -> float:
        """The mean power of such a stretch, in watts."""
        return self.joules_within(seconds) / seconds if seconds > 0 else 0.0

    def forbids(self, watts: float) -> bool:
        """Whether a reading is more than the device can draw by its own limit."""
        return self.limit_watts is not None and watts > _IMPOSSIBLE_OVER_LIMIT * self.limit_watts

    def decides_against(self, watts: float, other_watts: float) -> bool:
        """Whether of two means of one time only the first is more than the device can draw."""
        if self.limit_watts is None:
            return other_watts < IMPOSSIBLE_WATTS < watts
        return self.forbids(watts) and other_watts <= self.limit_watts

    def rules_out(self, watts: float) -> bool:
        """Whether a reading is so far above the limit that no other limit explains it."""
        return self.limit_watts is not None and watts > _ABSURD_OVER_LIMIT * self.limit_watts

    @property
    def _burst_watts(self) -> float:
        # Readings above the limit refute it: it was raised since, or is another part's.
        if self.limit_watts is None or self.highest_watts > _BURST_OVER_LIMIT * self.limit_watts:
            return float("inf")
        return _BURST_OVER_LIMIT * self.limit_watts
