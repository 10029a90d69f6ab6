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
# Work repeats its steps: a stretch so many times as long as any usual one is not one of them.
_UNUSUAL = 4.0
# Small changes that turn up and down so often are noise, to a thousandth of a watt: readings with noise do not repeat
# for long by themselves.
_NOISY_TURNS = 0.25
_FEWEST_CHANGES = 20
_NOISE_SHARE = 0.02
_DIGITS = 3
_SHORTEST_SECONDS, _SHORTEST_READINGS = 2.0, 16
# Where they are as smooth as the work, a pause in the work is as steady; a device may be so at its lowest power.
_SHORTEST_SMOOTH_SECONDS = 20.0
_IDLE_SHARE = 0.02


@dataclass(frozen=True, order=True, slots=True)
class Still:
    """A stretch of equal readings, the shortest first."""

    seconds: float
    watts: float
    readings: int = 1


@dataclass(frozen=True, slots=True)
class StillDoubt:
    """For how long a gauge may have stood still, and how much less and more was used than it showed.

    More is infinite where nothing bounds it, as in a gap.
    """

    seconds: float
    less_joules: float
    more_joules: float


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
        self._highest = 0.0
        self._rose = False
        self._turns = 0
        self._small_turns = 0
        self._small_changes = 0

    def add(self, at_seconds: float, watts: float) -> None:
        """The next reading, in order of time."""
        watts = round(watts, _DIGITS)
        self._highest = max(self._highest, watts)
        if watts != self._watts:
            self._note_turn(watts - self._watts)
            self._keep()
            self._since, self._watts, self._readings = at_seconds, watts, 0
        self._at = at_seconds
        self._readings += 1
        if self._readings >= _STILL_READINGS:
            self.latest = (self._since, at_seconds)
            self.longest_seconds = max(self.longest_seconds, at_seconds - self._since)

    def unusual(self, lowest_watts: float) -> list[Still]:
        """The stretches far longer than all others, in which the gauge may have stood still."""
        stretches = sorted(self._kept + self._newest())
        if self._small_changes >= _FEWEST_CHANGES and self._small_turns > _NOISY_TURNS * self._small_changes:
            return [one for one in _unusual_of(stretches, _SHORTEST_SECONDS) if one.readings >= _SHORTEST_READINGS]
        if self._turns < _FEWEST_CHANGES:
            return []  # a ramp, or a few steps: what comes next is as steady as any
        idle_watts = (1 + _IDLE_SHARE) * lowest_watts
        return _unusual_of([one for one in stretches if one.watts > idle_watts], _SHORTEST_SMOOTH_SECONDS)

    def _note_turn(self, change: float) -> None:
        turned = (change > 0) != self._rose
        self._rose = change > 0
        self._turns += turned
        if abs(change) <= _NOISE_SHARE * self._highest:
            self._small_changes += 1
            self._small_turns += turned

    def _newest(self) -> list[Still]:
        return [Still(self._at - self._since, self._watts, self._readings)] if self._readings else []

    def _keep(self) -> None:
        for ended in self._newest():
            bisect.insort(self._kept, ended)
            del self._kept[: max(len(self._kept) - _KEPT, 0)]


def _unusual_of(ordered: list[Still], shortest_seconds: float) -> list[Still]:
    for usual in range(max(len(ordered) - _MOST_UNUSUAL, _FEWEST_USUAL), len(ordered)):
        if ordered[usual].seconds > max(shortest_seconds, _UNUSUAL * ordered[usual - 1].seconds):
            return ordered[usual:]
    return []
