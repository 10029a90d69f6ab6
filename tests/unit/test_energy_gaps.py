"""What the readings around it say of time that was not seen: between two readings, in gaps, in one comparison."""

from __future__ import annotations

import math
import random

import pytest
from virtual_gpu import GB10, P100, VirtualGpu

from cardcallback.energy import CounterTraits, EnergyAccount, EnergyResult, PowerTraits
from cardcallback.energy.gaps import SustainedPower
from cardcallback.energy.integral import PowerIntegral
from cardcallback.energy.missed import MissedWork
from waveforms import Waveform, constant, square

LIMIT_WATTS = 250.0
SLOW = Waveform((constant(40.0), square(0.0, 150.0, 1.53)))
FAST = Waveform((constant(40.0), square(0.0, 150.0, 0.07)))


def gauge(interval: float) -> PowerTraits:
    """The traits of a gauge that looks for 10 of every 20 ms, read so often."""
    return PowerTraits(averaging_seconds=P100["window"], refresh_seconds=P100["refresh"], interval_seconds=interval)


def gauge_alone(
    work: Waveform, seconds: float, *, seed: int = 1, gap: tuple[float, float] = (math.inf, math.inf)
) -> tuple[EnergyResult, float]:
    """What an account says of a gauge that is read about ten times a second but in a gap, and the truth."""
    gpu = VirtualGpu(waveform=work, **P100)
    account = EnergyAccount(counter=None, power=gauge(0.1), limit_watts=LIMIT_WATTS)
    varied, at = random.Random(seed), 0.003  # noqa: S311 - readings that vary, not secrets
    while at < seconds + 0.1:
        if not gap[0] < at < gap[1]:
            account.add_power(at, gpu.watts(at))
        at += 0.1 * varied.uniform(0.5, 1.5)
    best = account.result(seconds).best
    assert best is not None
    return best, gpu.truth(0, seconds)


def width(result: EnergyResult) -> float:
    """Of the interval, as a share of the value."""
    assert result.high is not None
    return (result.high - result.low) / result.joules


@pytest.mark.parametrize("seed", range(4))
def test_work_that_is_read_many_times_a_period_is_off_only_by_when_it_changed(seed: int) -> None:
    """Each of its steps lies between two readings, and nothing else does."""
    result, truth = gauge_alone(SLOW, 120.0, seed=seed)
    assert result.low <= truth <= (result.high or 0.0)
    assert width(result) < 0.08


def test_work_that_changes_between_any_two_readings_is_as_doubtful_as_ever() -> None:
    """Each reading is a draw, and their number alone makes their mean surer."""
    for seed in range(3):
        result, truth = gauge_alone(FAST, 120.0, seed=seed)
        assert result.low <= truth <= (result.high or 0.0)
        assert width(result) > 0.09


def test_draws_and_lone_steps_are_told_apart() -> None:
    """A step up and down again misses its square, a lone one a twelfth of that; one beside a gap may be either."""
    drawn, lone, beside_a_gap = (MissedWork(PowerTraits()) for _ in range(3))
    for number in range(4000):
        drawn.add(100.0 if number % 2 else -100.0, 0.1)
        lone.add(100.0 if number % 4 == 0 else 0.0, 0.1)
        beside_a_gap.add(100.0, 0.1)
        beside_a_gap.break_off()
    assert drawn.variance == pytest.approx(4000 * 100 / 2, rel=1e-3)
    assert lone.variance == pytest.approx(1000 * 100 / 12, rel=0.01)
    assert beside_a_gap.variance == pytest.approx(4000 * 100 / 2)


def test_a_short_gap_amid_work_holds_no_more_than_such_times_around_it() -> None:
    """Eight of 300 seconds, on a device that draws well below its limit all the time."""
    work = Waveform((constant(40.0), square(0.0, 100.0, 0.53)))
    result, truth = gauge_alone(work, 300.0, gap=(100.0, 108.0))
    assert result.low <= truth <= (result.high or 0.0)
    assert width(result) < 0.18


