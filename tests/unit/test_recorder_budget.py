"""What reading costs the driver, and what the figures say when it must be read less often for that."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from recorded import device, record, run, sensor
from virtual_gpu import GB10, VirtualGpu, training_waveform

from cardcallback.record import Scope
from cardcallback.recorder import Recorder
from cardcallback.recorder.budget import DRIVER_SHARE, fit_intervals
from cardcallback.recorder.kept import Kept
from cardcallback.recorder.schedule import Appointment
from cardcallback.sensors import Sensor, SensorSet
from cardcallback.testing import FakeClock, FakeSensor
from cardcallback.units import format_duration


class Driver:
    """Calls that take a while on the clock, with the time they took in all."""

    def __init__(self, clock: FakeClock, seconds: float) -> None:
        self.clock = clock
        self.seconds = seconds
        self.busy_seconds = 0.0

    def call(self, value: Callable[[float], float]) -> Callable[[], float]:
        """A reading that takes its time; ``value`` of seconds since the session began."""

        def read() -> float:
            self.clock.advance(self.seconds)
            self.busy_seconds += self.seconds
            return value(self.clock.elapsed_seconds() - 1000.0 - self.seconds / 2)

        return read


def test_slow_driver_is_asked_less_often() -> None:
    """A call of 10 ms is not made every second: the driver's share stays below a thousandth."""
    clock = FakeClock()

    def slow() -> float:
        clock.advance(0.01)
        return 1.0

    costly = sensor("gpu_temperature", slow, 0)
    record(SensorSet(sensors=(costly,), devices=(device(),)), 3600.0, clock)
    assert costly.reads * 0.01 < 0.001 * 3600


def _counted(gpu: VirtualGpu, index: int, at: float) -> float:
    return gpu.joules(at) + 12_345.678 * index


def test_eight_gpus_together_stay_below_a_thousandth() -> None:
    """Forty sensors at 0.1 ms a call cost the driver no more than one does, and energy stays right."""
    clock = FakeClock()
    driver = Driver(clock, 1e-4)
    gpu = VirtualGpu(waveform=training_waveform(seconds=2000), **GB10)
    sensors: list[Sensor] = []
    for index in range(8):
        sensors += [
            sensor("gpu_energy", driver.call(partial(_counted, gpu, index)), index),
            sensor("gpu_power", driver.call(gpu.watts), index),
            sensor("gpu_sm_clock", driver.call(lambda _: 2e9), index),
            sensor("gpu_temperature", driver.call(lambda _: 60.0), index),
            sensor("gpu_clock_event_reasons", driver.call(lambda _: 0.0), index),
        ]
    recording = record(SensorSet(sensors=tuple(sensors), devices=tuple(device(i) for i in range(8))), 1800.0, clock)
    assert driver.busy_seconds <= 0.001 * 1800
    assert recording.energy.gpu.value == pytest.approx(8 * gpu.truth(0, 1800), rel=0.005)
    assert recording.energy.gpu.coverage == 1.0
    verdict = recording.energy.consistency
    assert verdict is not None
    assert verdict.verdict == "consistent"
    # The gauge is read no more rarely than it averages: it still sees all of the time.
    assert recording.energy.gpu_integrated.observed == pytest.approx(1.0, abs=0.01)


def test_slow_gauge_reports_the_interval_it_is_really_read_at() -> None:
    """At 1.5 ms a call a gauge of 20 ms is read rarely: no gap, but the record tells the interval and the doubt."""
    clock = FakeClock()
    driver = Driver(clock, 1.5e-3)
    gpu = VirtualGpu(waveform=training_waveform(seconds=2000), window=0.01, refresh=0.02)
    timing = {"averaging_seconds": 0.01, "refresh_seconds": 0.02, "interval_seconds": 0.02}
    gauge = sensor("gpu_power", driver.call(gpu.watts), 0, **timing)
    energy = record(SensorSet(sensors=(gauge,), devices=(device(),)), 600.0, clock).energy.gpu
    assert driver.busy_seconds <= 0.001 * 600
    assert energy.sampling_interval_seconds == pytest.approx(600 / gauge.reads, rel=0.1)
    assert energy.coverage == 1.0
    assert energy.observed == pytest.approx(0.01 * gauge.reads / 600, abs=0.02)
    assert energy.recording_low is not None
    assert energy.recording_high is not None
    assert energy.recording_low <= gpu.truth(0, 600) <= energy.recording_high


