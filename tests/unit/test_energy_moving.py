"""Results moved on between two that are made anew: they hold the truth, are near it, and never pass an event."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator

import pytest
from virtual_gpu import A100, GB10, P100, VirtualGpu, account_for, training_waveform
from watching import Fault, best, holds

from cardcallback.energy import EnergyAccount, PowerTraits
from waveforms import Waveform, constant

SECONDS = 90
SETTLED = 10  # before, a gauge that is a mean of the past second knows little of a rise at the begin
WORKS = [training_waveform(seconds=SECONDS), training_waveform(period=0.37, seconds=SECONDS)]
AS_IT_IS: Fault = lambda _, joules: joules  # noqa: E731 - one of the faults


def fed(account: EnergyAccount, gpu: VirtualGpu, *, fault: Fault = AS_IT_IS, interval: float) -> Iterator[float]:
    """The moments at which a journal asks, a second apart; the account has all readings before each."""
    apart = round(1 / interval)
    varied = random.Random(1)  # noqa: S311 - readings that vary, not secrets
    for second in range(SECONDS):
        for part in range(apart):
            at = second + (part + varied.uniform(0.0, 0.4)) * interval + 0.003
            account.add_power(at, gpu.watts(at))
        at = second + 1 - interval / 2
        joules = fault(at, gpu.joules(at))
        if account.counter is not None and joules is not None:
            account.add_counter(at, joules)
        yield second + 1.02


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize(
    ("device", "counter", "interval"),
    [(GB10, True, 0.5), (A100, True, 0.1), (GB10, False, 0.5), (P100, False, 0.1)],
    ids=["gb10", "a100", "gb10 without a counter", "p100"],
)
def test_between_two_results_one_is_moved_on(
    device: dict[str, float], work: Waveform, *, counter: bool, interval: float
) -> None:
    """Nine of ten seconds have one, which holds the truth and is as near to it as one made anew, but for a second.

    Counter and gauge by themselves too, so that nothing beside the best figure is of an earlier moment.
    """
    gpu = VirtualGpu(waveform=work, **device)
    account = account_for(gpu, counter=counter, interval=interval)
    moved = 0
    for now in fed(account, gpu, interval=interval):
        result = account.moved_on(now)
        if result is None:
            result = account.result(now, explained=False)
        else:
            moved += 1
            assert (result.counter is not None) == counter
            assert abs(best(result).joules - gpu.truth(0, now)) < 0.005 * gpu.truth(0, now) + 90
        energies = [one for one in (result.counter, result.integrated, best(result)) if one is not None]
        assert all(holds(one, gpu.truth(0, now)) for one in energies) or now < SETTLED
    assert moved > 0.6 * SECONDS


def none_for(seconds: float) -> Fault:
    """No counter reading for so long from half a minute on."""
    return lambda at, joules: None if 30 < at < 30 + seconds else joules


@pytest.mark.parametrize(
    "fault",
    [
        lambda at, joules: joules if at < 40 else joules - 1e5,  # it begins anew
        lambda at, joules: joules + (1e4 if at > 40 else 0.0),  # it steps
        none_for(12),
    ],
    ids=["reset", "step", "not read"],
)
def test_nothing_is_moved_past_an_event(fault: Fault) -> None:
    """What a counter did besides counting is in the next result, which is made anew."""
    gpu = VirtualGpu(waveform=WORKS[0], **GB10)
    account = account_for(gpu, interval=0.5)
    for now in fed(account, gpu, fault=fault, interval=0.5):
        result = best(account.moved_on(now) or account.result(now, explained=False))
        assert holds(result, gpu.truth(0, now)) or now < SETTLED
        assert result.joules < 1.5 * gpu.truth(0, now) + 200


@pytest.mark.parametrize("device", [GB10, A100, P100], ids=["gb10", "a100", "p100"])
def test_a_step_that_no_power_was_compared_with_is_in_no_energy(device: dict[str, float]) -> None:
    """The counter's newest reading waits for the gauge: until then nothing tells a step of it from work."""
    gpu = VirtualGpu(waveform=WORKS[0], **device)
    for stepped in range(20, 31):
        account, fault = account_for(gpu, interval=0.1), steps_after(stepped)
        for now in fed(account, gpu, fault=fault, interval=0.1):
            if now > 33:
                break
            result = best(account.moved_on(now) or account.result(now, explained=False))
            assert holds(result, gpu.truth(0, now)) or now < SETTLED
            assert abs(result.joules - gpu.truth(0, now)) < 100


def steps_after(seconds: float) -> Fault:
    """Five hundred joules from then on that nobody used."""
    return lambda at, joules: joules + (500.0 if at > seconds else 0.0)


def test_a_sleep_a_loss_and_a_late_answer_end_it() -> None:
    """Each may have more to it than was counted."""
    gpu = VirtualGpu(waveform=WORKS[0], **GB10)
    for tell in (
        lambda account, now: account.note_sleep(now - 1, now),
        lambda account, _: account.note_loss(),
        lambda account, now: account.add_late_counter(now, gpu.joules(now), 3.0),
    ):
        account = account_for(gpu, interval=0.5)
        for now in fed(account, gpu, interval=0.5):
            if now > 60:
                break
        account.result(now)
        assert account.moved_on(now + 0.5) is not None
        tell(account, now)
        assert account.moved_on(now + 0.5) is None


def test_it_does_not_grow_old() -> None:
    """Without readings, and after ten seconds, a new one has to be made; and none is moved before there was one."""
    gpu = VirtualGpu(waveform=WORKS[0], **GB10)
    account = account_for(gpu, interval=0.5)
    moments = fed(account, gpu, interval=0.5)
    for now in moments:
        assert account.moved_on(now) is None
        if now > 60:
            break
    account.result(now, explained=False)
    assert account.moved_on(now + 3.5) is None
    then = now
    for now in moments:
        assert (account.moved_on(now) is None) == (now - then > min(10.0, 0.1 * now))


@pytest.mark.parametrize("counter", [True, False], ids=["counter alone", "gauge alone"])
def test_a_rise_above_all_that_was_seen_is_worked_out_anew(*, counter: bool) -> None:
    """Idle for long, and then far more: what may not have been seen grew with the power, not with the energy."""
    gpu = VirtualGpu(waveform=Waveform((constant(5.0, end=60.35), constant(400.0, begin=60.35))), **GB10)
    account = account_for(gpu, counter=counter, interval=0.5)
    for now in fed(account, gpu, interval=0.5):
        result = account.moved_on(now)
        if result is None:
            result = account.result(now, explained=False)
        anew = best(copy.deepcopy(account).result(now, explained=False))
        assert holds(best(result), gpu.truth(0, now)) or not holds(anew, gpu.truth(0, now)) or now < SETTLED


def test_a_limit_that_was_refuted_since_ends_what_is_moved_on() -> None:
    """What was left out as above it may have been used, which only a new result says."""
    account = EnergyAccount(
        counter=None,
        power=PowerTraits(averaging_seconds=1.0, refresh_seconds=0.1, interval_seconds=0.5),
        limit_watts=100.0,
    )
    for count in range(120):
        account.add_power(count / 2, 200.0 + count if count % 20 == 5 else 149.0 - count % 5 / 10)
    account.result(60.0)
    for count in range(120, 133):
        account.add_power(count / 2, 151.0 + count % 9 / 2)
    assert account.moved_on(66.0) is None
