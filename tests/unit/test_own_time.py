"""What reading costs this process itself: paid from a purse, by gauges that are read more rarely and say so."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence

import pytest
from recorded import device, sensor
from virtual_gpu import P100, VirtualGpu

from cardcallback.errors import SensorReadError
from cardcallback.recorder import Recorder, SystemClock
from cardcallback.sensors import Sensor, SensorSet
from cardcallback.testing import FakeClock, FakeSensor
from waveforms import Waveform, square

_RARELY_RENEWED = {"averaging_seconds": 0.025, "refresh_seconds": 0.1, "interval_seconds": 0.1}
_OFTEN_RENEWED = {"averaging_seconds": 0.01, "refresh_seconds": 0.02, "interval_seconds": 0.02, "highest_watts": 250.0}
_CHEAP, _USUAL, _DEAR = 1e-5, 6e-5, 1.5e-4


def run(recorder: Recorder, clock: FakeClock, seconds: float, wake_up_seconds: float) -> float:
    """Let the recorder's loop run, each wake-up at that price; the processor time that all of them took."""
    begin, wake_ups = clock.elapsed_seconds(), 0
    while clock.elapsed_seconds() < begin + seconds:
        wait = recorder.sample_due()
        clock.use(wake_up_seconds)
        clock.advance(max(wait, 1e-3))
        wake_ups += 1
    return wake_ups * wake_up_seconds


def joules_of(clock: FakeClock) -> Callable[[], float]:
    """What a counter of 100 W shows."""
    return lambda: 100.0 * clock.elapsed_seconds()


def gpus(
    count: int, watts: Callable[[], float] = lambda: 100.0, *, counted: FakeClock | None = None, **gauge: object
) -> tuple[SensorSet, list[FakeSensor], list[FakeSensor]]:
    """So many GPUs of 100 W with a gauge, and a counter if there is a clock for it: all sensors, counters, gauges."""
    counters = [] if counted is None else [sensor("gpu_energy", joules_of(counted), index) for index in range(count)]
    gauges = [sensor("gpu_power", watts, index, **gauge) for index in range(count)]
    sensors: Sequence[Sensor] = (*counters, *gauges)
    return (
        SensorSet(sensors=tuple(sensors), devices=tuple(device(index) for index in range(count))),
        counters,
        gauges,
    )


def beside(joules: Callable[[], float], clock: FakeClock) -> tuple[Recorder, FakeSensor]:
    """A gauge of 100 W beside a counter, and the recorder of both."""
    power = sensor("gpu_power", 100.0, 0, **_RARELY_RENEWED)
    counter = sensor("gpu_energy", joules, 0)
    return Recorder(SensorSet(sensors=(counter, power), devices=(device(),)), clock=clock), power


def reads_in(seconds: float, recorder: Recorder, gauge: FakeSensor, clock: FakeClock) -> int:
    """How often that gauge is read in so long, while wake-ups are very dear."""
    before = gauge.reads
    run(recorder, clock, seconds, 1e-3)
    return gauge.reads - before


@pytest.mark.parametrize(
    ("count", "budget", "wake_up_seconds"),
    [(1, 0.001, _CHEAP), (1, 0.001, _USUAL), (1, 0.001, _DEAR), (8, 0.005, _DEAR)],
)
def test_the_budget_is_kept_beside_a_counter(count: int, budget: float, wake_up_seconds: float) -> None:
    """A quarter of an hour, cheap wake-ups or dear: a thousandth of a core for one GPU, five for eight."""
    clock = FakeClock()
    sensors, counters, gauges = gpus(count, counted=clock, **_RARELY_RENEWED)
    used = run(Recorder(sensors, clock=clock), clock, 900.0, count * wake_up_seconds)
    assert used <= budget * 900.0
    assert counters[0].reads >= 600
    assert gauges[0].reads >= 890
    if wake_up_seconds == _CHEAP:
        assert gauges[0].reads > 8500  # nothing is saved where nothing has to be


