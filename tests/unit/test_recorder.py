"""The recorder on a clock that the test moves, and its thread against drivers that hang."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable

import pytest
from virtual_gpu import GB10, VirtualGpu, rising_waveform, training_waveform

from cardcallback.errors import SensorReadError, SensorUnavailableError
from cardcallback.record import InstrumentAccuracy, Scope
from cardcallback.recorder import Recorder, Recording, SystemClock
from cardcallback.recorder.opening import read_early
from cardcallback.sensors import Absence, DeviceInfo, Quantity, Sensor, SensorSet, SensorSpec
from cardcallback.testing import FakeClock, FakeSensor

Readings = float | Callable[[], float]
UNITS = {
    "gpu_energy": "joules",
    "gpu_power": "watts",
    "gpu_sm_clock": "hertz",
    "gpu_temperature": "celsius",
    "gpu_clock_event_reasons": "bitmask",
    "gpu_other_processes": "count",
}
INTERVALS = {"gpu_energy": 1.0, "gpu_power": 0.5, "gpu_process_memory": 60.0, "system_memory_total": 86400.0}


def sensor(quantity: Quantity, readings: Readings, device: int | None = None, **details: object) -> FakeSensor:
    """A sensor of a quantity, with what is usual for it."""
    fields = {
        "quantity": quantity,
        "source": f"fake:{quantity}",
        "kind": "counter" if quantity.endswith("energy") else "gauge",
        "unit": UNITS.get(quantity, "bytes"),
        "scope": Scope(gpu_core="yes"),
        "covers": f"GPU {device}",
        "interval_seconds": INTERVALS.get(quantity, 1.0),
        "device": device,
    }
    if quantity.endswith("energy"):
        fields["refresh_seconds"] = 0.1
    if quantity == "gpu_power":
        fields |= {"averaging_seconds": 1.0, "refresh_seconds": 0.1}
    return FakeSensor(SensorSpec(**(fields | details)), readings)


def gpu_sensors(gpu: VirtualGpu, clock: FakeClock, device: int = 0, origin: float = 1000.0) -> list[Sensor]:
    """Counter and gauge of a virtual GPU whose waveform begins at ``origin`` on the clock."""
    return [
        sensor("gpu_energy", lambda: gpu.joules(clock.elapsed_seconds() - origin), device),
        sensor("gpu_power", lambda: gpu.watts(clock.elapsed_seconds() - origin), device),
    ]


def device(index: int = 0, **details: object) -> DeviceInfo:
    """A device of the job."""
    return DeviceInfo(index=index, name="NVIDIA GB10", **details)


def run(recorder: Recorder, clock: FakeClock, seconds: float) -> None:
    """Let the recorder's loop run, without its thread."""
    end = clock.elapsed_seconds() + seconds
    while clock.elapsed_seconds() < end:
        wait = recorder.sample_due()
        clock.advance(min(max(wait, 1e-3), end - clock.elapsed_seconds()))


def record(sensors: SensorSet, seconds: float, clock: FakeClock | None = None, **options: object) -> Recording:
    """One session."""
    clock = clock or FakeClock()
    recorder = Recorder(sensors, clock=clock, **options)
    run(recorder, clock, seconds)
    return recorder.stop()


def test_energy_of_a_session_is_right() -> None:
    """A GB10-like device over a minute: right within 0.5 %, with the interval around the truth."""
    clock, gpu = FakeClock(), VirtualGpu(waveform=training_waveform(), **GB10)
    recording = record(SensorSet(sensors=tuple(gpu_sensors(gpu, clock)), devices=(device(),)), 60.0, clock)
    energy, truth = recording.energy.gpu, gpu.truth(0, 60)
    assert energy.value == pytest.approx(truth, rel=0.005)
    assert energy.recording_low is not None
    assert energy.recording_high is not None
    assert energy.recording_low <= truth <= energy.recording_high
    assert (energy.method, energy.source, energy.coverage) == ("counter", "fake:gpu_energy", 1.0)
    assert recording.energy.gpu_integrated.value == pytest.approx(truth, rel=0.005)
    assert recording.duration_seconds == pytest.approx(60.0)
    assert recording.started_on == "2026-03-02"
    power = recording.accelerators[0].mean_power
    assert power is not None
    assert power.value == pytest.approx(truth / 60, rel=0.005)
    assert recording.notes == ()


