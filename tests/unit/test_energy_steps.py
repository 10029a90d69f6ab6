"""A counter that steps once where nothing contradicts it, and one that goes on smoothly, which is not doubted."""

from __future__ import annotations

import random

import pytest
from virtual_gpu import A100, GB10, VirtualGpu

from cardcallback.energy import AccountResult, CounterTraits, EnergyAccount, EnergyResult, PowerTraits
from cardcallback.energy.intervals import BothWays
from cardcallback.energy.steps import AloneIntervals, ComparedIntervals
from waveforms import Waveform, constant, square

END = 200.0
LIMIT_WATTS = 250.0
NEVER = (END, END)
WORK = Waveform((constant(30.0), square(0.0, 120.0, 0.43)))
# Steps are seconds of its mean power.
MEAN_WATTS = 90.0
UNSEEN = (100.0, 150.0)
Stretch = tuple[float, float]


def watched(
    *,
    work: Waveform = WORK,
    step_seconds: float = 0.0,
    power_fails: Stretch = NEVER,
    paused: Stretch = NEVER,
) -> tuple[EnergyResult, float]:
    """What an account says of a run whose counter steps in the middle of what is not seen, and the truth."""
    gpu = VirtualGpu(waveform=work, **GB10)
    account = EnergyAccount(
        counter=CounterTraits(),
        power=PowerTraits(averaging_seconds=1.0, refresh_seconds=0.1, interval_seconds=0.5),
        limit_watts=LIMIT_WATTS,
    )
    for count in range(401):
        at = count / 2 + 0.003
        if paused[0] < at < paused[1]:
            continue
        if not power_fails[0] < at < power_fails[1]:
            account.add_power(at, gpu.watts(at))
        if count % 2 == 0:
            account.add_counter(at, gpu.joules(at) + (MEAN_WATTS * step_seconds if at > 125.0 else 0.0))
    best = account.result(END).best
    assert best is not None
    return best, gpu.truth(0, END)


def holds(result: EnergyResult, truth: float) -> bool:
    """Whether the interval holds the truth, with an upper bound."""
    return result.high is not None and result.low <= truth <= result.high


def width(result: EnergyResult) -> float:
    """Of the interval, as a share of the value."""
    assert result.high is not None
    return (result.high - result.low) / result.joules


@pytest.mark.parametrize("step_seconds", [-0.8, 1.0, 1.5])
def test_a_step_while_power_was_not_read(step_seconds: float) -> None:
    """Read once a second, and one second has what no other had: a step, or work as never before."""
    assert holds(*watched(step_seconds=step_seconds, power_fails=UNSEEN))


def test_a_step_in_a_pause_beyond_what_the_work_ever_drew() -> None:
    """A tenth more over a pause of fifty seconds than over any time that was watched, within the device's limit."""
    result, truth = watched(step_seconds=5.0, paused=UNSEEN)
    assert result.joules == pytest.approx(truth + 450.0, rel=0.005)
    assert holds(result, truth)


@pytest.mark.parametrize("unseen", ["power_fails", "paused"])
def test_a_sound_counter_is_not_doubted_for_being_alone(unseen: str) -> None:
    """It goes on through what nobody else saw as before: the interval is as wide as of a run that was seen whole."""
    seen = width(watched()[0])
    assert width(watched(**{unseen: UNSEEN})[0]) < seen + 0.001


@pytest.mark.parametrize("fails_at", [5.0, 30.0])
def test_a_gauge_that_ends_early_leaves_a_smooth_counter_alone(fails_at: float) -> None:
    """Even where the work later draws what the gauge never saw, if for more than a moment."""
    heavier = Waveform((constant(30.0), square(0.0, 60.0, 0.43, end=60.0), square(0.0, 120.0, 0.43, begin=60.0)))
    result, truth = watched(work=heavier, power_fails=(fails_at, END + 1.0))
    assert holds(result, truth)
    assert width(result) < 0.02


