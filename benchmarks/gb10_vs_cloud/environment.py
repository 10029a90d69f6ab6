"""Whether a GPU is fit to be measured: alone, at rest and not held back; and the wait until it is at rest again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cardcallback.baseline import Baseline, measure_baselines
from cardcallback.errors import SensorReadError, SensorUnavailableError
from cardcallback.record import RunRecord
from cardcallback.recorder.health import clock_norm
from cardcallback.recorder.slowdowns import HARDWARE_SLOWDOWN, LOADED_SHARE, POWER_BRAKE, THERMAL, ClockNorm
from cardcallback.sensors.base import SensorSet
from cardcallback.sensors.surroundings import Surroundings
from cardcallback.units import HERTZ_PER_MEGAHERTZ, format_number

from .clocks import Clock
from .layout import CoolDown

IDLE_SECONDS = 10.0
_LOOK_SECONDS = 5.0
LONGEST_COOL_DOWN_SECONDS = 900.0
# Near idle: what a fan or a display may add, and what a heat sink gives off in a quarter of an hour.
_MORE_WATTS, _MORE_SHARE, _MORE_CELSIUS = 2.0, 0.1, 5.0


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """The GPU as the harness asks it; ``open_sensors`` opens its sensors anew."""

    open_sensors: Callable[[], SensorSet]
    about: Callable[[int], Surroundings]
    clock: Clock

    def idle(self, seconds: float) -> tuple[Baseline, ...]:
        """Power and temperature over so many seconds.

        Raises:
            CardCallbackError: no GPU tells its power; exit code 3.
        """
        return measure_baselines(
            self.open_sensors(), seconds=seconds, clock=self.clock, wait=self.clock.wait, surroundings=self.about
        )


@dataclass(frozen=True, kw_only=True)
class Check:
    """What was found before the first training: ``problems`` forbid it, ``notes`` are kept with the records."""

    idle: tuple[Baseline, ...]
    simulated: bool
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def check_environment(gpu: Gpu, seconds: float = IDLE_SECONDS) -> Check:
    """Look at the GPU before anything is asked of it.

    Raises:
        CardCallbackError: there is no GPU whose power can be read; exit code 3.
    """
    sensors = gpu.open_sensors()
    idle = gpu.idle(seconds)
    problems = [f"{one.device} is not idle ({'; '.join(one.busy)}): stop what runs there" for one in idle if one.busy]
    if len(sensors.devices) > 1:
        problems.append(f"{len(sensors.devices)} GPUs are in view: show one, as with CUDA_VISIBLE_DEVICES=0")
    problems += _held_back(sensors)
    notes = [
        f"the driver does not tell which processes use {one.device}" for one in idle if one.other_processes is None
    ]
    notes += [f"programs draw on {one.device}" for one in idle if one.graphics_processes]
    return Check(idle=idle, simulated=sensors.simulated, problems=tuple(problems), notes=tuple(notes))


def _held_back(sensors: SensorSet) -> list[str]:
    """Of a GPU at rest: reasons for a slow clock that rest does not explain."""
    found = []
    for sensor in sensors.sensors:
        if sensor.spec.quantity != "gpu_clock_event_reasons":
            continue
        try:
            mask = int(sensor.read())
        except (SensorReadError, SensorUnavailableError):
            continue  # what nobody tells is no problem that could be named
        if mask & THERMAL:
            found.append("heat slows the GPU although it rests: see to its cooling")
        if mask & (HARDWARE_SLOWDOWN | POWER_BRAKE):
            found.append("the hardware slows the GPU although it rests: see to its power supply")
    return found


def load_problems(record: RunRecord, sensors: SensorSet) -> tuple[str, ...]:
    """What held the GPU back under load; a low-power state shows only there."""
    told = [sentence for device in record.hardware.accelerators for sentence in device.health]
    norms = {info.name: clock_norm(info) for info in sensors.devices}
    for device in record.hardware.accelerators:
        norm, clock, load = norms.get(device.name), device.median_sm_clock, device.median_utilization
        # A sentence of the record's needs a minute of it; a warm-up may be shorter.
        if told or norm is None or clock is None or clock.value is None or load is None or load.value is None:
            continue
        if load.value >= LOADED_SHARE and clock.value < norm.low_hertz:
            told.append(_low_words(device.name, clock.value, norm))
    return tuple(told)


def _low_words(name: str, hertz: float, norm: ClockNorm) -> str:
    mega = format_number(hertz / HERTZ_PER_MEGAHERTZ)
    limit = format_number(norm.low_hertz / HERTZ_PER_MEGAHERTZ)
    return f"SM clock of {name} at {mega} MHz under full load, below {limit} MHz: it may be in a low-power state"


def cool_down(gpu: Gpu, idle: tuple[Baseline, ...], longest_seconds: float = LONGEST_COOL_DOWN_SECONDS) -> CoolDown:
    """Wait until the GPU is near what it drew at rest, or for ``longest_seconds``.

    Raises:
        CardCallbackError: no GPU tells its power any more.
    """
    begin = gpu.clock.elapsed_seconds()
    while True:
        now = gpu.idle(_LOOK_SECONDS)
        passed = gpu.clock.elapsed_seconds() - begin
        celsius = [one.temperature_celsius_mean for one in now if one.temperature_celsius_mean is not None]
        reached = all(_near(one, before) for one in now for before in idle if one.device == before.device)
        if reached or passed >= longest_seconds:
            return CoolDown(
                seconds=round(passed, 1),
                reached=reached,
                watts=max(one.watts_mean for one in now),
                celsius=max(celsius, default=None),
            )


def _near(now: Baseline, idle: Baseline) -> bool:
    if now.watts_mean > idle.watts_mean * (1 + _MORE_SHARE) + _MORE_WATTS:
        return False
    before, after = idle.temperature_celsius_mean, now.temperature_celsius_mean
    return before is None or after is None or after <= before + _MORE_CELSIUS
