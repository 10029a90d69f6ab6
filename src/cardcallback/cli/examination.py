"""What ``doctor`` finds out about each sensor, from two readings."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, get_args

import msgspec

from cardcallback.cli.advice import (
    NO_ADVICE,
    ONLY_WHILE_TRAINING,
    TRAIN_TO_SEE,
    Advice,
    advice_for,
    advice_on_open_rapl,
)
from cardcallback.energy.ceiling import Ceiling
from cardcallback.energy.intervals import Check
from cardcallback.errors import SensorReadError, SensorUnavailableError
from cardcallback.record import Scope
from cardcallback.sensors.base import Absence, Quantity, Sensor, SensorSet, SensorSpec
from cardcallback.sensors.machine import same_figure
from cardcallback.sensors.rapl import SOURCE as RAPL
from cardcallback.units import format_percent

# At which utilisation a device certainly uses energy that its counter must show within a second.
_UNDER_LOAD = 0.5
# Of a counter that is renewed once a second two steps may fall between two readings.
_SLOW_REFRESH_SECONDS = 1.0
_ANOTHER_UNIT = (
    "the counter went on by more than the device may draw or by less than it can at rest: it may be in another unit"
)
# "unproven": it can be read, and nothing shows that what it says is true.
Status = Literal["works", "unproven", "fails", "absent"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One sensor, or one quantity without a sensor: whether it works, what it covers, why not, what to do.

    ``first`` and ``second`` are the two readings in ``unit``. ``safety`` is what the cure costs, or what
    the present state already does.
    """

    quantity: Quantity
    source: str
    status: Status
    device: str | None = None
    unit: str | None = None
    first: float | None = None
    second: float | None = None
    seconds_between: float | None = None
    scope: Scope | None = None
    covers: str | None = None
    reason: str | None = None
    cure: str | None = None
    safety: str | None = None


def examine(
    sensors: SensorSet,
    *,
    elapsed_seconds: Callable[[], float],
    wait: Callable[[float], None],
    system_root: Path,
    seconds_between: float = 1.0,
) -> tuple[Finding, ...]:
    """Every sensor by two readings, then every quantity that has none, in the order of ``Quantity``."""
    names = {device.index: device.name for device in sensors.devices}
    first = [_attempt(sensor, elapsed_seconds) for sensor in sensors.sensors]
    wait(seconds_between)
    second = [_attempt(sensor, elapsed_seconds) for sensor in sensors.sensors]
    loads = _loads(sensors, second)
    findings = [
        _finding(sensor, names, system_root, (before, after), loads.get(sensor.spec.device))
        for sensor, before, after in zip(sensors.sensors, first, second, strict=True)
    ]
    findings += [_absent(absence, names, system_root) for absence in sensors.absences]
    known = {finding.quantity for finding in findings}
    findings += [_nothing_reads(sensors, q, system_root) for q in get_args(Quantity) if q not in known]
    order = {quantity: place for place, quantity in enumerate(get_args(Quantity))}
    return tuple(sorted(findings, key=lambda finding: (order.get(finding.quantity, len(order)), finding.device or "")))


class _Attempt(msgspec.Struct, frozen=True):
    at_seconds: float
    value: float | None
    error: str | None = None


def _attempt(sensor: Sensor, elapsed_seconds: Callable[[], float]) -> _Attempt:
    try:
        value = sensor.read()
    except (SensorReadError, SensorUnavailableError) as error:
        return _Attempt(elapsed_seconds(), None, str(error))
    except Exception as error:  # noqa: BLE001 - a sensor of someone else may raise anything; that is its finding
        # Its text is anyone's and may hold a host, a path or an address.
        return _Attempt(elapsed_seconds(), None, f"its reading raised {type(error).__name__}")
    if not math.isfinite(value):
        return _Attempt(elapsed_seconds(), None, f"gave {value}, which is no quantity")
    return _Attempt(elapsed_seconds(), value)


def _loads(sensors: SensorSet, attempts: Sequence[_Attempt]) -> dict[int | None, float]:
    """The utilisation of each device that told it."""
    return {
        sensor.spec.device: attempt.value
        for sensor, attempt in zip(sensors.sensors, attempts, strict=True)
        if sensor.spec.quantity == "gpu_utilization" and attempt.value is not None
    }


