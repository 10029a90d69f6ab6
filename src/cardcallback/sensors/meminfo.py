"""Memory in use by the whole machine, from ``/proc/meminfo``; right for unified memory too.

Used is MemTotal - MemAvailable - free huge pages: page cache that the kernel would give back is not in
use, and huge pages that are reserved but empty are not either (the kernel counts them as unavailable).
"""

from __future__ import annotations

from pathlib import Path

from cardcallback.errors import SensorReadError
from cardcallback.record import InstrumentAccuracy, Scope
from cardcallback.sensors.base import Absence, Quantity, Sensor, SensorSpec
from cardcallback.units import BYTES_PER_KIBIBYTE

SOURCE = "proc:meminfo"
_INTERVAL_SECONDS = 1.0
_ONCE_SECONDS = 86400.0
_COUNTS = frozenset({"HugePages_Total", "HugePages_Free", "HugePages_Rsvd", "HugePages_Surp"})


def parse_meminfo(text: str) -> dict[str, int]:
    """Every field of ``/proc/meminfo`` in bytes; the ``HugePages_`` fields in pages.

    Lines that are not "name: number" are left out.
    """
    fields = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdecimal():
            fields[name.strip()] = int(words[0]) * (1 if name.strip() in _COUNTS else BYTES_PER_KIBIBYTE)
    return fields


def used_bytes(fields: dict[str, int]) -> int:
    """Memory in use.

    Raises:
        SensorReadError: a field that is needed is missing, or they contradict each other.
    """
    try:
        total, available = fields["MemTotal"], fields["MemAvailable"]
    except KeyError as error:
        msg = f"/proc/meminfo has no {error.args[0]}"
        raise SensorReadError(msg) from error
    free_huge_pages = fields.get("HugePages_Free", 0) * fields.get("Hugepagesize", 0)
    used = total - available - free_huge_pages
    if not 0 <= used <= total:
        msg = "/proc/meminfo contradicts itself"
        raise SensorReadError(msg)
    return used


class MeminfoSensor:
    """One figure of ``/proc/meminfo`` in bytes: memory in use, or all there is."""

    def __init__(self, path: Path, spec: SensorSpec) -> None:
        self._path = path
        self._spec = spec

    @property
    def spec(self) -> SensorSpec:
        """What this sensor reads."""
        return self._spec

    def told(self, spec: SensorSpec) -> MeminfoSensor:
        """The same sensor by another spec."""
        return MeminfoSensor(self._path, spec)

    def read(self) -> float:
        """Bytes now.

        Raises:
            SensorReadError: the file cannot be read, or is not what it should be.
        """
        try:
            fields = parse_meminfo(self._path.read_text(encoding="ascii", errors="replace"))
        except OSError as error:
            msg = f"/proc/meminfo cannot be read: {error.strerror}"
            raise SensorReadError(msg) from error
        if self._spec.quantity == "system_memory":
            return float(used_bytes(fields))
        if not fields.get("MemTotal"):
            msg = "/proc/meminfo has no MemTotal"
            raise SensorReadError(msg)
        return float(fields["MemTotal"])


def open_meminfo(system_root: Path, *, unified: bool | None) -> tuple[tuple[Sensor, ...], tuple[Absence, ...]]:
    """Sensors for memory in use and in all, or why there are none.

    Args:
        system_root: the folder that holds ``proc``.
        unified: whether the GPU uses this memory too; ``None``: not known.
    """
    path = system_root / "proc" / "meminfo"
    sensors = [
        MeminfoSensor(path, _spec("system_memory", _INTERVAL_SECONDS, unified=unified)),
        MeminfoSensor(path, _spec("system_memory_total", _ONCE_SECONDS, unified=unified)),
    ]
    try:
        for sensor in sensors:
            sensor.read()
    except SensorReadError as error:
        return (), tuple(Absence(quantity=s.spec.quantity, source=SOURCE, reason=str(error)) for s in sensors)
    return tuple(sensors), ()


def with_unified_memory(sensor: Sensor, *, unified: bool | None) -> Sensor:
    """The same sensor, told by whether the GPU uses this memory; any other sensor as it is."""
    if not isinstance(sensor, MeminfoSensor):
        return sensor
    return sensor.told(_spec(sensor.spec.quantity, sensor.spec.interval_seconds, unified=unified))


def _spec(quantity: Quantity, interval_seconds: float, *, unified: bool | None) -> SensorSpec:
    return SensorSpec(
        quantity=quantity,
        source=SOURCE,
        kind="gauge",
        unit="bytes",
        scope=Scope(host_dram="yes", gpu_memory="unknown" if unified is None else "yes" if unified else "no"),
        covers="whole machine, GPU memory included" if unified else "whole machine",
        interval_seconds=interval_seconds,
        accuracy=InstrumentAccuracy(statement="kernel's own book-keeping, exact to a page", source="Linux kernel"),
    )
