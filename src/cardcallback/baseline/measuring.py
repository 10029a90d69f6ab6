"""Measuring idle power: energy through the same accounting as a run's, and what the device did meanwhile."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cardcallback.baseline.kept import Baseline
from cardcallback.energy import CounterTraits, EnergyAccount, EnergyResult, PowerTraits
from cardcallback.errors import CardCallbackError, SensorReadError, SensorUnavailableError
from cardcallback.record import InstrumentAccuracy
from cardcallback.sensors.base import DeviceInfo, Quantity, Sensor, SensorSet, SensorSpec
from cardcallback.sensors.surroundings import Surroundings
from cardcallback.units import format_percent

_READING_INTERVAL_SECONDS = 1.0
# A display's own work and a stray process start stay below this; any computing does not.
_BUSY_UTILIZATION = 0.05
# A mean over less than this share of the time is no baseline.
_LOWEST_COVERAGE = 0.5
_READ: tuple[Quantity, ...] = ("gpu_energy", "gpu_power", "gpu_utilization", "gpu_sm_clock", "gpu_temperature")


class Clock(Protocol):
    """What measuring needs of a clock."""

    def elapsed_seconds(self) -> float:
        """Seconds since an arbitrary origin."""

    def today(self) -> str:
        """The date as ISO 8601."""


@dataclass(slots=True)
class _Log:
    """What one sensor gave, at seconds since the begin."""

    sensor: Sensor
    points: list[tuple[float, float]] = field(default_factory=list)

    @property
    def values(self) -> list[float]:
        return [value for _, value in self.points]


@dataclass(frozen=True, slots=True)
class _Measured:
    """One device's idle power: its energy, where from, and what was about it at the begin and at the end."""

    energy: EnergyResult
    source: str
    accuracy: InstrumentAccuracy
    logs: dict[Quantity, _Log]
    about: tuple[Surroundings, Surroundings]

    def watched(self, seconds: float) -> float:
        return seconds - self.energy.gap_seconds


def measure_baselines(
    sensors: SensorSet,
    *,
    seconds: float,
    clock: Clock,
    wait: Callable[[float], None],
    surroundings: Callable[[int], Surroundings],
) -> tuple[Baseline, ...]:
    """The mean power of every device over ``seconds``, each kind of device as one entry.

    A counter that is reset, wraps or stands still is bridged by the power readings, as in a run; a device that
    neither tells for half of the time is left out.

    Args:
        sensors: the machine's sensors.
        seconds: how long to measure.
        clock: gives the time of each reading and the date.
        wait: waits for so many seconds.
        surroundings: what is about the device of an index now.

    Raises:
        CardCallbackError: no device told its power or energy; exit code 3.
    """
    logs = [_Log(sensor) for sensor in sensors.sensors if sensor.spec.quantity in _READ]
    if not any(log.sensor.spec.unit in {"joules", "watts"} for log in logs):
        raise _nothing(sensors)
    before = {device.index: surroundings(device.index) for device in sensors.devices}
    begin = clock.elapsed_seconds()
    while True:
        _read(logs, clock, begin)
        remaining = begin + seconds - clock.elapsed_seconds()
        if remaining <= 0:
            break
        wait(min(_READING_INTERVAL_SECONDS, remaining))
    passed = clock.elapsed_seconds() - begin
    by_name: dict[str, list[_Measured]] = {}
    for device in sensors.devices:
        measured = _device(device, logs, passed, (before[device.index], surroundings(device.index)))
        if measured is not None:
            by_name.setdefault(device.name, []).append(measured)
    if not by_name:
        raise _nothing(sensors)
    return tuple(_joined(name, alike, passed, sensors, clock.today()) for name, alike in by_name.items())


def _nothing(sensors: SensorSet) -> CardCallbackError:
    absence = sensors.absence("gpu_power") or sensors.absence("gpu_energy")
    reason = absence.reason if absence else "no GPU told its energy or power for half of the time"
    return CardCallbackError(f"no idle power to measure: {reason}", exit_code=3)


def _read(logs: list[_Log], clock: Clock, begin: float) -> None:
    for log in logs:
        before = clock.elapsed_seconds()
        try:
            value = log.sensor.read()
        except (SensorReadError, SensorUnavailableError):
            continue  # a missing reading shortens what is known
        log.points.append(((before + clock.elapsed_seconds()) / 2 - begin, value))


def _device(
    device: DeviceInfo, logs: list[_Log], seconds: float, about: tuple[Surroundings, Surroundings]
) -> _Measured | None:
    own = {log.sensor.spec.quantity: log for log in logs if log.sensor.spec.device == device.index}
    counter, power = own.get("gpu_energy"), own.get("gpu_power")
    if counter is not None and power is not None and counter.sensor.spec.scope != power.sensor.spec.scope:
        # Figures of unequal parts of the machine do not mend each other: the gauge stands in for the counter only.
        energy = _energy(counter, None, seconds) or _energy(None, power, seconds)
    else:
        energy = _energy(counter, power, seconds)
    if energy is None or (energy.coverage(seconds) or 0.0) < _LOWEST_COVERAGE:
        return None
    used = {"counter": [counter], "integrated_power": [power]}.get(energy.method, [counter, power])
    specs = [log.sensor.spec for log in used if log is not None]
    return _Measured(energy, " + ".join(spec.source for spec in specs), _accuracy(specs), own, about)


