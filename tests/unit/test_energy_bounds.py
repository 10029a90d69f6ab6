"""What a bound may not be made of: readings from outside a gap, idle readings, and a part surer than its whole."""

from __future__ import annotations

import pytest
from virtual_gpu import A100, GB10, P100, VirtualGpu

from cardcallback.energy import CounterTraits, EnergyAccount, PowerTraits
from waveforms import Waveform, constant, square

IDLE_THEN_FULL = Waveform((constant(20.0, end=20.0), constant(250.0, begin=20.0, end=60.0), constant(20.0, begin=60.0)))


def gauge(device: dict[str, float], interval: float) -> PowerTraits:
    """The traits of a device's power gauge."""
    return PowerTraits(averaging_seconds=device["window"], refresh_seconds=device["refresh"], interval_seconds=interval)


@pytest.mark.parametrize("limit", [250.0, None])
def test_a_gap_is_bounded_by_what_the_device_may_draw_and_not_by_what_was_read(limit: float | None) -> None:
    """Idle before and after, full load in the gap: the limit holds it, and without one there is no upper bound."""
    gpu = VirtualGpu(waveform=IDLE_THEN_FULL, **P100)
    account = EnergyAccount(counter=None, power=gauge(P100, 0.1), limit_watts=limit)
    for count in range(801):
        at = count / 10
        if not 19 < at < 61:
            account.add_power(at, gpu.watts(at))
    best = account.result(80.0).best
    assert best is not None
    assert best.high is None if limit is None else (best.high or 0.0) >= gpu.truth(0, 80)


def test_a_short_gap_may_hold_more_than_was_ever_read() -> None:
    """Idle for all that was read, and a burst in twelve seconds that were not: the limit bounds them."""
    gpu = VirtualGpu(waveform=Waveform((constant(20.0), constant(70.0, begin=100.0, end=112.0))), **P100)
    account = EnergyAccount(counter=None, power=gauge(P100, 0.1), limit_watts=140.0)
    for count in range(2001):
        if not 999 < count < 1121:
            account.add_power(count / 10, gpu.watts(count / 10))
    best = account.result(200.0).best
    assert best is not None
    assert best.low <= gpu.truth(0, 200) <= (best.high or 0.0)


@pytest.mark.parametrize(("device", "hertz"), [(P100, 10.0), (P100, 5.0), (A100, 1.0)])
def test_brief_pulses_are_work_and_not_spikes(device: dict[str, float], hertz: float) -> None:
    """A gauge with a short window sees a pulse in one reading only: nothing is left out."""
    pulses = Waveform((square(20.0, 250.0, 1 / hertz, duty=0.1),))
    gpu = VirtualGpu(waveform=pulses, **device)
    account = EnergyAccount(counter=None, power=gauge(device, device["refresh"]), limit_watts=300.0)
    for count in range(int(60 / device["refresh"])):
        at = count * device["refresh"] + 0.001
        account.add_power(at, gpu.watts(at))
    assert not any("left out" in note for note in account.result(60.0).notes)


@pytest.mark.parametrize("limit", [300.0, None])
def test_a_counter_ahead_after_a_loss_is_judged_by_the_limit(limit: float | None) -> None:
    """Idle before the loss, full load after a restart: what was read says nothing of what was used meanwhile."""
    waveform = Waveform((constant(20.0, end=30.0), constant(290.0, begin=30.0)))
    gpu = VirtualGpu(waveform=waveform, **GB10)
    account = EnergyAccount(counter=CounterTraits(), power=gauge(GB10, 0.5), limit_watts=limit)
    for count in range(181):
        at = count / 2
        if 30 < at < 60:
            continue
        if at == 60:
            account.note_loss()
        account.add_power(at, gpu.watts(at))
        # It began anew at 31 s, having shown 500 J before.
        account.add_counter(at, 500.0 + 20.0 * at if at <= 30 else gpu.truth(31.0, at))
    result = account.result(90.0)
    best = result.best
    assert best is not None
    assert best.gap_seconds > 20
    # What it shows after the restart, and at 60 s more than before the loss: at least that was used.
    assert best.low > 0.95 * (gpu.truth(0, 30) + gpu.truth(31, 60) - 1100.0 + gpu.truth(60, 90))
    assert best.low <= gpu.truth(0, 90)
    assert best.high is None or best.high >= gpu.truth(0, 90)
    assert any("begun anew" in note for note in result.notes)


