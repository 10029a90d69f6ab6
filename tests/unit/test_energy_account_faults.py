"""Counters that misbehave, readings that are missing, and what the account makes of them."""

from __future__ import annotations

import pytest
from virtual_gpu import VirtualGpu, account_for
from watching import ALWAYS, Fault, best, holds, off, reset, watch

from cardcallback.energy import CounterTraits, EnergyAccount, PowerTraits


def stuck(at: float, joules: float) -> float:
    """A counter that stands still from 30 s on."""
    return min(joules, VirtualGpu(waveform=ALWAYS).joules(30.2)) if at > 0 else joules


def paused(at: float, joules: float) -> float:
    """A counter that loses ten seconds."""
    gpu = VirtualGpu(waveform=ALWAYS)
    if at < 40:
        return stuck(at, joules)
    return joules - gpu.joules(40.0) + gpu.joules(30.2)


def late_register(at: float, joules: float) -> float:
    """A counter that shows nothing new for ten seconds and then catches up."""
    return stuck(at, joules) if at < 40 else joules


def jump(at: float, joules: float) -> float:
    """A counter that makes a step."""
    return joules if at < 30.2 else joules + 500.0


def spike(at: float, joules: float) -> float:
    """One absurd reading."""
    return joules + 1e6 if 30.0 <= at < 31.0 else joules


def dead(at: float, joules: float) -> float | None:
    """A counter that cannot be read any more."""
    return joules if at < 30.2 else None


@pytest.mark.parametrize("fault", [reset, stuck, paused, jump, spike, dead])
def test_faulty_counter_is_bridged(fault: Fault) -> None:
    """What the counter does wrong is bridged by the gauge; the interval holds, and is not wide."""
    gpu = VirtualGpu(waveform=ALWAYS)
    result = watch(account_for(gpu), gpu, 60.0, fault=fault).result(60.0)
    truth = gpu.truth(0, 60)
    assert best(result).method == "counter_bridged"
    assert best(result).coverage(60.0) == 1.0
    assert abs(off(best(result), truth)) < 0.006
    assert holds(best(result), truth)
    high = best(result).high
    assert high is not None
    assert high - best(result).low < 0.12 * truth


@pytest.mark.parametrize("fault", [reset, stuck, paused, jump, spike])
def test_each_fault_is_told(fault: Fault) -> None:
    """A counter's fault leaves a sentence."""
    gpu = VirtualGpu(waveform=ALWAYS)
    assert any("energy counter" in note for note in watch(account_for(gpu), gpu, 60.0, fault=fault).result(60.0).notes)


def test_counter_that_catches_up_is_no_fault() -> None:
    """A register that is renewed late loses nothing: the counter stands, without a note."""
    gpu = VirtualGpu(waveform=ALWAYS)
    result = watch(account_for(gpu), gpu, 60.0, fault=late_register).result(60.0)
    assert best(result).method == "counter"
    assert abs(off(best(result), gpu.truth(0, 60))) < 0.005
    assert result.notes == ()


def test_counter_that_stops_within_an_interval_is_not_counted_twice() -> None:
    """What it lacked of that was told by power, and when it moves on it shows it too: by no more than power excuses."""
    account = EnergyAccount(
        counter=CounterTraits(refresh_seconds=0.1),
        power=PowerTraits(averaging_seconds=1.0, refresh_seconds=0.1, interval_seconds=0.5),
    )
    for reading in range(203):
        account.add_power(reading / 2, 100.0 + reading % 2)
    for second in range(0, 101, 4):
        account.add_counter(float(second), 100.5 * (48.4 if 48.4 < second < 79 else second))
    result = account.result(100.0)
    assert best(result).joules == pytest.approx(10_050.0, rel=0.005)
    assert holds(best(result), 10_050.0)


def test_counter_that_stops_while_nothing_is_read_and_then_catches_up() -> None:
    """Ten seconds without any reading, in which it stopped: when it moves on it shows them too, to the joule."""
    gpu = VirtualGpu(waveform=ALWAYS)
    result = watch(account_for(gpu), gpu, 90.0, fault=late_register, blind=(25.0, 35.5)).result(90.0)
    assert best(result).coverage(90.0) == 1.0
    assert abs(off(best(result), gpu.truth(0, 90))) < 0.005
    assert holds(best(result), gpu.truth(0, 90))
    assert best(result).method == "counter"
    assert not any("stands in" in note for note in result.notes)


def test_counter_that_wraps_and_stops_while_nothing_is_read_and_then_catches_up() -> None:
    """Its end came before it stopped: what it shows later is less than before, and still the whole of it."""
    gpu = VirtualGpu(waveform=ALWAYS)
    modulus = 1_000_000.0

    def wrapped(at: float, joules: float) -> float:
        return (late_register(at, joules) - gpu.joules(28.0)) % modulus

    account = account_for(gpu)
    assert account._counter is not None
    account._counter.traits = type(account._counter.traits)(refresh_seconds=0.1, wraps_at=modulus)
    result = watch(account, gpu, 90.0, fault=wrapped, blind=(25.0, 35.5)).result(90.0)
    assert best(result).coverage(90.0) == 1.0
    assert abs(off(best(result), gpu.truth(0, 90))) < 0.005
    assert holds(best(result), gpu.truth(0, 90))


