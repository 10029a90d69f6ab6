"""A run in progress: whose GPUs its record speaks of."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from cardcallback.errors import CardCallbackWarning
from cardcallback.guard import Guard
from cardcallback.live_run import LiveRun
from cardcallback.processes import Place
from cardcallback.record import RunRecord, Scope, Stage, unrecorded_stage
from cardcallback.recorder import BackgroundOpening, EarlyReading, Recorder, Recording
from cardcallback.sensors import Absence, DeviceInfo, Quantity, SensorSet, SensorSpec
from cardcallback.sensors.base import Unit
from cardcallback.sessions import STAGES_UNREAD
from cardcallback.settings import Settings
from cardcallback.stages import Found, StagesSearch
from cardcallback.testing import FakeClock, FakeSensor

_DEVICES = tuple(DeviceInfo(index=index, name="NVIDIA A", uuid=f"GPU-uuid-{index}") for index in range(2))


class StuckSpark:
    """A GB10 at 721 MHz under full load."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        readings = {"gpu_utilization": ("share", 0.96), "gpu_sm_clock": ("hertz", 721e6)}
        self.set = SensorSet(
            sensors=tuple(FakeSensor(self._state(name, unit), value) for name, (unit, value) in readings.items()),
            devices=(DeviceInfo(index=0, name="NVIDIA GB10"),),
        )

    @staticmethod
    def _state(quantity: Quantity, unit: Unit) -> SensorSpec:
        return SensorSpec(
            quantity=quantity,
            source=f"fake:{quantity}",
            kind="gauge",
            unit=unit,
            scope=Scope(gpu_core="yes"),
            covers="GPU",
            interval_seconds=1.0,
            device=0,
        )


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


def has_read(run: LiveRun) -> bool:
    """Every sensor has its first reading; where the machine has much else to do that is after the begin has gone on."""
    assert run._recorder is not None
    return all(lane.first_pass.wait(30) for lane in run._recorder._lanes)


def run_for_a_minute(
    machine: TwoGpus, tmp_path: Path, args: SimpleNamespace, settings: Settings | None = None
) -> RunRecord:
    """The record of 100 steps in 60 seconds."""
    run = LiveRun(settings or Settings(), clock=machine.clock, system_root=tmp_path)
    opening = BackgroundOpening(lambda: machine.set, machine.clock)
    assert opening.result(30) is not None
    run.start_recording((opening,), {}, args, None, first=True)
    assert has_read(run)
    machine.clock.advance(60.0)
    run.stop_recording()
    return run.record("completed", log_history=[], last_step=100)


