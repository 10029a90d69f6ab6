"""Drivers that take long to answer, for a while or throughout: what is read, what it costs, what comes after."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable

import pytest
from recorded import device, run, sensor
from virtual_gpu import GB10, P100, VirtualGpu, training_waveform

from cardcallback.errors import SensorReadError
from cardcallback.recorder import Recorder, Recording
from cardcallback.recorder.pace import paced_seconds
from cardcallback.sensors import Sensor, SensorSet
from cardcallback.testing import FakeClock, FakeSensor

_STATES = ("gpu_temperature", "gpu_sm_clock", "gpu_clock_event_reasons")
_P100_POWER = {"averaging_seconds": 0.01, "refresh_seconds": 0.02, "interval_seconds": 0.02, "highest_watts": 250.0}


class SlowDriver:
    """A GPU behind a driver whose calls take ``call_seconds`` of the session's time; ``calls`` are begin and length."""

    def __init__(self, gpu: VirtualGpu, call_seconds: Callable[[float], float]) -> None:
        self.clock = FakeClock()
        self.gpu = gpu
        self.calls: dict[str, list[tuple[float, float]]] = {}
        self._call_seconds = call_seconds

    def sensor(
        self,
        quantity: str,
        value: Callable[[float], float] = lambda _: 60.0,
        call_seconds: Callable[[float], float] | None = None,
        **details: object,
    ) -> FakeSensor:
        """A sensor of it, with calls of its own length if given; ``value`` of seconds since the session began."""
        calls = self.calls.setdefault(quantity, [])
        length = call_seconds or self._call_seconds

        def read() -> float:
            began = self.clock.elapsed_seconds() - 1000.0
            seconds = length(began)
            self.clock.advance(seconds)
            calls.append((began, seconds))
            return value(began + seconds / 2)

        return sensor(quantity, read, 0, **details)  # type: ignore[arg-type]

    def record(self, sensors: list[Sensor], seconds: float) -> Recording:
        """One session."""
        recorder = Recorder(SensorSet(sensors=tuple(sensors), devices=(device(),)), clock=self.clock)
        run(recorder, self.clock, seconds)
        return recorder.stop()

    def busy_seconds(self, since: float = 0.0) -> float:
        """For how long calls kept it busy."""
        return math.fsum(seconds for calls in self.calls.values() for began, seconds in calls if began >= since)


def test_a_driver_that_was_slow_for_minutes_is_read_as_ever_soon_after() -> None:
    """Calls of 2.4 s for seven minutes: the sensors wait for no longer than it lasted, and then all at once."""
    driver = SlowDriver(
        VirtualGpu(waveform=training_waveform(seconds=3000), **GB10), lambda at: 2.4 if 6.0 < at < 450.0 else 2e-4
    )
    energy = [driver.sensor("gpu_energy", driver.gpu.joules), driver.sensor("gpu_power", driver.gpu.watts)]
    recording = driver.record([*energy, *(driver.sensor(one, interval_seconds=5.0) for one in _STATES)], 2000.0)
    after = [began for began, _ in driver.calls["gpu_energy"] if began > 450.0]
    assert after[0] < 900.0
    assert len(after) > (2000.0 - after[0]) / 3
    found = recording.energy.gpu
    assert found.value == pytest.approx(driver.gpu.truth(0, 2000), rel=0.005)
    assert found.recording_low is not None
    assert found.recording_high is not None
    assert found.recording_high - found.recording_low < 0.02 * found.value


def test_a_driver_whose_costs_were_learned_while_it_was_held_up_is_read_as_ever_after_that() -> None:
    """A tenth of a second each call until the fourth minute, and quick from then on: within a minute, states too."""
    gpu = VirtualGpu(waveform=training_waveform(seconds=1000), **GB10)
    driver = SlowDriver(gpu, lambda at: 0.1 if at < 220.0 else 2e-4)
    energy = [driver.sensor("gpu_energy", gpu.joules), driver.sensor("gpu_power", gpu.watts)]
    driver.record([*energy, *(driver.sensor(one, interval_seconds=5.0) for one in _STATES)], 900.0)
    since = 300.0
    assert sum(began > since for began, _ in driver.calls["gpu_energy"]) > (900.0 - since) / 2.5
    assert sum(began > since for began, _ in driver.calls["gpu_power"]) > (900.0 - since) / 1.5
    assert all(sum(began > since for began, _ in driver.calls[one]) > (900.0 - since) / 70.0 for one in _STATES)
    assert driver.busy_seconds(since=222.0) <= 0.001 * (900.0 - 222.0)


