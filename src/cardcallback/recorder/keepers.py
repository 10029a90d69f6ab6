"""Small summaries of readings that take no more memory the longer a run is."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from cardcallback.recorder import slowdowns
from cardcallback.sensors.base import SensorSpec

# An idle GPU is not a slowed one.
_REASONS = {
    slowdowns.APPLICATION_CLOCKS: "application clocks setting",
    slowdowns.POWER_CAP: "software power cap",
    slowdowns.HARDWARE_SLOWDOWN: "hardware slowdown",
    slowdowns.SYNC_BOOST: "sync boost",
    slowdowns.SOFTWARE_THERMAL: "software thermal slowdown",
    slowdowns.HARDWARE_THERMAL: "hardware thermal slowdown",
    slowdowns.POWER_BRAKE: "hardware power brake",
    slowdowns.DISPLAY_CLOCKS: "display clocks setting",
}


# A device's reading stands until the next but one would have been due; one that was lost holds nothing any more.
_FRESH_INTERVALS = 2.5
# What one pass through the sensors takes.
_AT_ONCE_SECONDS = 1.0


@dataclass(slots=True)
class Peak:
    """First, latest and highest reading of one quantity, summed over its sensors (one per device).

    ``at_once`` is the highest sum of readings of one moment: devices are read at different times, so that
    ``highest`` may hold what was never there together. ``falls`` counts readings below the one before: of a
    high-water mark, that someone reset it.
    """

    specs: list[SensorSpec] = field(default_factory=list)
    latest: dict[int | None, tuple[float, float]] = field(default_factory=dict)  # when, and the value
    first: float | None = None
    first_at_seconds: float = 0.0
    highest: float | None = None
    at_once: float = 0.0
    readings: int = 0
    last_at_seconds: float = 0.0
    longest_pause_seconds: float = 0.0
    falls: int = 0

    def add(self, spec: SensorSpec, at_seconds: float, value: float) -> None:
        """One reading."""
        before = self.latest.get(spec.device)
        self.falls += before is not None and value < before[1]
        self.latest[spec.device] = (at_seconds, value)
        interval = max((one.interval_seconds for one in self.specs), default=spec.interval_seconds)
        total = self._sum_since(at_seconds - _FRESH_INTERVALS * interval)
        self.at_once = max(self.at_once, self._sum_since(at_seconds - _AT_ONCE_SECONDS))
        if self.first is None:
            self.first = total
            self.first_at_seconds = at_seconds
        self.highest = total if self.highest is None else max(self.highest, total)
        self.longest_pause_seconds = max(self.longest_pause_seconds, at_seconds - self.last_at_seconds)
        self.readings += 1
        self.last_at_seconds = at_seconds

    @property
    def newest(self) -> float:
        """The latest readings' sum."""
        return self._sum_since(-math.inf)

    def _sum_since(self, begin_seconds: float) -> float:
        return sum(value for at, value in self.latest.values() if at >= begin_seconds)


@dataclass(slots=True)
class Median:
    """Median of readings, to a ``step`` of their unit, by counting them."""

    step: float
    counts: Counter[int] = field(default_factory=Counter)

    def add(self, value: float) -> None:
        """One reading."""
        self.counts[round(value / self.step)] += 1

    def value(self) -> float | None:
        """The lower median, or ``None`` without a reading."""
        half = (sum(self.counts.values()) + 1) // 2
        for steps in sorted(self.counts):
            half -= self.counts[steps]
            if half <= 0:
                return steps * self.step
        return None


@dataclass(slots=True)
class Reasons:
    """Clock-event reasons by how many readings showed them."""

    counts: Counter[int] = field(default_factory=Counter)

    def add(self, bitmask: float) -> None:
        """One reading of the bit mask."""
        for bit in _REASONS:
            if int(bitmask) & bit:
                self.counts[bit] += 1

    def words(self) -> tuple[str, ...]:
        """The reasons seen, the most frequent first."""
        return tuple(_REASONS[bit] for bit, _ in self.counts.most_common())
