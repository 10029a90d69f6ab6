"""The recorder on a clock that the test moves, and its thread against drivers that hang."""

from __future__ import annotations

import itertools
import pickle
import threading
from collections.abc import Callable
from functools import partial

import pytest
from recorded import device, gpu_sensors, record, run, sensor
from virtual_gpu import GB10, VirtualGpu, training_waveform

from cardcallback.errors import SensorReadError, SensorUnavailableError
from cardcallback.recorder import Recorder, Recording, SystemClock
from cardcallback.sensors import Absence, Quantity, SensorSet
from cardcallback.testing import FakeClock


def test_no_sensor_gives_reasons() -> None:
    """Without a driver every figure is None and says why."""
    absence = Absence(quantity="gpu_energy", source="nvml", reason="no NVIDIA driver found")
    recording = record(SensorSet(absences=(absence,)), 5.0)
    energy, memory = recording.energy, recording.memory
    assert (energy.gpu.value, energy.gpu.reason) == (None, "no NVIDIA driver found")
    assert energy.before_training.reason == "no NVIDIA driver found"
    for figure in (energy.cpu, energy.dram, energy.system, memory.system_peak, memory.torch_peak_allocated):
        assert figure.value is None
        assert figure.reason


def test_unavailable_sensor_is_retired_with_a_note() -> None:
    """A sensor that is gone is not asked again, and its reason stands in the figure."""
    gone = sensor("system_memory", _raising(SensorUnavailableError("the file is gone")))
    recording = record(SensorSet(sensors=(gone,)), 10.0)
    assert gone.reads == 1
    assert recording.memory.system_peak.reason == "the file is gone"
    assert any("the file is gone" in note for note in recording.notes)


def test_one_driver_that_is_down_is_told_in_one_sentence() -> None:
    """Which readings failed, and why: not one sentence for each of them."""
    clock, gpu = FakeClock(), VirtualGpu(waveform=training_waveform(), **GB10)

    def failing(value: Callable[[float], float]) -> Callable[[], float]:
        def read() -> float:
            at = clock.elapsed_seconds() - 1000.0
            if 20 <= at < 40:
                msg = "the driver is down"
                raise SensorReadError(msg)
            return value(at)

        return read

    counter, gauge = sensor("gpu_energy", failing(gpu.joules), 0), sensor("gpu_power", failing(gpu.watts), 0)
    recording = record(SensorSet(sensors=(counter, gauge), devices=(device(),)), 60.0, clock)
    (told,) = (note for note in recording.notes if "the driver is down" in note)
    assert told.startswith(f"{counter.spec.source} and {gauge.spec.source}: ")


def test_failing_readings_lower_coverage_and_are_told() -> None:
    """A counter and gauge that fail for a while leave a gap that is stated, and a note with numbers."""
    clock, gpu = FakeClock(), VirtualGpu(waveform=training_waveform(), **GB10)

    def watts() -> float:
        at = clock.elapsed_seconds() - 1000.0
        if 20 <= at < 40:
            msg = "GPU is busy"
            raise SensorReadError(msg)
        return gpu.watts(at)

    sensors = SensorSet(sensors=(sensor("gpu_power", watts, 0),), devices=(device(),))
    recording = record(sensors, 60.0, clock)
    energy = recording.energy.gpu
    assert energy.coverage == pytest.approx(0.66, abs=0.08)
    assert energy.longest_gap_seconds == pytest.approx(21, abs=4)
    assert any("readings failed (last: GPU is busy)" in note for note in recording.notes)
    # Nobody knows what it may draw, and it was away for a third of the run.
    assert energy.recording_high is None


