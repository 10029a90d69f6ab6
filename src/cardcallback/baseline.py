"""Idle power of a machine's GPUs, measured once and kept for later cards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import msgspec

from cardcallback.errors import CardCallbackError, SensorReadError, SensorUnavailableError
from cardcallback.sensors.base import DeviceInfo, Sensor, SensorSet
from cardcallback.units import format_duration, format_power

BASELINES_FILE = "baselines.json"
_SCHEMA_VERSION = 1
_READING_INTERVAL_SECONDS = 1.0


class Clock(Protocol):
    """What measuring needs of a clock."""

    def elapsed_seconds(self) -> float:
        """Seconds since an arbitrary origin."""

    def today(self) -> str:
        """The date as ISO 8601."""


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """Mean power of one device while nothing was asked of it; alike devices of a machine are one entry.

    ``watts_mean`` is per device, over ``seconds`` and ``device_count`` devices. ``other_processes`` counts
    the processes that used the devices meanwhile, None where the driver does not say; more than 0 means
    that the machine was not idle.
    """

    device: str
    driver_version: str | None
    watts_mean: float
    seconds: float
    date: str
    device_count: int
    other_processes: int | None
    method: str
    source: str
    simulated: bool


class _File(msgspec.Struct, frozen=True, kw_only=True):
    schema_version: int
    baselines: tuple[Baseline, ...]


class _Reading(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    watts: float
    method: str
    source: str
    other_processes: int | None


class _Log(msgspec.Struct):
    """What one sensor gave, with the time of each reading."""

    sensor: Sensor
    points: list[tuple[float, float]]


def measure_baselines(
    sensors: SensorSet,
    *,
    seconds: float,
    clock: Clock,
    wait: Callable[[float], None],
    other_processes: Callable[[int], int | None],
) -> tuple[Baseline, ...]:
    """The mean power of every device over ``seconds``: from its energy counter, else from its power readings.

    Args:
        sensors: the machine's sensors.
        seconds: how long to measure.
        clock: gives the time of each reading and the date.
        wait: waits for so many seconds.
        other_processes: how many processes use the device of an index.

    Raises:
        CardCallbackError: no device has a power or energy sensor that works.
    """
    logs = [_Log(sensor=s, points=[]) for s in sensors.sensors if s.spec.quantity in {"gpu_energy", "gpu_power"}]
    if not logs:
        raise _nothing(sensors)
    begin = clock.elapsed_seconds()
    while True:
        _read(logs, clock)
        remaining = begin + seconds - clock.elapsed_seconds()
        if remaining <= 0:
            break
        wait(min(_READING_INTERVAL_SECONDS, remaining))
    measured_seconds = clock.elapsed_seconds() - begin
    readings = [r for d in sensors.devices if (r := _device(d, logs, other_processes(d.index))) is not None]
    if not readings:
        raise _nothing(sensors)
    return tuple(
        _joined([r for r in readings if r.name == name], measured_seconds, sensors, clock.today())
        for name in dict.fromkeys(r.name for r in readings)
    )


def baseline_notes(folder: Path, sensors: SensorSet) -> tuple[str, ...]:
    """A sentence for each kind of device here whose idle power was measured before, for a card's notes.

    Raises:
        CardCallbackError: as ``load_baselines``.
    """
    notes = []
    for name in dict.fromkeys(device.name for device in sensors.devices):
        for kept in load_baselines(folder, device=name, driver_version=sensors.driver_version):
            if kept.simulated == sensors.simulated:
                idle = f"{format_power(kept.watts_mean)} for {format_duration(kept.seconds)} on {kept.date}"
                busy = "" if not kept.other_processes else f", while {kept.other_processes} processes used it"
                notes.append(f"Idle power of {kept.device}, measured before: {idle}{busy}; included in the energy.")
    return tuple(notes)


def load_baselines(
    folder: Path, *, device: str | None = None, driver_version: str | None = None
) -> tuple[Baseline, ...]:
    """The baselines kept in ``folder``, of one device and driver where given; none where none was measured.

    Raises:
        CardCallbackError: the file cannot be read, or is damaged or from a newer version.
    """
    try:
        content = (folder / BASELINES_FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        msg = f"{BASELINES_FILE} cannot be read ({error.strerror}): mend its permissions"
        raise CardCallbackError(msg) from error
    try:
        file = msgspec.json.decode(content, type=_File)
    except msgspec.DecodeError as error:
        msg = f"{BASELINES_FILE} is damaged: measure again with `cardcallback doctor --baseline 60`"
        raise CardCallbackError(msg) from error
    if file.schema_version != _SCHEMA_VERSION:
        msg = f"{BASELINES_FILE} is from a newer cardcallback: upgrade it"
        raise CardCallbackError(msg)
    return tuple(
        baseline
        for baseline in file.baselines
        if device in {None, baseline.device} and driver_version in {None, baseline.driver_version}
    )


def encode_baselines(kept: Sequence[Baseline], measured: Sequence[Baseline]) -> str:
    """The file's text: ``measured`` replaces what was kept of the same device and driver."""
    replaced = {_key(baseline) for baseline in measured}
    baselines = (*(b for b in kept if _key(b) not in replaced), *measured)
    content = msgspec.json.encode(_File(schema_version=_SCHEMA_VERSION, baselines=baselines))
    return msgspec.json.format(content, indent=1).decode() + "\n"


