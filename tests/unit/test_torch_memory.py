"""PyTorch's allocator, on stand-ins with torch's own names."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cardcallback.errors import SensorReadError
from cardcallback.sensors.torch_memory import open_torch_memory


def statistics(index: int) -> dict[str, int]:
    """What torch tells of one device: half of each mark is held now."""
    return {
        "allocated_bytes.all.peak": 100 + 2 * index,
        "allocated_bytes.all.current": 50 + index,
        "reserved_bytes.all.peak": 200 + 2 * index,
        "reserved_bytes.all.current": 100 + index,
    }


class Cuda:
    """CUDA of three devices, which counts who looks; the last was never used."""

    looks = 0

    def is_initialized(self) -> bool:
        """Somebody has used it."""
        return True

    def device_count(self) -> int:
        """Those the process sees."""
        return 3

    def memory_stats(self, index: int) -> dict[str, int]:
        """Zeros for a device without tensors."""
        self.looks += 1
        return dict.fromkeys(statistics(0), 0) if index == 2 else statistics(index)


def read(cuda: Any) -> dict[str, float]:
    """Every figure by quantity."""
    sensors = open_torch_memory(lambda: SimpleNamespace(cuda=cuda))
    return {sensor.spec.quantity: sensor.read() for sensor in sensors}


def test_marks_and_present_figures_are_summed_over_devices() -> None:
    """Two devices of three hold tensors."""
    assert read(Cuda()) == {
        "torch_allocated": 202,
        "torch_reserved": 402,
        "torch_allocated_now": 101,
        "torch_reserved_now": 201,
        "torch_devices": 2,
    }


def test_sensors_read_together_share_one_look() -> None:
    """Five sensors cost one look at each device, not five."""
    cuda = Cuda()
    read(cuda)
    assert cuda.looks == 3


def _fail(*_: object) -> object:
    msg = "CUDA error"
    raise RuntimeError(msg)


def changed(**names: object) -> SimpleNamespace:
    """A torch whose CUDA differs in these."""
    cuda = Cuda()
    usual = {name: getattr(cuda, name) for name in ("is_initialized", "device_count", "memory_stats")}
    return SimpleNamespace(cuda=SimpleNamespace(**(usual | names)))


@pytest.mark.parametrize(
    "torch",
    [
        None,
        SimpleNamespace(),
        changed(is_initialized=lambda: False, memory_stats=_fail),
        changed(memory_stats=_fail),
        changed(memory_stats=lambda _: {}),
        changed(device_count=lambda: 0),
    ],
)
def test_unused_cuda_is_no_figure(torch: object) -> None:
    """No torch, one without CUDA, one that has not used it or keeps no statistics: unknown, never zero."""
    sensors = {sensor.spec.quantity: sensor for sensor in open_torch_memory(lambda: torch)}
    with pytest.raises(SensorReadError):
        sensors["torch_allocated"].read()


def test_the_real_torch_is_left_as_it_is() -> None:
    """Looking starts no CUDA, here or anywhere."""
    torch = pytest.importorskip("torch")
    begun = torch.cuda.is_initialized()
    for sensor in open_torch_memory(lambda: torch):
        if not begun:
            with pytest.raises(SensorReadError, match="has not used CUDA"):
                sensor.read()
    assert torch.cuda.is_initialized() == begun
