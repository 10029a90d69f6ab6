"""Energy accounting against the formula's truth, through every fault of a counter."""

from __future__ import annotations

import pickle
from itertools import pairwise

import pytest
from virtual_gpu import A100, GB10, P100, VirtualGpu, account_for, rising_waveform, training_waveform
from watching import ALWAYS, best, holds, off, reset, watch

from cardcallback.energy import EnergyAccount, PowerTraits
from waveforms import Waveform, constant


@pytest.mark.parametrize(
    ("device", "interval"), [(GB10, 0.5), (GB10, 0.2), (A100, 0.1)], ids=["gb10", "gb10 at 5 Hz", "h100 instant"]
)
@pytest.mark.parametrize("waveform", [training_waveform(), training_waveform(period=0.37), rising_waveform()])
def test_counter_is_right_within_half_a_percent(device: dict[str, float], interval: float, waveform: Waveform) -> None:
    """Where the counter lives, 60 s are right within 0.5 % and the interval holds the truth."""
    gpu = VirtualGpu(waveform=waveform, **device)
    result = best(watch(account_for(gpu, interval=interval), gpu, 60.0, interval=interval).result(60.0))
    assert result.method == "counter"
    assert abs(off(result, gpu.truth(0, 60))) < 0.005
    assert holds(result, gpu.truth(0, 60))


@pytest.mark.parametrize(("device", "interval"), [(GB10, 0.5), (P100, 0.02)], ids=["gb10", "p100"])
@pytest.mark.parametrize("waveform", [ALWAYS, training_waveform(period=0.37, seconds=90), rising_waveform()])
def test_integral_is_right_within_half_a_percent_without_a_counter(
    device: dict[str, float], interval: float, waveform: Waveform
) -> None:
    """Where the gauge sees all the time, its integral alone is right within 0.5 %, lag and all."""
    gpu = VirtualGpu(waveform=waveform, **device)
    account = watch(account_for(gpu, counter=False, interval=interval), gpu, 60.0, interval=interval)
    result = best(account.result(60.0))
    assert result.method == "integrated_power"
    assert abs(off(result, gpu.truth(0, 60))) < 0.005
    assert holds(result, gpu.truth(0, 60))


def test_plain_trapezoid_would_have_missed_the_lag() -> None:
    """The correction matters: the same readings integrated as they come are off by more than 0.5 %."""
    gpu = VirtualGpu(waveform=Waveform((constant(5.0, end=0.0), constant(80.0, begin=0.0))), **GB10)
    times = [0.25 * i for i in range(161)]
    plain = sum((gpu.watts(a) + gpu.watts(b)) / 2 * (b - a) for a, b in pairwise(times))
    account = account_for(gpu, counter=False, interval=0.25)
    for at in times:
        account.add_power(at, gpu.watts(at))
    truth = gpu.truth(0, 40)
    assert plain / truth - 1 < -0.005
    assert abs(off(best(account.result(40.0)), truth)) < 0.002


def test_agreement_is_called_consistent() -> None:
    """Counter and gauge of a healthy device are consistent, with how far they are apart."""
    gpu = VirtualGpu(waveform=ALWAYS)
    verdict = watch(account_for(gpu), gpu, 600.0).result(600.0).consistency
    assert verdict is not None
    assert verdict.verdict == "consistent"
    assert verdict.apart < 0.005


def test_short_run_gets_no_verdict() -> None:
    """Half a minute is needed to compare two sensors."""
    gpu = VirtualGpu(waveform=ALWAYS)
    assert watch(account_for(gpu), gpu, 20.0).result(20.0).consistency is None


def test_counter_alone_needs_no_gauge() -> None:
    """Without power readings the counter is enough, and a reset leaves a gap."""
    gpu = VirtualGpu(waveform=ALWAYS)
    healthy = best(watch(account_for(gpu, power=False), gpu, 60.0, gauge=False).result(60.0))
    assert abs(off(healthy, gpu.truth(0, 60))) < 0.005
    assert holds(healthy, gpu.truth(0, 60))
    broken = best(watch(account_for(gpu, power=False), gpu, 60.0, fault=reset, gauge=False).result(60.0))
    assert broken.gap_seconds == pytest.approx(1.0, abs=0.1)
    assert holds(broken, gpu.truth(0, 60))


