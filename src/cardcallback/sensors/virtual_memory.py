"""Memory in use by the whole machine where there is no ``/proc/meminfo``: macOS and Windows, through psutil."""

from __future__ import annotations

from collections.abc import Callable

import psutil

from cardcallback.errors import SensorReadError
from cardcallback.record import InstrumentAccuracy, Scope
from cardcallback.sensors.base import Absence, Quantity, Sensor, SensorSpec, those_readable

SOURCE = "psutil:virtual_memory"
_INTERVAL_SECONDS = 1.0
_ONCE_SECONDS = 86400.0


class VirtualMemorySensor:
    """One figure of the operating system's own account of its memory, in bytes."""

    def __init__(self, quantity: Quantity, interval_seconds: float, figure: Callable[[], int], scope: Scope) -> None:
        self._figure = figure
        self.spec = SensorSpec(
            quantity=quantity,
            source=SOURCE,
            kind="gauge",
            unit="bytes",
            scope=scope,
            covers="whole machine" + (", GPU memory included" if scope.gpu_memory == "yes" else ""),
            interval_seconds=interval_seconds,
            accuracy=InstrumentAccuracy(statement="the operating system's own book-keeping"),
        )

    def read(self) -> float:
        """Bytes now.

        Raises:
            SensorReadError: the system refused.
        """
        try:
            return float(self._figure())
        except (psutil.Error, OSError, RuntimeError) as error:
            msg = "the system does not tell its memory"
            raise SensorReadError(msg) from error


def open_virtual_memory(*, unified: bool | None) -> tuple[tuple[Sensor, ...], tuple[Absence, ...]]:
    """Sensors for memory in use and all there is, or why there are none.

    Args:
        unified: whether the GPU uses this memory too; ``None``: not known.
    """
    scope = Scope(host_dram="yes", gpu_memory="unknown" if unified is None else "yes" if unified else "no")
    return those_readable(
        (
            VirtualMemorySensor("system_memory", _INTERVAL_SECONDS, _used, scope),
            VirtualMemorySensor("system_memory_total", _ONCE_SECONDS, _total, scope),
        )
    )


def _used() -> int:
    memory = psutil.virtual_memory()
    return int(memory.total) - int(memory.available)


def _total() -> int:
    return int(psutil.virtual_memory().total)