@pytest.mark.parametrize(("averaging", "refresh", "looks"), [(0.01, 0.02, 0.5), (0.025, 0.1, 0.25), (1.0, 0.1, 1.0)])
def test_part_time_gauge_tells_power_and_how_much_it_looks(averaging: float, refresh: float, looks: float) -> None:
    """Steady 100 W are 100 W for a gauge that looks a quarter of the time, and leave no gap."""
    interval = min(refresh, 0.1)
    gauge = sensor(
        "gpu_power", 100.0, 0, averaging_seconds=averaging, refresh_seconds=refresh, interval_seconds=interval
    )
    recording = record(SensorSet(sensors=(gauge,), devices=(device(),)), 60.0)
    energy, power = recording.energy.gpu, recording.accelerators[0].mean_power
    assert energy.value == pytest.approx(6000.0, rel=0.005)
    assert energy.coverage == 1.0
    assert energy.observed == pytest.approx(looks, abs=0.01)
    assert power is not None
    assert power.value == pytest.approx(100.0, rel=0.005)


def test_gauge_of_unknown_window_does_not_claim_how_much_it_looks() -> None:
    """Where nobody published the window, the share at which the sensor looks is unknown."""
    gauge = sensor("gpu_power", 100.0, 0, averaging_seconds=None, refresh_seconds=None, interval_seconds=0.1)
    energy = record(SensorSet(sensors=(gauge,), devices=(device(),)), 60.0).energy.gpu
    assert (energy.coverage, energy.observed) == (1.0, None)


def test_verdict_on_both_sensors_is_in_the_record() -> None:
    """Counter against integral, with its sign, over the time that both watched; a wrong gain is told."""
    for gain, word in ((1.0, "consistent"), (1.25, "inconsistent")):
        clock, gpu = FakeClock(), VirtualGpu(waveform=training_waveform(seconds=300), **GB10)
        counter, gauge = gpu_sensors(gpu, clock)
        fast = sensor("gpu_energy", lambda read=counter.read, gain=gain: gain * read(), 0, refresh_seconds=0.1)
        recording = record(SensorSet(sensors=(fast, gauge), devices=(device(),)), 300.0, clock)
        verdict = recording.energy.consistency
        assert verdict is not None
        assert verdict.verdict == word
        assert verdict.relative_difference == pytest.approx(1 / gain - 1, abs=0.005)
        assert verdict.compared_seconds == pytest.approx(299, abs=2)


def test_rest_of_the_phases_keeps_its_gaps() -> None:
    """What no phase claims was not watched throughout either, and says so."""
    clock, gpu = FakeClock(), VirtualGpu(waveform=training_waveform(seconds=300), **GB10)

    def watts() -> float:
        if 20 <= clock.elapsed_seconds() - 1000.0 < 60:
            msg = "GPU is busy"
            raise SensorReadError(msg)
        return gpu.watts(clock.elapsed_seconds() - 1000.0)

    recorder = Recorder(SensorSet(sensors=(sensor("gpu_power", watts, 0),), devices=(device(),)), clock=clock)
    run(recorder, clock, 150.0)
    recorder.mark_phase("evaluation", 100.0, 140.0)
    run(recorder, clock, 10.0)
    phases = {phase.phase: phase.energy for phase in recorder.stop().energy.phases}
    assert phases["evaluation"].coverage == 1.0
    assert phases["training"].coverage == pytest.approx(1 - 40 / 120, abs=0.05)


