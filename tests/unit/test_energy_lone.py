"""An energy counter beside which nothing stands: late to start, in lumps, or beyond what its device may draw."""

from __future__ import annotations

import math

import pytest

from cardcallback.energy import AccountResult, CounterTraits, EnergyAccount, EnergyResult
from waveforms import Waveform, constant, square

WORK = Waveform((constant(84.0), square(0.0, 490.0, 37.0, begin=0.0, duty=0.5)))
BEFORE_SECONDS, STILL_SECONDS, SECONDS = -15.0, 40.0, 90
# What makes the energies of different seconds no multiples of anything.
UNEVEN = Waveform((constant(83.913), square(0.0, 491.337, 7.301, begin=-40.0, duty=0.513)))


def best(result: AccountResult) -> EnergyResult:
    """The best energy, which must be there."""
    assert result.best is not None
    return result.best


def read_each_second(account: EnergyAccount, shown: list[float]) -> AccountResult:
    """What the account says after these readings, one a second from the begin on."""
    for second, joules in enumerate(shown):
        account.add_counter(float(second), joules)
    return account.result(float(len(shown) - 1))


def lone(limit: float | None = 700.0, refresh: float | None = 0.1) -> EnergyAccount:
    """A device that nothing but its counter tells of."""
    return EnergyAccount(counter=CounterTraits(refresh_seconds=refresh), power=None, limit_watts=limit)


@pytest.mark.parametrize("limit", [700.0, None])
def test_what_a_counter_shows_after_it_stood_still_from_the_begin_on_may_be_older(limit: float | None) -> None:
    """It stood still since before the begin, and shows at once what was used before and after."""
    moments = [BEFORE_SECONDS if at < STILL_SECONDS else at for at in range(SECONDS + 1)]
    result = read_each_second(lone(limit), [WORK.energy_joules(-100.0, at) for at in moments])
    truth = WORK.energy_joules(0.0, SECONDS)
    assert best(result).joules > truth
    assert best(result).low <= truth <= (best(result).high or math.inf)
    assert any("stood still for the first" in note for note in result.notes)


def test_a_counter_that_had_stopped_until_after_the_begin_lacks_what_was_used() -> None:
    """It moves on by what one second used: the device's limit says how much it may lack."""
    stopped_joules = WORK.energy_joules(BEFORE_SECONDS, STILL_SECONDS)
    shown = [WORK.energy_joules(-100.0, max(at, STILL_SECONDS)) - stopped_joules for at in range(SECONDS + 1)]
    found = best(read_each_second(lone(), shown))
    assert found.low <= WORK.energy_joules(0.0, SECONDS) <= (found.high or 0.0)


def test_a_counter_that_moves_from_the_begin_on_is_as_sure_as_ever() -> None:
    """Nothing of the doubt of one that does not."""
    result = read_each_second(lone(), [WORK.energy_joules(-100.0, at) for at in range(SECONDS + 1)])
    truth = WORK.energy_joules(0.0, SECONDS)
    assert (best(result).high or 0.0) - best(result).low < 0.02 * truth
    assert not any("stood still" in note for note in result.notes)


@pytest.mark.parametrize("refresh", [0.1, None])
@pytest.mark.parametrize("lump_joules", [100.0, 1000.0, 5000.0])
@pytest.mark.parametrize("offset", [0.05, 0.5, 0.95])
def test_a_counter_in_lumps_is_off_by_one_at_each_end(lump_joules: float, offset: float, refresh: float | None) -> None:
    """Nobody published how coarse it is: its own changes show it."""
    truth = UNEVEN.energy_joules(0.0, SECONDS)
    used = [UNEVEN.energy_joules(-40.0, at) + offset * lump_joules for at in range(SECONDS + 1)]
    result = read_each_second(lone(refresh=refresh), [lump_joules * (one // lump_joules) for one in used])
    assert best(result).low <= truth <= (best(result).high or math.inf)
    assert best(result).joules == pytest.approx(truth, abs=1.01 * lump_joules + 60.0)


def test_a_counter_that_shows_more_than_its_device_may_draw_proves_nothing_of_the_rest() -> None:
    """Ten times too much: what it shows of idle time the limit allows, and it is as wrong there."""
    result = read_each_second(lone(limit=700.0), [10 * WORK.energy_joules(-100.0, at) for at in range(SECONDS + 1)])
    truth = WORK.energy_joules(0.0, SECONDS)
    assert best(result).gap_seconds > SECONDS / 3
    assert best(result).low <= truth <= (best(result).high or 0.0)
    # No device draws so much, so that no other limit explains it: its own is the bound.
    assert (best(result).high or 0.0) < best(result).joules + 1.3 * 700.0 * SECONDS


def test_a_counter_read_as_often_as_it_is_renewed_has_bounds() -> None:
    """Nobody published how often that is, and each reading is another: its value may be as old as they are apart."""
    shown = [UNEVEN.energy_joules(-40.0, at - 0.9) for at in range(SECONDS + 1)]
    found, truth = best(read_each_second(lone(limit=None, refresh=None), shown)), UNEVEN.energy_joules(0.0, SECONDS)
    assert found.low < found.joules
    assert found.low <= truth <= (found.high or 0.0)
