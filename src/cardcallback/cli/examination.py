"""What ``doctor`` finds out about each sensor, from two readings."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

import msgspec

from cardcallback.cli.advice import NO_ADVICE, ONLY_WHILE_TRAINING, TRAIN_TO_SEE, Advice, advice_for
from cardcallback.errors import SensorReadError, SensorUnavailableError
from cardcallback.record import Scope
from cardcallback.sensors.base import Absence, Quantity, Sensor, SensorSet

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
    findings = [
        _finding(sensor, names, *attempts) for sensor, *attempts in zip(sensors.sensors, first, second, strict=True)
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
        return _Attempt(elapsed_seconds(), None, f"{type(error).__name__}: {error}")
    if not math.isfinite(value):
        return _Attempt(elapsed_seconds(), None, f"gave {value}, which is no quantity")
    return _Attempt(elapsed_seconds(), value)


def _finding(sensor: Sensor, names: dict[int, str], first: _Attempt, second: _Attempt) -> Finding:
    spec = sensor.spec
    status, reason, advice = _verdict(sensor, first, second)
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
        cure=advice.cure,
        safety=advice.safety,
    )


def _verdict(sensor: Sensor, first: _Attempt, second: _Attempt) -> tuple[Status, str | None, Advice]:
    error = first.error or second.error
    if first.value is None or second.value is None:
        if sensor.spec.quantity in ONLY_WHILE_TRAINING:
            return "unproven", error, TRAIN_TO_SEE
        return "fails", error, Advice(cure="run doctor again; if it stays so, the figure is left out of the card")
    # Time stalled for want of memory stands still on a healthy machine; energy does not.
    if sensor.spec.kind == "counter" and sensor.spec.unit == "joules" and second.value == first.value:
        return (
            "unproven",
            "the counter has not advanced between two readings",
            Advice(cure="run doctor again while the device works: a counter that stands still under load is not used"),
        )
    if sensor.spec.kind == "counter" and second.value < first.value:
        return "unproven", "the counter went back between two readings", Advice(cure="run doctor again")
    return "works", None, NO_ADVICE


def _absent(absence: Absence, names: dict[int, str], system_root: Path) -> Finding:
    advice = advice_for(absence.quantity, system_root)
    return Finding(
        quantity=absence.quantity,
        source=absence.source,
        status="absent",
        device=_device_name(absence.device, names),
        reason=absence.reason,
        cure=absence.cure or advice.cure,
        safety=advice.safety,
    )


def _nothing_reads(sensors: SensorSet, quantity: Quantity, system_root: Path) -> Finding:
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