def test_devices_are_summed_with_their_intervals() -> None:
    """Two GPUs: the job's energy and its bounds are sums; each GPU keeps its own."""
    clock = FakeClock()
    gpus = [VirtualGpu(waveform=training_waveform(), **GB10), VirtualGpu(waveform=rising_waveform(), **GB10)]
    sensors = [one for index, gpu in enumerate(gpus) for one in gpu_sensors(gpu, clock, index)]
    recording = record(SensorSet(sensors=tuple(sensors), devices=(device(0), device(1))), 60.0, clock)
    own = [accelerator.energy for accelerator in recording.accelerators]
    total = recording.energy.gpu
    assert total.value == pytest.approx(sum(gpu.truth(0, 60) for gpu in gpus), rel=0.005)
    assert total.value == pytest.approx(sum(one.value or 0 for one in own))
    assert total.recording_low == pytest.approx(sum(one.recording_low or 0 for one in own))
    assert total.covers == ("GPU 0", "GPU 1")


def _accuracy_of_sum(*accuracies: InstrumentAccuracy) -> InstrumentAccuracy | None:
    gauges = tuple(
        sensor("gpu_power", 100.0, index, accuracy=one, covers=f"part {index}", interval_seconds=0.5 + index)
        for index, one in enumerate(accuracies)
    )
    devices = tuple(device(index) for index in range(len(accuracies)))
    total = record(SensorSet(sensors=gauges, devices=devices), 30.0).energy.gpu
    assert total.sampling_interval_seconds == 0.5 + len(accuracies) - 1
    return total.instrument_accuracy


def test_unlike_devices_have_no_common_accuracy() -> None:
    """A sum's accuracy names every device's; as a share it is the widest, and none where one has none."""
    five = InstrumentAccuracy(statement="±5 % of the reading", relative=0.05, source="a data sheet")
    ten = InstrumentAccuracy(statement="±10 %", relative=0.1)
    unknown = InstrumentAccuracy(statement="not published")
    assert _accuracy_of_sum(five, five) == five
    both = _accuracy_of_sum(five, ten)
    assert both is not None
    assert both.statement == "differs by device (part 0: ±5 % of the reading, a data sheet; part 1: ±10 %)"
    assert both.relative == 0.1
    half = _accuracy_of_sum(unknown, five)
    assert half is not None
    assert half.statement == "differs by device (part 0: not published; part 1: ±5 % of the reading, a data sheet)"
    assert half.relative is None


def test_one_device_without_a_figure_leaves_the_sum_unknown() -> None:
    """A sum over half the job would look whole: it is None with the reason; the other GPU's figure stays."""
    clock, gpu = FakeClock(), VirtualGpu(waveform=training_waveform(), **GB10)
    absences = tuple(
        Absence(quantity=quantity, source="fake", reason="no counter here", device=1)
        for quantity in ("gpu_energy", "gpu_power")
    )
    sensors = SensorSet(sensors=tuple(gpu_sensors(gpu, clock)), absences=absences, devices=(device(0), device(1)))
    recording = record(sensors, 30.0, clock)
    assert recording.energy.gpu.value is None
    assert recording.energy.gpu.reason == "no counter here"
    assert recording.accelerators[0].energy.value is not None


def test_shared_module_is_counted_once() -> None:
    """Two devices on one module show the same counter; its energy is in the sum once."""
    clock, gpu = FakeClock(), VirtualGpu(waveform=training_waveform(), **GB10)
    sensors = (*gpu_sensors(gpu, clock, 0), *gpu_sensors(gpu, clock, 1))
    devices = (device(0, module="module 0"), device(1, module="module 0"))
    recording = record(SensorSet(sensors=sensors, devices=devices), 60.0, clock)
    assert recording.energy.gpu.value == pytest.approx(gpu.truth(0, 60), rel=0.005)


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
    assert 100 < failing.reads < 150


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_value_that_is_no_number_is_a_failure(value: float) -> None:
    """What is not finite never reaches a figure."""
    recording = record(SensorSet(sensors=(sensor("system_memory", value),)), 5.0)
    assert recording.memory.system_peak.reason == "the reading is not a number"


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
    assert energy.recording_high - energy.recording_low < 0.06 * energy.value
    assert any("not published: it was seen to be about 0.1" in note for note in recording.notes)


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