def test_counter_that_stops_while_nothing_is_read_and_stays_behind() -> None:
    """It goes on from where it stopped: what it lost while nothing was read is a gap, and no small number."""
    gpu = VirtualGpu(waveform=ALWAYS)

    def paused_for_long(at: float, joules: float) -> float:
        return stuck(at, joules) if at < 60 else joules - gpu.joules(60.0) + gpu.joules(30.2)

    result = watch(account_for(gpu), gpu, 90.0, fault=paused_for_long, blind=(25.0, 35.5)).result(90.0)
    coverage = best(result).coverage(90.0)
    assert coverage is not None
    assert coverage < 0.95
    assert holds(best(result), gpu.truth(0, 90))


@pytest.mark.parametrize("modulus", [0.0, 1_000_000.0])
def test_counter_that_stops_while_nothing_is_read_and_then_goes_back(modulus: float) -> None:
    """It begins anew, or catches up beyond its end: nobody knows what it missed while nothing was read."""
    gpu = VirtualGpu(waveform=ALWAYS)

    def back(at: float, joules: float) -> float:
        shown = late_register(at, joules)
        return (shown - gpu.joules(35.0)) % modulus if modulus else shown if at < 40 else shown - gpu.joules(40.0)

    account = account_for(gpu)
    assert account._counter is not None
    account._counter.traits = type(account._counter.traits)(refresh_seconds=0.1, wraps_at=modulus or None)
    result = watch(account, gpu, 90.0, fault=back, blind=(25.0, 35.5)).result(90.0)
    coverage = best(result).coverage(90.0)
    assert coverage is not None
    assert coverage < 0.95
    assert holds(best(result), gpu.truth(0, 90))


def test_wrap_is_corrected() -> None:
    """A counter that starts again at its known end loses nothing."""
    gpu = VirtualGpu(waveform=ALWAYS)
    modulus = gpu.joules(30.2)
    account = account_for(gpu)
    assert account._counter is not None
    account._counter.traits = type(account._counter.traits)(refresh_seconds=0.1, wraps_at=modulus)
    result = watch(account, gpu, 60.0, fault=lambda _, joules: joules % modulus).result(60.0)
    assert best(result).method == "counter"
    assert abs(off(best(result), gpu.truth(0, 60))) < 0.005
    assert any("wrapped once" in note for note in result.notes)


@pytest.mark.parametrize("gain", [0.9, 1.05, 3.0])
def test_wrong_gain_makes_the_interval_span_both(gain: float) -> None:
    """A counter at a wrong rate is not consistent with the gauge, and the interval holds both."""
    gpu = VirtualGpu(waveform=ALWAYS)
    result = watch(account_for(gpu), gpu, 300.0, fault=lambda _, joules: joules * gain).result(300.0)
    assert result.consistency is not None
    assert result.consistency.verdict == "inconsistent"
    assert holds(best(result), gpu.truth(0, 300))
    assert best(result).low < best(result).joules
    assert any("apart" in note or "times as much" in note for note in result.notes)


def test_lost_device_gives_the_measured_part_without_an_upper_bound() -> None:
    """After both sensors are gone the figure is a part: coverage says so and no bound is invented."""
    gpu = VirtualGpu(waveform=ALWAYS)
    result = best(watch(account_for(gpu), gpu, 60.0, blind=(30.2, 99.0)).result(60.0))
    assert result.high is None
    assert abs(off(result, gpu.truth(0, 30.2))) < 0.02
    assert result.coverage(60.0) == pytest.approx(0.5, abs=0.02)
    assert result.longest_gap_seconds == pytest.approx(30, abs=1)


def test_stall_is_a_gap_for_the_gauge_and_nothing_for_the_counter() -> None:
    """Ten seconds without readings: the counter went on, the integral says what it did not see."""
    gpu = VirtualGpu(waveform=ALWAYS)
    result = watch(account_for(gpu), gpu, 60.0, blind=(20.0, 30.0)).result(60.0)
    truth = gpu.truth(0, 60)
    assert best(result).coverage(60.0) == 1.0
    assert abs(off(best(result), truth)) < 0.005
    assert result.integrated is not None
    assert result.integrated.joules < 0.9 * truth
    assert result.integrated.longest_gap_seconds == pytest.approx(10, abs=1.2)
    assert holds(result.integrated, truth)


def test_late_first_reading_is_a_gap_at_the_begin() -> None:
    """Nothing is made up for the time before the first reading."""
    gpu = VirtualGpu(waveform=ALWAYS)
    result = best(watch(account_for(gpu), gpu, 60.0, blind=(-1.0, 5.0)).result(60.0))
    assert result.joules < gpu.truth(0, 60)
    assert holds(result, gpu.truth(0, 60))
    assert result.coverage(60.0) == pytest.approx(56 / 60, abs=0.01)