def test_trouble_of_a_gpu_that_is_not_used_is_no_news(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A job on the processor beside a stuck GPU: its news are taken and not printed."""
    monkeypatch.setitem(sys.modules, "torch", torch(uuid="uuid-0"))
    machine = TwoGpus()
    run = LiveRun(Settings(), clock=machine.clock, system_root=tmp_path)
    opening = BackgroundOpening(lambda: machine.set, machine.clock)
    assert opening.result(30) is not None
    run.start_recording((opening,), {}, SimpleNamespace(device="cpu", n_gpu=0, world_size=1), None, first=True)
    assert run._recorder is not None
    run._recorder.news.append("the GPU is hot")
    run.tell_news()
    run.stop_recording()
    assert not run.news
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("quiet", [False, True])
def test_trouble_is_told_once_and_only_when_asked(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    quiet: bool,  # noqa: FBT001 - a case
) -> None:
    """Nothing is printed by reading; the next step's question prints one line, the one after none."""
    machine = StuckSpark()
    run = LiveRun(Settings(quiet=quiet), clock=machine.clock, system_root=tmp_path)
    recorder = Recorder(machine.set, clock=machine.clock)
    run.news = recorder.news
    for _ in range(100):
        recorder.sample_due()
        machine.clock.advance(1.0)
    assert capsys.readouterr().out == ""
    assert run.news
    run.tell_news()
    assert not run.news
    told = capsys.readouterr().out.splitlines()
    assert len(told) == (0 if quiet else 1)
    assert all(line.startswith("cardcallback: the SM clock has been below 1,400 MHz") for line in told)
    for _ in range(100):
        recorder.sample_due()
        machine.clock.advance(1.0)
    assert not run.news


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


@pytest.mark.expects_failure
def test_a_part_that_cannot_be_joined_costs_no_other(tmp_path: Path) -> None:
    """A sensor of an impossible quantity, which no plugin can bring: the GPUs of another part are measured."""
    machine = TwoGpus()
    spec = replace(TwoGpus._counter(_DEVICES[0]), quantity=["system_energy"], device=None)
    broken = SensorSet(sensors=(FakeSensor(spec, 1.0),))
    run = LiveRun(Settings(), clock=machine.clock, system_root=tmp_path)
    openings = [BackgroundOpening(lambda one=one: one, machine.clock) for one in (broken, machine.set)]
    assert all(opening.result(30) is not None for opening in openings)
    with pytest.warns(CardCallbackWarning, match="some of the sensors"):
        run.start_recording(openings, {}, SimpleNamespace(device="cpu", n_gpu=0, world_size=1), None, first=True)
    assert has_read(run)
    machine.clock.advance(60.0)
    run.stop_recording()
    energy = run.record("completed", log_history=[], last_step=100).energy
    assert energy.gpu.value == pytest.approx(12000.0)
    assert energy.system.value is None


def test_a_driver_that_becomes_ready_is_measured_from_then_on(tmp_path: Path) -> None:
    """Not loaded when training began: its GPUs join in mid-run, and what came before is a gap with a note."""
    machine = TwoGpus()
    absence = Absence(quantity="gpu_energy", source="nvml", reason="the NVIDIA driver is installed but not loaded")
    loading, attempts = threading.Event(), count()

    def open_gpus() -> SensorSet:
        if next(attempts) == 0:
            return SensorSet(absences=(absence,), not_ready=True)
        assert loading.wait(30)
        return machine.set

    opening = BackgroundOpening(open_gpus, machine.clock)
    assert opening.result(30) is not None
    machine.clock.advance(10.0)  # the next attempt is due
    run = LiveRun(Settings(), clock=machine.clock, system_root=tmp_path)
    args = SimpleNamespace(device="cpu", n_gpu=0, world_size=1)
    run.start_recording((opening,), {}, args, None, first=True)
    assert run.record("running", log_history=[], last_step=1).energy.gpu.reason == absence.reason
    machine.clock.advance(40.0)
    loading.set()
    for thread in threading.enumerate():
        if thread.name == "cardcallback-late":
            thread.join(30)
    assert has_read(run)
    machine.clock.advance(60.0)
    run.stop_recording()
    record = run.record("completed", log_history=[], last_step=100)
    assert record.energy.gpu.value == pytest.approx(2 * 6000.0)
    assert record.energy.gpu.coverage == pytest.approx(0.6)
    assert any("was not ready when it was first asked" in note for note in record.notes)


class Joined(Recorder):
    """A recorder whose run takes up further sensors just after a snapshot, as soon as it may."""

    run: LiveRun
    late: SensorSet

    def snapshot(self) -> Recording:
        """As its base's; what joins then is not in it."""
        recording = super().snapshot()
        if not self.run._joining.locked():
            self.run._join(self, 0, (self.late, EarlyReading()), first=True)
        return recording


def test_a_record_is_of_one_set_of_sensors(tmp_path: Path) -> None:
    """GPUs that join while a record is made: either they are in it, or neither they nor what is said of them."""
    machine = TwoGpus()
    run = LiveRun(Settings(), clock=machine.clock, system_root=tmp_path)
    recorder = Joined(SensorSet(), clock=machine.clock)
    recorder.run, recorder.late = run, replace(machine.set, driver_version="580")
    run._recorder = recorder
    record = run.record("running", log_history=[], last_step=1)
    assert not record.hardware.accelerators
    assert "driver" not in record.software
    assert not any("CUDA" in note for note in record.notes)
    assert recorder.join(recorder.late, recorder.late)
    recording = recorder.stop()
    assert recording.sensors == recorder.late
    assert len(recording.accelerators) == 2


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


@pytest.mark.parametrize("asked", [False, True])
def test_the_rest_is_estimated_only_where_that_was_asked_for(
    asked: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Off by default; asked for, the record has the estimate or, as here, why there is none."""
    monkeypatch.setitem(sys.modules, "torch", torch(uuid="uuid-0"))
    args = SimpleNamespace(device="cuda:0", n_gpu=1, world_size=1)
    record = run_for_a_minute(TwoGpus(), tmp_path, args, Settings(estimate_rest=asked))
    rest = record.energy.rest_estimate
    assert (rest.reason if rest is not None else None) == (
        "nothing is published on the machine around NVIDIA A" if asked else None
    )
    assert record.energy.gpu.value == pytest.approx(6000.0)


class SlowSearch(StagesSearch):
    """A search of a disk that answers when it is told to; it keeps how long it was waited for."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.waited: list[float] = []
        super().__init__(self._late, Guard())

    def _late(self) -> Found:
        self.answers.wait()
        return Found(stages=(unrecorded_stage("its record is gone"),))

    def wait(self, timeout_seconds: float) -> None:
        """As its base's, without the time."""
        self.waited.append(timeout_seconds)


def test_the_stages_before_are_taken_whenever_they_are_there(tmp_path: Path) -> None:
    """Until then the record says that they are missing; begin and end wait for so long and no longer."""
    run = LiveRun(Settings(), clock=FakeClock(), system_root=tmp_path)
    search = SlowSearch()
    run.begins_after(search)
    run.start_recording((), {}, SimpleNamespace(output_dir=tmp_path), None, first=True)
    run.stop_recording()
    run.stop_recording()
    assert search.waited == [0.01, 1.0]
    before = run.record("completed", log_history=[], last_step=1)
    assert len(before.stages) == 1
    assert [note for note in before.notes if note.startswith(STAGES_UNREAD)] == [f"{STAGES_UNREAD}."]
    search.answers.set()
    StagesSearch.wait(search, 60.0)
    after = run.record("completed", log_history=[], last_step=1)
    assert [stage.reason for stage in after.stages] == ["its record is gone", None]
    assert not any(note.startswith(STAGES_UNREAD) for note in after.notes)


@pytest.mark.parametrize("known", [False, True])
def test_a_model_that_was_trained_before_is_told_unless_that_run_is_a_stage(tmp_path: Path, *, known: bool) -> None:
    """Whichever of the two is found out last: the note stands only while no stage is that run."""
    model, state = type("Model", (), {})(), SimpleNamespace(global_step=0, num_input_tokens_seen=0, log_history=[])
    first, second = (LiveRun(Settings(), clock=FakeClock(), system_root=tmp_path) for _ in range(2))
    first.begin_steps(state, None, model, after=None)
    first.observed.last_step = 5
    second.begin_steps(state, None, model, after=first)
    if known:
        search = StagesSearch(lambda: Found(stages=(Stage(name="SFT", run_id=first.run_id),)), Guard())
        search.wait(60.0)
        second.begins_after(search)
    second.start_recording((), {}, SimpleNamespace(output_dir=tmp_path), None, first=True)
    second.stop_recording()
    record = second.record("completed", log_history=[], last_step=1)
    assert any("were trained before" in note for note in record.notes) is not known


def test_a_record_of_now_of_a_job_asks_the_folder_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal's thread makes it each few seconds, and a line of it waits for no other process's files."""
    folder = tmp_path / "shared"
    folder.mkdir()
    asked: list[tuple[int, str]] = []

    def told(name: str) -> None:
        original = getattr(os, name)

        def call(path: object = ".", *args: object, **kwargs: object) -> object:
            if str(path).startswith(str(folder)):
                asked.append((threading.get_ident(), name))
            return original(path, *args, **kwargs)

        monkeypatch.setattr(os, name, call)

    run = LiveRun(Settings(), clock=FakeClock(), system_root=tmp_path)
    place = Place(processes=2, local_processes=2, node="n")
    args = SimpleNamespace(output_dir=str(folder))
    run.start_recording((), {}, args, None, first=True, place=place)
    for name in ("open", "stat", "lstat", "mkdir", "replace", "unlink", "scandir", "listdir"):
        told(name)
    state = SimpleNamespace(global_step=1, log_history=[])
    record = run.record_in_progress(state, status="running")
    assert not [name for thread, name in asked if thread == threading.get_ident()]
    assert record.processes == 2
    run.stop_recording()
    run.record_in_progress(state, status="running")
    assert not [name for thread, name in asked if thread == threading.get_ident()]
    run.record("completed", log_history=[], last_step=1)
    run.work.stop()
