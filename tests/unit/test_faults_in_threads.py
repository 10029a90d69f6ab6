"""Drivers that hang and threads that starve: the recorder's own threads against the simulated library."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from driven import SIMULATED
from fault_checks import assert_holds, assert_sound, assert_told

from cardcallback.live_run import LiveRun
from cardcallback.record import RunRecord
from cardcallback.recorder import BackgroundOpening, Recorder, SystemClock, open_in_background
from cardcallback.sensors.discovery import sensor_parts
from cardcallback.sensors.nvml import open_nvml, reset_nvml
from cardcallback.settings import Settings
from profiles import Fault, Profile
from simulator import hanging, profile_named, release
from simulator_fixtures import Simulate

_SPARK = Path(__file__).resolve().parents[1] / "fixtures" / "dgx-spark"
_LONG = 30.0  # for threads that end at once where nothing is wrong


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    yield
    release()
    for thread in threading.enumerate():
        # That of an output folder waits for work until its run is forgotten, and asks no driver.
        if thread.name.startswith("cardcallback-") and thread.name != "cardcallback-files":
            thread.join(_LONG)
    reset_nvml()


def _with(profile: str, *faults: Fault) -> Profile:
    return replace(profile_named(profile), faults=faults)


def _wait_until_it_hangs() -> None:
    waiting = threading.Event()
    for _ in range(3000):
        if hanging():
            return
        waiting.wait(0.01)
    pytest.fail("no call hangs")


def _join_threads(name: str) -> None:
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(_LONG)
            assert not thread.is_alive()


class Hung:
    """A run on a machine whose driver hangs in one call."""

    def __init__(self, plugins: tuple[object, ...] = ()) -> None:
        self.openings: tuple[BackgroundOpening, ...] = open_in_background(
            sensor_parts(system_root=_SPARK, environ=SIMULATED, plugins=plugins), SystemClock()
        )
        self.run = LiveRun(Settings(), clock=SystemClock(), system_root=_SPARK)

    def start(self) -> None:
        """Begin to measure, the sensors that open having done so."""
        assert self.openings[1].result(_LONG) is not None
        args = SimpleNamespace(device="cpu", n_gpu=0, world_size=1)
        self.run.start_recording(self.openings, {}, args, None, first=True)

    def stop(self) -> RunRecord:
        """The record of ten steps."""
        self.run.stop_recording()
        return self.run.record("completed", log_history=[], last_step=10)


def test_a_driver_that_never_starts_costs_the_machine_nothing(simulate: Simulate) -> None:
    """A driver whose start hangs for the whole run: begin and end return meanwhile, and memory is measured."""
    simulate(_with("gb10", Fault(call="nvmlInit", hang=True)))
    hung = Hung()
    _wait_until_it_hangs()
    hung.start()
    record = hung.stop()
    assert hanging() == 1
    assert record.memory.system_peak.value is not None
    assert record.memory.process_peak_rss.value is not None
    assert record.energy.gpu.value is None
    assert record.energy.gpu.reason == "the driver had not answered yet"


def test_a_plugin_that_hangs_costs_nobody_else(simulate: Simulate) -> None:
    """A plugin whose opening never returns: GPU and memory are measured, and the end returns."""
    simulate("gb10")
    letting_go = threading.Event()
    plugin = SimpleNamespace(name="plug", load=lambda: letting_go.wait)
    hung = Hung(plugins=(plugin,))
    try:
        assert hung.openings[0].result(_LONG) is not None
        hung.start()
        record = hung.stop()
    finally:
        letting_go.set()
    assert record.memory.system_peak.value is not None
    assert [one.name for one in record.hardware.accelerators] == ["NVIDIA GB10"]


@pytest.mark.parametrize("call", ["nvmlInit", "nvmlDeviceGetName", "nvmlDeviceGetTotalEnergyConsumption"])
def test_a_driver_that_starts_late_joins_without_a_loss(simulate: Simulate, call: str) -> None:
    """It hangs while it opens and answers in mid-run: the GPU has a gap at its start, and memory has none."""
    simulate(_with("gb10", Fault(call=call, hang=True, calls=1)))
    hung = Hung()
    _wait_until_it_hangs()
    hung.start()
    hung.run.mark_phase("evaluation", 0.0, 1e-3)
    before = hung.run.record("running", log_history=[], last_step=1)
    assert not before.hardware.accelerators
    release()
    _join_threads("cardcallback-late")
    record = hung.stop()
    assert [one.name for one in record.hardware.accelerators] == ["NVIDIA GB10"]
    assert record.memory.system_peak.value is not None
    assert record.memory.system_baseline.window is not None
    assert record.memory.system_baseline.window.name == "before training"
    assert record.memory.system_peak.scope is not None
    assert record.memory.system_peak.scope.gpu_memory == "yes"
    assert [span.phase for span in record.phase_spans] == ["evaluation"]
    assert any("did not use CUDA" in note for note in record.notes)
    assert record.energy.gpu.reason is None or "not answered yet" not in record.energy.gpu.reason


# What opening asks: the counter again for the reading from before training, and six fields.
@pytest.mark.parametrize(
    ("call", "asked_before"),
    [
        ("nvmlDeviceGetTotalEnergyConsumption", 2),
        ("nvmlDeviceGetFieldValues", 6),
        ("nvmlDeviceGetTemperatureV", 1),
    ],
)
def test_a_driver_that_hangs_in_mid_run_holds_up_neither_end_nor_memory(
    simulate: Simulate, call: str, asked_before: int
) -> None:
    """The first reading after the opening hangs: the end returns meanwhile, says so, and memory was read on."""
    simulate(_with("gb10", Fault(call=call, hang=True, after_calls=asked_before)))
    hung = Hung()
    assert hung.openings[0].result(_LONG) is not None
    hung.start()
    _wait_until_it_hangs()
    record = hung.stop()
    assert hanging() == 1
    assert record.memory.system_peak.value is not None
    (note,) = [one for one in record.notes if "did not answer when the run ended" in one]
    assert note.startswith("nvml:")


def test_a_driver_that_hangs_in_the_last_reading_is_left_behind(simulate: Simulate) -> None:
    """The counter hangs only when the run ends: the recording is made without it."""
    machine = simulate(_with("gb10", Fault(call="nvmlDeviceGetTotalEnergyConsumption", hang=True, at=50.0)))
    recorder = Recorder(open_nvml(SIMULATED), clock=SystemClock())
    recorder.start(_LONG)
    machine.advance(60.0)
    recording = recorder.stop()
    assert hanging() == 1
    assert_sound(recording)
    assert any("total_energy_consumption did not answer" in note for note in recording.notes)


def test_a_call_that_hangs_for_a_while_is_a_gap_and_no_more(simulate: Simulate) -> None:
    """Released in mid-run, the driver is read on: the answer that came late is not used, and the sensor is kept."""
    simulate(_with("gb10", Fault(call="nvmlDeviceGetTotalEnergyConsumption", hang=True, after_calls=1, calls=1)))
    recorder = Recorder(open_nvml(SIMULATED), clock=SystemClock())
    recorder.start(0.0)
    _wait_until_it_hangs()
    release()
    for lane in recorder._lanes:
        assert lane.first_pass.wait(_LONG)
    recording = recorder.stop()
    assert_sound(recording)
    assert_told(recorder, recording)
    assert not any("given up" in note for note in recording.notes)


def test_a_starved_thread_keeps_the_interval_true(simulate: Simulate) -> None:
    """The main thread holds the interpreter in bursts longer than a reading's distance: gaps, never a wrong bound."""
    machine = simulate("h100", driven=False)
    sensors = open_nvml(SIMULATED)
    clock = SystemClock()
    origin = machine.origin_nanoseconds / 1e9
    recorder = Recorder(sensors, clock=clock)
    recorder.start(_LONG)
    begin = clock.elapsed_seconds() - recorder.now_seconds() - origin
    bursts = 0
    while recorder.now_seconds() < 2.5:
        sum(range(20_000_000))  # one call of C: nobody else gets the interpreter until it returns
        bursts += 1
    recording = recorder.stop()
    assert bursts >= 2
    assert_sound(recording)
    assert_told(recorder, recording)
    true = machine.true_joules(begin, begin + recording.duration_seconds)
    for energy in (recording.energy.gpu, recording.energy.gpu_counter, recording.energy.gpu_integrated):
        assert_holds(energy, true)