@pytest.mark.parametrize("every", [3, 6, 9])
def test_calls_of_which_one_is_quick_now_and_then_do_not_make_a_quick_driver(every: int) -> None:
    """Some calls are answered from a cache: one is taken for a quick driver once or twice, and not again."""
    gpu = VirtualGpu(waveform=training_waveform(seconds=4000), **GB10)
    count = itertools.count(1)
    driver = SlowDriver(gpu, lambda _: 2e-4 if next(count) % every == 0 else 0.05)
    energy = [driver.sensor("gpu_energy", gpu.joules), driver.sensor("gpu_power", gpu.watts)]
    driver.record(energy, 3600.0)
    assert driver.busy_seconds() <= 0.0015 * 3600.0


@pytest.mark.parametrize("seed", [0, 2])
def test_a_driver_that_was_held_up_again_and_again_is_read_as_ever_after_that(seed: int) -> None:
    """Half an hour in which it is slow for some calls and quick for others, at random; as ever half an hour later."""
    gpu = VirtualGpu(waveform=training_waveform(seconds=4000), **GB10)
    varied, lengths = random.Random(seed), list[float]()  # noqa: S311 - chance, not secrets

    def held_up_at_times(at: float) -> float:
        if at >= 1800.0:
            return 2e-4
        if not lengths:
            lengths.extend([0.02 if varied.random() < 0.3 else 2e-4] * 20)
        return lengths.pop()

    driver = SlowDriver(gpu, held_up_at_times)
    energy = [driver.sensor("gpu_energy", gpu.joules), driver.sensor("gpu_power", gpu.watts)]
    driver.record([*energy, *(driver.sensor(one, interval_seconds=5.0) for one in _STATES)], 3900.0)
    assert sum(began > 3600.0 for began, _ in driver.calls["gpu_power"]) > 300.0 / 1.5


def test_a_sensor_that_fails_after_its_driver_turned_quick_hurries_the_others_once() -> None:
    """The counter answers quickly once, and fails from then on: slow process lists stay as rare as they cost."""
    gpu = VirtualGpu(waveform=training_waveform(seconds=2000), **GB10)
    driver = SlowDriver(gpu, lambda at: 0.1 if at < 60.0 else 2e-4)
    quick = itertools.count()

    def joules(at: float) -> float:
        if at > 60.0 and next(quick) > 0:
            raise SensorReadError("unknown error")
        return gpu.joules(at)

    energy = [driver.sensor("gpu_energy", joules), driver.sensor("gpu_power", gpu.watts)]
    lists = driver.sensor("gpu_process_memory", call_seconds=lambda _: 0.05, interval_seconds=60.0)
    driver.record([*energy, lists], 1800.0)
    assert next(quick) > 100
    assert driver.busy_seconds(since=62.0) <= 0.001 * (1800.0 - 62.0)


def test_a_driver_that_is_slow_until_the_end_still_tells_most_of_the_energy() -> None:
    """Calls of 2.4 s from a third of the run on: what its counter says late tells, to within such a call."""
    gpu = VirtualGpu(waveform=training_waveform(seconds=700), **GB10)
    driver = SlowDriver(gpu, lambda at: 2.4 if at > 200.0 else 2e-4)
    energy = [driver.sensor("gpu_energy", gpu.joules), driver.sensor("gpu_power", gpu.watts)]
    recording = driver.record(energy, 600.0)
    found, truth = recording.energy.gpu, gpu.truth(0, recording.duration_seconds)
    assert found.value == pytest.approx(truth, rel=0.02)
    assert found.recording_low is not None
    assert found.recording_high is not None
    assert found.recording_low <= truth <= found.recording_high
    assert found.recording_high - found.recording_low < 0.1 * truth
    assert any("came with a slow call" in note for note in recording.notes)