def test_failing_sensor_is_asked_less_often() -> None:
    """A driver that only gives errors is not asked twice a second for hours."""
    failing = sensor("gpu_power", _raising(SensorReadError("busy")), 0)
    record(SensorSet(sensors=(failing,), devices=(device(),)), 600.0)
    assert 130 < failing.reads < 180


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_value_that_is_no_number_is_a_failure(value: float) -> None:
    """What is not finite never reaches a figure."""
    recording = record(SensorSet(sensors=(sensor("system_memory", value),)), 5.0)
    assert recording.memory.system_peak.reason == "the reading is not a number"


@pytest.mark.parametrize("odd", ["N/A", None, [], pytest.param(10**400, id="huge"), -5.0, -1e9, float("nan")])
@pytest.mark.parametrize(
    ("quantity", "unit", "joules"), [("other_power", "watts", 600.0), ("other_energy", "joules", 300.0)]
)
def test_one_odd_answer_in_ten_costs_that_reading(quantity: Quantity, unit: str, joules: float, odd: object) -> None:
    """A plug that answers with words, nothing, a huge or a negative number now and then is read on."""
    answers = itertools.count()

    def answer() -> object:
        count = next(answers)
        if count % 10 == 5:
            return odd
        return 10.0 if quantity == "other_power" else 5.0 * count

    recording = record(SensorSet(sensors=(sensor(quantity, answer, unit=unit, covers="plug"),)), 60.0)
    energy = recording.energy.others[0]
    assert energy.value == pytest.approx(joules, rel=0.05)
    assert energy.recording_low is not None
    assert energy.recording_high is not None
    assert 0 <= energy.recording_low <= energy.value <= energy.recording_high < 2 * joules
    assert "readings failed (last: the reading is " in " ".join(recording.notes)


def test_foreign_failure_retires_only_its_sensor() -> None:
    """A plugin's sensor that breaks does not end the others."""
    sensors = (sensor("process_rss", _raising(KeyError("x"))), sensor("system_memory", 7.0))
    recording = record(SensorSet(sensors=sensors), 5.0)
    assert recording.memory.system_peak.value == 7.0
    assert recording.memory.process_peak_rss.reason == "the sensor failed (KeyError)"


def test_each_sensor_is_read_as_its_kind_needs() -> None:
    """The interval of the spec holds: nothing more, nothing less."""
    kinds: tuple[Quantity, ...] = ("gpu_power", "gpu_energy", "system_memory", "gpu_process_memory")
    sensors = [sensor(quantity, 1.0, 0) for quantity in kinds]
    record(SensorSet(sensors=tuple(sensors), devices=(device(),)), 120.5)
    assert [one.reads for one in sensors] == [pytest.approx(n, abs=2) for n in (242, 122, 122, 3)]


def test_given_interval_holds_for_all_but_the_rare() -> None:
    """The user's interval replaces the sensors' own, but process lists stay rare."""
    sensors = [sensor("gpu_power", 1.0, 0), sensor("gpu_process_memory", 1.0, 0)]
    record(SensorSet(sensors=tuple(sensors), devices=(device(),)), 120.0, sampling_interval_seconds=5.0)
    assert sensors[0].reads == pytest.approx(25, abs=6)  # its distance varies
    assert sensors[1].reads <= 4


def test_counter_of_unpublished_refresh_is_watched_at_first() -> None:
    """It is read closely until it is seen how often it moves, the card says so, and the interval follows."""
    clock, gpu = FakeClock(), VirtualGpu(waveform=training_waveform(), **GB10)
    _, gauge = gpu_sensors(gpu, clock)
    counter = sensor("gpu_energy", lambda: gpu.joules(clock.elapsed_seconds() - 1000.0), 0, refresh_seconds=None)
    recording = record(SensorSet(sensors=(counter, gauge), devices=(device(),)), 60.0, clock)
    assert counter.reads == pytest.approx(60 + 80, abs=4)
    energy = recording.energy.gpu
    assert energy.value == pytest.approx(gpu.truth(0, 60), rel=0.005)
    assert energy.recording_low is not None
    assert energy.recording_high is not None
    assert energy.recording_high - energy.recording_low < 0.075 * energy.value
    assert any("not published: it was seen to be about 0.1" in note for note in recording.notes)


