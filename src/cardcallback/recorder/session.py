"""Where and when readings were taken, and why some were not."""

from __future__ import annotations

from dataclasses import dataclass

from cardcallback.recorder.opening import EarlyReading
from cardcallback.sensors.base import Quantity, SensorSet

NO_SENSOR = "no sensor for it on this machine"


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """Where and when a ledger was kept.

    ``early`` holds readings at the clock's own time; ``failures`` the last failure by quantity and device.
    """

    sensors: SensorSet
    started_on: str
    begin_elapsed_seconds: float
    duration_seconds: float
    suspended_seconds: float
    stopped_seconds: float
    early: EarlyReading
    failures: dict[tuple[str, int | None], str]
    notes: tuple[str, ...]


def absence_reason(session: Session, quantity: Quantity, device: int | None) -> str:
    """Why there is no figure: the sensor gave up, was never there, or gave no reading yet."""
    for (name, at), reason in session.failures.items():
        if name == quantity and device in {None, at}:
            return reason
    absence = session.sensors.absence(quantity, device)
    if absence is not None:
        return absence.reason
    if any(sensor.spec.quantity == quantity for sensor in session.sensors.sensors):
        return "the sensor gave no usable reading"
    return NO_SENSOR
