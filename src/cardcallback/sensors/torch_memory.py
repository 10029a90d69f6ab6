"""PyTorch's CUDA allocator: its own high-water marks. torch is handed in, never imported here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cardcallback.errors import SensorReadError
from cardcallback.record import InstrumentAccuracy, Scope
from cardcallback.sensors.base import Quantity, SensorSpec

SOURCE = "torch:allocator"
# The marks are kept by the allocator: rare readings lose only what someone resets in between.
_INTERVAL_SECONDS = 5.0
_WORDS = {"torch_allocated": "tensors held by PyTorch on CUDA", "torch_reserved": "memory PyTorch reserved on CUDA"}
_CALLS = {"torch_allocated": "max_memory_allocated", "torch_reserved": "max_memory_reserved"}


class TorchMemorySensor:
    """One high-water mark of the allocator, summed over the CUDA devices of this process.

    Args:
        quantity: "torch_allocated" or "torch_reserved".
        find_torch: gives the torch module once somebody imported it, ``None`` before.
    """

    def __init__(self, quantity: Quantity, find_torch: Callable[[], Any | None]) -> None:
        self._find_torch = find_torch
        self._call = _CALLS[quantity]
        self.spec = SensorSpec(
            quantity=quantity,
            source=SOURCE,
            kind="gauge",
            unit="bytes",
            scope=Scope(gpu_memory="yes"),
            covers=_WORDS[quantity],
            interval_seconds=_INTERVAL_SECONDS,
            accuracy=InstrumentAccuracy(statement="the allocator's own book-keeping, exact", source="PyTorch"),
        )

    def read(self) -> float:
        """Bytes, the highest since the process began or since someone reset the mark.

        Raises:
            SensorReadError: PyTorch has not used CUDA in this process.
        """
        cuda = getattr(self._find_torch(), "cuda", None)
        try:
            if cuda is None or not cuda.is_initialized():
                msg = "PyTorch has not used CUDA in this process"
                raise SensorReadError(msg)
            return float(sum(getattr(cuda, self._call)(index) for index in range(cuda.device_count())))
        except (RuntimeError, AttributeError, AssertionError) as error:
            msg = "PyTorch's allocator gave no figure"
            raise SensorReadError(msg) from error
