"""A counter whose rate changes within a run, while power goes on as before: found out, and only where that is sure."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import astuple

import pytest
from virtual_gpu import A100, GB10, VirtualGpu

from cardcallback.energy import AccountResult, CounterTraits, EnergyAccount, PowerTraits
from cardcallback.energy.agreement import Agreement
from cardcallback.energy.blocks import joined_blocks
from cardcallback.energy.changed import RateWatch
from cardcallback.energy.intervals import BothWays, Counted, CounterPoint
from cardcallback.energy.rates import RateChange
from waveforms import Waveform, constant, square

# Its period is no multiple of what a gauge refreshes by, so that one that looks now and then meets all of it.
WORK = Waveform((constant(20.0), square(0.0, 70.0, 1.7321, begin=-3.0)))
# What a gauge that looks now and then meets of it is close to what there is.
FLAT_WORK = Waveform((constant(60.0), square(0.0, 10.0, 11.3, begin=-3.0)))
CHANGE, END = 160.4, 300.0
Distortion = Callable[[float, float], float]


def watched(
    *,
    work: Waveform = WORK,
    device: dict[str, float] = GB10,
    counted: Callable[[float, VirtualGpu], float] = lambda at, gpu: gpu.joules(at),
    shown: Distortion = lambda _, watts: watts,
    flicker_watts: float = 0.05,
    gauge_silent: tuple[float, float] = (END, END),
) -> tuple[AccountResult, float]:
    """What an account says of five minutes, and the truth; ``counted`` and ``shown`` distort what the sensors say."""
    gpu = VirtualGpu(waveform=work, **device)
    interval = 0.5 if device is GB10 else 0.1
    varied = random.Random(7)  # noqa: S311 - moments and a flicker that vary, not secrets
    account = EnergyAccount(
        counter=CounterTraits(),
        power=PowerTraits(averaging_seconds=gpu.window, refresh_seconds=gpu.refresh, interval_seconds=interval),
        limit_watts=140.0,
    )
    at, second = 0.002, 0
    while at <= END:
        while second + 0.001 < at:
            account.add_counter(second + 0.001, counted(second + 0.001, gpu))
            second += 1
        if not gauge_silent[0] < at < gauge_silent[1]:
            account.add_power(at, shown(at, gpu.watts(at) + varied.uniform(-flicker_watts, flicker_watts)))
        at += interval * (1.0 if device is GB10 else varied.uniform(0.7, 1.6))
    return account.result(END), gpu.truth(0, END)


def at_another_rate(gain: float) -> Callable[[float, VirtualGpu], float]:
    """A counter that counts rightly until the change, and with that gain since."""

    def counted(at: float, gpu: VirtualGpu) -> float:
        until = gpu.joules(min(at, CHANGE))
        return until + gain * (gpu.joules(at) - until)

    return counted


def width(result: AccountResult, truth: float) -> float:
    """The width of the best interval, which has to hold the truth, as a share of it."""
    assert result.best is not None
    assert result.best.high is not None
    assert result.best.low <= truth <= result.best.high
    return (result.best.high - result.best.low) / truth


def told(result: AccountResult) -> bool:
    """Whether a note says that the counter's rate changed."""
    return any("began to count" in note for note in result.notes)


@pytest.mark.parametrize(
    ("device", "work", "gain"),
    [
        *((GB10, WORK, gain) for gain in (0.7, 0.93, 1.08, 1.5)),
        *((A100, FLAT_WORK, gain) for gain in (0.7, 1.5)),
        *((A100, WORK, gain) for gain in (0.7, 1.3)),  # apart by chance by more than half a per cent until then
    ],
)
def test_a_counter_whose_rate_changes_is_found_out(device: dict[str, float], work: Waveform, gain: float) -> None:
    """Work goes on as before by the gauge: the value is right, and the interval does not span the counter's figure."""
    result, truth = watched(device=device, work=work, counted=at_another_rate(gain))
    assert told(result)
    assert result.best is not None
    assert result.best.joules == pytest.approx(truth, rel=0.005)
    assert width(result, truth) < 0.6 * abs(gain - 1) * (END - CHANGE) / END
    assert result.counter is not None
    assert result.counter.joules != pytest.approx(truth, rel=0.02)  # what the counter says is still told
    assert result.consistency is not None
    assert result.consistency.seconds < CHANGE + 5  # they are compared for as long as both are believed