def test_no_counter_is_woken_up_for_beside_a_gauge() -> None:
    """It is read with the gauge, up to half a second early, and as often as ever."""
    clock, gpu = FakeClock(), VirtualGpu(waveform=training_waveform(), **GB10)
    begin, read = clock.elapsed_seconds(), {"counter": [], "gauge": []}

    def noted(name: str, figure: Callable[[float], float]) -> float:
        read[name].append(clock.elapsed_seconds())
        return figure(clock.elapsed_seconds() - begin)

    # Watched closely at first, it comes out of step with the gauge.
    counter = sensor("gpu_energy", partial(noted, "counter", gpu.joules), 0, refresh_seconds=None)
    gauge = sensor("gpu_power", partial(noted, "gauge", gpu.watts), 0)
    recording = record(SensorSet(sensors=(counter, gauge), devices=(device(),)), 63.0, clock)
    settled = [at for at in read["counter"] if at - begin > 3.0]
    assert len(settled) == pytest.approx(60, abs=1)
    assert set(settled[:-1]) <= set(read["gauge"])
    assert recording.energy.gpu.value == pytest.approx(gpu.truth(0, 63), rel=0.005)


def test_answer_that_came_too_late_is_not_used() -> None:
    """A driver that hung for 20 s says nothing about when its answer was true; the energy stays right."""
    clock, gpu = FakeClock(), VirtualGpu(waveform=training_waveform(seconds=120), **GB10)
    hung = []

    def joules() -> float:
        at = clock.elapsed_seconds() - 1000.0
        if at > 30 and not hung:
            hung.append(at)
            clock.advance(20)
        return gpu.joules(at)

    power = sensor("gpu_power", lambda: gpu.watts(clock.elapsed_seconds() - 1000.0), 0)
    recording = record(SensorSet(sensors=(sensor("gpu_energy", joules, 0), power), devices=(device(),)), 90.0, clock)
    assert recording.energy.gpu.value == pytest.approx(gpu.truth(0, 90), rel=0.005)
    assert recording.energy.gpu_integrated.longest_gap_seconds == pytest.approx(19, abs=1)
    assert any("came too late" in note for note in recording.notes)


def test_suspend_is_counted_and_named() -> None:
    """A machine that slept: the duration holds it, and says how much of it was sleep."""
    clock = FakeClock()
    recorder = Recorder(SensorSet(), clock=clock)
    clock.advance(10)
    clock.suspend(300)
    recording = recorder.stop()
    assert (recording.duration_seconds, recording.suspended_seconds) == (310.0, 300.0)


def test_state_of_the_device_is_summarised() -> None:
    """Median clock, highest temperature, reasons as words without "idle", others on the GPU."""
    clocks = iter([2e8, 2.4e9, 2.4e9, 2.4e9, 2.41e9])
    sensors = (
        sensor("gpu_sm_clock", lambda: next(clocks, 2.4e9), 0),
        sensor("gpu_temperature", iter([50.0, 71.0, 60.0]).__next__, 0),
        sensor("gpu_clock_event_reasons", iter([0x1, 0x4, 0x44]).__next__, 0),
        sensor("gpu_other_processes", 2.0, 0),
    )
    accelerator = record(SensorSet(sensors=sensors, devices=(device(),)), 2.5).accelerators[0]
    assert accelerator.median_sm_clock is not None
    assert accelerator.median_sm_clock.value == 2.4e9
    assert accelerator.highest_temperature is not None
    assert accelerator.highest_temperature.value == 71.0
    assert accelerator.throttle_reasons == ("software power cap", "hardware thermal slowdown")
    assert accelerator.other_processes == 2


