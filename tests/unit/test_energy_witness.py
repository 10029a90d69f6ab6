"""How far a gauge is believed where it stands for the counter, or against it."""

from __future__ import annotations

import math
import random

import pytest
from virtual_gpu import A100, GB10, P100, VirtualGpu

from cardcallback.energy import CounterTraits, EnergyAccount, EnergyResult, PowerTraits
from cardcallback.energy.refresh import ASSUMED_REFRESH_SECONDS, RefreshWatch
from waveforms import Waveform, constant, square


def account_of(gpu: VirtualGpu, *, interval: float, counter: bool, limit: float) -> EnergyAccount:
    """An account whose gauge is read at ``interval``."""
    return EnergyAccount(
        counter=CounterTraits(refresh_seconds=gpu.counter_refresh) if counter else None,
        power=PowerTraits(averaging_seconds=gpu.window, refresh_seconds=gpu.refresh, interval_seconds=interval),
        limit_watts=limit,
    )


def readings(end: float, interval: float, seed: int) -> list[float]:
    """Times of readings at distances that vary by a third, the last one just after the end."""
    varied = random.Random(seed)  # noqa: S311 - readings that vary, not secrets
    times, at = [], 0.001
    while at < end:
        times.append(at)
        at += interval * varied.uniform(0.7, 1.3)
    return [*times, end + 0.001]


def best(account: EnergyAccount, end: float) -> EnergyResult:
    """The best energy with both bounds, which must be there."""
    result = account.result(end).best
    assert result is not None
    assert result.high is not None
    return result


def width(result: EnergyResult) -> float:
    """The interval's width as a share."""
    assert result.high is not None
    return (result.high - result.low) / result.joules


def test_a_gauge_that_the_counter_has_shown_right_bridges_narrowly() -> None:
    """A gauge that sees a quarter of the time may be half off by itself; not after it agreed for ten minutes."""
    gpu = VirtualGpu(waveform=Waveform((square(60.0, 350.0, 4.01, duty=0.3),)), **A100)
    account = account_of(gpu, interval=0.1, counter=True, limit=400.0)
    for at in readings(660.0, 0.1, 3):
        account.add_power(at, gpu.watts(at))
    for second in range(610):
        account.add_counter(second + 0.002, gpu.joules(second + 0.002))
    result = best(account, 660.0)
    assert result.low <= gpu.truth(0, 660) <= (result.high or 0.0)
    assert result.method == "counter_bridged"
    assert width(result) < 0.03


def test_a_gauge_is_shown_right_for_as_long_as_the_counter_watched_it() -> None:
    """Over 60 of the 90 s for which it stands alone: two thirds of them are as narrow as after a minute of agreeing."""
    gpu = VirtualGpu(waveform=Waveform((square(60.0, 350.0, 4.01, duty=0.3),)), **A100)
    widths = []
    for counted in (60, 75, 90):
        account = account_of(gpu, interval=0.1, counter=True, limit=400.0)
        for at in readings(counted + 90.0, 0.1, 3):
            account.add_power(at, gpu.watts(at))
        for second in range(counted + 1):
            account.add_counter(second + 0.002, gpu.joules(second + 0.002))
        result = best(account, counted + 90.0)
        assert result.low <= gpu.truth(0, counted + 90) <= (result.high or 0.0)
        widths.append(width(result))
    assert 0.5 > widths[0] > widths[1] > widths[2]


def test_rare_readings_at_random_moments_are_a_sample() -> None:
    """A P100 asked every 0.4 s for its driver's sake: the interval is that of a sample and holds the truth."""
    held, widths = 0, []
    for seed in range(40):
        varied = random.Random(seed)  # noqa: S311
        waveform = Waveform((square(40.0, 190.0, varied.uniform(0.1, 5.0), duty=varied.uniform(0.2, 0.8)),))
        gpu = VirtualGpu(waveform=waveform, **P100)
        account = account_of(gpu, interval=0.4, counter=False, limit=250.0)
        for at in readings(600.0, 0.4, seed):
            account.add_power(at, gpu.watts(at))
        result = best(account, 600.0)
        held += result.low <= gpu.truth(0, 600) <= (result.high or 0.0)
        widths.append(width(result))
    assert held >= 39
    assert sorted(widths)[20] < 0.10