def test_a_time_that_only_the_counter_told_is_corrected_too() -> None:
    """It lies between times of one rate, so that it has that rate."""
    result, truth = watched(counted=at_another_rate(0.8), gauge_silent=(200.0, 240.0))
    assert told(result)
    assert result.best is not None
    assert result.best.joules == pytest.approx(truth, rel=0.005)
    assert width(result, truth) < 0.03


@pytest.mark.parametrize("gain", [0.8, 1.2])
def test_a_gauge_whose_rate_changes_does_not_make_the_counter_wrong(gain: float) -> None:
    """It is the gauge that jumps there: the counter stays the figure, and both are spanned."""
    result, truth = watched(shown=lambda at, watts: gain * watts if at > CHANGE else watts)
    assert not told(result)
    assert result.best is not None
    assert result.best.joules == pytest.approx(truth, rel=0.005)
    assert width(result, truth) > 0.9 * abs(gain - 1) * (END - CHANGE) / END


@pytest.mark.parametrize("gain", [0.8, 1.2])
def test_a_rate_that_is_wrong_from_the_begin_is_nobodys_fault(gain: float) -> None:
    """Nothing tells which of the two is wrong: the interval spans both."""
    result, truth = watched(counted=lambda at, gpu: gain * gpu.joules(at))
    assert not told(result)
    assert width(result, truth) > 0.9 * abs(gain - 1)


@pytest.mark.parametrize("drift", [-0.06, 0.06])
def test_a_rate_that_drifts_is_no_change(drift: float) -> None:
    """From the begin to the end a little more each second: there is no moment at which either jumps."""
    result, truth = watched(shown=lambda at, watts: watts * (1 + drift * at / END))
    assert not told(result)
    width(result, truth)


@pytest.mark.parametrize("gain", [0.8, 1.2])
def test_work_that_changes_with_the_rate_leaves_it_open(gain: float) -> None:
    """Both jump: it may be either of them."""
    work = Waveform((*WORK.segments, constant(40.0, begin=CHANGE)))
    result, truth = watched(work=work, counted=at_another_rate(gain))
    assert not told(result)
    assert width(result, truth) > 0.9 * abs(gain - 1) * (END - CHANGE) / END


def test_work_that_changes_all_the_time_leaves_it_open() -> None:
    """Where power jumps so much again and again, that it does not at one moment says nothing."""
    work = Waveform((constant(20.0), square(0.0, 70.0, 40.0, begin=-3.0)))
    result, truth = watched(work=work, counted=at_another_rate(0.9))
    assert not told(result)
    assert width(result, truth) > 0.03


@pytest.mark.parametrize("flicker_watts", [0.0, 0.05])
def test_a_gauge_that_stands_still_is_no_witness_against_the_counter(flicker_watts: float) -> None:
    """It repeats one value while steady work goes on to another level: it goes on as before, and is wrong."""
    work = Waveform((constant(60.0), constant(50.0, begin=CHANGE)))
    result, truth = watched(
        work=work, shown=lambda at, watts: 60.0 if at > 100.0 else watts, flicker_watts=flicker_watts
    )
    assert not told(result)
    assert result.best is not None
    assert result.best.joules == pytest.approx(truth, rel=0.01)


def test_a_change_between_two_that_never_agreed_is_left_open() -> None:
    """A counter that is 5 % off before and 15 % since was no measure before either."""
    result, truth = watched(
        counted=lambda at, gpu: (
            0.95 * gpu.joules(min(at, CHANGE)) + 0.85 * (gpu.joules(at) - gpu.joules(min(at, CHANGE)))
        )
    )
    assert not told(result)
    assert width(result, truth) > 0.08


