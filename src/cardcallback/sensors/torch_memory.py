"""PyTorch's CUDA allocator: its high-water marks, and what it holds now. torch is handed in, never imported here.

Nothing here starts CUDA, waits for it, or resets a mark: a mark belongs to whoever reads it next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from cardcallback.errors import SensorReadError
from cardcallback.record import InstrumentAccuracy, Scope
from cardcallback.sensors.base import Quantity, Sensor, SensorSpec

SOURCE = "torch:allocator"
# The marks are kept by the allocator: rare readings lose only what someone resets in between.
_INTERVAL_SECONDS = 5.0
# Sensors that are read one after the other share one look at the allocator.
_SAME_LOOK_SECONDS = 0.2
_TENSORS, _POOL = "tensors held by PyTorch on CUDA", "memory PyTorch reserved on CUDA"
_FIGURES: dict[Quantity, tuple[str, str]] = {
    "torch_allocated": ("allocated_bytes.all.peak", _TENSORS),
    "torch_reserved": ("reserved_bytes.all.peak", _POOL),
    "torch_allocated_now": ("allocated_bytes.all.current", _TENSORS),
    "torch_reserved_now": ("reserved_bytes.all.current", _POOL),
}

Statistics = Mapping[str, float]


class TorchAllocator:
    """The allocator's statistics of every CUDA device that this process sees.

    Args:
        find_torch: gives the torch module once somebody imported it, ``None`` before.
        monotonic_seconds: a clock for how old a look may be.
    """

    def __init__(
        self, find_torch: Callable[[], Any | None], monotonic_seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._find_torch = find_torch
        self._monotonic_seconds = monotonic_seconds
        self._looked_at: float | None = None
        self._devices: tuple[Statistics, ...] = ()

    def devices(self) -> tuple[Statistics, ...]:
        """One mapping for each device.

        Raises:
            SensorReadError: PyTorch has not used CUDA in this process, or its allocator keeps no statistics.
        """
        now = self._monotonic_seconds()
        if self._looked_at is None or now - self._looked_at >= _SAME_LOOK_SECONDS:
            self._devices = self._look()
            self._looked_at = now
        return self._devices

    def _look(self) -> tuple[Statistics, ...]:
        cuda = getattr(self._find_torch(), "cuda", None)
        try:
            if cuda is None or not cuda.is_initialized():
                msg = "PyTorch has not used CUDA in this process"
                raise SensorReadError(msg)
            return tuple(cuda.memory_stats(index) for index in range(cuda.device_count()))
        except (RuntimeError, AttributeError, AssertionError) as error:
            msg = "PyTorch's allocator gave no figure"
            raise SensorReadError(msg) from error


class TorchMemorySensor:
    """One figure of the allocator in bytes, summed over the CUDA devices of this process."""

    def __init__(self, quantity: Quantity, allocator: TorchAllocator) -> None:
        self._allocator = allocator
        self._figure, covers = _FIGURES[quantity]
        self.spec = _spec(quantity, "bytes", covers)

    def read(self) -> float:
        """Bytes: now, or the highest since the process began or since someone reset the mark.

        The marks of several devices need not have been reached at the same moment.

        Raises:
            SensorReadError: the allocator has no such figure.
        """
        devices = self._allocator.devices()
        if not devices or any(self._figure not in statistics for statistics in devices):
            msg = "PyTorch's allocator keeps no such figure"
            raise SensorReadError(msg)
        return float(sum(statistics[self._figure] for statistics in devices))


class TorchDevicesSensor:
    """How many CUDA devices this process has ever held tensors on, as far as no mark was reset."""

    def __init__(self, allocator: TorchAllocator) -> None:
        self._allocator = allocator
        self.spec = _spec("torch_devices", "count", "CUDA devices on which PyTorch held tensors")

    def read(self) -> float:
        """Their number.

        Raises:
            SensorReadError: the allocator gave no statistics.
        """
        marks = (statistics.get("allocated_bytes.all.peak", 0) for statistics in self._allocator.devices())
        return float(sum(mark > 0 for mark in marks))


def open_torch_memory(find_torch: Callable[[], Any | None]) -> tuple[Sensor, ...]:
    """All of these sensors, over one allocator; they can be opened before torch is imported."""
    allocator = TorchAllocator(find_torch)
    return (*(TorchMemorySensor(quantity, allocator) for quantity in _FIGURES), TorchDevicesSensor(allocator))


def _spec(quantity: Quantity, unit: Any, covers: str) -> SensorSpec:
    return SensorSpec(
        quantity=quantity,
        source=SOURCE,
        kind="gauge",
        unit=unit,
        scope=Scope(gpu_memory="yes"),
        covers=covers,
        interval_seconds=_INTERVAL_SECONDS,
        accuracy=InstrumentAccuracy(statement="the allocator's own book-keeping, exact", source="PyTorch"),
    )