def test_part_time_gauge_says_so() -> None:
    """A gauge that looks a quarter of the time leaves no gap but says so, and its interval is honest about it."""
    gpu = VirtualGpu(waveform=ALWAYS, **A100)
    result = watch(account_for(gpu, counter=False, interval=0.1), gpu, 60.0, interval=0.1).result(60.0)
    assert best(result).coverage(60.0) == 1.0
    assert best(result).observed(60.0) == pytest.approx(0.25, abs=0.02)
    assert holds(best(result), gpu.truth(0, 60))


def test_rare_readings_of_a_part_time_gauge_look_at_little_and_not_at_nothing() -> None:
    """10 ms of every 20, read every 100 ms, are a tenth: the gauge is blind for a half of what its readings reach."""
    traits = PowerTraits(averaging_seconds=0.01, refresh_seconds=0.02, interval_seconds=0.1)
    account = EnergyAccount(counter=None, power=traits)
    for count in range(601):
        account.add_power(count / 10, 100.0)
    assert best(account.result(60.0)).observed(60.0) == pytest.approx(0.1, abs=0.005)


def test_rare_readings_widen_the_interval() -> None:
    """Reading every 15 s looks at a fifteenth; the interval is wide and holds."""
    gpu = VirtualGpu(waveform=ALWAYS)
    result = best(watch(account_for(gpu, counter=False, interval=15), gpu, 600.0, interval=15).result(600.0))
    assert result.observed(600.0) == pytest.approx(1 / 15, abs=0.01)
    assert holds(result, gpu.truth(0, 600))
    assert result.high is not None
    assert result.high - result.low > 0.05 * result.joules


def test_account_without_readings_says_nothing() -> None:
    """No reading, no figure."""
    result = account_for(VirtualGpu(waveform=ALWAYS)).result(60.0)
    assert (result.best, result.counter, result.integrated) == (None, None, None)


def test_asking_changes_nothing() -> None:
    """A result in the middle does not disturb the one at the end."""
    gpu = VirtualGpu(waveform=ALWAYS)
    asked, unasked = account_for(gpu), account_for(gpu)
    watch(unasked, gpu, 60.0)
    for second in range(60):
        asked.result(float(second))
        asked.phases()
    watch(asked, gpu, 60.0)
    asked.result(60.0)
    assert asked.result(60.0) == unasked.result(60.0)


def test_phases_are_told_after_they_ended() -> None:
    """A visit's energy comes from the readings around it, its begin found in the history."""
    gpu = VirtualGpu(
        waveform=Waveform((constant(60.0), constant(-40.0, begin=100, end=140), constant(-40.0, begin=200, end=240)))
    )
    account = watch(account_for(gpu), gpu, 300.0)
    account.mark_phase("evaluation", 100.0, 140.0)
    account.mark_phase("evaluation", 200.0, 240.0)
    phase = account.phases()["evaluation"]
    assert (phase.visits, phase.seconds, phase.short_seconds) == (2, 80.0, 0.0)
    assert abs(phase.joules - 1600.0) <= phase.doubt_joules
    assert phase.doubt_joules < 0.25 * phase.joules
    assert phase.joules == pytest.approx(1600.0, rel=0.05)


def test_phase_is_settled_when_its_readings_arrive() -> None:
    """A visit marked at once, before its last readings, ends with the same energy as one marked late."""
    gpu = VirtualGpu(waveform=ALWAYS)
    account = account_for(gpu)
    for at in [0.5 * i for i in range(121)]:
        account.add_power(at, gpu.watts(at))
        if at == int(at):
            account.add_counter(at, gpu.joules(at))
        if at == 30.5:
            account.mark_phase("evaluation", 10.5, 30.5)
    phase = account.phases()["evaluation"]
    assert phase.joules == pytest.approx(gpu.truth(10.5, 30.5), abs=phase.doubt_joules)


def test_memory_does_not_grow_with_the_run() -> None:
    """A hundred times the readings take hardly more memory."""

    def size_after(seconds: int) -> int:
        account = account_for(VirtualGpu(waveform=ALWAYS))
        for second in range(seconds):
            account.add_counter(second, 55.0 * second)
            account.add_power(second + 0.1, 55.0)
            if second % 100 == 50:
                account.mark_phase("evaluation", second - 20.0, second)
        return len(pickle.dumps(account))

    assert size_after(200_000) < 3 * size_after(2_000)