def test_a_device_that_idled_may_have_begun_to_work_in_a_short_gap() -> None:
    """Nothing was read above its idle power, and the limit bounds what it used unseen."""
    work = Waveform((constant(20.0), constant(200.0, begin=100.5, end=107.5)))
    result, truth = gauge_alone(work, 300.0, gap=(100.0, 108.0))
    assert result.low <= truth <= (result.high or 0.0)


def test_the_part_of_a_still_stretch_that_no_counter_told_may_lie_anywhere_in_the_work() -> None:
    """Half a second of twelve: the work's own highest half second may be the one, however low its mean over twelve."""
    varied, high_watts, stuck_watts = random.Random(1), 240.0, 110.0  # noqa: S311 - readings that vary, not secrets
    gauge_alone = PowerIntegral(gauge(0.1), limit_watts=LIMIT_WATTS)
    for reading in range(6000):
        at = reading / 10
        watts = (high_watts if at % 2 < 0.4 else 80.0) + varied.uniform(-1.0, 1.0)
        gauge_alone.add(at, stuck_watts if 300 < at < 312 else watts)
    gauge_alone.witness(300.0, 311.4, told=True)
    doubt = gauge_alone.still_doubt(600.0)
    assert 0.4 < doubt.seconds < 0.6
    assert doubt.more_joules >= (high_watts - stuck_watts) * doubt.seconds


def test_pieces_are_joined_only_where_nothing_was_missed_between_them() -> None:
    """Work of 100 and 200 W by turns, two seconds each; without its pauses no piece of four seconds is of one alone."""
    sustained = SustainedPower()
    for number in range(400):
        sustained.add(0.5, 0.5 * (100.0 if number % 8 < 4 else 200.0))
    assert sustained.bounds(0.5) == (100.0, 200.0)
    assert sustained.bounds(4.0) == (150.0, 150.0)
    assert sustained.bounds(0.4) is None
    sustained = SustainedPower()
    for _ in range(100):
        sustained.add(0.5, 100.0)
        sustained.break_off()
    assert sustained.bounds(100.0) == (200.0, 200.0)


@pytest.mark.parametrize("step_joules", [-20.0, 20.0])
def test_a_step_of_the_counter_that_one_comparison_may_hide_is_in_the_interval(step_joules: float) -> None:
    """Smaller than what the gauge's moments blur in two seconds, and lasting."""
    for seed in range(5):
        varied = random.Random(seed)  # noqa: S311 - work and readings that vary, not secrets
        work = Waveform((constant(30.0), square(0.0, 150.0, varied.uniform(0.3, 3.0))))
        gpu = VirtualGpu(waveform=work, counter_refresh=0.02, **P100)
        counter = CounterTraits(refresh_seconds=0.02)
        account = EnergyAccount(counter=counter, power=gauge(0.08), limit_watts=LIMIT_WATTS)
        at, due = 0.003, 0.0
        while at < 150.1:
            account.add_power(at, gpu.watts(at))
            if at >= due:
                account.add_counter(at, gpu.joules(at) + (step_joules if at > 70 else 0.0))
                due += 2.0
            at += 0.08 * varied.uniform(0.5, 1.5)
        best, truth = account.result(150.0).best, gpu.truth(0, 150)
        assert best is not None
        assert best.low <= truth <= (best.high or 0.0)
        assert width(best) < 0.02


def test_a_mean_that_is_not_made_anew_while_the_device_is_off() -> None:
    """After half a minute of suspend the gauge still shows the second before it, and no counter tells better."""
    account = EnergyAccount(
        counter=None,
        power=PowerTraits(averaging_seconds=GB10["window"], refresh_seconds=GB10["refresh"], interval_seconds=0.5),
        limit_watts=100.0,
    )
    for count in range(121):
        at = count / 2 + 0.001
        if not 20 < at < 45:
            account.add_power(at, 100.0)
    best = account.result(60.0).best
    assert best is not None
    assert best.low <= 100.0 * (20 + 15) <= (best.high or 0.0)
