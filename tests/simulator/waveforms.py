"""Power as a formula of time: what a simulated rail draws, and its true energy in closed form.

The truth of every energy test comes from here and never from the simulator, which evaluates the same
segments in C on its own. Times are seconds since the simulation's origin, power is in watts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

# Every segment without a begin has run since an hour before the origin, so that counters start above zero.
HISTORY_SECONDS = 3600.0
FOREVER_SECONDS = 1e7

Kind = Literal["constant", "square", "ramp", "sine"]


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One summand of a rail's power, silent outside ``begin <= t < end``.

    ``constant``: ``low`` watts. ``square``: ``high`` for the share ``duty`` of each period, else ``low``.
    ``ramp``: from ``low`` at the begin to ``high`` at the end. ``sine``: ``low`` on average, ``high`` the
    amplitude. ``phase`` is a share of the period.
    """

    kind: Kind
    low: float
    high: float = 0.0
    begin: float = -HISTORY_SECONDS
    end: float = FOREVER_SECONDS
    period: float = 1.0
    duty: float = 0.5
    phase: float = 0.0

    def power_watts(self, at: float) -> float:
        """Power at one instant."""
        if not self.begin <= at < self.end:
            return 0.0
        turns = (at - self.begin) / self.period + self.phase
        if self.kind == "square":
            return self.high if turns % 1.0 < self.duty else self.low
        if self.kind == "ramp":
            return self.low + (self.high - self.low) * (at - self.begin) / (self.end - self.begin)
        if self.kind == "sine":
            return self.low + self.high * math.sin(2 * math.pi * turns)
        return self.low

    def energy_joules(self, begin: float, end: float) -> float:
        """Energy between two instants, exactly."""
        first, last = (min(max(at, self.begin), self.end) for at in (begin, end))
        return self._since_begin(last - self.begin) - self._since_begin(first - self.begin)

    def _since_begin(self, seconds: float) -> float:
        base = self.low * seconds
        turns = seconds / self.period + self.phase
        if self.kind == "square":
            high_turns = _high_turns(turns, self.duty) - _high_turns(self.phase, self.duty)
            return base + (self.high - self.low) * high_turns * self.period
        if self.kind == "ramp":
            return base + (self.high - self.low) * seconds**2 / (2 * (self.end - self.begin))
        if self.kind == "sine":
            swing = math.cos(2 * math.pi * self.phase) - math.cos(2 * math.pi * turns)
            return base + self.high * swing * self.period / (2 * math.pi)
        return base


def _high_turns(turns: float, duty: float) -> float:
    whole = math.floor(turns)
    return whole * duty + min(turns - whole, duty)


@dataclass(frozen=True)
class Waveform:
    """A sum of segments."""

    segments: tuple[Segment, ...]

    def power_watts(self, at: float) -> float:
        """Power at one instant, ``at`` seconds since the origin."""
        return sum(segment.power_watts(at) for segment in self.segments)

    def energy_joules(self, begin: float, end: float) -> float:
        """True energy between two instants, in seconds since the origin."""
        return sum(segment.energy_joules(begin, end) for segment in self.segments)


def constant(watts: float, **place: float) -> Segment:
    """The same power all the time."""
    return Segment(kind="constant", low=watts, **place)


def square(low: float, high: float, period: float, **place: float) -> Segment:
    """Two powers in turn, as training steps look to a power meter."""
    return Segment(kind="square", low=low, high=high, period=period, **place)


def ramp(low: float, high: float, begin: float, end: float) -> Segment:
    """A straight rise or fall."""
    return Segment(kind="ramp", low=low, high=high, begin=begin, end=end)


def sine(mean: float, amplitude: float, period: float, **place: float) -> Segment:
    """A swing about a mean."""
    return Segment(kind="sine", low=mean, high=amplitude, period=period, **place)