def test_before_training_is_read_from_the_counter() -> None:
    """Loading and tokenising: the counter's growth from the early reading to the begin."""
    clock, gpu = FakeClock(elapsed=600.0), VirtualGpu(waveform=training_waveform(idle=30.0), **GB10)
    sensors = SensorSet(
        sensors=(*gpu_sensors(gpu, clock, origin=1000.0), sensor("system_memory", 8.0)), devices=(device(),)
    )
    early = read_early(sensors, clock)
    clock.advance(400)
    recording = record(sensors, 30.0, clock, early=early)
    before = recording.energy.before_training
    assert before.value == pytest.approx(400 * 30.0, rel=0.005)
    assert before.window is not None
    assert before.window.begin_seconds == pytest.approx(-400)
    assert recording.memory.system_baseline.value == 8.0
    assert recording.energy.gpu.value == pytest.approx(gpu.truth(0, 30), rel=0.01)


def test_before_training_without_an_early_reading_is_unknown() -> None:
    """No early reading, no figure."""
    clock, gpu = FakeClock(), VirtualGpu(waveform=training_waveform(), **GB10)
    recording = record(SensorSet(sensors=tuple(gpu_sensors(gpu, clock)), devices=(device(),)), 10.0, clock)
    assert recording.energy.before_training.value is None
    assert "not read before training" in (recording.energy.before_training.reason or "")


def test_phases_are_resolved_and_the_rest_is_training() -> None:
    """Evaluation and saving as marked; the remainder is training; all together are the whole."""
    clock, gpu = FakeClock(), VirtualGpu(waveform=training_waveform(seconds=300), **GB10)
    sensors = SensorSet(sensors=tuple(gpu_sensors(gpu, clock)), devices=(device(),))
    recorder = Recorder(sensors, clock=clock)
    run(recorder, clock, 100.0)
    recorder.mark_phase("evaluation", 60.0, 100.0)
    run(recorder, clock, 60.0)
    recorder.mark_phase("saving", 155.0, 157.0)
    run(recorder, clock, 40.0)
    recording = recorder.stop()
    phases = {phase.phase: phase for phase in recording.energy.phases}
    assert list(phases) == ["training", "evaluation", "saving"]
    assert phases["evaluation"].energy.value == pytest.approx(gpu.truth(60, 100), rel=0.03)
    assert phases["saving"].energy.reason == "too short to resolve"
    assert phases["training"].energy.value == pytest.approx(gpu.truth(0, 200) - gpu.truth(60, 100), rel=0.03)
    assert sum(phase.duration_seconds for phase in phases.values()) == pytest.approx(recording.duration_seconds)
    assert [(span.phase, span.begin_seconds, span.end_seconds) for span in recording.phase_spans] == [
        ("evaluation", 60.0, 100.0),
        ("saving", 155.0, 157.0),
    ]


def test_overlapping_phases_are_not_counted_twice() -> None:
    """A save inside an evaluation's time keeps only what is its own."""
    clock = FakeClock()
    recorder = Recorder(SensorSet(), clock=clock)
    clock.advance(100)
    recorder.mark_phase("evaluation", 10.0, 30.0)
    recorder.mark_phase("saving", 25.0, 40.0)
    recorder.mark_phase("saving", 26.0, 39.0)
    phases = {phase.phase: phase.duration_seconds for phase in recorder.stop().energy.phases}
    assert (phases["evaluation"], phases["saving"]) == (20.0, 10.0)


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
