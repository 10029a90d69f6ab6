"""The kernel's hwmon class: its chips, found by their names, and which of their sensors can be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from cardcallback.errors import SensorReadError
from cardcallback.sensors.base import Absence, Quantity, Sensor, SensorSet
from cardcallback.sensors.sysfs import entries_of, integer_of, is_for_ever, text_of
from cardcallback.units import SECONDS_PER_MILLISECOND

SOURCE = "hwmon"
# Often enough for a mean of readings at varying distances, and for one that fails to leave no gap; more would
# cost more of the processor than everything else that is read.
POWER_INTERVAL_SECONDS = 0.2
# No gauge for reading averages over longer: firmware that has no interval tells all ones, which is seven weeks.
_LONGEST_WINDOW_SECONDS = 3600.0
_ADDED_TO_NOTHING = ("other_energy", "other_power")


def chips(system_root: Path, name: str) -> Iterator[tuple[Path, ...]]:
    """Each chip of that name, as the folders in which its files may lie, the most usual first."""
    for entry in entries_of(system_root / "sys" / "class" / "hwmon"):
        # Older kernels put a chip's files, its name among them or not, beside the class folder's "device" link.
        folders = (entry, entry / "device")
        if name in map(text_of, (folder / "name" for folder in folders)):
            yield folders


def window_seconds(path: Path) -> float | None:
    """The milliseconds in that file, where they may be what a reading averages over."""
    try:
        seconds = integer_of(path) * SECONDS_PER_MILLISECOND
    except SensorReadError:
        return None
    return seconds if 0 < seconds <= _LONGEST_WINDOW_SECONDS else None


def opened(sensors: Sequence[Sensor]) -> SensorSet:
    """Those that can be read; of what is summed all or none, for a part of a sum is not the sum."""
    lost: dict[Quantity, str] = {}
    good: list[Sensor] = []
    for sensor in sensors:
        try:
            sensor.read()
        except SensorReadError as error:
            if is_for_ever(error):
                lost.setdefault(sensor.spec.quantity, f"{sensor.spec.source} is here and cannot be used: {error}")
                continue
        good.append(sensor)
    summed = [quantity for quantity in lost if quantity not in _ADDED_TO_NOTHING]
    return SensorSet(
        sensors=tuple(sensor for sensor in good if sensor.spec.quantity not in summed),
        absences=tuple(Absence(quantity=quantity, source=SOURCE, reason=lost[quantity]) for quantity in summed),
    )


def absent(quantity: Quantity, reason: str, cure: str | None = None) -> SensorSet:
    """No sensor, and why."""
    return SensorSet(absences=(Absence(quantity=quantity, source=SOURCE, reason=reason, cure=cure),))