def test_a_change_in_a_long_run_is_found() -> None:
    """Three hours are more intervals than blocks are kept: they are joined, and the change is still found."""
    gpu = VirtualGpu(waveform=WORK, **GB10)
    account = EnergyAccount(counter=CounterTraits(), power=PowerTraits(averaging_seconds=1.0, refresh_seconds=0.1))
    end, change = 10_800, 5_400
    for second in range(end + 1):
        at = second + 0.001
        account.add_power(at, gpu.watts(at))
        account.add_counter(at, gpu.joules(at) + 0.1 * max(gpu.joules(at) - gpu.joules(change), 0.0))
    result = account.result(end)
    assert told(result)
    assert width(result, gpu.truth(0, end)) < 0.01


def test_a_phase_after_the_change_may_be_as_wrong_as_the_counter() -> None:
    """What it used lies within its doubt, though the whole run's figure is corrected."""
    gpu = VirtualGpu(waveform=WORK, **GB10)
    account = EnergyAccount(counter=CounterTraits(), power=PowerTraits(averaging_seconds=1.0, refresh_seconds=0.1))
    counted = at_another_rate(1.3)
    for second in range(int(END) + 1):
        at = second + 0.001
        account.add_power(at, gpu.watts(at))
        account.add_counter(at, counted(at, gpu))
    account.mark_phase("evaluation", 220.0, 280.0)
    assert told(account.result(END))
    phase, truth = account.phases()["evaluation"], gpu.truth(220.0, 280.0)
    assert phase.joules - phase.doubt_joules <= truth <= phase.joules + phase.doubt_joules


def test_a_change_is_not_looked_for_every_second() -> None:
    """Whoever asks every second is told what was found a moment ago, as long as hardly more was compared since."""

    class Counting(Agreement):
        looked = 0

        def rate_change(self, *, gauge_may_lock: bool) -> RateChange | None:
            self.looked += 1
            return super().rate_change(gauge_may_lock=gauge_may_lock)

    agreement, watch = Counting(), RateWatch(gauge_may_lock=False)
    varied = random.Random(5)  # noqa: S311 - as below
    for second in range(1000):
        joules = varied.uniform(9, 11)
        agreement.count(Counted(CounterPoint(0.0, 0.0, None), 1.0, joules * (1.0 if second < 400 else 1.2), joules))
        found = watch.change(agreement, anew=False)
    assert agreement.looked < 100
    assert found is not None
    assert found.share == pytest.approx(0.2, abs=0.02)
    sure = watch.change(agreement, anew=True)
    assert sure is not None
    assert sure.first == found.first


def test_blocks_hold_what_the_sums_hold() -> None:
    """Whatever is counted, refused, taken back or no longer compared, through many joinings of blocks."""
    varied = random.Random(3)  # noqa: S311 - intervals that vary, not secrets
    agreement, counted, alone_joules = Agreement(), [], 0.0
    for _ in range(3000):
        interval = Counted(CounterPoint(0.0, 0.0, None), 1.0, varied.uniform(1, 9), varied.choice((None, 5.0, 6.0)))
        what = varied.choice(("count", "count", "count", "refuse", "take back", "compare no more"))
        if what == "count":
            agreement.count(interval)
            counted.append(interval)
            alone_joules += interval.joules if interval.integral is None else 0.0
        elif what == "refuse":
            agreement.refuse(BothWays(1.0, 3.0, 5.0, 0.5), possible=varied.random() < 0.5)
        elif counted:
            newest = counted.pop()
            if what == "take back":
                agreement.take_back(newest)
                alone_joules -= newest.joules if newest.integral is None else 0.0
            else:
                agreement.compare_no_more(newest)
                alone_joules += newest.joules if newest.integral is not None else 0.0
    blocks = agreement.blocks.all()
    whole = joined_blocks(blocks)
    assert len(blocks) <= 512
    assert whole.alone_joules == pytest.approx(alone_joules)
    for sums, expected in (
        (whole.agreeing, agreement.agreeing),
        (whole.disputed, agreement.disputed),
        (whole.ruled_out, agreement.ruled_out),
    ):
        assert astuple(sums) == pytest.approx(astuple(expected))
