"""What held a device back while it was measured: judged as readings come, told in sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from cardcallback.recorder.slowdowns import (
    HARDWARE_SLOWDOWN,
    HARDWARE_THERMAL,
    HOLDS_SECONDS,
    LOADED_SHARE,
    POWER_BRAKE,
    THERMAL,
    ClockNorm,
    Company,
    LowClock,
    SlowdownTime,
)
from cardcallback.sensors.base import DeviceInfo, Quantity
from cardcallback.units import format_duration, format_megahertz, format_percent

Trouble = Literal["low_clock", "thermal_slowdown", "hardware_slowdown", "other_processes"]

_GB10 = re.compile(r"\bGB10\b")
# Sparks stuck in a low-power state were seen at 611 to 850 MHz under full load without a reason from the driver, and
# left it only without mains power (Blackwellboy/model-serving-minefield#55; forums.developer.nvidia.com 361294,
# 366590, 376039); healthy ones run near 2,400 MHz. The limit is that of parallelArchitect/sparkview.
_GB10_NORM = ClockNorm(low_hertz=1.4e9, usual_hertz=2.4e9)
_SHARE_OF_HIGHEST = 0.5
# A slowdown that did not hold for a minute is worth a sentence from here on.
_NOTED_SHARE = 0.05
_NOTED_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Slowed:
    """Time in a slowdown within the time watched, and the interface that told it; ``high`` is its upper bound."""

    seconds: float
    high_seconds: float
    watched_seconds: float
    by_counter: bool
    sources: tuple[str, ...]

    @property
    def share(self) -> float:
        """Of the time watched."""
        return self.seconds / self.watched_seconds


@dataclass(slots=True)
class DeviceHealth:
    """Watches one device. ``norm``: what clock is low for it, ``None`` where that is not known."""

    norm: ClockNorm | None
    low_clock: LowClock = field(init=False)
    company: Company = field(default_factory=Company)
    _times: dict[Quantity, SlowdownTime] = field(default_factory=dict)
    _sources: dict[Quantity, str] = field(default_factory=dict)
    _thermal_bits: SlowdownTime = field(default_factory=SlowdownTime)
    _hardware_bits: SlowdownTime = field(default_factory=SlowdownTime)

    def __post_init__(self) -> None:
        """Begin to watch."""
        self.low_clock = LowClock(self.norm)

    def add(self, quantity: Quantity, source: str, at_seconds: float, value: float, reach_seconds: float) -> None:
        """One reading; it stands for ``reach_seconds`` at most."""
        self._sources[quantity] = source
        if quantity == "gpu_sm_clock":
            self.low_clock.add_clock(at_seconds, value, reach_seconds)
        elif quantity == "gpu_utilization":
            self.low_clock.add_utilization(at_seconds, value, reach_seconds)
        elif quantity == "gpu_clock_event_reasons":
            self._add_reasons(at_seconds, int(value), reach_seconds)
        elif quantity == "gpu_other_processes":
            self.company.add(int(value))
        elif quantity.endswith("_time"):
            self._times.setdefault(quantity, SlowdownTime()).add_total(at_seconds, value)

    def troubles(self) -> tuple[Trouble, ...]:
        """What holds now and has held for a minute."""
        held: dict[Trouble, bool] = {
            "low_clock": self.low_clock.spells.goes_on,
            "thermal_slowdown": any(time.spells.goes_on for time in self._thermal()),
            "hardware_slowdown": any(time.spells.goes_on for time in self._hardware()),
            "other_processes": self.company.came,
        }
        return tuple(trouble for trouble, holds in held.items() if holds)

    def thermal(self) -> Slowed | None:
        """Time slowed by heat; ``None`` where nothing tells."""
        return self._slowed(("gpu_software_thermal_time", "gpu_hardware_thermal_time"), self._thermal_bits)

    def hardware(self) -> Slowed | None:
        """Time slowed by the hardware for another reason than heat."""
        return self._slowed(("gpu_power_brake_time",), self._hardware_bits)

    def sentences(self) -> tuple[str, ...]:
        """What a card has to say of it; none for a healthy device."""
        told = [
            _low_clock_sentence(self.low_clock),
            _slowed_sentence("Thermal slowdown", self.thermal(), self._thermal()),
            _slowed_sentence("Hardware slowdown or power brake", self.hardware(), self._hardware()),
        ]
        return tuple(sentence for sentence in told if sentence)

    def sources(self) -> Mapping[Quantity, str]:
        """Which quantities were read, and by which interface."""
        return self._sources

    def warning(self, trouble: Trouble) -> str:
        """What a person could act on now, and how."""
        return _WARNINGS[trouble](self)

    def _add_reasons(self, at_seconds: float, mask: int, reach_seconds: float) -> None:
        self.low_clock.add_reasons(at_seconds, mask, reach_seconds)
        self._thermal_bits.add_reading(at_seconds, holds=bool(mask & THERMAL), reach_seconds=reach_seconds)
        # The hardware slowdown's bit is also set when heat is its cause.
        otherwise = mask & POWER_BRAKE or (mask & HARDWARE_SLOWDOWN and not mask & HARDWARE_THERMAL)
        self._hardware_bits.add_reading(at_seconds, holds=bool(otherwise), reach_seconds=reach_seconds)

    def _thermal(self) -> list[SlowdownTime]:
        return [self._thermal_bits, *(time for name, time in self._times.items() if name != "gpu_power_brake_time")]

    def _hardware(self) -> list[SlowdownTime]:
        return [self._hardware_bits, *(time for name, time in self._times.items() if name == "gpu_power_brake_time")]

    def _slowed(self, names: tuple[Quantity, ...], bits: SlowdownTime) -> Slowed | None:
        """By the counters where they moved; by the bits where they alone show it; else nought by either."""
        counters = {name: self._times[name] for name in names if name in self._times}
        watched = min((time.watched_seconds for time in counters.values()), default=0.0)
        # Both kinds of heat may hold at once: together they are at least the longer and at most the sum.
        longest = max((time.seconds for time in counters.values()), default=0.0)
        if watched > 0 and (longest > 0 or bits.seconds == 0):
            high = min(sum(time.seconds for time in counters.values()), watched)
            sources = tuple(self._sources[name] for name in counters)
            return Slowed(min(longest, watched), high, watched, by_counter=True, sources=sources)
        if bits.watched_seconds > 0:
            source = self._sources["gpu_clock_event_reasons"]
            return Slowed(bits.seconds, bits.seconds, bits.watched_seconds, by_counter=False, sources=(source,))
        return None


def clock_norm(info: DeviceInfo) -> ClockNorm | None:
    """What clock is low for a device: as seen on GB10, elsewhere by the driver's own highest clock."""
    if _GB10.search(info.name):
        return _GB10_NORM
    if info.max_sm_clock_hertz is None:
        return None
    return ClockNorm(low_hertz=_SHARE_OF_HIGHEST * info.max_sm_clock_hertz)


