"""Which rate holds where only one of two sensors that contradict each other was there, and what bounds the edges."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from virtual_gpu import A100, GB10, P100, VirtualGpu

from cardcallback.energy import AccountResult, CounterTraits, EnergyAccount, PowerTraits
from waveforms import Waveform, constant, square

WORK = Waveform((constant(20.0), square(0.0, 70.0, 1.7, begin=1.0)))


def watched(
    seconds: float,
    *,
    device: dict[str, float] = GB10,
    watts: Callable[[float], float] = float,
    counted: Callable[[float, float], float] = lambda _, joules: joules,
    counter_ends: float = math.inf,
    gauge_begins: float = 0.0,
    gauge_ends: float = math.inf,
) -> tuple[AccountResult, float]:
    """What an account says of that time, and the truth; ``watts`` and ``counted`` distort what the sensors say."""
    gpu = VirtualGpu(waveform=WORK, **device)
    interval = 0.5 if device is GB10 else 0.1
    account = EnergyAccount(
        counter=CounterTraits(),
        power=PowerTraits(averaging_seconds=gpu.window, refresh_seconds=gpu.refresh, interval_seconds=interval),
        limit_watts=140.0,
    )
    for count in range(int(seconds / interval) + 1):
        at = count * interval + 0.002
        if gauge_begins <= at <= gauge_ends:
            account.add_power(at, watts(gpu.watts(at)))
    for second in range(int(min(seconds, counter_ends)) + 1):
        at = second + 0.001
        account.add_counter(at, counted(at, gpu.joules(at)))
    return account.result(seconds), gpu.truth(0, seconds)


def holds(result: AccountResult, truth: float) -> bool:
    """Whether the best interval, which has both bounds, holds the truth."""
    assert result.best is not None
    assert result.best.high is not None
    return result.best.low <= truth <= result.best.high


@pytest.mark.parametrize("gain", [0.9, 1.1, 0.985])
@pytest.mark.parametrize("counted_seconds", [60.0, 100.0])
def test_a_gauge_that_stands_for_a_counter_may_be_as_far_off_as_it_was_beside_it(
    gain: float, counted_seconds: float
) -> None:
    """The counter fails for the rest of the run: the interval spans both rates, the counter's too."""
    result, truth = watched(200.0, watts=lambda watts: gain * watts, counter_ends=counted_seconds)
    assert result.best is not None
    assert result.best.method == "counter_bridged"
    assert holds(result, truth)


def test_a_gauge_of_another_unit_does_not_narrow_the_counter() -> None:
    """A thousandth of the power: no bound of the counter's own ends may be made of it."""
    result, truth = watched(200.0, watts=lambda watts: watts / 1000)
    assert result.best is not None
    assert result.best.joules == pytest.approx(truth, rel=0.005)
    assert holds(result, truth)
    assert result.best.high is not None
    assert result.best.high > 1.0005 * truth


@pytest.mark.parametrize("seconds", [60.3, 100.3])
def test_a_gauge_that_never_answers_does_not_narrow_the_counter(seconds: float) -> None:
    """Before the counter's readings have waited for it in vain, the highest power is what they say."""
    result, truth = watched(seconds, gauge_begins=math.inf)
    assert holds(result, truth)
    assert result.best is not None
    assert result.best.high is not None
    assert 1e-4 * truth < result.best.high - result.best.low < 0.05 * truth


@pytest.mark.parametrize("gain", [0.8, 1.2])
@pytest.mark.parametrize("device", [GB10, A100], ids=["sees all", "sees a quarter"])
def test_a_short_run_does_not_hide_that_two_sensors_contradict_each_other(
    device: dict[str, float], gain: float
) -> None:
    """Fifteen seconds are too short for a verdict, and not for an interval that spans both."""
    result, truth = watched(15.0, device=device, counted=lambda _, joules: gain * joules)
    assert result.consistency is None
    assert holds(result, truth)


@pytest.mark.parametrize("device", [GB10, A100], ids=["sees all", "sees a quarter"])
def test_a_short_run_whose_sensors_agree_is_not_widened(device: dict[str, float]) -> None:
    """No further than to what a gauge says that by chance saw a little more or less, and what a comparison may hide."""
    result, truth = watched(15.0, device=device)
    assert holds(result, truth)
    assert result.best is not None
    assert result.best.high is not None
    assert result.best.high - result.best.low < 0.1 * truth


