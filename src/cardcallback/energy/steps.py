"""How far one lone step of a counter, within an interval between two readings, may have put it off unnoticed."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cardcallback.energy.asleep import NOT_SLEPT, AsleepInterval, AwakeWatts, Slept
from cardcallback.energy.intervals import BothWays
from cardcallback.energy.restarts import LONGEST_USUAL_SECONDS
from cardcallback.energy.twins import twin_of

# The lowest and highest mean power of watched pieces no longer than that; ``None`` where too few were watched.
WattsAround = Callable[[float], tuple[float, float] | None]

_Interval = tuple[float, float]  # mean power in watts, seconds
# So many intervals of a length show between which mean powers they lie.
_FEWEST_ALIKE = 4
# An interval stands out from others where it is further from them than this share of what they are apart.
_STANDS_OUT = 0.5
_KEPT = 2  # an interval is alone in what it claims where the next one does not claim the same
_MOST_SLEEPS = 16


@dataclass(frozen=True, slots=True)
class _Spread:
    """Of intervals of about one length: their extremes, in mean power and in how far counter and gauge differ."""

    count: int = 0
    longest_seconds: float = 0.0
    lowest_watts: float = math.inf
    highest_watts: float = -math.inf
    most_under_joules: float = 0.0
    most_over_joules: float = 0.0

    def joined(self, one: BothWays) -> _Spread:
        watts, over_joules = one.counter_joules / one.seconds, one.counter_joules - one.power_joules
        return _Spread(
            self.count + 1,
            max(self.longest_seconds, one.seconds),
            min(self.lowest_watts, watts),
            max(self.highest_watts, watts),
            max(self.most_under_joules, -over_joules),
            max(self.most_over_joules, over_joules),
        )


class ComparedIntervals:
    """Intervals in which counter and gauge agree; the newest ``kept`` can be taken back."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._newest: deque[BothWays] = deque()
        self._before: dict[int, _Spread] = {}

    def copy(self) -> ComparedIntervals:
        """An independent copy."""
        twin = twin_of(self)
        twin._newest, twin._before = self._newest.copy(), self._before.copy()  # noqa: SLF001 - its own kind
        return twin

    def add(self, interval: BothWays) -> None:
        """One more."""
        self._newest.append(interval)
        if len(self._newest) > self._kept:
            _join(self._before, self._newest.popleft())

    def take_back(self) -> None:
        """The newest is none of them any more."""
        if self._newest:
            self._newest.pop()

    def hidden_step(self) -> tuple[float, float]:
        """How much less and more than counted was used, in joules, if the counter stepped in one of them.

        A step that is smaller than what a comparison blurs shows in nothing else than by how much counter and gauge
        differ there, and in how the interval differs from others of its length.
        """
        spreads = self._before.copy()
        for interval in self._newest:
            _join(spreads, interval)
        less = more = 0.0
        count, lowest_watts, highest_watts = 0, math.inf, -math.inf
        # Beside longer ones too: work is no more even in a short interval than in a long one.
        for _, spread in sorted(spreads.items(), reverse=True):
            count += spread.count
            lowest_watts = min(lowest_watts, spread.lowest_watts)
            highest_watts = max(highest_watts, spread.highest_watts)
            among_joules = math.inf
            if count >= _FEWEST_ALIKE:
                among_joules = (highest_watts - lowest_watts) * spread.longest_seconds
            less = max(less, min(spread.most_over_joules, among_joules))
            more = max(more, min(spread.most_under_joules, among_joules))
        return less, more


def _join(spreads: dict[int, _Spread], interval: BothWays) -> None:
    octave = _octave(interval.seconds)
    spreads[octave] = spreads.get(octave, _Spread()).joined(interval)


def _octave(seconds: float) -> int:
    return math.frexp(seconds)[1]


@dataclass(frozen=True, slots=True)
class _Extremes:
    """Those of the lowest and of the highest mean power, the outermost first."""

    lowest: tuple[_Interval, ...] = ()
    highest: tuple[_Interval, ...] = ()

    def joined(self, interval: _Interval) -> _Extremes:
        highest = sorted((*self.highest, interval), reverse=True)
        return _Extremes(tuple(sorted((*self.lowest, interval))[:_KEPT]), tuple(highest[:_KEPT]))

    def too_much(self, around: WattsAround, blur_seconds: float) -> float:
        """How much less than counted was used if the highest is a step up."""
        (watts, seconds), *others = self.highest
        if (bounds := around(seconds)) is None:
            return 0.0
        usual_watts = max(bounds[1], *(other for other, _ in others), 0.0)
        beyond_watts = max(bounds[1] * blur_seconds / seconds, _STANDS_OUT * (usual_watts - bounds[0]))
        stands_out = watts - usual_watts > beyond_watts
        return (watts - bounds[0]) * seconds if stands_out else 0.0

    def too_little(self, around: WattsAround, blur_seconds: float) -> float:
        """How much more than counted was used if the lowest is a step down.

        In the moment between two readings as ever a device works on. In a longer pause it may as well have done
        nothing, or been off, so that a low power says nothing there.
        """
        (watts, seconds), *others = self.lowest
        if seconds > LONGEST_USUAL_SECONDS or (bounds := around(seconds)) is None:
            return 0.0
        usual_watts = min(bounds[0], *(other for other, _ in others), math.inf)
        stands_out = (usual_watts - watts) * seconds > bounds[1] * blur_seconds
        return (bounds[1] - watts) * seconds if stands_out else 0.0


@dataclass(frozen=True, slots=True)
class AloneIntervals:
    """Intervals in which only the counter watched, the outermost ones of each octave of length; never changed.

    Those in which the machine slept are kept by themselves too: so many in which the counter told most.
    """

    _by_octave: Mapping[int, _Extremes] = field(default_factory=dict)
    _asleep: tuple[AsleepInterval, ...] = ()

    def joined(self, seconds: float, joules: float, slept: Slept = NOT_SLEPT) -> AloneIntervals:
        """These and one more, for part of which the machine may have been suspended."""
        octave = _octave(seconds)
        extremes = self._by_octave.get(octave, _Extremes()).joined((joules / seconds, seconds))
        asleep = self._asleep
        if slept.seconds > 0:
            newest = AsleepInterval(joules, max(seconds - slept.seconds, 0.0), slept)
            asleep = tuple(sorted((*asleep, newest), key=_counted_joules, reverse=True)[:_MOST_SLEEPS])
        return AloneIntervals({**self._by_octave, octave: extremes}, asleep)

    def hidden_step(self, around: WattsAround, blur_seconds: float) -> tuple[float, float]:
        """How much less and more than counted was used, in joules, if the counter stepped in one of them.

        Nothing contradicts it there. But one interval in which the device did what it never did in watched time nor in
        any other such interval may be a step as well as work: then the device did as ever. A power that is only
        ``blur_seconds`` of the highest off is none of these.
        """
        less = more = 0.0
        for extremes in self._by_octave.values():
            less = max(less, extremes.too_much(around, blur_seconds))
            more = max(more, extremes.too_little(around, blur_seconds))
        return less, more

    def doubted_sleep(self, awake: AwakeWatts, lowest_read_watts: float, blur_seconds: float) -> tuple[float, float]:
        """How much less was used, in joules, if it stepped in a sleep, and how long that sleep was."""
        doubts = ((one.doubt_joules(awake, lowest_read_watts, blur_seconds), one.slept.seconds) for one in self._asleep)
        return max(doubts, default=(0.0, 0.0))


def _counted_joules(interval: AsleepInterval) -> float:
    return interval.joules
