"""How coarse a gauge's readings turn out to be: in watts, and in the time for which each of them stands."""

from __future__ import annotations

import math
from collections import deque

_MILLIWATTS = 1000
# Different readings that share a divisor by chance are rarer the more there are and the larger it is. Steady work may
# show few, but to the milliwatt no real load stands still on a round figure, so that few are enough.
_FEWEST_DIFFERENT, _MOST_DIFFERENT = 2, 16
_FEWEST_DECADES = 8.0
# Readings that each were seen so many times in a row, one after another, and hardly ever come again: work does not
# stand still so regularly, and where it alternates between two steady loads the same readings return.
_STRETCHES = 8
_FEWEST_SEEN = 4
_FEWEST_DIFFERENT_STRETCHES = 6


class Grain:
    """Watches one gauge's readings, in order of time."""

    def __init__(self) -> None:
        self._divisor = 0
        self._different: set[int] = set()
        self._milliwatts = -1
        self._since_seconds = 0.0
        self._seen = 0
        self._stretches: deque[tuple[float, int, int]] = deque(maxlen=_STRETCHES)
        self._longest_seconds = 0.0

    def add(self, at_seconds: float, watts: float) -> float:
        """The next reading; for how long the one before had stood when it changed, 0 where it did not."""
        milliwatts = round(watts * _MILLIWATTS)
        if milliwatts == self._milliwatts:
            self._seen += 1
            return 0.0
        stood_seconds = at_seconds - self._since_seconds if self._seen else 0.0
        if self._seen:
            self._stretches.append((stood_seconds, self._seen, self._milliwatts))
            self._learn_renewal()
        self._milliwatts, self._since_seconds, self._seen = milliwatts, at_seconds, 1
        self._divisor = math.gcd(self._divisor, milliwatts)
        if len(self._different) < _MOST_DIFFERENT:
            self._different.add(milliwatts)
        return stood_seconds

    @property
    def step_watts(self) -> float:
        """The step in which readings come where that is coarser than a milliwatt, else 0."""
        count = len(self._different)
        if count < _FEWEST_DIFFERENT or count * math.log10(self._divisor) < _FEWEST_DECADES:
            return 0.0
        return self._divisor / _MILLIWATTS

    @property
    def renewal_seconds(self) -> float:
        """For how long each reading stood where it stood for several in a row, 0 where that was never so."""
        return self._longest_seconds

    def _learn_renewal(self) -> None:
        # The newest first: of most gauges it is all that has to be looked at.
        if self._seen < _FEWEST_SEEN or len(self._stretches) < _STRETCHES:
            return
        if min(seen for _, seen, _ in self._stretches) < _FEWEST_SEEN:
            return
        if len({milliwatts for *_, milliwatts in self._stretches}) >= _FEWEST_DIFFERENT_STRETCHES:
            mean = math.fsum(seconds for seconds, *_ in self._stretches) / _STRETCHES
            self._longest_seconds = max(self._longest_seconds, mean)
