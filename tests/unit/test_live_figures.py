"""Figures while a run goes on: what they are called, what they sum, and when there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from recorded import device, gpu_sensors, run, sensor
from virtual_gpu import VirtualGpu

from cardcallback.errors import SensorReadError
from cardcallback.live_figures import LiveFigures
from cardcallback.processes.job_sensors import JobSensors
from cardcallback.record import Scope, not_measured
from cardcallback.recorder import Recorder
from cardcallback.sensors import SensorSet
from cardcallback.sensors.nvml import Selection
from cardcallback.testing import FakeClock, make_record
from waveforms import constant

SECONDS = 30.0
WATTS = 60.0


class Watched:
    """A recorder on a clock of its own, with the figures of what it recorded."""

    def __init__(self, root: Path, *, unified: bool = True, **options: Any) -> None:
        self.clock, self.gpu = FakeClock(), VirtualGpu(waveform=constant(WATTS))
        self.power: float | Exception = WATTS
        more = [sensor("system_memory", 61e9), sensor("gpu_process_memory", 38e9, 0)]
        counter, _ = gpu_sensors(self.gpu, self.clock)
        sensors = SensorSet(
            sensors=(counter, sensor("gpu_power", self._power, 0), *more),
            devices=(device(unified_memory=unified),),
        )
        self.recorder = Recorder(sensors, clock=self.clock)
        self.job = JobSensors()
        self.job.told = sensors
        settings: dict[str, Any] = {"node": None, "before": None, "system_root": root, **options}
        self.figures = LiveFigures(self.recorder, self.job, **settings)
        run(self.recorder, self.clock, SECONDS)

    def _power(self) -> float:
        if isinstance(self.power, Exception):
            raise self.power
        return self.power

    def now(self, tokens: int | None = 1000) -> dict[str, float]:
        """As a tracker is shown them."""
        return self.figures.now(tokens)


def test_a_machine_of_unified_memory(tmp_path: Path) -> None:
    """Power, energy, energy per token, and one memory: the machine's."""
    now = Watched(tmp_path).now()
    assert now.keys() == {"gpu_power_watts", "energy_joules", "joules_per_token", "unified_memory_bytes"}
    assert now["gpu_power_watts"] == WATTS
    assert now["energy_joules"] == pytest.approx(WATTS * SECONDS, rel=0.01)
    assert now["joules_per_token"] == pytest.approx(now["energy_joules"] / 1000)
    assert now["unified_memory_bytes"] == 61e9


def test_a_machine_whose_gpu_has_memory_of_its_own(tmp_path: Path) -> None:
    """Main memory and the GPU's are two figures; neither is called unified."""
    now = Watched(tmp_path, unified=False).now()
    assert (now["main_memory_bytes"], now["gpu_memory_bytes"]) == (61e9, 38e9)
    assert "unified_memory_bytes" not in now


def test_power_of_a_module_is_not_called_the_gpus(tmp_path: Path) -> None:
    """Where the driver tells GPU and processor together, the name says so."""
    clock = FakeClock()
    module = sensor("gpu_power", 600.0, 0, scope=Scope(gpu_core="yes", cpu="yes"))
    sensors = SensorSet(sensors=(module,), devices=(device(),))
    recorder, job = Recorder(sensors, clock=clock), JobSensors()
    job.told = sensors
    run(recorder, clock, 2.0)
    now = LiveFigures(recorder, job, node=None, before=None, system_root=tmp_path).now(None)
    assert now["module_power_watts"] == 600.0
    assert "gpu_power_watts" not in now


def test_tokens_that_are_not_known_give_no_figure_per_token(tmp_path: Path) -> None:
    """Neither where nobody counted them nor where none was counted."""
    watched = Watched(tmp_path)
    for tokens in (None, 0):
        assert "joules_per_token" not in watched.now(tokens)
        assert "energy_joules" in watched.now(tokens)


def test_a_reading_that_no_longer_stands_is_no_figure(tmp_path: Path) -> None:
    """A gauge that fails: its last reading is shown for seconds and then no more."""
    watched = Watched(tmp_path)
    watched.power = SensorReadError("busy")
    run(watched.recorder, watched.clock, 2.0)
    assert watched.now()["gpu_power_watts"] == WATTS
    run(watched.recorder, watched.clock, 10.0)
    assert "gpu_power_watts" not in watched.now()


def test_of_two_gpus_the_sum_and_nothing_where_one_is_silent(tmp_path: Path) -> None:
    """A sum of the GPUs that happen to answer would pass for the job's."""
    watched = Watched(tmp_path)
    second = [sensor("gpu_power", 40.0, 1)]
    both = replace(watched.job.told, sensors=(*watched.job.told.sensors, *second), devices=(device(0), device(1)))
    watched.recorder.join(SensorSet(sensors=tuple(second), devices=(device(1),)), both)
    assert watched.recorder.readings().gpu_power_watts is None
    run(watched.recorder, watched.clock, 2.0)
    assert watched.recorder.readings().gpu_power_watts == WATTS + 40.0


def test_energy_and_tokens_are_the_runs(tmp_path: Path) -> None:
    """After a resume both go on from where the sessions before had come."""
    before = make_record()
    spent, tokens = before.energy.gpu.value, before.training.tokens.non_padding
    assert spent is not None
    assert tokens is not None
    now = Watched(tmp_path, before=before).now()
    assert now["energy_joules"] == pytest.approx(spent + WATTS * SECONDS)
    assert now["joules_per_token"] == pytest.approx(now["energy_joules"] / (tokens + 1000))


def test_a_run_whose_earlier_energy_is_not_known_has_none(tmp_path: Path) -> None:
    """This session's alone would pass for the run's; power and memory are of now."""
    record = make_record()
    energy = msgspec.structs.replace(record.energy, gpu=not_measured("joules", "no sensor"))
    now = Watched(tmp_path, before=msgspec.structs.replace(record, energy=energy)).now()
    assert now.keys() == {"gpu_power_watts", "unified_memory_bytes"}


def test_a_part_of_the_jobs_gpus_is_not_shown_as_the_jobs(tmp_path: Path) -> None:
    """Where GPUs of other processes are missing only memory remains."""
    watched = Watched(tmp_path)
    watched.job.selection = Selection(indices=frozenset({0}), partial_reason="rank 1 announced nothing")
    assert watched.now().keys() == {"unified_memory_bytes"}


@pytest.mark.parametrize(("local", "shown"), [(2, True), (1, False), (None, False)])
def test_one_computer_of_several_shows_nothing(tmp_path: Path, *, local: int | None, shown: bool) -> None:
    """Two processes of one computer are the whole job; of two computers one is not, nor where nobody tells."""
    node = SimpleNamespace(place=SimpleNamespace(processes=2, local_processes=local))
    assert bool(Watched(tmp_path, node=node).now()) is shown


def test_the_first_moments_have_no_energy(tmp_path: Path) -> None:
    """A figure whose doubt is larger than itself is left out."""
    clock = FakeClock()
    sensors = SensorSet(sensors=tuple(gpu_sensors(VirtualGpu(waveform=constant(WATTS)), clock)), devices=(device(),))
    recorder = Recorder(sensors, clock=clock)
    job = JobSensors()
    job.told = sensors
    figures = LiveFigures(recorder, job, node=None, before=None, system_root=tmp_path)
    run(recorder, clock, 0.05)
    assert "energy_joules" not in figures.now(None)
