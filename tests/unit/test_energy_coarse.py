"""Instruments that show coarse steps, and counters left unread for longer than a turn."""

from __future__ import annotations

import math

import pytest

from cardcallback.energy import CounterTraits, EnergyAccount, EnergyResult, PowerTraits
from waveforms import Waveform, constant, square

WORK = Waveform((square(80.0, 140.0, 7.3),))
STEP_JOULES = 3600.0  # a thousandth of a kilowatt-hour


def best(account: EnergyAccount, end: float) -> EnergyResult:
    """The best energy with both bounds, which must be there."""
    result = account.result(end).best
    assert result is not None
    assert result.high is not None
    return result


@pytest.mark.parametrize("seconds", [600, 3600, 7200])
@pytest.mark.parametrize("offset", [0.0, 0.4, 0.9])
def test_a_counter_in_thousandths_of_a_kilowatt_hour_is_off_by_a_step_at_most(seconds: int, offset: float) -> None:
    """The interval holds the truth, is about two steps wide, and standing still for half a minute is no fault."""
    account = EnergyAccount(
        counter=CounterTraits(refresh_seconds=2.0, resolution_joules=STEP_JOULES),
        power=PowerTraits(refresh_seconds=2.0, interval_seconds=2.0, resolution_watts=1.0),
    )
    for count in range(seconds // 2 + 1):
        at = 2.0 * count
        used = WORK.energy_joules(-1000.0, at) + offset * STEP_JOULES
        account.add_power(at, float(round(WORK.power_watts(at))))
        account.add_counter(at, math.floor(used / STEP_JOULES) * STEP_JOULES)
    result, truth = account.result(float(seconds)), WORK.energy_joules(0.0, seconds)
    assert result.counter is not None
    assert result.counter.low <= truth <= (result.counter.high or truth)
    found = best(account, float(seconds))
    assert found.low <= truth <= (found.high or 0.0)
    assert (found.high or 0.0) - found.low < 4 * STEP_JOULES
    # What reads every two seconds knows more of a short run than steps of half a minute.
    assert found.joules == pytest.approx(truth, rel=0.06)
    assert not any("stood still" in note for note in result.notes)


@pytest.mark.parametrize("watts", [61.4, 61.6, 3.5])
def test_a_gauge_in_whole_watts_is_off_by_half_a_watt_all_the_time(watts: float) -> None:
    """A steady load is rounded the same way each time: the interval has room for half a step."""
    account = EnergyAccount(
        counter=None,
        power=PowerTraits(averaging_seconds=1.0, refresh_seconds=1.0, interval_seconds=1.0, resolution_watts=1.0),
    )
    for second in range(601):
        account.add_power(float(second), float(round(watts)))
    found = best(account, 600.0)
    assert found.low <= 600 * watts <= (found.high or 0.0)


@pytest.mark.parametrize("back_to_zero", [True, False], ids=["reset while asleep", "ran on"])
def test_a_counter_unread_for_longer_than_a_turn_leaves_a_gap(*, back_to_zero: bool) -> None:
    """An hour asleep may hold many turns or a new start: it is counted by nothing, and said."""
    turn_joules, awake = 65_532.6, 60
    account = EnergyAccount(
        counter=CounterTraits(refresh_seconds=0.001, wraps_at=turn_joules, turn_seconds=260.0), power=None
    )
    watts = Waveform((constant(100.0),))
    for second in range(awake + 1):
        account.add_counter(float(second), watts.energy_joules(-500.0, second) % turn_joules)
    for second in range(3660, 3660 + awake + 1):
        since = 3660 if back_to_zero else -500.0
        account.add_counter(float(second), watts.energy_joules(since, second) % turn_joules)
    result = account.result(3720.0)
    found = result.best
    assert found is not None
    assert found.gap_seconds == pytest.approx(3600.0)
    assert found.joules == pytest.approx(2 * awake * 100.0, rel=0.01)
    assert found.high is None
    assert any("wrapped unseen" in note for note in result.notes)


def test_one_failed_reading_is_no_gap() -> None:
    """Readings at distances that vary by a third, one in twenty of which fails, watch all the time."""
    account = EnergyAccount(counter=None, power=PowerTraits(refresh_seconds=0.1, interval_seconds=0.25))
    at = 0.0
    for count in range(2400):
        if count % 20 != 10:
            account.add_power(at, WORK.power_watts(at))
        at += 0.25 * (1.3 if count % 3 else 0.7)
    assert best(account, at).gap_seconds == 0.0


def test_a_pause_is_judged_by_what_was_planned_when_it_began() -> None:
    """Readings that come oftener from now on do not make a gap of the pause before them; a longer one is one."""
    account = EnergyAccount(counter=None, power=PowerTraits(refresh_seconds=0.02, interval_seconds=20.0))
    for at in (0.0, 20.0, 40.0):
        account.add_power(at, 100.0)
    account.read_power_every(1.0)
    assert account.result(95.0).best.gap_seconds == 0.0
    account.add_power(95.0, 100.0)
    assert account.result(95.0).best.gap_seconds == 0.0
    account.add_power(100.0, 100.0)
    assert account.result(100.0).best.gap_seconds == pytest.approx(5.0, abs=0.03)


def test_a_late_reading_of_a_counter_tells_until_a_better_one_comes() -> None:
    """It bounds what was used until then by what its call leaves open, and costs nothing once it is not the last."""
    account = EnergyAccount(counter=CounterTraits(refresh_seconds=0.1), power=None, limit_watts=120.0)
    for second in range(101):
        account.add_counter(float(second), 500.0 + 100.0 * second)
    sure = best(account, 100.0)
    account.add_late_counter(199.0, 500.0 + 100.0 * 198.2, 2.0)
    late = best(account, 200.0)
    assert late.gap_seconds == 0.0
    assert late.low <= 20_000.0 <= (late.high or 0.0)
    assert 100.0 < (late.high or 0.0) - late.low < 1500.0
    for second in range(210, 215):
        account.add_counter(float(second), 500.0 + 100.0 * second)
    after = best(account, 214.0)
    assert after.joules == pytest.approx(21_400.0, abs=1.0)
    assert (after.high or 0.0) - after.low == pytest.approx((sure.high or 0.0) - sure.low)


def test_a_late_reading_of_a_counter_tells_nothing_beside_a_gauge_that_saw_the_time() -> None:
    """What its long call leaves open is more than what bridging with power costs."""
    account = EnergyAccount(
        counter=CounterTraits(refresh_seconds=0.1),
        power=PowerTraits(averaging_seconds=1.0, refresh_seconds=0.1, interval_seconds=0.5),
        limit_watts=400.0,
    )
    for reading in range(241):
        account.add_power(reading / 2, 100.0 + reading % 2)
    for second in range(101):
        account.add_counter(float(second), 100.5 * second)
    bridged = best(account, 119.0)
    account.add_late_counter(109.0, 100.5 * 109.0, 16.0)
    assert best(account, 119.0) == bridged
    assert not any("slow call" in note for note in account.result(119.0).notes)