def test_the_budget_is_kept_without_a_counter_where_wake_ups_cost_what_they_usually_do() -> None:
    """A gauge alone of the fastest kind: the budget over a quarter of an hour, and most of a short run's readings."""
    clock = FakeClock()
    sensors, _, (gauge,) = gpus(1, **_OFTEN_RENEWED)
    recorder = Recorder(sensors, clock=clock)
    run(recorder, clock, 15.0, _USUAL)
    assert gauge.reads > 0.65 * 15.0 / 0.02
    used = gauge.reads * _USUAL + run(recorder, clock, 885.0, _USUAL)
    assert used <= 0.001 * 900.0
    assert gauge.reads > 0.9 * 0.00091 * 900.0 / _USUAL  # and it is used


def test_without_a_counter_a_quarter_of_the_readings_is_made_however_dear_they_are() -> None:
    """Fewer would make the interval more than twice as wide."""
    clock = FakeClock()
    sensors, _, (gauge,) = gpus(1, **_OFTEN_RENEWED)
    run(Recorder(sensors, clock=clock), clock, 600.0, 1e-3)
    assert gauge.reads >= 0.95 * 600.0 / 0.08


def test_a_gauge_whose_counter_fails_is_a_witness_no_more() -> None:
    """It is all there is, and read as often as one that is alone."""
    clock = FakeClock()

    def joules() -> float:
        if clock.elapsed_seconds() >= 1450.0:
            raise SensorReadError("unknown error")
        return 100.0 * clock.elapsed_seconds()

    recorder, power = beside(joules, clock)
    beside_counter = reads_in(300.0, recorder, power, clock)
    reads_in(400.0, recorder, power, clock)
    assert reads_in(300.0, recorder, power, clock) > 1.8 * beside_counter


def test_a_counter_that_stands_still_brings_the_gauge_s_rate_back() -> None:
    """Dear wake-ups: all readings for a minute, those of a gauge alone while it lasts, a witness's again after it."""
    clock = FakeClock()

    def joules() -> float:
        now = clock.elapsed_seconds()
        return 100.0 * (min(now, 1300.0) if now < 1600.0 else now - 300.0)

    recorder, power = beside(joules, clock)
    reads_in(240.0, recorder, power, clock)
    assert reads_in(60.0, recorder, power, clock) < 80
    reads_in(10.0, recorder, power, clock)  # until it is found out
    assert reads_in(50.0, recorder, power, clock) > 450
    reads_in(60.0, recorder, power, clock)
    assert 240 < reads_in(60.0, recorder, power, clock) < 360
    reads_in(240.0, recorder, power, clock)
    assert reads_in(60.0, recorder, power, clock) < 80


@pytest.mark.parametrize("trouble", ["goes back", "jumps", "fails"])
def test_a_counter_that_misbehaved_for_a_moment_brings_it_back_for_a_minute(trouble: str) -> None:
    """Whether the reading itself shows it or the comparison with the gauge; then the gauge is a witness again."""
    clock = FakeClock()

    def joules() -> float:
        now = clock.elapsed_seconds()
        if trouble == "fails" and 1300.0 <= now < 1302.0:
            raise SensorReadError("unknown error")
        return 100.0 * now + {"goes back": -1e5, "jumps": 1e5, "fails": 0.0}[trouble] * (now >= 1300.0)

    recorder, power = beside(joules, clock)
    reads_in(240.0, recorder, power, clock)
    assert reads_in(60.0, recorder, power, clock) < 80
    reads_in(5.0, recorder, power, clock)
    assert reads_in(50.0, recorder, power, clock) > 450
    reads_in(20.0, recorder, power, clock)
    assert reads_in(60.0, recorder, power, clock) < 80


def test_a_counter_that_goes_on_misbehaving_does_not_cost_more_than_its_share() -> None:
    """It goes back every twenty seconds for half an hour: within one GPU's budget, where wake-ups cost the usual."""
    clock = FakeClock()
    recorder, power = beside(lambda: 100.0 * (clock.elapsed_seconds() % 20.0), clock)
    used = run(recorder, clock, 1800.0, _USUAL)
    assert used <= 0.001 * 1800.0
    assert power.reads > 0.9 * 1800.0 / 0.2


def test_readings_come_oftener_again_once_wake_ups_are_cheaper() -> None:
    """What was dear while the machine was busy is not owed."""
    clock = FakeClock()
    sensors, _, (gauge,) = gpus(1, **_OFTEN_RENEWED)
    recorder = Recorder(sensors, clock=clock)
    run(recorder, clock, 300.0, 1e-3)
    before = gauge.reads
    run(recorder, clock, 60.0, 1e-3)
    dear = gauge.reads - before
    run(recorder, clock, 120.0, _CHEAP)  # until the purse is full again
    before = gauge.reads
    run(recorder, clock, 60.0, _CHEAP)
    assert gauge.reads - before > 3 * dear