@pytest.mark.parametrize("begins", [10.2, 10.6, 11.0])
def test_work_that_a_gauge_tells_late_is_not_ruled_out(begins: float) -> None:
    """Three seconds later than published: what the counter says of the begin is above all that was seen before."""
    gpu = VirtualGpu(waveform=Waveform((constant(5.0), constant(120.0, begin=begins))), **GB10)
    account = EnergyAccount(
        counter=CounterTraits(), power=PowerTraits(averaging_seconds=1.0, refresh_seconds=0.1), limit_watts=140.0
    )
    for second in range(61):
        account.add_power(second + 0.002, gpu.watts(second + 0.002 - 3.0))
        account.add_counter(second + 0.001, gpu.joules(second + 0.001))
    assert holds(account.result(60.0), gpu.truth(0, 60))


def test_a_counter_that_answers_late_leaves_its_gauges_doubt() -> None:
    """Twenty seconds before its first reading are as doubtful as any others that only a sampled gauge saw."""
    held = 0
    for seed in range(40):
        varied = random.Random(seed)  # noqa: S311 - readings that vary, not secrets
        work = square(0.0, 200.0, varied.uniform(0.1, 5.0), duty=varied.uniform(0.2, 0.8), begin=-varied.random())
        gpu = VirtualGpu(waveform=Waveform((constant(40.0), work)), **P100)
        account = EnergyAccount(
            counter=CounterTraits(),
            power=PowerTraits(averaging_seconds=gpu.window, refresh_seconds=gpu.refresh, interval_seconds=0.2),
            limit_watts=250.0,
        )
        at = 0.003
        while at < 60.5:
            account.add_power(at, gpu.watts(at))
            at += 0.2 * varied.uniform(0.5, 1.5)
        for second in range(20, 61):
            account.add_counter(second + 0.002, gpu.joules(second + 0.002))
        held += holds(account.result(60.0), gpu.truth(0, 60))
    assert held >= 39


@pytest.mark.parametrize("back_joules", [40.0, 60.0])
def test_a_counter_that_keeps_going_back_is_not_the_figure(back_joules: float) -> None:
    """Every seven seconds by about a second's energy: half of it only looks like a little less work."""
    result, truth = watched(300.0, counted=lambda at, joules: joules - back_joules * math.floor((at + 0.3) / 7.0))
    assert holds(result, truth)
    assert result.best is not None
    assert result.best.method == "integrated_power"
    assert result.best.joules == pytest.approx(truth, rel=0.005)


def test_a_counter_that_went_back_twice_in_a_minute_is_not_the_figure() -> None:
    """It lost a second's energy once more, in an interval in which a gauge that lags blurs as much."""
    back = ((10.3, 45.0), (30.3, 2000.0), (50.3, 2000.0))
    result, truth = watched(60.0, counted=lambda at, joules: joules - sum(lost for then, lost in back if at >= then))
    assert holds(result, truth)
    assert result.best is not None
    assert result.best.joules == pytest.approx(truth, rel=0.005)


def test_a_counter_that_was_begun_anew_now_and_then_stays_the_figure() -> None:
    """Three times in ten minutes, beside a gauge that is five per cent low."""

    def counted(at: float, joules: float) -> float:
        return joules - next((joules_then for then, joules_then in begun if at >= then), 0.0)

    gpu = VirtualGpu(waveform=WORK, **GB10)
    begun = [(at, gpu.joules(at) - 0.5) for at in (450.3, 250.3, 50.3)]
    result, truth = watched(600.0, counted=counted, watts=lambda watts: 0.95 * watts)
    assert holds(result, truth)
    assert result.best is not None
    assert result.best.method == "counter_bridged"
    assert result.best.joules == pytest.approx(truth, rel=0.005)


def test_power_that_stands_for_a_counter_claims_no_more_than_its_gauge_saw() -> None:
    """A gauge that looks a quarter of the time is the figure: it is said of that figure too."""
    result, truth = watched(300.0, device=A100, counted=lambda at, joules: joules - 60.0 * math.floor((at + 0.3) / 7.0))
    assert holds(result, truth)
    assert result.best is not None
    assert result.best.method == "integrated_power"
    assert result.best.observed(300.0) == pytest.approx(0.25, abs=0.02)


def test_a_rate_that_was_not_compared_may_be_further_off_than_one_that_was() -> None:
    """3 % too much beside a gauge that sampling excuses, 5 % once the gauge has ended: the interval holds the truth."""
    gpu = VirtualGpu(waveform=WORK, **A100)

    def counted(_: float, joules: float) -> float:
        return 1.03 * min(joules, gpu.joules(60.0)) + 1.05 * max(joules - gpu.joules(60.0), 0.0)

    # Read always as often as it is renewed, this gauge meets the work's high part too often.
    result, truth = watched(120.0, device=A100, watts=lambda seen: seen / 1.038, counted=counted, gauge_ends=60.0)
    assert result.consistency is not None
    assert result.consistency.verdict == "not resolved"
    assert holds(result, truth)
