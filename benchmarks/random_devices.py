"""Devices and work for a random schedule: what a GPU's meters are like, and what it draws when."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field, replace

from simulated import Device, Meter, Segment, Waveform, constant, profile_named, ramp, sine, square

_AVERAGE, _INSTANT, _ENERGY = 185, 186, 83
_FIELDS = "nvmlDeviceGetFieldValues"


@dataclass(frozen=True, kw_only=True)
class DeviceKind:
    """A kind of device. ``highest_watts`` is what its work draws at most, ``rail`` what its energy is of."""

    name: str
    device: Device = field(repr=False)
    highest_watts: float
    rail: str = "gpu"

    @property
    def gauge(self) -> Meter:
        """The meter that is read for power: the average where there is one, as the sensors choose."""
        meters = self.device.meters
        names = ("average", "module_average", "instant", "usage")
        return next(meters[name] for name in names if name in meters)

    @property
    def power_call(self) -> str:
        """The call, or the field's element, that power is read by."""
        if "average" in self.device.meters or "module_average" in self.device.meters:
            return f"{_FIELDS}#{_AVERAGE}.{int(self.rail == 'module')}"
        return f"{_FIELDS}#{_INSTANT}.0" if "instant" in self.device.meters else "nvmlDeviceGetPowerUsage"

    @property
    def gauge_sees_all(self) -> bool:
        """Whether no moment escapes the gauge while it is read often enough."""
        return self.gauge.window >= self.gauge.refresh

    @property
    def has_counter(self) -> bool:
        """Whether it has an energy counter."""
        return self.device.counter is not None


def _machine(name: str) -> Device:
    return profile_named(name).devices[0]


def _kinds() -> tuple[DeviceKind, ...]:
    """What each draws at most is its power limit; of GB10, which has none, what its training was seen to stay below."""
    return (
        DeviceKind(name="gb10", device=_machine("gb10"), highest_watts=100.0),
        DeviceKind(name="h100", device=_machine("h100"), highest_watts=700.0),
        DeviceKind(name="a100", device=_machine("a100"), highest_watts=400.0),
        DeviceKind(name="p100", device=_machine("p100"), highest_watts=250.0),
        DeviceKind(name="gh200", device=_machine("gh200"), highest_watts=900.0, rail="module"),
        DeviceKind(name="v100", device=_machine("v100"), highest_watts=300.0),
        DeviceKind(name="t4", device=_machine("t4"), highest_watts=70.0),
        DeviceKind(name="ada", device=_machine("rtx4090"), highest_watts=450.0),
    )


KINDS = _kinds()
# Measured by itself: what the seeds of the others draw does not depend on it.
SAMPLED = DeviceKind(name="p100-samples", device=_machine("p100-samples"), highest_watts=250.0)


def log_uniform(varied: random.Random, low: float, high: float) -> float:
    """Every order of magnitude as likely as the next."""
    return math.exp(varied.uniform(math.log(low), math.log(high)))


def random_work(varied: random.Random, highest_watts: float, begin: float, end: float) -> Waveform:
    """Idle, then work about from ``begin`` to ``end``: swings of 0.05 to 60 s, ramps, pauses, an idle tail."""
    idle = highest_watts * varied.uniform(0.03, 0.25)
    top = highest_watts * varied.uniform(0.4, 1.0) - idle
    seconds = end - begin
    work_begin = begin + varied.choice((0.0, varied.uniform(-30.0, -1.0), varied.uniform(0.0, min(20.0, seconds / 4))))
    tail = varied.choice((0.0, varied.uniform(0.0, 0.3) * seconds, -10.0))
    work_end = max(end - tail, work_begin + seconds / 2)
    segments: list[Segment] = [constant(idle)]
    if varied.random() < 0.25:
        rise = varied.uniform(2.0, min(60.0, seconds / 4))
        segments.append(ramp(0.0, top * 0.6, work_begin, work_begin + rise))
        work_begin += rise
    pause = varied.uniform(work_begin, work_end)
    stretches = [(work_begin, work_end)]
    if varied.random() < 0.3:
        stretches = [(work_begin, pause), (min(pause + varied.uniform(1.0, 30.0), work_end), work_end)]
    low, period = top * varied.uniform(0.0, 0.7), log_uniform(varied, 0.05, 60.0)
    duty, phase = varied.uniform(0.15, 0.95), varied.random()
    ripple = varied.uniform(0.0, 0.08) * top if varied.random() < 0.4 else 0.0
    for first, last in stretches:
        if last <= first:
            continue
        segments.append(square(low, top - ripple, period, duty=duty, phase=phase, begin=first, end=last))
        if ripple:
            wave = log_uniform(varied, 0.3, 120.0)
            segments.append(sine(ripple / 2, ripple / 2, wave, phase=varied.random(), begin=first, end=last))
    return Waveform(tuple(segments))


def silenced(waveform: Waveform, begin: float, end: float, watts: float) -> Waveform:
    """The same work, but ``watts`` from ``begin`` to ``end``, as in a machine that sleeps."""
    kept = [part for segment in waveform.segments for part in _around(segment, begin, end)]
    return Waveform((*kept, constant(watts, begin=begin, end=end)))


def _around(segment: Segment, begin: float, end: float) -> list[Segment]:
    pieces = ((segment.begin, min(segment.end, begin)), (max(segment.begin, end), segment.end))
    return [_cut(segment, first, last) for first, last in pieces if last > first]


def _cut(segment: Segment, first: float, last: float) -> Segment:
    if segment.kind == "ramp":
        slope = (segment.high - segment.low) / (segment.end - segment.begin)
        low, high = (segment.low + slope * (at - segment.begin) for at in (first, last))
        return replace(segment, low=low, high=high, begin=first, end=last)
    turned = (first - segment.begin) / segment.period
    return replace(segment, phase=(segment.phase + turned) % 1.0, begin=first, end=last)