def _accuracy(specs: Sequence[SensorSpec]) -> InstrumentAccuracy:
    """The sensors' own, where they have one in common; else each one's in words."""
    first, *others = (spec.accuracy for spec in specs)
    if all(other == first for other in others):
        return first
    return InstrumentAccuracy(statement="; ".join(f"{spec.source}: {spec.accuracy.statement}" for spec in specs))


def _energy(counter: _Log | None, power: _Log | None, seconds: float) -> EnergyResult | None:
    account = EnergyAccount(
        counter=_counter_traits(counter) if counter is not None else None,
        power=_power_traits(power) if power is not None else None,
    )
    readings: list[tuple[float, Callable[[float, float], None], float]] = []
    readings += [(at, account.add_counter, value) for at, value in counter.points] if counter is not None else []
    readings += [(at, account.add_power, value) for at, value in power.points] if power is not None else []
    for at, add, value in sorted(readings, key=lambda reading: reading[0]):
        add(at, value)
    return account.result(seconds).best


def _counter_traits(log: _Log) -> CounterTraits:
    return CounterTraits(refresh_seconds=log.sensor.spec.refresh_seconds, wraps_at=log.sensor.spec.wraps_at)


def _power_traits(log: _Log) -> PowerTraits:
    spec = log.sensor.spec
    return PowerTraits(
        averaging_seconds=spec.averaging_seconds or 0.0,
        refresh_seconds=spec.refresh_seconds or 0.0,
        interval_seconds=_READING_INTERVAL_SECONDS,
    )


def _joined(name: str, alike: list[_Measured], seconds: float, sensors: SensorSet, date: str) -> Baseline:
    about = [moment for one in alike for moment in one.about]
    programs = _sum_of_most([(one.about[0].programs, one.about[1].programs) for one in alike])
    utilization = _mean(alike, "gpu_utilization")
    complete = all(one.energy.gap_seconds == 0 for one in alike)
    lows, highs = [one.energy.low for one in alike], [one.energy.high for one in alike]
    states = {moment.performance_state for moment in about if moment.performance_state is not None}
    displays = [moment.display_attached for moment in about]
    return Baseline(
        device=name,
        driver_version=sensors.driver_version,
        watts_mean=round(statistics.fmean(one.energy.joules / one.watched(seconds) for one in alike), 3),
        watts_low=round(statistics.fmean(lows) / seconds, 3) if complete else None,
        watts_high=_mean_power(highs, seconds) if complete else None,
        instrument_accuracy=alike[0].accuracy,
        coverage=round(statistics.fmean(one.watched(seconds) / seconds for one in alike), 4),
        seconds=round(seconds, 1),
        date=date,
        device_count=len(alike),
        other_processes=programs,
        graphics_processes=_sum_of_most([(one.about[0].drawing, one.about[1].drawing) for one in alike]),
        method=alike[0].energy.method,
        source=alike[0].source,
        simulated=sensors.simulated,
        utilization_mean=utilization,
        sm_clock_hertz_median=_median(alike, "gpu_sm_clock"),
        temperature_celsius_mean=_mean(alike, "gpu_temperature"),
        performance_states=tuple(sorted(states)),
        display_attached=True if True in displays else None if None in displays else False,
        busy=_busy(programs, utilization),
    )


def _busy(programs: int | None, utilization: float | None) -> tuple[str, ...]:
    found = []
    if programs:
        found.append(f"{programs} other {'process' if programs == 1 else 'processes'} held the GPU")
    if utilization is not None and utilization >= _BUSY_UTILIZATION:
        found.append(f"its utilisation was {format_percent(utilization, 2)}")
    return tuple(found)


def _sum_of_most(counts: Sequence[tuple[int | None, int | None]]) -> int | None:
    """The most of begin and end, over all devices; ``None`` where one of them is not known."""
    total = 0
    for begin, end in counts:
        if begin is None or end is None:
            return None
        total += max(begin, end)
    return total


def _mean_power(joules: Sequence[float | None], seconds: float) -> float | None:
    known = [value for value in joules if value is not None]
    return round(statistics.fmean(known) / seconds, 3) if len(known) == len(joules) else None


def _mean(alike: list[_Measured], quantity: Quantity) -> float | None:
    found = _values(alike, quantity)
    return round(statistics.fmean(found), 4) if found else None


def _median(alike: list[_Measured], quantity: Quantity) -> float | None:
    found = _values(alike, quantity)
    return statistics.median(found) if found else None


def _values(alike: list[_Measured], quantity: Quantity) -> list[float]:
    """Every reading on all devices; none where one device gave none, as the mean would be of the others."""
    each = [one.logs[quantity].values if quantity in one.logs else [] for one in alike]
    return [value for values in each for value in values] if all(each) else []
