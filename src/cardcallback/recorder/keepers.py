"""Small summaries of readings that take no more memory the longer a run is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from cardcallback.sensors.base import SensorSpec
from cardcallback.units import HERTZ_PER_MEGAHERTZ

# Bits of NVML's clock-event reasons; an idle GPU (0x1) is not a slowed one.
_REASONS = {
    0x2: "application clocks setting",
    0x4: "software power cap",
    0x8: "hardware slowdown",
    0x10: "sync boost",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake",
    0x100: "display clocks setting",
}


@dataclass(slots=True)
class Peak:
    """First, latest and highest reading of one quantity, summed over its sensors (one per device).

    ``falls`` counts readings below the one before: of a high-water mark, that someone reset it.
    """

    specs: list[SensorSpec] = field(default_factory=list)
    latest: dict[int | None, float] = field(default_factory=dict)
    first: float | None = None
    first_at_seconds: float = 0.0
    highest: float | None = None
    readings: int = 0
    last_at_seconds: float = 0.0
    longest_pause_seconds: float = 0.0
    falls: int = 0

    def add(self, spec: SensorSpec, at_seconds: float, value: float) -> None:
        """One reading."""
        self.falls += value < self.latest.get(spec.device, value)
        self.latest[spec.device] = value
        total = sum(self.latest.values())
        if self.first is None:
            self.first = total
            self.first_at_seconds = at_seconds
        self.highest = total if self.highest is None else max(self.highest, total)
        self.longest_pause_seconds = max(self.longest_pause_seconds, at_seconds - self.last_at_seconds)
        self.readings += 1
        self.last_at_seconds = at_seconds


@dataclass(slots=True)
class Median:
    """Median of readings, to the megahertz, by counting them."""

    counts: Counter[int] = field(default_factory=Counter)

    def add(self, hertz: float) -> None:
        """One reading in hertz."""
        self.counts[round(hertz / HERTZ_PER_MEGAHERTZ)] += 1

    def value(self) -> float | None:
        """The lower median in hertz, or ``None`` without a reading."""
        half = (sum(self.counts.values()) + 1) // 2
        for megahertz in sorted(self.counts):
            half -= self.counts[megahertz]
            if half <= 0:
                return megahertz * HERTZ_PER_MEGAHERTZ
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
