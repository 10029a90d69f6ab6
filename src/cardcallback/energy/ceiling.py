"""The most energy a device can have used in a short time: from what was read of it, and from what it may draw."""

from __future__ import annotations

from dataclasses import dataclass

# How far above the highest reading the mean over a stretch that nobody read may lie.
_SUSTAINED_MARGIN = 1.25
# How far above the mean over a window the power in a part of it is taken to lie at most: work that swings
# between idle and full load draws ten times its mean only where it idles for nine tenths of the time.
_HIGHEST_BURST = 10.0
# A power limit is a mean that the driver regulates to within a fraction of a second: shorter bursts pass it.
_BURST_OVER_LIMIT = 1.25
# A mean this far above the limit is no burst: either the reading is garbage or the limit is not the device's.
_IMPOSSIBLE_OVER_LIMIT = 1.5


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

    @property
    def sustained_watts(self) -> float:
        """A power the device is taken not to have exceeded for longer than readings average."""
        return min(_SUSTAINED_MARGIN * self.highest_watts, self._burst_watts)

    def joules_within(self, seconds: float) -> float:
        """The most energy of any stretch of that length.

        A mean over a window says what the whole window used and not when: a part of it may have used all.
        """
        if seconds <= 0:
            return 0.0
        burst = self.highest_watts * min(_HIGHEST_BURST * seconds, self.averaging_seconds + seconds)
        return min(max(burst, _SUSTAINED_MARGIN * self.highest_watts * seconds), self._burst_watts * seconds)

    def highest_part(self, seconds: float) -> float:
        """The mean power of such a stretch, in watts."""
        return self.joules_within(seconds) / seconds if seconds > 0 else 0.0

    def forbids(self, watts: float) -> bool:
        """Whether a reading is more than the device can draw by its own limit."""
        return self.limit_watts is not None and watts > _IMPOSSIBLE_OVER_LIMIT * self.limit_watts

    @property
    def _burst_watts(self) -> float:
        # Readings above the limit refute it: it was raised since, or is another part's.
        if self.limit_watts is None or self.highest_watts > _BURST_OVER_LIMIT * self.limit_watts:
            return float("inf")
        return _BURST_OVER_LIMIT * self.limit_watts