@pytest.mark.parametrize(("seconds", "told"), [(1.5e-3, True), (1e-5, False)])
def test_an_interval_that_was_asked_for_and_not_kept_is_told(seconds: float, told: bool) -> None:  # noqa: FBT001 - a case
    """Every 20 ms at 1.5 ms a call cannot be: one note says what was asked for and what was kept, as it really was."""
    clock = FakeClock()
    power = sensor("gpu_power", Driver(clock, seconds).call(lambda at: 100.0 + at % 7), 0)
    rare = sensor("gpu_process_memory", lambda: 1e9, 0)
    sensors = SensorSet(sensors=(power, rare), devices=(device(),))
    notes = record(sensors, 600.0, clock, sampling_interval_seconds=0.02).notes
    every = format_duration(600.0 / power.reads)
    asked = "Readings were asked for every 0.020 s; to spare the driver some were made less often"
    sentence = f"{asked}: fake:gpu_power every {every}."
    assert notes == ((sentence,) if told else ())


def test_an_interval_of_our_own_is_stretched_without_a_word() -> None:
    """Nobody asked for one: the figure's own interval tells it."""
    clock = FakeClock()
    power = sensor("gpu_power", Driver(clock, 1.5e-3).call(lambda at: 100.0 + at % 7), 0)
    assert record(SensorSet(sensors=(power,), devices=(device(),)), 600.0, clock).notes == ()


def test_process_memory_is_read_soon_and_at_the_end() -> None:
    """A run of half a minute: not only the value from before the model was on the device."""
    clock = FakeClock()
    lists = sensor("gpu_process_memory", lambda: 1e9 if clock.elapsed_seconds() < 1020 else 5e9, 0)
    peak = record(SensorSet(sensors=(lists,), devices=(device(),)), 30.0, clock).memory.accelerator_process_peak
    assert lists.reads == 3
    assert peak.value == 5e9
    assert peak.longest_gap_seconds == pytest.approx(25, abs=0.1)


def test_slow_process_list_does_not_hold_up_the_end() -> None:
    """A list that took 30 ms is left alone at the end, and the time since it was read is told."""
    clock = FakeClock()
    lists = sensor("gpu_process_memory", Driver(clock, 0.03).call(lambda _: 1e9), 0)
    peak = record(SensorSet(sensors=(lists,), devices=(device(),)), 30.0, clock).memory.accelerator_process_peak
    assert lists.reads == 1
    assert peak.longest_gap_seconds == pytest.approx(30, abs=0.1)


def test_gauge_of_other_parts_than_the_counter_is_set_aside_with_the_true_reason() -> None:
    """Unequal scopes are not compared, and the card does not say that the sensor gave nothing."""
    clock, gpu = FakeClock(), VirtualGpu(waveform=training_waveform(), **GB10)
    counter = sensor(
        "gpu_energy", lambda: gpu.joules(clock.elapsed_seconds() - 1000), 0, scope=Scope(gpu_core="yes", cpu="unknown")
    )
    gauge: FakeSensor = sensor("gpu_power", lambda: gpu.watts(clock.elapsed_seconds() - 1000), 0)
    energy = record(SensorSet(sensors=(counter, gauge), devices=(device(),)), 30.0, clock).energy
    assert energy.gpu_integrated.value is None
    assert "other parts" in (energy.gpu_integrated.reason or "")
    assert energy.consistency is None


@pytest.mark.parametrize("sensors", [1, 3])
def test_calls_too_slow_to_be_timed_cost_no_more_than_others(sensors: int) -> None:
    """Calls of 0.6 s take a thousandth of the driver's time over a day, the first ones aside, and tell the energy."""
    clock = FakeClock()
    driver = Driver(clock, 0.6)
    slow = tuple(sensor("gpu_energy", driver.call(lambda at: 50.0 * at), index) for index in range(sensors))
    recording = record(SensorSet(sensors=slow, devices=tuple(device(i) for i in range(sensors))), 86400.0, clock)
    assert all(one.reads > 10 for one in slow)
    assert recording.energy.gpu.value == pytest.approx(sensors * 50.0 * 86400.0, rel=0.001)
    assert driver.busy_seconds <= 0.001 * 86400 + sensors * 12 * 0.6


def test_one_slow_call_is_soon_made_again() -> None:
    """A driver that was held up once loses seconds of the gauge, not the minutes that its call would cost."""
    clock = FakeClock()
    times = []

    def watts() -> float:
        times.append(clock.elapsed_seconds())
        clock.advance(2.0 if len(times) == 20 else 0.0)
        return 100.0

    energy = record(SensorSet(sensors=(sensor("gpu_power", watts, 0),), devices=(device(),)), 600.0, clock).energy.gpu
    assert times[20] - times[19] < 5
    assert energy.longest_gap_seconds is not None
    assert energy.longest_gap_seconds < 5


def test_gauges_of_eight_gpus_are_read_in_one_wake_up() -> None:
    """The distance of their readings varies, and by the same: waking up costs more than most readings."""
    clock = FakeClock()
    driver = Driver(clock, 1e-5)
    timing = {"averaging_seconds": 0.01, "refresh_seconds": 0.02, "interval_seconds": 0.1}
    gauges = tuple(sensor("gpu_power", driver.call(lambda _: 100.0), index, **timing) for index in range(8))
    recorder = Recorder(SensorSet(sensors=gauges, devices=tuple(device(i) for i in range(8))), clock=clock)
    waits = []
    while clock.elapsed_seconds() < 1060.0:
        waits.append(recorder.sample_due())
        clock.advance(waits[-1])
    assert {one.reads for one in gauges} == {len(waits)}
    assert max(waits[20:]) > 1.3 * min(waits[20:])


