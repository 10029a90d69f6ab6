"""What a counter that nothing stands beside shows, and may not be believed in."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cardcallback.energy.ceiling import IMPOSSIBLE_WATTS, Ceiling

_MILLIJOULES = 1000
# Changes of a counter that share a divisor by chance are rarer the more there are and the larger it is; a steady load
# makes few different ones, so that it takes more of those than of changes after which it stood still.
_FEWEST_DIFFERENT, _FEWEST_AFTER_STILLS, _MOST_CHANGES = 4, 2, 16
_FEWEST_DECADES = 8.0
# One that moves on by less than this share of what is usual shows not all of the time in which it stood still.
_LITTLE_SHARE = 0.5
# A counter that shows so often, and for so much of its time, more than its device may draw has not stepped.
_FEWEST_REFUSED, _SYSTEMATIC_SHARE = 3, 0.2


@dataclass(frozen=True, slots=True)
class Grain:
    """How coarse a counter's steps turn out to be; never changed.

    Steps larger than what is used between two readings leave it unchanged for some of them, and are all alike; smaller
    ones come in different numbers.
    """

    _divisor: int = 0
    _different: frozenset[int] = frozenset()
    _after_stills: int = 0

    def joined(self, change_joules: float, *, stood_still: bool) -> Grain:
        """One more change; ``stood_still``: the value before it stood for longer than it is renewed."""
        millijoules = round(change_joules * _MILLIJOULES)
        if millijoules <= 0 or self._divisor == 1:
            return self
        different = self._different if len(self._different) == _MOST_CHANGES else self._different | {millijoules}
        after_stills = min(self._after_stills + stood_still, _MOST_CHANGES)
        return Grain(math.gcd(self._divisor, millijoules), different, after_stills)

    @property
    def step_joules(self) -> float:
        """The step in which it moves where that is coarser than a millijoule, else 0."""
        different = len(self._different) if len(self._different) >= _FEWEST_DIFFERENT else 0
        after_stills = self._after_stills if self._after_stills >= _FEWEST_AFTER_STILLS else 0
        decades = max(different, after_stills) * math.log10(max(self._divisor, 1))
        return self._divisor / _MILLIJOULES if decades >= _FEWEST_DECADES else 0.0


@dataclass(frozen=True, slots=True)
class LateStart:
    """A counter's first interval, for ``still_seconds`` of which it stood still: nobody knows since when before it."""

    still_seconds: float = 0.0
    seconds: float = 0.0
    joules: float = 0.0

    def doubt(self, counted_seconds: float, counted_joules: float, ceiling: Ceiling) -> tuple[float, float]:
        """How much less and more than all those it counted were used, in joules.

        What it showed at once may have been used before its first reading, and of one that had stopped it lacks what
        was used: infinite where nothing bounds that.
        """
        rest_seconds, rest_joules = counted_seconds - self.seconds, counted_joules - self.joules
        if rest_seconds <= 0 or self.joules >= _LITTLE_SHARE * self.seconds * rest_joules / rest_seconds:
            return self.joules, 0.0
        most = ceiling.joules_in_gap(self.seconds, rest_seconds)
        return self.joules, max((math.inf if most is None else most) - self.joules, 0.0)


@dataclass(frozen=True, slots=True)
class Refused:
    """Intervals in which a counter showed more than its device is said to be allowed; never changed.

    ``joules`` leaves out those of which no device draws so much: they speak of another unit and of no other limit.
    """

    count: int = 0
    seconds: float = 0.0
    joules: float = 0.0

    def joined(self, seconds: float, joules: float) -> Refused:
        """These and one more."""
        possible_joules = joules if joules <= IMPOSSIBLE_WATTS * seconds else 0.0
        return Refused(self.count + 1, self.seconds + seconds, self.joules + possible_joules)

    def refute(self, counted_seconds: float) -> bool:
        """Whether a counter that is in them so often may be wrong in the ``counted_seconds`` too."""
        often = self.seconds > _SYSTEMATIC_SHARE * (self.seconds + counted_seconds)
        return often and self.count >= _FEWEST_REFUSED
