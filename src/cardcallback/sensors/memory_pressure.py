"""Time that work stood still for want of memory, from the kernel's pressure stall information."""

from __future__ import annotations

from pathlib import Path

from cardcallback.errors import SensorReadError
from cardcallback.record import InstrumentAccuracy, Scope
from cardcallback.sensors.base import Absence, Quantity, Sensor, SensorSpec, those_readable

SOURCE = "proc:pressure/memory"
_INTERVAL_SECONDS = 10.0
_SECONDS_PER_MICROSECOND = 1e-6
_LINES: dict[Quantity, tuple[str, str]] = {
    "memory_stalled_some": ("some", "whole machine: at least one task waited for memory"),
    "memory_stalled_all": ("full", "whole machine: every task that had work waited for memory"),
}


class MemoryPressureSensor:
    """Seconds stalled since the machine started: of some of its tasks, or of all that had work."""

    def __init__(self, system_root: Path, quantity: Quantity) -> None:
        self._path = system_root / "proc" / "pressure" / "memory"
        self._line, covers = _LINES[quantity]
        self.spec = SensorSpec(
            quantity=quantity,
            source=SOURCE,
            kind="counter",
            unit="seconds",
            scope=Scope(),
            covers=covers,
            interval_seconds=_INTERVAL_SECONDS,
            accuracy=InstrumentAccuracy(statement="kernel's own book-keeping", source="Linux kernel"),
        )

    def read(self) -> float:
        """Seconds.

        Raises:
            SensorReadError: this kernel does not keep them, or the file is not what it should be.
        """
        try:
            text = self._path.read_text(encoding="ascii", errors="replace")
        except OSError as error:
            msg = f"this kernel keeps no pressure stall information ({error.strerror})"
            raise SensorReadError(msg) from error
        for line in text.splitlines():
            kind, *fields = line.split()
            total = dict(field.partition("=")[::2] for field in fields).get("total", "")
            if kind == self._line and total.isdecimal():
                return int(total) * _SECONDS_PER_MICROSECOND
        msg = f'/proc/pressure/memory has no total of "{self._line}"'
        raise SensorReadError(msg)


def open_memory_pressure(system_root: Path) -> tuple[tuple[Sensor, ...], tuple[Absence, ...]]:
    """Both sensors, or why there are none.

    Args:
        system_root: the folder that holds ``proc``.
    """
    return those_readable(MemoryPressureSensor(system_root, quantity) for quantity in _LINES)