def test_snapshot_leaves_measuring_on() -> None:
    """A record in the middle, then the end, which is not the same."""
    clock, gpu = FakeClock(), VirtualGpu(waveform=training_waveform(), **GB10)
    recorder = Recorder(SensorSet(sensors=tuple(gpu_sensors(gpu, clock)), devices=(device(),)), clock=clock)
    run(recorder, clock, 30.0)
    middle = recorder.snapshot().energy.gpu
    run(recorder, clock, 30.0)
    assert middle.value == pytest.approx(gpu.truth(0, 30), rel=0.02)
    assert (middle.recording_low or 0) <= gpu.truth(0, 30) <= (middle.recording_high or 0)
    assert recorder.stop().energy.gpu.value == pytest.approx(gpu.truth(0, 60), rel=0.005)
    assert recorder.stop() is recorder.snapshot()


def test_a_month_takes_no_more_memory_than_an_hour() -> None:
    """Thirty days of readings stay within 3 MiB of what an hour takes, and traces within 1,000 points."""

    def ledger_after(seconds: float) -> tuple[int, Recording]:
        clock = FakeClock()
        sensors = (
            sensor("gpu_energy", lambda: 55.0 * clock.elapsed_seconds(), 0, interval_seconds=60.0),
            sensor("gpu_power", 55.0, 0, interval_seconds=30.0),
            sensor("system_memory", 7.0, interval_seconds=60.0),
            sensor("gpu_sm_clock", 2.4e9, 0, interval_seconds=60.0),
        )
        recorder = Recorder(SensorSet(sensors=sensors, devices=(device(),)), clock=clock)
        run(recorder, clock, seconds)
        return len(pickle.dumps(recorder._ledger)), recorder.stop()

    (hour, _), (month, recording) = ledger_after(3600), ledger_after(30 * 86400)
    assert month - hour < 3 * 1024**2
    assert all(500 <= len(trace.points) <= 1000 for trace in recording.traces)


class _Hanging:
    """A driver call that does not return until the test lets it."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.release = threading.Event()

    def __call__(self) -> float:
        self.entered.set()
        self.release.wait(60)
        return 1.0


def test_hanging_driver_holds_up_neither_start_nor_stop() -> None:
    """A driver that never answers: start and stop return, and the recording says what hung."""
    hanging = _Hanging()
    recorder = Recorder(
        SensorSet(sensors=(sensor("gpu_energy", hanging, 0),), devices=(device(),)), clock=SystemClock()
    )
    try:
        recorder.start(first_reading_timeout_seconds=0.01)
        assert hanging.entered.wait(30)
        recording = recorder.stop()
    finally:
        hanging.release.set()
    assert recording.energy.gpu.value is None
    assert any("fake:gpu_energy did not answer" in note for note in recording.notes)


def test_thread_reads_and_ends() -> None:
    """Started for real: the first reading is there when start returns, the last when stop does."""
    memory = sensor("system_memory", 5.0)
    threads = set(threading.enumerate())
    recorder = Recorder(SensorSet(sensors=(memory,)), clock=SystemClock())
    recorder.start(first_reading_timeout_seconds=30)
    assert memory.reads == 1
    recording = recorder.stop()
    assert memory.reads == 2
    assert recording.memory.system_peak.value == 5.0
    assert set(threading.enumerate()) <= threads


def _raising(error: Exception) -> Callable[[], float]:
    def read() -> float:
        raise error

    return read


def test_what_was_read_a_moment_ago_is_in_every_figure() -> None:
    """Readings are entered together once a second, but a record that is taken before then has them."""
    clock, values = FakeClock(), iter([1.0, 7.0, 9.0])
    memory = sensor("system_memory", lambda: next(values, 9.0), interval_seconds=0.2)
    recorder = Recorder(SensorSet(sensors=(memory,)), clock=clock)
    recorder.sample_due()
    assert recorder.snapshot().memory.system_peak.value == 1.0
    clock.advance(0.2)
    recorder.sample_due()
    assert recorder.snapshot().memory.system_peak.value == 7.0
    assert recorder.stop().memory.system_peak.value == 9.0
