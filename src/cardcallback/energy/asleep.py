"""What a counter shows of time in which the machine was suspended: a draw asleep, or a step of the counter."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from cardcallback.energy.history import Stretch, overlap_seconds
from cardcallback.energy.traits import PowerTraits

_MOST_SLEEPS = 128
# In a shorter interval a counter's refresh decides what its mean power is.
_SHORTEST_SECONDS = 0.5
# How far one reading may be off, by its noise and by what of the time awake is in it.
_LESS, _MORE = 0.75, 1.25


@dataclass(frozen=True, slots=True)
class Slept:
    """For how long a machine was suspended, and what its device used meanwhile if it drew what its gauge showed next.

    ``gauge_joules`` is ``None`` where the gauge showed nothing soon enough.
    """

    seconds: float = 0.0
    gauge_joules: float | None = None


NOT_SLEPT = Slept()


@dataclass(frozen=True, slots=True)
class Asleep:
    """For how long a device was seen to be asleep too, and the most that it used in that time."""

    seconds: float = 0.0
    most_joules: float = 0.0


NEVER_ASLEEP = Asleep()


@dataclass(frozen=True, slots=True)
class AwakeWatts:
    """The lowest and highest mean power that a counter showed in intervals in which the machine was awake."""

    lowest: float = math.inf
    highest: float = 0.0

    def joined(self, seconds: float, joules: float) -> AwakeWatts:
        """These and one more interval."""
        if seconds < _SHORTEST_SECONDS or self.lowest * seconds <= joules <= self.highest * seconds:
            return self
        return AwakeWatts(min(self.lowest, joules / seconds), max(self.highest, joules / seconds))


@dataclass(slots=True)
class _Sleep:
    begin_seconds: float
    end_seconds: float
    watts_after: float | None = None
    is_gap: bool = False

    @property
    def seconds(self) -> float:
        return self.end_seconds - self.begin_seconds


class Sleeps:
    """The machine's sleeps, each with what the device's gauge showed right after it: a mean of the sleep's end."""

    def __init__(self, power: PowerTraits | None) -> None:
        self._sleeps: deque[_Sleep] = deque(maxlen=_MOST_SLEEPS)
        self._newest_seconds = power.refresh_seconds if power is not None else 0.0
        self._sight_seconds = power.averaging_seconds + power.refresh_seconds if power is not None else 0.0
        self.lowest_awake_watts = math.inf  # of the gauge's readings, but those with a sleep in them

    @property
    def newest_end_seconds(self) -> float | None:
        """When the newest one ended."""
        return self._sleeps[-1].end_seconds if self._sleeps else None

    def add(self, begin_seconds: float, end_seconds: float) -> None:
        """One more sleep, told before the readings that follow."""
        self._sleeps.append(_Sleep(begin_seconds, end_seconds))

    def add_power(self, at_seconds: float, watts: float, gap_after_seconds: float) -> None:
        """A reading of the gauge, in order of time; what it does not see for longer than that is a gap."""
        newest = self._sleeps[-1] if self._sleeps else None
        if newest is None or not newest.end_seconds <= at_seconds <= newest.end_seconds + self._sight_seconds:
            self.lowest_awake_watts = min(self.lowest_awake_watts, watts)
        elif newest.watts_after is None and at_seconds <= newest.end_seconds + self._newest_seconds:
            newest.watts_after, newest.is_gap = watts, newest.seconds > gap_after_seconds

    def asleep(self, seconds: float, watts_after: float | None) -> Asleep:
        """What is known of sleeps that took so long together and after which the gauge showed that at most.

        A device that draws far less then than it ever did awake slept too, throughout, and so drew less than awake.
        """
        is_low = watts_after is not None and watts_after < _LESS * self.lowest_awake_watts < math.inf
        return Asleep(seconds, seconds * self.lowest_awake_watts) if is_low and seconds > 0 else NEVER_ASLEEP

    @property
    def gaps(self) -> Asleep:
        """The same of all that are gaps of the gauge."""
        parts = [self.asleep(one.seconds, one.watts_after) for one in self._sleeps if one.is_gap]
        return Asleep(math.fsum(one.seconds for one in parts), math.fsum(one.most_joules for one in parts))

    def within(self, stretch: Stretch) -> Slept:
        """How much of that time the machine slept."""
        if not self._sleeps:
            return NOT_SLEPT
        parts = [(overlap_seconds(stretch, (one.begin_seconds, one.end_seconds)), one) for one in self._sleeps]
        parts = [(seconds, one) for seconds, one in parts if seconds > 0]
        joules: float | None = 0.0
        for seconds, one in parts:
            joules = None if joules is None or one.watts_after is None else joules + seconds * one.watts_after
        return Slept(math.fsum(seconds for seconds, _ in parts), joules)


@dataclass(frozen=True, slots=True)
class AsleepInterval:
    """What a counter showed of an interval in which only it watched, and for part of which the machine slept."""

    joules: float
    awake_seconds: float
    slept: Slept

    def doubt_joules(self, awake: AwakeWatts, lowest_read_watts: float, blur_seconds: float) -> float:
        """How much less than counted was used if the counter stepped in it.

        The device was off or asleep, or awake as at any other time. What shows less than it ever drew awake, and more
        than was used before and after the sleep, may be its draw asleep as well as a step: unless its gauge, a mean of
        the sleep's end, shows the same draw. What shows as much as it draws awake is work beside a host that sleeps,
        unless that gauge shows less than it ever did awake.
        """
        least_asleep_joules = self.joules - awake.highest * (self.awake_seconds + blur_seconds)
        if awake.highest == 0 or least_asleep_joules <= 0:
            return 0.0
        asleep_joules = self.joules - awake.lowest * max(self.awake_seconds - blur_seconds, 0.0)
        by_gauge = self.slept.gauge_joules
        if self.joules >= awake.lowest * (self.awake_seconds + self.slept.seconds):
            least_joules = min(least_asleep_joules, min(awake.lowest, lowest_read_watts) * self.slept.seconds)
            return asleep_joules if by_gauge is not None and by_gauge < _LESS * least_joules else 0.0
        if by_gauge is None or not _LESS * least_asleep_joules <= by_gauge <= _MORE * asleep_joules:
            return asleep_joules
        return asleep_joules - min(by_gauge, asleep_joules) * _LESS