def test_a_visit_in_a_gap_is_a_gap() -> None:
    """Time of a phase before the first reading is not watched, and is not nought joules of full coverage."""
    gpu = VirtualGpu(waveform=Waveform((constant(60.0),)), **GB10)
    account = EnergyAccount(counter=None, power=gauge(GB10, 0.5), limit_watts=140.0)
    for count in range(60, 241):
        account.add_power(count / 2, gpu.watts(count / 2))
    account.mark_phase("evaluation", 5.0, 25.0)
    phase = account.phases()["evaluation"]
    assert phase.gap_seconds == pytest.approx(20.0, abs=0.5)
    assert phase.joules + phase.doubt_joules + phase.gap_joules >= 1200.0


def test_a_step_that_no_gauge_saw_is_not_believed_beyond_the_limit() -> None:
    """A machine sleeps for three minutes, and its counter comes back with more than the device can have used."""
    gpu = VirtualGpu(waveform=Waveform((constant(50.0),)), **GB10)
    account = EnergyAccount(counter=CounterTraits(), power=gauge(GB10, 0.5), limit_watts=140.0)
    for count in range(601):
        at = count / 2
        if 60 < at < 240:
            continue
        account.add_power(at, gpu.watts(at))
        account.add_counter(at, gpu.joules(at) + (50_000.0 if at >= 240 else 0.0))
    best = account.result(300.0).best
    assert best is not None
    assert best.gap_seconds == pytest.approx(180, abs=2)
    assert best.low <= gpu.truth(0, 300) <= (best.high or 0.0)
    assert best.joules == pytest.approx(120 * 50, rel=0.02)


@pytest.mark.parametrize("read_at_the_end", [True, False])
def test_a_gap_before_the_last_reading_has_two_ends(read_at_the_end: bool) -> None:  # noqa: FBT001 - a case
    """The counter ends four seconds early, the gauge has a gap there: it is bounded only by a reading at the end."""
    gpu = VirtualGpu(waveform=Waveform((square(20.0, 200.0, 1.7),)), **P100)
    account = EnergyAccount(counter=CounterTraits(), power=gauge(P100, 0.1), limit_watts=250.0)
    for count in range(1001):
        at = count / 10 + 0.013
        if at < 96.5 or (at > 99.5 and read_at_the_end):
            account.add_power(at, gpu.watts(at))
        if count % 10 == 0 and at < 96.5:
            account.add_counter(at, gpu.joules(at))
    best = account.result(100.0).best
    assert best is not None
    assert best.gap_seconds > 2.0
    assert best.low <= gpu.truth(0, 100)
    assert best.high is None if not read_at_the_end else gpu.truth(0, 100) <= (best.high or 0.0) < 1.1 * best.joules


def test_a_counter_that_went_back_once_is_not_doubted_beside_a_gauge_that_fails() -> None:
    """It goes on at its pace, two seconds at a time: at no power that was seen can it have begun anew and be ahead."""
    gpu = VirtualGpu(waveform=Waveform((constant(60.0),)), **GB10)
    account = EnergyAccount(counter=CounterTraits(), power=gauge(GB10, 0.5), limit_watts=450.0)
    for count in range(401):
        at = count / 2
        if at < 62.0:
            account.add_power(at, gpu.watts(at))
        if count % 4 == 0:
            account.add_counter(at, gpu.truth(0.0, at) if at < 50.0 else gpu.truth(49.0, at))
    best = account.result(200.0).best
    assert best is not None
    assert best.gap_seconds == 0.0
    assert best.joules == pytest.approx(gpu.truth(0, 200), rel=0.01)


def test_what_came_before_a_late_counter_is_as_power_was_then_and_never_less_than_nothing() -> None:
    """Two seconds at work, and a run that is mostly lighter: its mean power says nothing of its begin."""
    gpu = VirtualGpu(waveform=Waveform((constant(200.0, end=100.0), constant(50.0, begin=100.0))), **GB10)
    account = EnergyAccount(counter=CounterTraits(), power=gauge(GB10, 0.5), limit_watts=700.0)
    for count in range(4, 801):
        at = count / 2 + 0.33
        account.add_power(at, gpu.watts(at))
        if count % 2 == 0:
            account.add_counter(at, gpu.joules(at))
    best = account.result(400.0).best
    assert best is not None
    assert best.high is not None
    truth = gpu.truth(0, 400)
    assert best.joules == pytest.approx(truth, abs=30.0)
    assert truth - 530.0 < best.low <= truth <= best.high