def _finding(
    sensor: Sensor, names: dict[int, str], system_root: Path, attempts: tuple[_Attempt, _Attempt], load: float | None
) -> Finding:
    spec = sensor.spec
    first, second = attempts
    status, reason, advice = _verdict(sensor, first, second, load)
    risk = advice_on_open_rapl(system_root) if spec.source.startswith(RAPL) else NO_ADVICE
    return Finding(
        quantity=spec.quantity,
        source=spec.source,
        status=status,
        device=_device_name(spec.device, names),
        unit=spec.unit,
        first=first.value,
        second=second.value,
        seconds_between=second.at_seconds - first.at_seconds,
        scope=spec.scope,
        covers=spec.covers,
        reason=reason,
        cure=advice.cure or risk.cure,
        safety=advice.safety or risk.safety,
    )


def _verdict(
    sensor: Sensor, first: _Attempt, second: _Attempt, load: float | None
) -> tuple[Status, str | None, Advice]:
    error = first.error or second.error
    if first.value is None or second.value is None:
        if sensor.spec.quantity in ONLY_WHILE_TRAINING:
            return "unproven", error, TRAIN_TO_SEE
        return "fails", error, Advice(cure="run doctor again; if it stays so, the figure is left out of the card")
    if sensor.spec.kind == "counter" and second.value < first.value:
        return "unproven", "the counter went back between two readings", Advice(cure="run doctor again")
    joules = second.value - first.value
    if sensor.spec.kind == "counter" and joules > 0 and _cannot_be(sensor.spec, joules, first, second):
        return "unproven", _ANOTHER_UNIT, Advice(cure="nothing to do: what the device cannot draw is not counted")
    # A counter of time in slowdowns rightly stands still on a healthy device.
    if sensor.spec.unit == "joules" and second.value == first.value:
        return _standing_still(load)
    return "works", None, NO_ADVICE


def _cannot_be(spec: SensorSpec, joules: float, first: _Attempt, second: _Attempt) -> bool:
    """Whether the device's power limit, where it is known, contradicts what its counter went ahead by."""
    seconds = second.at_seconds - first.at_seconds
    ceiling = Ceiling(0.0, 0.0, spec.highest_watts)
    refresh_seconds = max(spec.refresh_seconds or 0.0, _SLOW_REFRESH_SECONDS)
    allowed = ceiling.joules_if_allowed(seconds + refresh_seconds)
    check = Check(slack_joules=0.0, allowed_joules=allowed, least_joules=ceiling.least_joules(seconds))
    return check.forbids(joules)


def _standing_still(load: float | None) -> tuple[Status, str, Advice]:
    """A counter of energy that did not advance: under load that speaks against it, else it has to be seen again."""
    reason = "the counter has not advanced between two readings"
    if load is not None and load >= _UNDER_LOAD:
        reason = f"the counter has not advanced under load (utilisation {format_percent(load, 2)})"
        return "unproven", reason, Advice(cure="nothing to do: a counter that stands still under load is not used")
    if load is not None:
        reason += f", while the device was hardly used (utilisation {format_percent(load, 2)})"
    cure = "run doctor again while the device works: a counter that stands still under load is not used"
    return "unproven", reason, Advice(cure=cure)


def _absent(absence: Absence, names: dict[int, str], system_root: Path) -> Finding:
    advice = advice_for(absence.quantity, system_root)
    cure = absence.cure or advice.cure
    return Finding(
        quantity=absence.quantity,
        source=absence.source,
        status="absent",
        device=_device_name(absence.device, names),
        reason=absence.reason,
        cure=cure,
        safety=advice.safety if cure else None,  # what a cure costs is no news without one
    )


def _nothing_reads(sensors: SensorSet, quantity: Quantity, system_root: Path) -> Finding:
    others = same_figure(quantity) - {quantity}
    if instead := next((s.spec for s in sensors.sensors if s.spec.quantity in others), None):
        reason = f"not needed: the figure comes from {instead.quantity} ({instead.source})"
        return Finding(quantity=quantity, source="none", status="absent", reason=reason)
    if absence := next((a for a in sensors.absences if a.quantity in others), None):
        return msgspec.structs.replace(_absent(absence, {}, system_root), quantity=quantity)
    advice = advice_for(quantity, system_root)
    # Without a driver every figure of the GPU is absent for the same reason, listed or not.
    gpu = sensors.absence("gpu_energy") if quantity.startswith("gpu_") and not sensors.devices else None
    reason = gpu.reason if gpu else advice.reason or "this version of cardcallback has no sensor for it here"
    return Finding(
        quantity=quantity,
        source="none",
        status="absent",
        reason=reason,
        cure=gpu.cure if gpu else advice.cure,
        safety=advice.safety,
    )


def _device_name(index: int | None, names: dict[int, str]) -> str | None:
    if index is None or index not in names:
        return None
    return f"{names[index]} (device {index})" if len(names) > 1 else names[index]
