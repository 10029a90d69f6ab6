"""PyTorch's allocator marks, on stand-ins with torch's own names."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from cardcallback.errors import SensorReadError
from cardcallback.sensors.torch_memory import TorchMemorySensor


def torch_with(**cuda: object) -> SimpleNamespace:
    """A torch module of two CUDA devices."""
    usual = {
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "device_count": lambda: 2,
        "max_memory_allocated": lambda index: 100.0 + index,
        "max_memory_reserved": lambda index: 200.0 + index,
    }
    return SimpleNamespace(cuda=SimpleNamespace(**(usual | cuda)))


def _fail(*_: object) -> object:
    msg = "CUDA error"
    raise RuntimeError(msg)


def test_marks_are_summed_over_devices() -> None:
    """The whole process's mark is the sum of its devices'."""
    assert TorchMemorySensor("torch_allocated", torch_with).read() == 201.0
    assert TorchMemorySensor("torch_reserved", torch_with).read() == 401.0


@pytest.mark.parametrize(
    "torch", [None, SimpleNamespace(), torch_with(is_initialized=lambda: False), torch_with(max_memory_allocated=_fail)]
)
def test_unused_cuda_is_no_figure(torch: object) -> None:
    """No torch, a torch without CUDA or one that has not used it: unknown, never zero."""
    with pytest.raises(SensorReadError):
        TorchMemorySensor("torch_allocated", lambda: torch).read()
