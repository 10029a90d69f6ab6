"""Power readings that cannot be true: above what the device may draw, or far above those that overlap them."""

from __future__ import annotations

import math

from cardcallback.energy.ceiling import Ceiling
from cardcallback.energy.traits import PowerTraits

Reading = tuple[float, float]  # seconds, watts

# A reading this many times the one before is only believed when the next one is there.
_SUSPICIOUS_RISE = 2.0
# The windows of its neighbours overlap a mean whole, but for a refresh at either side: their sum bounds it, and
# twice that sum leaves room for what falls between.
_MOST_OF_NEIGHBOURS = 2.0
# Garbage above the device's limit comes and goes. What stays there for so long and flickers as readings do, or comes
# back for so much of the time, is work: the limit was raised since it was told, or is another part's.
_LASTING_SECONDS = 5.0
_RECURRING_SECONDS, _RECURRING_SHARE = 10.0, 0.05
# Only a reading that is near the one before it counts for that, and a leap from one to the next as much against it:
# garbage leaps. A few readings that lie far apart are no more of a proof than a few that follow each other soon.
_NEAR = 1.5
_MOST_SECONDS_A_READING = 1.0
# Beside shorter windows the refresh between two readings is no small hole any more.
_SHORTEST_AVERAGING_SECONDS = 0.5


class ReadingSieve:
    """Passes readings on in order, at most one of them later than it came.

    ``refused`` counts what was left out; ``doubt_joules`` is what may have been used in the holes that two
    neighbours leave between them, where a reading was judged by them. ``limit_refuted``: readings above the device's
    limit turned out to be true.
    """

    def __init__(self, traits: PowerTraits) -> None:
        self.refused = 0
        self.doubt_joules = 0.0
        self.limit_refuted = False
        self._above: list[Reading] = []
        self._refused_watts: float | None = None
        self._stretch_seconds = self._above_seconds = self._above_joules = 0.0
        self._begin_seconds = math.inf
        self._newest: Reading = (-math.inf, 0.0)
        self._longest_step_seconds = traits.gap_after_seconds
        self._averaging_seconds = traits.averaging_seconds
        self._refresh_seconds = traits.refresh_seconds
        self._passed: Reading | None = None
        self._held: Reading | None = None

    def pass_on(self, at_seconds: float, watts: float, ceiling: Ceiling) -> list[Reading]:
        """The readings that may be used now that this one is there."""
        if ceiling.rules_out(watts):
            self.refused += 1
            return []
        newest = (at_seconds, watts)
        before, self._newest = self._newest, newest
        self._begin_seconds = min(self._begin_seconds, at_seconds)
        if not self.limit_refuted and ceiling.forbids(watts):
            return self._above_limit(newest, before)
        self._refuse_above(newest)
        if self._held is not None:
            released = [newest] if self._contradicted(self._held, newest, ceiling) else [self._held, newest]
            self._held = None
        elif self._suspicious(newest):
            self._held = newest
            return []
        else:
            released = [newest]
        self._passed = released[-1]
        return released

    @property
    def doubts_limit(self) -> bool:
        """Whether it may soon turn out that the device's limit does not hold."""
        return len({watts for _, watts in self._above}) > 1

    @property
    def left_out(self) -> int:
        """How many readings count for nothing so far."""
        return self.refused + len(self._above)

    @property
    def lacking_joules(self) -> float:
        """What readings that were left out as above the limit may have told, now that it does not hold."""
        return self._above_joules if self.limit_refuted else 0.0

    def _above_limit(self, reading: Reading, before: Reading) -> list[Reading]:
        above, (now_seconds, watts) = self._above, reading
        if len(above) > 1 and above[-1][1] == above[-2][1] == watts:
            del above[-1]  # one value over and over is none that was measured
            self.refused += 1
        else:
            self._weigh(reading, before)
        above.append(reading)
        flickers = self.doubts_limit or self._refused_watts not in {None, watts}
        if not flickers or not self._stays_above(now_seconds):
            return []
        released = above if self._held is None else [self._held, *above]
        self._above, self._held = [], None
        self._passed, self.limit_refuted = released[-1], True
        return released

    def _weigh(self, reading: Reading, before: Reading) -> None:
        # What lies between two readings far apart nobody saw.
        seen_seconds = min(reading[0] - before[0], self._longest_step_seconds, _MOST_SECONDS_A_READING)
        if not before[1] / _NEAR <= reading[1] <= _NEAR * before[1]:
            if not self._above:
                return  # from below the limit: that is how work begins, too
            seen_seconds = -seen_seconds
        self._stretch_seconds = max(self._stretch_seconds + seen_seconds, 0.0)
        self._above_seconds = max(self._above_seconds + seen_seconds, 0.0)

    def _stays_above(self, now_seconds: float) -> bool:
        recurring_seconds = max(_RECURRING_SECONDS, _RECURRING_SHARE * (now_seconds - self._begin_seconds))
        return self._stretch_seconds >= _LASTING_SECONDS or self._above_seconds >= recurring_seconds

    def _refuse_above(self, after: Reading) -> None:
        """A reading that the limit allows shows that those before it did not last."""
        if not self._above:
            return
        before = self._passed or after
        excess_watts = max(watts for _, watts in self._above) - (before[1] + after[1]) / 2
        self._above_joules += max(excess_watts, 0.0) * (after[0] - min(before[0], self._above[0][0]))
        self.refused += len(self._above)
        self._refused_watts = self._above[-1][1]
        self._above, self._stretch_seconds = [], 0.0

    def _suspicious(self, reading: Reading) -> bool:
        if self._passed is None or not self._overlap(self._passed, reading):
            return False
        return reading[1] > _SUSPICIOUS_RISE * self._passed[1]

    def _contradicted(self, held: Reading, after: Reading, ceiling: Ceiling) -> bool:
        if self._passed is None or not self._overlap(held, after):
            return False
        if held[1] <= _MOST_OF_NEIGHBOURS * (self._passed[1] + after[1]):
            return False
        self.refused += 1
        self.doubt_joules += ceiling.joules_within(2 * self._refresh_seconds)
        return True

    def _overlap(self, earlier: Reading, later: Reading) -> bool:
        """Whether each window holds half of the other's time, but for a refresh."""
        if self._averaging_seconds < _SHORTEST_AVERAGING_SECONDS:
            return False
        return later[0] - earlier[0] <= self._averaging_seconds / 2 + self._refresh_seconds
