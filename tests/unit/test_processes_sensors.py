"""What is read and what is told of a node's GPUs while its processes announce theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from ranks_of_a_node import DEVICES, NodeOfRanks, uses
from recorded import run, sensor

from cardcallback.errors import SensorReadError
from cardcallback.processes.job_sensors import JobSensors
from cardcallback.recorder import Recorder
from cardcallback.sensors import SensorSet
from cardcallback.sensors.job_devices import JobDevices
from cardcallback.sensors.job_processes import is_of_several, is_of_this_job
from cardcallback.testing import FakeSensor

_WATTS = 100.0
_JOB = JobDevices(uses_cuda=True, cuda_indices=(0,), uuids=("0aaa-bbbb",))


class MeasuredByRanks:
    """A computer of three GPUs at 100 W each, read by rank 0 of two; nothing runs by itself."""

    def __init__(self, folder: Path) -> None:
        self.node = NodeOfRanks(folder, processes=2)
        self.node.ranks.invite()
        clock = self.node.clock
        self.counters = [sensor("gpu_energy", partial(self._joules, one.index), one.index) for one in DEVICES[:3]]
        temperatures = [sensor("gpu_temperature", self._temperature, device.index) for device in DEVICES[:3]]
        everything = SensorSet(sensors=(*self.counters, *temperatures), devices=DEVICES[:3])
        self.sensors = JobSensors(_JOB, {}, self.node.ranks)
        self.recorder = Recorder(SensorSet(), clock=clock)
        self.sensors.join(self.recorder, 0, everything, None)

    def _joules(self, index: int) -> float:
        return _WATTS * self.node.clock.elapsed_seconds() + 12_345.678 * index

    def _temperature(self) -> float:
        if int(self.node.clock.elapsed_seconds()) % 7 == 0:
            raise SensorReadError("busy")
        return 50.0

    def announce(self) -> None:
        """Rank 1 announces the third GPU."""
        self.node.follower(1, uses("2aaa-bbbb")).beat()
        self.node.ranks.look()
        self.sensors.choose_again(self.recorder)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        run(self.recorder, self.node.clock, seconds)


def test_what_is_announced_late_is_no_gap(tmp_path: Path) -> None:
    """Half a minute after the begin: both GPUs' energy is whole, and nothing is told of the third."""
    measured = MeasuredByRanks(tmp_path)
    assert [device.index for device in measured.sensors.told.devices] == [0]
    measured.run(30.0)
    measured.announce()
    measured.run(30.0)
    recording = measured.recorder.stop()
    assert recording.energy.gpu.value == pytest.approx(2 * 60.0 * _WATTS)
    assert recording.energy.gpu.coverage == pytest.approx(1.0)
    assert len(recording.accelerators) == 2
    assert {trace.device for trace in recording.traces} == {0, 2}
    assert measured.sensors.selection.partial_reason is None


def test_nothing_is_told_of_what_nobody_announced(tmp_path: Path) -> None:
    """No energy, no trace and no failed reading of the others, and the energy is a part."""
    measured = MeasuredByRanks(tmp_path)
    measured.run(60.0)
    recording = measured.recorder.stop()
    assert recording.energy.gpu.value == pytest.approx(60.0 * _WATTS)
    assert {trace.device for trace in recording.traces} == {0}
    assert len([note for note in recording.notes if "readings failed" in note]) == 1
    assert measured.sensors.selection.partial_reason == "rank 1 did not announce its GPU"


def test_gpus_of_nobody_are_read_no_more_once_all_are_heard(tmp_path: Path) -> None:
    """Before, they may still turn out to be the job's."""
    measured = MeasuredByRanks(tmp_path)
    measured.run(10.0)
    assert _reads(measured.counters) == pytest.approx([10, 10, 10], abs=1)
    measured.announce()
    before = _reads(measured.counters)
    measured.run(10.0)
    after = _reads(measured.counters)
    assert after[1] == before[1]
    assert after[2] > before[2] + 8


def _reads(sensors: list[FakeSensor]) -> list[int]:
    return [one.reads for one in sensors]


def test_processes_of_one_launch_know_each_other() -> None:
    """Another rank on a GPU is not a process of others; one of another job is."""
    own = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500", "WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "a"}
    command = [sys.executable, "-c", "print(flush=True); input()"]
    for port, is_own in (("29500", True), ("29501", False)):
        environ = os.environ | own | {"MASTER_PORT": port}
        with subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()  # its own environment is there once it runs
            assert is_of_this_job(process.pid, own) is is_own
            assert not is_of_this_job(process.pid, {})
            process.kill()
    assert not is_of_this_job(2**22 + 1, own)
    assert is_of_several(own)
    assert not is_of_several(own | {"WORLD_SIZE": "1"})