def slowly_read(seed: int, *, device: dict[str, float] = GB10, gain: float = 1.0) -> tuple[AccountResult, float]:
    """Ten minutes beside a driver that is asked so rarely that its gauge meets the work by chance."""
    varied = random.Random(seed)  # noqa: S311 - moments that vary, not secrets
    gpu = VirtualGpu(waveform=Waveform((constant(20.0), square(0.0, 330.0, 1.7, duty=0.4))), **device)
    account = EnergyAccount(
        counter=CounterTraits(),
        power=PowerTraits(averaging_seconds=gpu.window, refresh_seconds=gpu.refresh, interval_seconds=30.0),
        limit_watts=400.0,
    )
    at, due = 0.01, 0.0
    while at < 600.0:
        if at >= due:
            account.add_counter(at, gain * gpu.joules(at))
            due += 40.0
        account.add_power(at + 0.02, gpu.watts(at + 0.02))
        at += 30.0 * varied.uniform(0.5, 1.5)
    account.add_counter(600.05, gain * gpu.joules(600.05))
    account.add_power(600.06, gpu.watts(600.06))
    return account.result(600.0), gpu.truth(0, 600)


@pytest.mark.parametrize("device", [GB10, A100], ids=["sees a second", "sees a moment"])
def test_a_counter_that_a_few_readings_do_not_contradict_stands_by_itself(device: dict[str, float]) -> None:
    """Twenty readings say little of work that swings each second: within chance they widen nothing by what they say."""
    widths = []
    for seed in range(12):
        result, truth = slowly_read(seed, device=device)
        assert result.best is not None
        assert holds(result.best, truth)
        widths.append(width(result.best))
    assert sorted(widths)[5] < 0.13


def test_a_counter_that_a_few_readings_contradict_is_not_believed_alone() -> None:
    """It counts twice as much: beyond chance however few the readings are, and the interval spans both."""
    for seed in range(12):
        result, truth = slowly_read(seed, gain=2.0)
        assert result.best is not None
        assert result.best.low <= truth


def test_steps_among_unlike_intervals_are_as_large_as_a_comparison_blurs() -> None:
    """And among alike ones no larger than what tells them apart; what is taken back counts no more."""
    uneven, even = ComparedIntervals(kept=4), ComparedIntervals(kept=4)
    for number in range(20):
        power = 100.0 + 3.0 * (-1) ** number
        uneven.add(BothWays(1.0, 100.0 + 50.0 * (number % 2), power))
        even.add(BothWays(1.0, 100.0, power))
    assert even.hidden_step() == (0.0, 0.0)
    assert uneven.hidden_step() == (50.0, 3.0)
    even.add(BothWays(1.0, 101.5, 99.0))
    assert even.hidden_step() == (1.5, 1.5)
    even.take_back()
    assert even.hidden_step() == (0.0, 0.0)


def test_few_intervals_show_no_spread() -> None:
    """Three alike ones may be so by chance, but longer ones beside them tell too."""
    few = ComparedIntervals(kept=8)
    for _ in range(3):
        few.add(BothWays(1.0, 105.0, 100.0))
    assert few.hidden_step() == (5.0, 0.0)
    few.add(BothWays(9.0, 9 * 104.0, 9 * 104.0))
    assert few.hidden_step() == (1.0, 0.0)


def test_an_interval_as_others_are_hides_nothing() -> None:
    """Two alike are work; one that nothing watched is like is a step as well."""
    alone = AloneIntervals().joined(1.0, 300.0)
    assert alone.hidden_step(lambda _: (80.0, 120.0), 0.1) == (220.0, 0.0)
    assert alone.hidden_step(lambda _: None, 0.1) == (0.0, 0.0)
    assert alone.joined(1.0, 300.0).hidden_step(lambda _: (80.0, 120.0), 0.1) == (0.0, 0.0)
    assert AloneIntervals().joined(60.0, 600.0).hidden_step(lambda _: (80.0, 120.0), 0.1) == (0.0, 0.0)
