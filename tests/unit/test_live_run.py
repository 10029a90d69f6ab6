"""A run in progress: whose GPUs its record speaks of."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from cardcallback.live_run import LiveRun
from cardcallback.record import RunRecord, Scope
from cardcallback.recorder import BackgroundOpening
from cardcallback.sensors import DeviceInfo, SensorSet, SensorSpec
from cardcallback.settings import Settings
from cardcallback.testing import FakeClock, FakeSensor

_DEVICES = tuple(DeviceInfo(index=index, name="NVIDIA A", uuid=f"GPU-uuid-{index}") for index in range(2))


class TwoGpus:
    """A machine of two GPUs at 100 W each, with a clock to drive."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        sensors = [FakeSensor(self._counter(device), self._joules) for device in _DEVICES]
        self.set = SensorSet(sensors=tuple(sensors), devices=_DEVICES)

    def _joules(self) -> float:
        return 100.0 * self.clock.elapsed_seconds()

    @staticmethod
    def _counter(device: DeviceInfo) -> SensorSpec:
        return SensorSpec(
            quantity="gpu_energy",
            source="fake:counter",
            kind="counter",
            unit="joules",
            scope=Scope(gpu_core="yes"),
            covers=device.name,
            interval_seconds=1.0,
            device=device.index,
        )


def torch(**properties: object) -> SimpleNamespace:
    """A torch with two CUDA devices."""
    cuda = SimpleNamespace(is_available=lambda: True, get_device_properties=lambda _: SimpleNamespace(**properties))
    return SimpleNamespace(cuda=cuda)


def run_for_a_minute(machine: TwoGpus, tmp_path: Path, args: SimpleNamespace) -> RunRecord:
    """The record of 100 steps in 60 seconds."""
    run = LiveRun(Settings(), clock=machine.clock, system_root=tmp_path, stages=())
    opening = BackgroundOpening(lambda: machine.set, machine.clock)
    assert opening.result(30) is not None
    run.start_recording((opening,), {}, args, None, first=True)
    machine.clock.advance(60.0)
    run.stop_recording()
    return run.record("completed", log_history=[], last_step=100)


def test_a_job_on_the_processor_only_watches_the_gpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """``use_cpu=True`` on a machine with GPUs: they are named as not the job's."""
    monkeypatch.setitem(sys.modules, "torch", torch(uuid="uuid-0"))
    args = SimpleNamespace(device="cpu", n_gpu=0, world_size=1)
    record = run_for_a_minute(TwoGpus(), tmp_path, args)
    assert [device.used_by_job for device in record.hardware.accelerators] == [False, False]
    assert any("did not use CUDA" in note for note in record.notes)


def test_an_old_torch_does_not_make_a_job_use_no_cuda(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A torch without UUIDs: the second visible GPU is measured, as the job's, and the row says how it was chosen."""
    monkeypatch.setitem(sys.modules, "torch", torch())
    args = SimpleNamespace(device="cuda:1", n_gpu=1, world_size=1)
    record = run_for_a_minute(TwoGpus(), tmp_path, args)
    assert [device.used_by_job for device in record.hardware.accelerators] == [True]
    assert "CUDA_VISIBLE_DEVICES" in record.energy.gpu.covers[-1]
    assert not any("did not use CUDA" in note for note in record.notes)
    assert record.energy.per_step is not None
    assert record.energy.per_step.value is not None


def test_one_process_of_four_is_divided_by_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The steps are the whole job's and the energy is not: no ratio, with the reason, and the row says it."""
    monkeypatch.setitem(sys.modules, "torch", torch(uuid="uuid-0"))
    args = SimpleNamespace(device="cuda:0", n_gpu=1, world_size=4)
    energy = run_for_a_minute(TwoGpus(), tmp_path, args).energy
    assert energy.gpu.value == pytest.approx(6000.0)
    assert energy.gpu.covers == ("NVIDIA A", "1 of 4 processes' GPUs measured")
    for ratio in (energy.per_step, energy.per_token):
        assert ratio is not None
        assert ratio.value is None
        assert "1 of 4 processes" in str(ratio.reason)