def _low_clock_sentence(low: LowClock) -> str | None:
    if low.norm is None or low.spells.seconds == 0:
        return None
    return (
        f"SM clock below {_limit_words(low.norm)} for {format_duration(low.spells.seconds)} at a utilisation of "
        f"{format_percent(LOADED_SHARE, 2)} and more{_reason_words(low)}: the GPU was slower than it can be"
        f"{_cause_words(low.norm)}. {_recovery_words(low)}"
    )


def _recovery_words(low: LowClock) -> str:
    if low.recovered:
        return "It recovered later."
    return "It was still so at the last reading." if low.is_low else "It was not seen to recover."


def _limit_words(norm: ClockNorm) -> str:
    if norm.usual_hertz is None:
        return f"{format_megahertz(norm.low_hertz)}, half of the highest that its driver knows,"
    return f"{format_megahertz(norm.low_hertz)}, where a healthy GB10 runs near {format_megahertz(norm.usual_hertz)},"


def _reason_words(low: LowClock) -> str:
    if low.unexplained_seconds > low.capped_seconds:
        return ", without a reason from the driver"
    return ", with the power cap as the driver's reason" if low.capped_seconds > 0 else ""


def _cause_words(norm: ClockNorm) -> str:
    return "" if norm.usual_hertz is None else ", and the machine may have been in a low-power state"


def _slowed_sentence(name: str, slowed: Slowed | None, times: list[SlowdownTime]) -> str | None:
    if slowed is None or slowed.seconds <= 0:
        return None
    held = any(time.spells.seconds > 0 for time in times)
    if not held and (slowed.share < _NOTED_SHARE or slowed.seconds < _NOTED_SECONDS):
        return None
    how = "of the time watched" if slowed.by_counter else "of the time, by readings of the driver's reasons"
    least = "at least " if slowed.high_seconds > slowed.seconds else ""
    return (
        f"{name} for {least}{format_duration(slowed.seconds)} ({format_percent(slowed.share, 2)} {how}): "
        "the GPU was slower than it can be."
    )


def _low_clock_warning(health: DeviceHealth) -> str:
    norm = health.low_clock.norm
    words = f"the SM clock has been below {_limit_words(norm)}" if norm is not None else "the SM clock has been low"
    words += f" for {format_duration(HOLDS_SECONDS)} of full load"
    if norm is None or norm.usual_hertz is None:
        return f"{words} without a reason from the driver: training is slower than it can be"
    return (
        f"{words}: the machine may be in a low-power state; other Sparks left it only when unplugged from power "
        "for a while"
    )


_WARNINGS: dict[Trouble, Callable[[DeviceHealth], str]] = {
    "low_clock": _low_clock_warning,
    "thermal_slowdown": lambda _: "heat has been slowing the GPU for a minute: see to its cooling",
    "hardware_slowdown": lambda _: (
        "the hardware has been slowing the GPU for a minute: power supply or cooling may be the reason"
    ),
    "other_processes": lambda _: (
        "another process has come onto the GPU: energy is the whole GPU's, and the card will call it shared"
    ),
}