def _nothing(sensors: SensorSet) -> CardCallbackError:
    absence = sensors.absence("gpu_power") or sensors.absence("gpu_energy")
    reason = absence.reason if absence else "no GPU gave two power readings"
    return CardCallbackError(f"no idle power to measure: {reason}", exit_code=3)


def _key(baseline: Baseline) -> tuple[str, str | None, bool]:
    return baseline.device, baseline.driver_version, baseline.simulated


def _read(logs: list[_Log], clock: Clock) -> None:
    for log in logs:
        try:
            value = log.sensor.read()
        except (SensorReadError, SensorUnavailableError):
            continue  # a missing reading shortens what is known; the mean is over what was read
        log.points.append((clock.elapsed_seconds(), value))


def _device(device: DeviceInfo, logs: list[_Log], others: int | None) -> _Reading | None:
    own = {log.sensor.spec.quantity: log for log in logs if log.sensor.spec.device == device.index}
    counter, power = own.get("gpu_energy"), own.get("gpu_power")
    if counter is not None and (watts := _counter_watts(counter.points)) is not None:
        return _reading(device, watts, "counter", counter, others)
    if power is not None and len(power.points) > 1:
        return _reading(device, _mean_watts(power.points), "integrated_power", power, others)
    return None


def _reading(device: DeviceInfo, watts: float, method: str, log: _Log, others: int | None) -> _Reading:
    return _Reading(name=device.name, watts=watts, method=method, source=log.sensor.spec.source, other_processes=others)


def _counter_watts(points: list[tuple[float, float]]) -> float | None:
    # A counter that stands still or goes back says nothing about power, not that it was zero.
    if len(points) < 2 or any(later[1] <= earlier[1] for earlier, later in pairwise(points)):
        return None
    (begin, first), (end, last) = points[0], points[-1]
    return (last - first) / (end - begin)


def _mean_watts(points: list[tuple[float, float]]) -> float:
    joules = sum((t1 - t0) * (w0 + w1) / 2 for (t0, w0), (t1, w1) in pairwise(points))
    return joules / (points[-1][0] - points[0][0])


def _joined(readings: list[_Reading], seconds: float, sensors: SensorSet, date: str) -> Baseline:
    counts = [r.other_processes for r in readings]
    known = [count for count in counts if count is not None]
    return Baseline(
        device=readings[0].name,
        driver_version=sensors.driver_version,
        watts_mean=round(sum(r.watts for r in readings) / len(readings), 3),
        seconds=round(seconds, 1),
        date=date,
        device_count=len(readings),
        other_processes=sum(known) if len(known) == len(counts) else None,
        method=readings[0].method,
        source=readings[0].source,
        simulated=sensors.simulated,
    )