def test_calls_of_ten_milliseconds_keep_the_budget_and_energy_is_read_most() -> None:
    """Eight GPUs of ten sensors each, once the first calls are made: a thousandth, by reading states the least."""
    clock = FakeClock()
    driver = Driver(clock, 0.01)
    counters = [sensor("gpu_energy", driver.call(lambda at: 100.0 * at), index) for index in range(8)]
    states = [
        sensor("gpu_temperature", driver.call(lambda _: 60.0), index, source=f"fake:{number}")
        for index in range(8)
        for number in range(9)
    ]
    sensors = SensorSet(sensors=(*counters, *states), devices=tuple(device(i) for i in range(8)))
    recorder = Recorder(sensors, clock=clock)
    run(recorder, clock, 3600.0)
    first = driver.busy_seconds
    run(recorder, clock, 5 * 3600.0)
    assert driver.busy_seconds - first <= 0.001 * 5 * 3600
    assert min(one.reads for one in counters) > 4 * max(one.reads for one in states)
    energy = recorder.stop().energy.gpu
    assert energy.value == pytest.approx(8 * 100.0 * 6 * 3600, rel=0.005)
    assert energy.longest_gap_seconds == 0.0


def test_a_call_that_is_held_up_is_not_true_in_its_middle() -> None:
    """Calls of 20 ms are made rarely; one that takes 14 s is asked again, and counter and gauge go on agreeing."""
    clock = FakeClock()
    driver = Driver(clock, 0.02)
    held_up = iter([14.0])

    def joules() -> float:
        at = clock.elapsed_seconds() - 1000.0
        clock.advance(next(held_up, 0.02) if at > 300.0 else 0.02)
        return 100.0 * at

    sensors = (sensor("gpu_energy", joules, 0), sensor("gpu_power", driver.call(lambda _: 100.0), 0))
    recording = record(SensorSet(sensors=sensors, devices=(device(),)), 900.0, clock)
    assert recording.energy.gpu.value == pytest.approx(90_000.0, rel=0.005)
    assert recording.energy.gpu.method == "counter"
    assert not any("differed" in note for note in recording.notes)
    assert any("too late" in note for note in recording.notes)


def test_what_is_not_read_any_more_leaves_its_share() -> None:
    """A gauge whose driver's own readings were used, of a device that nobody asks for any more."""
    gone, slow = (Appointment(sensor("gpu_temperature", 60.0, index), 1.0) for index in range(2))
    gone.leave_to_driver(Kept(step_seconds=0.02, delivered_seconds=4.0, load=0.0008))
    gone.retire("nobody asks for it")
    for _ in range(5):
        slow.succeeded(0.0, 0.01)
    fit_intervals([gone, slow])
    assert slow.interval_seconds == pytest.approx(0.01 / DRIVER_SHARE)


def test_what_first_calls_took_is_paid_back_within_the_hour() -> None:
    """Eight GPUs of ten sensors, calls of 10 ms: a thousandth of an hour, the calls that tell the cost included."""
    clock = FakeClock()
    driver = Driver(clock, 0.01)
    sensors: list[Sensor] = []
    for index in range(8):
        sensors += [
            sensor("gpu_energy", driver.call(lambda at: 100.0 * at), index),
            sensor("gpu_power", driver.call(lambda at: 100.0 + at % 7), index),
            *(
                sensor("gpu_temperature", driver.call(lambda _: 60.0), index, source=f"fake:{number}")
                for number in range(8)
            ),
        ]
    record(SensorSet(sensors=tuple(sensors), devices=tuple(device(i) for i in range(8))), 3600.0, clock)
    assert driver.busy_seconds <= 0.001 * 3600


@pytest.mark.parametrize("slow_until", [4.0, 8.0, 12.0])
def test_a_driver_that_is_slow_when_a_run_begins_is_read_as_ever_after_that(slow_until: float) -> None:
    """Its first calls take 0.6 s each: what they cost is not what later ones do, and the gauge alone tells enough."""
    clock = FakeClock()

    def watts() -> float:
        at = clock.elapsed_seconds() - 1000.0
        clock.advance(0.6 if at < slow_until else 1e-4)
        return 60.0 + 40.0 * (at // 20.0 % 2) + at % 1.0

    energy = record(SensorSet(sensors=(sensor("gpu_power", watts, 0),), devices=(device(),)), 300.0, clock).energy.gpu
    assert energy.value == pytest.approx(23_600.0, rel=0.02)
    assert energy.recording_high is not None
    assert energy.recording_high < 1.2 * energy.value