def test_energy_is_asked_before_states_while_a_driver_is_slow() -> None:
    """Ten minutes of calls of 2 s: each state is asked less often than the energy, and both ever less often."""
    gpu = VirtualGpu(waveform=training_waveform(seconds=3000), **GB10)
    driver = SlowDriver(gpu, lambda at: 2.0 if at > 6.0 else 2e-4)
    energy = [driver.sensor("gpu_energy", gpu.joules), driver.sensor("gpu_power", gpu.watts)]
    driver.record([*energy, *(driver.sensor(one) for one in _STATES)], 606.0)
    slow = {name: [began for began, seconds in calls if seconds > 1.0] for name, calls in driver.calls.items()}
    assert max(len(slow[one]) for one in _STATES) < len(slow["gpu_energy"]) < 40
    assert slow["gpu_energy"][-2] - slow["gpu_energy"][-3] > 100.0


def test_a_call_that_is_always_slow_is_not_hurried_by_quick_ones() -> None:
    """Process lists of 10 s beside quick calls, which say nothing of the next list: few are asked for."""
    driver = SlowDriver(VirtualGpu(waveform=training_waveform(seconds=4000), **GB10), lambda _: 2e-4)
    energy = [driver.sensor("gpu_energy", driver.gpu.joules), driver.sensor("gpu_power", driver.gpu.watts)]
    lists = driver.sensor("gpu_process_memory", call_seconds=lambda _: 10.0, interval_seconds=60.0)
    driver.record([*energy, lists], 3600.0)
    assert len(driver.calls["gpu_process_memory"]) < 8
    assert len(driver.calls["gpu_energy"]) > 3000


def test_a_call_that_is_slow_for_days_is_made_again_and_again() -> None:
    """Memory that takes 0.6 s each time beside a quick counter: about every two hours, and the figure says so."""
    gpu = VirtualGpu(waveform=training_waveform(seconds=4000), **GB10)
    driver = SlowDriver(gpu, lambda _: 2e-4)
    memory = driver.sensor("gpu_process_memory", call_seconds=lambda _: 0.6, interval_seconds=60.0)
    energy = driver.sensor("gpu_energy", driver.gpu.joules, interval_seconds=600.0, refresh_seconds=0.1)
    recording = driver.record([energy, memory], 4 * 86_400.0)
    began = [at for at, _ in driver.calls["gpu_process_memory"]]
    assert max(after - before for before, after in itertools.pairwise(began)) < 2 * 3600.0
    assert math.fsum(seconds for _, seconds in driver.calls["gpu_process_memory"]) < 2e-4 * 4 * 86_400.0
    assert recording.memory.accelerator_process_peak.sampling_interval_seconds == pytest.approx(6000.0)


@pytest.mark.parametrize("cost_seconds", [0.02, 0.4, 0.6])
def test_calls_that_go_on_failing_are_asked_for_ever_less_often(cost_seconds: float) -> None:
    """However long a failing call takes, beside a quick counter it does not keep the driver busy."""
    driver = SlowDriver(VirtualGpu(waveform=training_waveform(seconds=4000), **GB10), lambda _: 2e-4)

    def fail(_: float) -> float:
        raise SensorReadError("unknown error")

    power = driver.sensor("gpu_power", fail, call_seconds=lambda _: cost_seconds)
    recording = driver.record([driver.sensor("gpu_energy", driver.gpu.joules), power], 3600.0)
    assert 5 < len(driver.calls["gpu_power"]) < 130
    assert math.fsum(seconds for _, seconds in driver.calls["gpu_power"]) < 0.004 * 3600.0
    assert recording.energy.gpu.coverage == 1.0