def test_a_driver_s_own_time_is_not_ours() -> None:
    """Calls that keep a processor for long, cheap wake-ups: most of the readings that calls for nothing give."""
    reads = []
    for call_seconds in (0.0, 1e-3):
        clock = FakeClock()

        def watts(clock: FakeClock = clock, call_seconds: float = call_seconds) -> float:
            clock.use(call_seconds)
            return 100.0

        sensors, _, (gauge,) = gpus(1, watts, **_OFTEN_RENEWED)
        run(Recorder(sensors, clock=clock), clock, 120.0, _CHEAP)
        reads.append(gauge.reads)
    assert reads[1] > 0.6 * reads[0]


def test_an_interval_that_was_asked_for_is_kept() -> None:
    """Whoever says how often to read has said what it may cost."""
    clock = FakeClock()
    sensors, _, (gauge,) = gpus(1, counted=clock, **_RARELY_RENEWED)
    run(Recorder(sensors, clock=clock, sampling_interval_seconds=0.1), clock, 120.0, 1e-3)
    assert gauge.reads == pytest.approx(1200, rel=0.02)


def test_gauges_that_are_spared_are_still_read_in_one_wake_up_at_distances_that_vary() -> None:
    """Eight gauges beside their counters: together, and in step with no work."""
    clock = FakeClock()
    times: list[float] = []

    def watts() -> float:
        times.append(clock.elapsed_seconds())
        return 100.0

    sensors, _, _ = gpus(8, watts, counted=clock, **_RARELY_RENEWED)
    recorder = Recorder(sensors, clock=clock)
    run(recorder, clock, 300.0, 2e-3)
    times.clear()
    run(recorder, clock, 100.0, 2e-3)
    moments = sorted(set(times))
    assert len(times) == 8 * len(moments)
    waits = [after - before for before, after in itertools.pairwise(moments)]
    assert min(waits) > 0.11
    assert max(waits) > 1.5 * min(waits)


@pytest.mark.parametrize(("period", "wake_up_seconds"), [(0.047, _DEAR), (7.3, _USUAL)])
def test_rarer_readings_are_told_and_the_interval_holds(period: float, wake_up_seconds: float) -> None:
    """Ten minutes of quick work or slow: no gap, the interval holds the truth, and is at most twice as wide."""
    widths = []
    for cost in (0.0, wake_up_seconds):
        clock = FakeClock()
        gpu = VirtualGpu(waveform=Waveform((square(40.0, 200.0, period, duty=0.4),)), **(P100 | {"window": 0.01}))
        sensors, _, (gauge,) = gpus(
            1, lambda gpu=gpu, clock=clock: gpu.watts(clock.elapsed_seconds() - 1000.0), **_OFTEN_RENEWED
        )
        recorder = Recorder(sensors, clock=clock)
        run(recorder, clock, 600.0, cost)
        recording = recorder.stop()
        found, truth = recording.energy.gpu, gpu.truth(0.0, recording.duration_seconds)
        assert found.value is not None
        assert found.recording_low is not None
        assert found.recording_high is not None
        assert found.recording_low <= truth <= found.recording_high
        assert found.coverage == 1.0
        widths.append((found.recording_high - found.recording_low) / found.value)
        if cost:
            assert found.sampling_interval_seconds is not None
            assert 0.02 < found.sampling_interval_seconds <= 0.08 + 1e-9
            assert gauge.reads < 0.7 * 600.0 / 0.02
    assert widths[1] <= 2.2 * widths[0] + 0.001


def test_a_thread_s_time_is_its_own() -> None:
    """What another thread works meanwhile is not counted."""
    clock, used = SystemClock(), []

    def work() -> None:
        began = clock.thread_seconds()
        while clock.thread_seconds() - began < 0.05:
            sum(range(1000))
        used.append(clock.thread_seconds() - began)

    other = threading.Thread(target=work, daemon=True)
    before = clock.thread_seconds()
    other.start()
    other.join()
    assert clock.thread_seconds() - before < used[0]
