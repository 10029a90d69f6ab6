"""Stretches in which a gauge repeats one value exactly: a steady load, or a sensor that stands still."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass

from cardcallback.energy.history import NEVER, Stretch

# Fewer equal readings in a row may be chance, or read within one refresh.
_STILL_READINGS = 4
# So many of the longest stretches are kept; all but so few of them show what is usual.
_KEPT = 16
_MOST_UNUSUAL = 4
_FEWEST_USUAL = 8
# Work repeats its steps: a stretch this many times as long as any of its others is not one of them. Readings in
# thousandths of a watt do not repeat for that long where a load is merely steady.
_UNUSUAL = 4.0
_SHORTEST_UNUSUAL_SECONDS = 20.0
# Only an idle device may be as steady as that: at its lowest power, give or take so much.
_IDLE_SHARE = 0.02


@dataclass(frozen=True, order=True, slots=True)
class Still:
    """A stretch of equal readings, the shortest first."""

    seconds: float
    watts: float


class Stillness:
    """Watches for stretches of equal readings; ``latest`` is the newest one that is no chance."""

    def __init__(self) -> None:
        self.latest: Stretch = NEVER
        self.longest_seconds = 0.0
        self._kept: list[Still] = []
        self._since = math.inf
        self._at = math.inf
        self._watts = math.nan
        self._readings = 0

    def add(self, at_seconds: float, watts: float) -> None:
        """The next reading, in order of time."""
        if watts != self._watts:
            self._keep()
            self._since, self._watts, self._readings = at_seconds, watts, 0
        self._at = at_seconds
        self._readings += 1
        if self._readings >= _STILL_READINGS:
            self.latest = (self._since, at_seconds)
            self.longest_seconds = max(self.longest_seconds, at_seconds - self._since)

    def unusual(self, lowest_watts: float) -> list[Still]:
        """The stretches far longer than all others, in which the gauge may have stood still; not those at idle."""
        newest = [Still(self._at - self._since, self._watts)] if self._readings else []
        idle_watts = (1 + _IDLE_SHARE) * lowest_watts
        ordered = sorted(one for one in self._kept + newest if one.watts > idle_watts)
        for usual in range(max(len(ordered) - _MOST_UNUSUAL, _FEWEST_USUAL), len(ordered)):
            if ordered[usual].seconds > max(_SHORTEST_UNUSUAL_SECONDS, _UNUSUAL * ordered[usual - 1].seconds):
                return ordered[usual:]
        return []

    def _keep(self) -> None:
        if self._readings:
            bisect.insort(self._kept, Still(self._at - self._since, self._watts))
            del self._kept[: max(len(self._kept) - _KEPT, 0)]
