"""Energy figures of a session: counter and gauge, several devices, before training, phases."""

from __future__ import annotations

import pytest
from recorded import device, gpu_sensors, record, run, sensor
from virtual_gpu import GB10, VirtualGpu, rising_waveform, training_waveform

from cardcallback.errors import SensorReadError
from cardcallback.record import InstrumentAccuracy
from cardcallback.recorder import Recorder
from cardcallback.recorder.opening import read_early
from cardcallback.sensors import Absence, SensorSet
from cardcallback.testing import FakeClock


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