def test_a_gauge_that_looks_now_and_then_does_not_overrule_the_counter() -> None:
    """Readings of ten milliseconds every two seconds say little of one interval: the counter stands."""
    gpu = VirtualGpu(waveform=Waveform((square(30.0, 130.0, 3.12, duty=0.25),)), **P100)
    account = account_of(gpu, interval=2.0, counter=True, limit=300.0)
    for at in readings(300.0, 2.0, 5):
        account.add_power(at, gpu.watts(at))
    for tens in range(31):
        at = min(tens * 10.0 + 0.002, 300.001)
        account.add_counter(at, gpu.joules(at))
    result = best(account, 300.0)
    assert result.method == "counter"
    assert result.joules == pytest.approx(gpu.truth(0, 300), rel=0.005)


def test_a_short_bridge_is_as_sure_as_its_few_readings() -> None:
    """A counter begun anew in a two-second interval of minutes, bridged by a gauge that met it four times or less."""
    held = 0
    for seed in range(30):
        gpu = VirtualGpu(waveform=Waveform((square(40.0, 230.0, 3.1),)), **P100)
        account = account_of(gpu, interval=0.5, counter=True, limit=300.0)
        for at in readings(200.0, 0.5, seed):
            account.add_power(at, gpu.watts(at))
        for count in range(101):
            at = 2.0 * count + 0.002
            account.add_counter(at, gpu.joules(at) - (gpu.joules(99.0) if count >= 50 else 0.0))
        result = best(account, 200.0)
        held += result.low <= gpu.truth(0, 200) <= (result.high or 0.0)
    assert held == 30


def test_rare_readings_tell_nothing_of_a_refresh_beyond_what_is_assumed() -> None:
    """A counter read every ten seconds moved each time: that does not make it ten seconds old."""
    watch = RefreshWatch()
    for tens in range(20):
        watch.add(tens * 10.0, tens * 600.0)
    assert watch.seconds == ASSUMED_REFRESH_SECONDS


@pytest.mark.parametrize(("apart_seconds", "saw_it_rest"), [(0.03, True), (0.6, False)])
def test_readings_that_never_see_a_value_stay_bound_a_refresh_alone(apart_seconds: float, *, saw_it_rest: bool) -> None:
    """On a machine with much else to do even the close readings of the begin may lie too far apart."""
    gpu = VirtualGpu(waveform=Waveform((constant(60.0),)), **GB10)
    watch = RefreshWatch()
    for count in range(40):
        watch.add(count * apart_seconds, gpu.joules(count * apart_seconds))
    assert watch.saw_it_rest is saw_it_rest
    assert watch.seconds is not None
    assert watch.seconds >= 0.1


def test_the_age_of_both_ends_is_corrected() -> None:
    """A run that begins idle and ends busy loses half a refresh of the difference, unless that is put back."""
    rise = Waveform((constant(10.0, end=2.0), constant(90.0, begin=2.0)))
    errors = []
    for phase in range(10):
        gpu = VirtualGpu(waveform=rise, phase=phase / 100, **GB10)
        account = account_of(gpu, interval=0.5, counter=True, limit=140.0)
        for count in range(31):
            at = count / 2 + 0.0005
            account.add_power(at, gpu.watts(at))
            if count % 2 == 0:
                account.add_counter(at, gpu.joules(at))
        errors.append(best(account, 15.0).joules - gpu.truth(0, 15))
    assert abs(sum(errors) / len(errors)) < 0.5 * (90.0 - 10.0) * 0.05


def test_where_the_gauge_did_not_watch_a_wrong_counter_may_be_further_off() -> None:
    """A counter that slows down by a tenth half-way is 4 % off where the gauge saw it, and more where it did not."""
    gpu = VirtualGpu(waveform=Waveform((square(60.0, 140.0, 1.7),)), **GB10)
    account = account_of(gpu, interval=0.5, counter=True, limit=250.0)
    for at in readings(205.0, 0.5, 5):
        if not 160.0 < at < 200.0:
            account.add_power(at, gpu.watts(at))
    for second in range(206):
        at = second + 0.002
        account.add_counter(at, gpu.joules(min(at, 95.0)) + 0.92 * max(gpu.joules(at) - gpu.joules(95.0), 0.0))
    result = best(account, 205.0)
    assert result.low <= gpu.truth(0, 205) <= (result.high or 0.0)


