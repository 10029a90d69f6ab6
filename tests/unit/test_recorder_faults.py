"""Faults of the recorder itself, outside any sensor's reading: told, and survived."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from driven import OPENED_AT, SIMULATED, MachineClock
from driven import run as run_driven
from fault_checks import assert_holds
from recorded import device, run, sensor

from cardcallback.record import Point
from cardcallback.recorder import Recorder
from cardcallback.recorder.lane import Lane
from cardcallback.recorder.schedule import Appointment
from cardcallback.sensors import SensorSet, SensorSpec
from cardcallback.sensors.nvml import open_nvml
from cardcallback.testing import FakeClock
from simulator_fixtures import Simulate

pytestmark = pytest.mark.expects_failure


class Faulty(Recorder):
    """A recorder that fails the given number of times to enter a reading, and stops after the first it enters."""

    left = 0

    def enter(self, spec: SensorSpec, readings: Sequence[Point]) -> None:
        """As its base's, after the faults."""
        if self.left:
            self.left -= 1
            raise ZeroDivisionError
        super().enter(spec, readings)
        self._stopping = True


class Impatient(Lane):
    """A lane that waits on the test's clock only."""

    def sample_due(self) -> float:
        """As its base's, a second later."""
        self._sleeper.ring()
        self._clock.advance(1.0)
        return super().sample_due()


def _recorder(faults: int) -> Faulty:
    clock = FakeClock()
    sensors = SensorSet(sensors=(sensor("system_memory", 8.0),))
    recorder = Faulty(sensors, clock=clock)
    recorder.left = faults
    lane = Impatient(sensors.sensors, clock=clock, book=recorder, sampling_interval_seconds=None)
    recorder._lanes = [lane]
    lane.run()
    return recorder


def test_a_few_faults_are_told_once_and_measuring_goes_on() -> None:
    """Three faults: one sentence, and the readings after them are in the record."""
    recording = _recorder(3).stop()
    assert recording.memory.system_peak.value == 8.0
    told = [note for note in recording.notes if "recorder itself" in note]
    assert len(told) == 1
    assert "(ZeroDivisionError)" in told[0]
    assert not any("stopped reading" in note for note in recording.notes)


def test_a_fault_that_stays_ends_the_reading_and_says_so() -> None:
    """After ten the thread ends by itself, and the card tells that it did."""
    recorder = _recorder(50)
    assert recorder.left > 0
    recorder.left = 0
    assert sum("stopped reading" in note for note in recorder.stop().notes) == 1


class Choosy(Recorder):
    """A recorder that cannot enter the readings of one quantity, or cannot follow intervals."""

    refused = ""
    follows = True

    def enter(self, spec: SensorSpec, readings: Sequence[Point]) -> None:
        """As its base's, but for what it refuses."""
        if spec.quantity == self.refused:
            raise ZeroDivisionError
        super().enter(spec, readings)

    def follow(self, appointments: Sequence[Appointment]) -> None:
        """As its base's, where it can."""
        if not self.follows:
            raise ZeroDivisionError
        super().follow(appointments)


def _watched(seconds: float, *, refused: str = "", follows: bool = True) -> tuple[Choosy, float]:
    clock = FakeClock()
    swap, memory = sensor("swap_used", 1.0), sensor("process_rss", 8.0)
    recorder = Choosy(SensorSet(sensors=(swap, memory)), clock=clock)
    recorder.refused, recorder.follows = refused, follows
    run(recorder, clock, seconds)
    return recorder, swap.reads


def test_a_fault_with_one_sensor_leaves_the_others() -> None:
    """The first of a pass cannot be entered, ever: it alone is given up, and the next ones are read to the end."""
    recorder, reads = _watched(60.0, refused="swap_used")
    memory = recorder.stop().memory
    assert reads == 10
    assert memory.process_peak_rss.value == 8.0
    assert memory.process_peak_rss.longest_gap_seconds is not None
    assert memory.process_peak_rss.longest_gap_seconds < 2.0
    assert memory.swap_peak is not None
    assert memory.swap_peak.reason == "the recorder itself failed (ZeroDivisionError)"
    assert "stopped reading fake:swap_used." in " ".join(recorder.stop().notes)


def test_a_fault_in_judging_costs_loses_no_reading() -> None:
    """Intervals that cannot be followed: what was read then is in the figures all the same."""
    recorder, _ = _watched(5.0, follows=False)
    peak = recorder.stop().memory.process_peak_rss
    assert peak.longest_gap_seconds is not None
    assert peak.longest_gap_seconds < 1.5


def test_an_account_that_fails_costs_its_own_figure() -> None:
    """Two instruments of which one cannot be told: the other, and memory, are in the recording, with a sentence."""
    clock = FakeClock()
    nameless = sensor("other_power", 5.0, source=None, covers="board")
    plug = sensor("system_power", 100.0, covers="desk")
    recorder = Recorder(SensorSet(sensors=(nameless, plug, sensor("process_rss", 8.0))), clock=clock)
    run(recorder, clock, 10.0)
    recording = recorder.stop()
    assert recording.energy.system.value is not None
    assert recording.energy.others == ()
    assert recording.memory.process_peak_rss.value == 8.0
    assert "No energy of board: a fault of the recorder itself (ValueError)." in recording.notes


def test_a_falling_mark_beside_no_other_is_told() -> None:
    """Only reserved memory is read, and falls: the sentence has its interval, and nothing fails."""
    clock = FakeClock()
    marks = iter([9.0, 4.0])
    recorder = Recorder(SensorSet(sensors=(sensor("torch_reserved", lambda: next(marks, 4.0)),)), clock=clock)
    run(recorder, clock, 5.0)
    (note,) = recorder.stop().notes
    assert "the highest mark read, every 1.0 s" in note


class Unable(Recorder):
    """A recorder that cannot follow once the readings that a driver keeps are used."""

    def follow(self, appointments: Sequence[Appointment]) -> None:
        """As its base's, where it can."""
        if any(one.kept is not None for one in appointments):
            raise ZeroDivisionError
        super().follow(appointments)


def test_a_fault_with_what_a_driver_keeps_ends_its_use_alone(simulate: Simulate) -> None:
    """It is told, and single readings go on."""
    machine = simulate("p100-samples")
    machine.advance(OPENED_AT)
    recorder = Unable(open_nvml(SIMULATED), clock=MachineClock(machine))
    run_driven(recorder, machine, 30.0)
    recording = recorder.stop()
    assert_holds(recording.energy.gpu, machine.true_joules(OPENED_AT, machine.now_seconds()))
    assert "fault of the recorder itself (ZeroDivisionError)" in " ".join(recording.notes)
    assert recording.energy.gpu.coverage is not None
    assert recording.energy.gpu.coverage > 0.8


def test_sensors_that_no_thread_reads_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """They could be opened, and then a person, or a container, had no thread left."""

    def too_many(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", too_many)
    sensors = SensorSet(sensors=(sensor("gpu_energy", lambda: 5.0, 0),), devices=(device(),))
    recorder = Recorder(sensors, clock=FakeClock())
    recorder.start()
    energy = recorder.stop().energy.gpu
    assert energy.value is None
    assert "no thread could be started" in str(energy.reason)
