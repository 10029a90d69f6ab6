"""Stretches in which a gauge repeats one value exactly: a steady load, or a sensor that stands still."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass, field

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
_SHORTEST_SECONDS, _FEWEST_READINGS = 2.0, 6
# Where they are as smooth as the work, a pause in the work is as steady; a device may be so at its lowest power.
_SHORTEST_SMOOTH_SECONDS = 20.0
_IDLE_SHARE = 0.02
# Readings that hardly ever come twice in a row are restless, if not noise: a pause in such work is short.
_MOST_RESTLESS_READINGS = 3
_SHORTEST_RESTLESS_SECONDS = 5.0
# A gauge that a driver renews only now and then stands still between: so few renewals are no sample of the work.
_FEWEST_RENEWALS, _MOST_RENEWALS = 2, 8


@dataclass(order=True, slots=True)
class Still:
    """A stretch of equal readings, the shortest first; for ``witnessed_seconds`` of it a counter told the energy."""

    seconds: float
    watts: float
    readings: int = 1
    since_seconds: float = field(default=0.0, compare=False)
    witnessed_seconds: float = field(default=0.0, compare=False)

    @property
    def alone_seconds(self) -> float:
        """For how long nothing but the gauge told the energy."""
        return max(self.seconds - self.witnessed_seconds, 0.0)


@dataclass(frozen=True, slots=True)
class StillDoubt:
    """For how long a gauge may have stood still, and how much less and more was used than it showed.

    More is infinite where nothing bounds it, as in a gap.
    """

    seconds: float
    less_joules: float
    more_joules: float


NEVER_STILL = StillDoubt(0.0, 0.0, 0.0)


class Stillness:
    """Watches for stretches of equal readings; ``latest`` is the newest one that is no chance."""

    def __init__(self) -> None:
        self.latest: Stretch = NEVER
        self._kept: list[Still] = []
        self._newest = Still(0.0, math.nan, readings=0, since_seconds=math.inf)
        self._stretches = 0
        self._highest = 0.0
        self._rose = False
        self._turns = 0
        self._small_turns = 0
        self._small_changes = 0
        self._lowest = math.inf
        self._small_changes_at_lowest = 0

    def add(self, at_seconds: float, watts: float) -> None:
        """The next reading, in order of time."""
        watts = round(watts, _DIGITS)
        self._highest = max(self._highest, watts)
        if watts < self._lowest:
            self._small_changes_at_lowest *= watts * (1 + _IDLE_SHARE) >= self._lowest
            self._lowest = watts
        newest = self._newest
        if watts != newest.watts:
            self._note_turn(watts - newest.watts)
            self._keep()
            newest = self._newest = Still(0.0, watts, readings=0, since_seconds=at_seconds)
            self._stretches += 1
        newest.seconds = at_seconds - newest.since_seconds
        newest.readings += 1
        if newest.readings >= _STILL_READINGS:
            self.latest = (newest.since_seconds, at_seconds)

    def witness(self, begin_seconds: float, end_seconds: float, *, told: bool = True) -> None:
        """A counter told the energy of that time, or (``told`` false) did not after all."""
        for one in self._all():
            common = min(one.since_seconds + one.seconds, end_seconds) - max(one.since_seconds, begin_seconds)
            if common > 0:
                one.witnessed_seconds += common if told else -common

    @property
    def longest_seconds(self) -> float:
        """How long it repeated one value at most where nothing else told the energy."""
        return max((one.alone_seconds for one in self._all() if one.readings >= _STILL_READINGS), default=0.0)

    @property
    def stuck(self) -> Stretch:
        """Since when to when a gauge whose readings flicker repeats one: it has failed, however steady the load."""
        newest = self._newest
        long = newest.readings >= _FEWEST_READINGS and newest.seconds > _SHORTEST_SECONDS
        if not long or not self._noisy or newest not in _failures_among(sorted(self._all())):
            return NEVER
        return newest.since_seconds, newest.since_seconds + newest.seconds

    def unusual(self, lowest_watts: float) -> list[Still]:
        """The stretches far longer than all others, in which the gauge may have stood still."""
        stretches = sorted(self._all())
        if self._noisy:
            return _failures_among(stretches)
        if self._is_renewed_rarely:
            return stretches
        if self._turns < _FEWEST_CHANGES:
            return []  # a ramp, or a few steps: what comes next is as steady as any
        idle_watts = (1 + _IDLE_SHARE) * lowest_watts
        at_work = [one for one in stretches if one.watts > idle_watts]
        restless = _failures_among(
            stretches if self._small_changes_at_lowest >= _FEWEST_CHANGES else at_work,
            shortest_seconds=_SHORTEST_RESTLESS_SECONDS,
            most_readings=_MOST_RESTLESS_READINGS,
        )
        return restless or _unusual_of(at_work, _SHORTEST_SMOOTH_SECONDS)

    @property
    def _noisy(self) -> bool:
        return self._small_changes >= _FEWEST_CHANGES and self._small_turns > _NOISY_TURNS * self._small_changes

    @property
    def _is_renewed_rarely(self) -> bool:
        """Whether each of few readings stood for long and none came again, as those of work that is so steady do."""
        if not _FEWEST_RENEWALS < self._stretches <= _MOST_RENEWALS:
            return False
        ordered = sorted(self._all(), key=lambda one: one.since_seconds)
        whole = ordered[1:-1]  # the first began before, and the last goes on
        long = all(one.readings >= _STILL_READINGS and one.seconds >= _SHORTEST_SECONDS for one in whole)
        return long and len({one.watts for one in ordered}) == len(ordered)

    def _note_turn(self, change: float) -> None:
        turned = (change > 0) != self._rose
        self._rose = change > 0
        self._turns += turned
        if abs(change) <= _NOISE_SHARE * self._highest:
            self._small_changes += 1
            self._small_turns += turned
            self._small_changes_at_lowest += self._newest.watts + change <= (1 + _IDLE_SHARE) * self._lowest

    def _all(self) -> list[Still]:
        return [*self._kept, self._newest] if self._newest.readings else self._kept

    def _keep(self) -> None:
        is_short = len(self._kept) == _KEPT and self._newest < self._kept[0]
        if self._newest.readings and not is_short:
            bisect.insort(self._kept, self._newest)
            del self._kept[: max(len(self._kept) - _KEPT, 0)]


def _failures_among(
    ordered: list[Still], *, shortest_seconds: float = _SHORTEST_SECONDS, most_readings: float = math.inf
) -> list[Still]:
    """Those of a gauge with noise: how many equal readings are chance tell its own, that of coarse steps has more."""
    unusual = _unusual_of(ordered, shortest_seconds)
    usual = ordered[: len(ordered) - len(unusual)]
    most = max((one.readings for one in usual), default=0)
    if most > most_readings:
        return []
    return [one for one in unusual if one.readings >= max(_FEWEST_READINGS, _UNUSUAL * most)]


def _unusual_of(ordered: list[Still], shortest_seconds: float) -> list[Still]:
    for usual in range(max(len(ordered) - _MOST_UNUSUAL, _FEWEST_USUAL), len(ordered)):
        if ordered[usual].seconds > max(shortest_seconds, _UNUSUAL * ordered[usual - 1].seconds):
            return ordered[usual:]
    return []