def test_what_nobody_watched_is_added_to_what_either_sensor_says() -> None:
    """A counter that shows two thirds of what the gauge does, and ten seconds that neither saw."""
    gpu = VirtualGpu(waveform=Waveform((constant(200.0),)), **GB10)
    account = account_of(gpu, interval=0.5, counter=True, limit=250.0)
    for at in readings(100.0, 0.5, 5):
        if not 40.0 < at < 50.0:
            account.add_power(at, gpu.watts(at))
    for second in range(101):
        if second < 40:
            account.add_counter(second + 0.002, 0.65 * gpu.truth(0, second))
        elif second > 50:
            account.add_counter(second + 0.002, 0.65 * gpu.truth(50, second))  # begun anew
    result = best(account, 100.0)
    assert result.gap_seconds > 5
    assert result.low <= gpu.truth(0, 100) <= (result.high or 0.0)


def test_a_repeat_within_a_moment_says_nothing_of_minutes() -> None:
    """A counter that is read once a minute, and now and then twice within a tenth of a second."""
    watch = RefreshWatch()
    for minute in range(20):
        watch.add(60.0 * minute, 1000.0 * minute)
        watch.add(60.0 * minute + 0.06, 1000.0 * minute)
    assert watch.seconds is not None
    assert watch.seconds <= ASSUMED_REFRESH_SECONDS


@pytest.mark.parametrize("lost_joules", [0.0, 1500.0])
def test_a_counter_that_stood_still_has_to_catch_up_with_all_that_was_seen(lost_joules: float) -> None:
    """It stands still for a minute in which the gauge has a gap: less than was seen in the rest is not believed."""
    gpu = VirtualGpu(waveform=Waveform((constant(20.0), square(0.0, 70.0, 1.7, begin=1.0))), **GB10)
    account = EnergyAccount(
        counter=CounterTraits(),
        power=PowerTraits(averaging_seconds=1.0, refresh_seconds=0.1, interval_seconds=0.5),
        limit_watts=140.0,
    )
    for count in range(361):
        at = count / 2 + 0.003
        if not 80 < at < 85:
            account.add_power(at, gpu.watts(at))
        if not 80 < at < 85 and count % 2 == 0:
            shown = gpu.joules(min(at, 60.0) if at < 120.0 else at)
            account.add_counter(at, shown - (lost_joules if at >= 120.0 else 0.0))
    best = account.result(180.0).best
    assert best is not None
    assert best.low <= gpu.truth(0, 180) <= (best.high or 0.0)
    assert (best.gap_seconds > 0) == (lost_joules > 0)


@pytest.mark.parametrize("gain", [1.0, 1.015, 0.985])
@pytest.mark.parametrize("resets", [1, 4, 20])
def test_a_counter_that_begins_anew_beside_a_gauge_that_watched_it_all(resets: int, gain: float) -> None:
    """Each of its pieces has two ends and the gauge's integral two in all, also where its rate is another."""
    gpu = VirtualGpu(waveform=Waveform((constant(5.0, end=0.0), square(60.0, 90.0, 0.31, begin=0.0))), **GB10)
    account, piece_seconds = account_of(gpu, interval=0.5, counter=True, limit=140.0), 100.0 / (resets + 1)
    for at in readings(100.0, 0.5, 1):
        account.add_power(at, gain * gpu.watts(at))
    for second in range(101):
        at = second + 0.002
        begun = piece_seconds * math.floor(at / piece_seconds)
        account.add_counter(at, gpu.joules(at) - (gpu.joules(begun) if begun > 0 else 0.0))
    result = best(account, 100.0)
    assert result.low <= gpu.truth(0, 100) <= (result.high or 0.0)
    assert width(result) < 0.015 + 1.3 * abs(gain - 1)
