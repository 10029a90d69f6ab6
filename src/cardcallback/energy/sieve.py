"""Power readings that cannot be true: above what the device may draw, or far above those that overlap them."""

from __future__ import annotations

from cardcallback.energy.ceiling import Ceiling
from cardcallback.energy.traits import PowerTraits

Reading = tuple[float, float]  # seconds, watts

# A reading this many times the one before is only believed when the next one is there.
_SUSPICIOUS_RISE = 2.0
# The windows of its neighbours overlap a mean whole, but for a refresh at either side: their sum bounds it, and
# twice that sum leaves room for what falls between.
_MOST_OF_NEIGHBOURS = 2.0
# Beside shorter windows the refresh between two readings is no small hole any more.
_SHORTEST_AVERAGING_SECONDS = 0.5


class ReadingSieve:
    """Passes readings on in order, at most one of them later than it came.

    ``refused`` counts what was left out; ``doubt_joules`` is what may have been used in the holes that two
    neighbours leave between them, where a reading was judged by them.
    """

    def __init__(self, traits: PowerTraits) -> None:
        self.refused = 0
        self.doubt_joules = 0.0
        self._averaging_seconds = traits.averaging_seconds
        self._refresh_seconds = traits.refresh_seconds
        self._passed: Reading | None = None
        self._held: Reading | None = None

    def pass_on(self, at_seconds: float, watts: float, ceiling: Ceiling) -> list[Reading]:
        """The readings that may be used now that this one is there."""
        if ceiling.forbids(watts):
            self.refused += 1
            return []
        newest = (at_seconds, watts)
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