def test_a_gauge_alone_is_read_oftener_while_a_slow_run_is_young() -> None:
    """Calls of 20 ms: several readings in the first quarter of a minute, paid back within a quarter of an hour."""
    driver = SlowDriver(VirtualGpu(waveform=training_waveform(seconds=4000), **P100), lambda _: 0.02)
    power = driver.sensor("gpu_power", driver.gpu.watts, **_P100_POWER)
    recording = driver.record([power, *(driver.sensor(one) for one in _STATES)], 3600.0)
    began = [at for at, _ in driver.calls["gpu_power"]]
    assert sum(at < 15.0 for at in began) >= 6
    assert sum(at < 60.0 for at in began) >= 10
    early = math.fsum(seconds for calls in driver.calls.values() for at, seconds in calls if at < 900.0)
    assert early <= 0.001 * 900.0
    assert driver.busy_seconds() <= 0.001 * 3600.0
    assert max(len(driver.calls[one]) for one in _STATES) < 10
    assert recording.energy.gpu.coverage == 1.0


@pytest.mark.parametrize("fails", [None, 12], ids=["none fails", "one fails"])
def test_a_pause_that_was_planned_is_no_gap(fails: int | None) -> None:
    """Calls of 14 to 32 ms, by which what the driver may be asked is judged anew again and again: all was watched."""
    gpu = VirtualGpu(waveform=training_waveform(seconds=2000), **P100)
    for seed in range(12):
        varied = random.Random(seed)  # noqa: S311
        driver = SlowDriver(gpu, lambda _, varied=varied: 0.02 * varied.uniform(0.7, 1.6))

        def watts(at: float, driver: SlowDriver = driver) -> float:
            if len(driver.calls["gpu_power"]) == fails:
                raise SensorReadError("unknown error")
            return gpu.watts(at)

        power = driver.sensor("gpu_power", watts, **_P100_POWER)
        recording = driver.record([power, *(driver.sensor(one, interval_seconds=10.0) for one in _STATES)], 1500.0)
        assert recording.energy.gpu.coverage == 1.0
        assert recording.energy.gpu.longest_gap_seconds == 0.0


def test_states_of_a_slow_driver_are_asked_once_before_their_cost_allows_it() -> None:
    """Calls of 20 ms: what one call of each told of the cost is enough to leave the time to the gauge."""
    driver = SlowDriver(VirtualGpu(waveform=training_waveform(seconds=400), **P100), lambda _: 0.02)
    power = driver.sensor("gpu_power", driver.gpu.watts, **_P100_POWER)
    driver.record([power, *(driver.sensor(one) for one in _STATES)], 300.0)
    assert {len(driver.calls[one]) for one in _STATES} == {1}


def test_states_that_were_slow_once_are_asked_as_ever() -> None:
    """Only the first calls take 20 ms: the second of the gauge's shows it, and no state waits for its cost."""
    driver = SlowDriver(
        VirtualGpu(waveform=training_waveform(seconds=400), **P100), lambda at: 0.02 if at < 0.1 else 1e-4
    )
    power = driver.sensor("gpu_power", driver.gpu.watts, **_P100_POWER)
    driver.record([power, *(driver.sensor(one) for one in _STATES)], 300.0)
    assert min(len(driver.calls[one]) for one in _STATES) > 5


@pytest.mark.parametrize("affordable", [3.0, 25.0, 500.0])
def test_what_is_read_early_is_paid_back_within_a_quarter_of_an_hour(affordable: float) -> None:
    """No more readings than at the distance that the cost allows, but many of them early, and never far apart."""
    at, readings = 0.0, []
    while at < 900.0:
        readings.append(at)
        at += paced_seconds(affordable, 0.5, at)
    assert len(readings) <= 1.1 * 900.0 / affordable + 6
    assert sum(one < 60.0 for one in readings) >= 2 * 60.0 / affordable
    assert max(paced_seconds(affordable, 0.5, one) for one in readings) <= 2 * affordable
    assert paced_seconds(affordable, 0.5, 900.0) == affordable
    assert paced_seconds(affordable, affordable, 0.0) == affordable
