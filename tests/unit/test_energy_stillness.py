"""A gauge without a counter that repeats itself for far longer than its work does may have stood still."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from virtual_gpu import A100, GB10, P100, VirtualGpu

from cardcallback.energy import AccountResult, CounterTraits, EnergyAccount, PowerTraits
from cardcallback.energy.stillness import Still, Stillness
from waveforms import Waveform, constant, sine, square

END = 300.0


def recorded(waveform: Waveform, stuck: tuple[float, float] | None = None) -> tuple[AccountResult, float]:
    """What an account of a P100 says of five minutes, in which its gauge may stand still, and the truth."""
    gpu = VirtualGpu(waveform=waveform, **P100)
    account = EnergyAccount(
        counter=None,
        power=PowerTraits(averaging_seconds=gpu.window, refresh_seconds=gpu.refresh, interval_seconds=0.1),
        limit_watts=250.0,
    )
    varied, at = random.Random(1), 0.003  # noqa: S311 - readings that vary, not secrets
    while at < END + 0.1:
        frozen = stuck is not None and stuck[0] <= at < stuck[1]
        account.add_power(at, gpu.watts(stuck[0] if frozen and stuck is not None else at))
        at += 0.1 * varied.uniform(0.5, 1.5)
    return account.result(END), gpu.truth(0, END)


def best(result: AccountResult) -> tuple[float, float, float]:
    """Value, low and high of the best energy, in joules."""
    assert result.best is not None
    assert result.best.high is not None
    return result.best.joules, result.best.low, result.best.high


# It stops at the top of the work, and at its bottom, which is not the device's.
@pytest.mark.parametrize("begin", [100.3, 101.5])
def test_a_gauge_that_stood_still_may_have_missed_what_its_work_does(begin: float) -> None:
    """Two minutes at one value, to the milliwatt, amid work that changes twice a second."""
    work = Waveform((constant(30.0), square(20.0, 150.0, 2.0, duty=0.5, begin=5.0)))
    result, truth = recorded(work, stuck=(begin, begin + 120.0))
    value, low, high = best(result)
    assert low <= truth <= high
    assert abs(value / truth - 1) > 0.1
    assert any("did not change for 2 min" in note and "holds both" in note for note in result.notes)


@pytest.mark.parametrize(
    "work",
    [
        Waveform((constant(120.0),)),
        Waveform((constant(20.0), square(10.0, 150.0, 1.7, end=200.0))),
        Waveform((constant(20.0), square(10.0, 150.0, 30.0, duty=0.9))),
    ],
    ids=["steady", "a hundred idle seconds at the end", "long steps"],
)
def test_work_that_is_steady_is_not_doubted(work: Waveform) -> None:
    """A load that never changes, an idle device, and work whose own steps are long."""
    result, truth = recorded(work)
    value, low, high = best(result)
    assert low <= truth <= high
    assert high - low < 0.08 * value
    assert not any("holds both" in note for note in result.notes)


def beside_a_counter(
    work: Waveform, still: tuple[float, float], counter: Callable[[float], float | None]
) -> AccountResult:
    """Watch a noisy gauge that stands still for a while, and a counter that shows the energy of another moment, if any.

    The interval must hold the truth.
    """
    gpu = VirtualGpu(waveform=work, **GB10)
    account = EnergyAccount(
        counter=CounterTraits(),
        power=PowerTraits(averaging_seconds=1.0, refresh_seconds=0.1, interval_seconds=0.5),
        limit_watts=140.0,
    )
    varied, shown = random.Random(2), 0.0  # noqa: S311 - noise, not secrets
    for count in range(401):
        at = count / 2
        shown = shown if still[0] < at < still[1] else gpu.watts(at) + varied.gauss(0, 0.1)
        account.add_power(at, shown)
        counted_to = counter(at)
        if counted_to is not None:
            account.add_counter(at, gpu.joules(counted_to))
    result = account.result(200.0)
    _, low, high = best(result)
    assert low <= gpu.truth(0, 200) <= high
    return result


@pytest.mark.parametrize("counted", [0.0, 10.0, 100.0])
def test_a_gauge_that_stood_still_while_it_stood_alone(counted: float) -> None:
    """Beside a counter that gave up: before, it finds the gauge out; afterwards it does not."""
    work = Waveform((constant(20.0), square(0.0, 70.0, 1.7)))
    beside_a_counter(work, (120.0, 180.0), lambda at: at if at <= counted else None)


def test_a_gauge_that_failed_does_not_widen_what_a_sound_counter_says() -> None:
    """Readings that flicker and then repeat themselves for a minute of work are no witness against the counter."""
    work = Waveform((constant(20.0), square(0.0, 70.0, 20.0), constant(20.0, begin=60.0)))
    result = beside_a_counter(work, (60.0, 180.0), lambda at: at)
    value, low, high = best(result)
    assert result.best is not None
    assert result.integrated is not None
    assert result.best.method == "counter"
    assert abs(result.integrated.joules / value - 1) > 0.2
    # What it said until it was found out is spanned.
    assert high - low < 0.1 * value
    assert any("repeated one value" in note and "only it counts" in note for note in result.notes)


def test_a_gauge_that_failed_does_not_bound_what_work_begins_later() -> None:
    """It looked a quarter of the time, at an idle device, and failed: its highest reading is not the most there was."""
    work = Waveform((constant(20.0), square(0.0, 5.0, 1.73), constant(100.0, begin=100.0)))
    gpu = VirtualGpu(waveform=work, **A100)
    account = EnergyAccount(
        counter=CounterTraits(),
        power=PowerTraits(averaging_seconds=0.025, refresh_seconds=0.1, interval_seconds=0.1),
        limit_watts=400.0,
    )
    varied, shown = random.Random(3), 0.0  # noqa: S311 - noise, not secrets
    for count in range(2001):
        at = count / 10 + 0.003
        shown = gpu.watts(at) + varied.gauss(0, 0.1) if at < 90.0 else shown
        account.add_power(at, shown)
        if count % 10 == 0:
            account.add_counter(at, gpu.joules(at))
    result = account.result(200.0)
    value, low, high = best(result)
    truth = gpu.truth(0, 200)
    assert low <= truth <= high
    assert value == pytest.approx(truth, rel=0.005)
    assert high - low < 0.03 * value


def test_standing_still_while_the_counter_told_costs_nothing_where_the_gauge_stands_alone() -> None:
    """A gauge without noise shows a steady minute; much later the counter gives up and the gauge takes over."""
    gpu = VirtualGpu(waveform=Waveform((constant(20.0), square(0.0, 70.0, 1.7, begin=80.0))), **GB10)
    results = []
    for counted_until in (140.0, 30.0):
        account = EnergyAccount(
            counter=CounterTraits(),
            power=PowerTraits(averaging_seconds=1.0, refresh_seconds=0.1, interval_seconds=0.5),
            limit_watts=140.0,
        )
        for count in range(401):
            at = count / 2
            account.add_power(at, gpu.watts(at) + (10.0 if 20.0 < at < 79.0 else 0.0))
            if at <= counted_until:
                account.add_counter(at, gpu.joules(at) + 10.0 * min(max(at - 20.0, 0.0), 59.0))
        results.append(best(account.result(200.0)))
    told, alone = ((high - low) / value for value, low, high in results)
    assert told < 0.05
    assert alone > 3 * told


def test_a_counter_that_told_and_is_taken_back_did_not_tell() -> None:
    """What is witnessed may be unsaid; a stretch is not alone for less than no time."""
    stillness = Stillness()
    for step in range(41):
        stillness.add(step * 0.5, 50.0)
    stillness.witness(-5.0, 15.0)
    assert stillness.longest_seconds == 5.0
    stillness.witness(10.0, 15.0, told=False)
    assert stillness.longest_seconds == 10.0


def test_counter_and_gauge_that_stand_still_together() -> None:
    """A driver that serves what it knew a minute ago: when the counter catches up, nobody saw that minute."""
    work = Waveform((constant(20.0), square(0.0, 70.0, 1.7), constant(50.0, begin=60.0)))
    beside_a_counter(work, (60.0, 120.0), lambda at: 60.0 if 60 < at < 120 else at)


def test_the_longest_stretches_are_kept_however_many_there_are() -> None:
    """Thousands of stretches of a second, and two of a minute and more."""
    stillness, at = Stillness(), 0.0
    for number in range(3000):
        length = {700: 60.0, 2500: 75.0}.get(number, 1.0)
        for step in range(int(length / 0.25) + 1):
            stillness.add(at + step * 0.25, 100.0 + number % 7)
        at += length + 0.5
    assert stillness.unusual(20.0) == [Still(60.0, 100.0, 241), Still(75.0, 101.0, 301)]
    assert stillness.longest_seconds == 75.0
    assert stillness.unusual(101.0) == []


@pytest.mark.parametrize("still", [True, False])
def test_a_restless_gauge_that_stands_still_for_seconds_is_doubted_at_any_load(still: bool) -> None:  # noqa: FBT001 - a case
    """At the lowest load that it ever showed, where it was never steady before: not what an idle device shows."""
    work = Waveform((square(110.0, 110.0, 21.0, duty=0.4), sine(0.4, 0.4, 3.1)))
    result, truth = recorded(work, stuck=(100.0, 110.0) if still else None)
    value, low, high = best(result)
    assert low <= truth <= high
    assert any("holds both" in note for note in result.notes) == still
    assert (high - low > 0.01 * value) == still
