"""Intervals between two counter readings: what they are held against, and the sums of alike ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from cardcallback.energy.asleep import NOT_SLEPT, Slept
from cardcallback.energy.history import NEVER, Cumulative, Stretch, overlap_seconds

Event = Literal["reset", "restart", "wrap", "turn", "standstill", "forbidden", "jump", "dispute"]

# How far one interval of the counter may be from the gauge, beside what lag and refresh explain.
_INTERVAL_TOLERANCE = 0.15

_LEAST_SHOWN = 1e-9
# A device passes its limit for moments; a counter in another unit shows hundreds of times what is allowed.
_ABSURD_MULTIPLE_OF_ALLOWED = 10.0


@dataclass(frozen=True, slots=True)
class CounterPoint:
    """One counter reading with the gauge's integral at the same time (``None``: no gauge).

    ``after_loss``: the device was lost before it, so that its counter may have begun anew.
    """

    at_seconds: float
    joules: float
    power: Cumulative | None
    after_loss: bool = False


def watched_joules(earlier: Cumulative | None, later: Cumulative | None) -> float | None:
    """The energy that the gauge saw between two moments; ``None`` where it did not see all of it."""
    if earlier is None or later is None or later.gap_seconds > earlier.gap_seconds:
        return None
    return later.joules - earlier.joules


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """What an interval of the counter is held against.

    A difference to the gauge within ``slack_joules`` is its own blur; more than ``most_joules`` the device
    cannot have used by what was seen of it, more than ``allowed_joules`` not by its own limit; ``unwatched_joules`` is
    which of the two holds where the gauge did not see all of it. Less than ``least_joules`` none uses. ``gauge_still``
    is when the gauge last gave the same reading over and over, which one that flickers does only once it has failed:
    at ``gauge_failed_since``, infinite unless it had for most of this interval. ``gauge_sees_everything`` is false for
    one that looks only now and then. ``slept`` is for how much of it the machine was suspended.
    """

    slack_joules: float
    most_joules: float = math.inf
    allowed_joules: float = math.inf
    unwatched_joules: float = math.inf
    least_joules: float = 0.0
    gauge_still: Stretch = NEVER
    gauge_failed_since: float = math.inf
    gauge_sees_everything: bool = True
    slept: Slept = NOT_SLEPT

    @property
    def gauge_failed(self) -> bool:
        """Whether the gauge had failed in that interval."""
        return math.isfinite(self.gauge_failed_since)

    def forbids(self, joules: float, *, may_have_been_off: bool = False) -> bool:
        """Whether the device cannot have used that by its limit: far more than allowed, or less than any at rest."""
        too_little = not may_have_been_off and joules < self.least_joules
        return too_little or joules > _ABSURD_MULTIPLE_OF_ALLOWED * self.allowed_joules

    def agree(self, counter_joules: float, gauge_joules: float) -> bool:
        """Whether both may be true of one time that the gauge saw all of."""
        return abs(counter_joules - gauge_joules) <= _INTERVAL_TOLERANCE * gauge_joules + self.slack_joules

    def falls_short(self, joules: float, earlier: CounterPoint, later: CounterPoint) -> bool:
        """Whether that is less than a gauge which may have missed some of the time saw in the rest of it."""
        if earlier.power is None or later.power is None or self.gauge_failed:
            return False
        seen_joules = later.power.joules - earlier.power.joules
        return joules < seen_joules * (1 - _INTERVAL_TOLERANCE) - self.slack_joules

    def weak_seconds(self, begin_seconds: float, end_seconds: float) -> float:
        """For how much of that time the gauge is the weaker witness of the two."""
        if not self.gauge_sees_everything:
            return end_seconds - begin_seconds
        return overlap_seconds(self.gauge_still, (begin_seconds, end_seconds))


@dataclass(frozen=True, slots=True)
class BothWays:
    """Sums over intervals that counter and gauge both watched.

    For ``weak_seconds`` of them the gauge is the weaker witness: it stood still, or looked only now and then.
    """

    seconds: float = 0.0
    counter_joules: float = 0.0
    power_joules: float = 0.0
    weak_seconds: float = 0.0

    def joined(self, other: BothWays) -> BothWays:
        """The sums of both."""
        if other is NOTHING:
            return self
        if self is NOTHING:
            return other
        return BothWays(
            self.seconds + other.seconds,
            self.counter_joules + other.counter_joules,
            self.power_joules + other.power_joules,
            self.weak_seconds + other.weak_seconds,
        )

    def less(self, part: BothWays) -> BothWays:
        """The sums without those of a part."""
        return BothWays(
            self.seconds - part.seconds,
            self.counter_joules - part.counter_joules,
            self.power_joules - part.power_joules,
            self.weak_seconds - part.weak_seconds,
        )


NOTHING = BothWays()


@dataclass(frozen=True, slots=True)
class Counted:
    """An interval that was counted, with what the gauge saw of it if it saw all; kept so that it can be taken back.

    For some of it the machine may have ``slept``.
    """

    begin: CounterPoint
    seconds: float
    joules: float
    integral: float | None
    slept: Slept = NOT_SLEPT

    @property
    def both(self) -> BothWays | None:
        """What counter and gauge say of it; ``None`` where the gauge did not see all of it."""
        return None if self.integral is None else BothWays(self.seconds, self.joules, self.integral)

    def caught_up_by(self, joules: float, seconds: float, integral: float | None, check: Check) -> bool:
        """Whether a counter that stood still for ``seconds`` after this interval shows its energy too by moving on.

        It stopped while nothing was watched, and moved by more than the gauge saw since and the device may have used.
        """
        if integral is None or self.integral is not None or joules <= integral:
            return False
        return self.joules + joules <= check.allowed_joules * (self.seconds + seconds) / seconds


def shown(value: float) -> float:
    """No sensor shows less than a nanowatt or a nanojoule; dividing by what is far less has no end."""
    return 0.0 if 0 < value < _LEAST_SHOWN else value
