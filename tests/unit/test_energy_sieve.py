"""Power readings that cannot be true are left out, and told; those that can are kept."""

from __future__ import annotations

import pytest
from virtual_gpu import GB10, P100, VirtualGpu, account_for, training_waveform

from cardcallback.energy import CounterTraits, EnergyAccount, PowerTraits
from cardcallback.energy.ceiling import Ceiling
from cardcallback.energy.sieve import ReadingSieve
from waveforms import Waveform, constant, sine

SECOND_MEAN = PowerTraits(averaging_seconds=1.0, refresh_seconds=0.1, interval_seconds=0.5)
UNLIMITED = Ceiling(90.0, 1.0)


def passed(sieve: ReadingSieve, watts: list[float], ceiling: Ceiling = UNLIMITED) -> list[float]:
    """What comes through, two readings a second."""
    return [power for count, reading in enumerate(watts) for _, power in sieve.pass_on(count / 2, reading, ceiling)]


def test_a_spike_between_overlapping_means_is_left_out() -> None:
    """Two means that overlap a third one whole hold all of its energy, so that it cannot be far above both."""
    sieve = ReadingSieve(SECOND_MEAN)
    assert passed(sieve, [60.0, 60.0, 900.0, 60.0, 60.0]) == [60.0, 60.0, 60.0, 60.0]
    assert sieve.refused == 1


def test_a_rise_to_full_load_is_kept() -> None:
    """From idle to eight times as much in one second is work."""
    sieve = ReadingSieve(SECOND_MEAN)
    rise = [11.0, 11.0, 50.0, 90.0, 90.0]
    assert passed(sieve, rise) == rise
    assert sieve.refused == 0


def test_readings_that_do_not_overlap_are_not_judged_by_each_other() -> None:
    """A gauge that does not average may leap as the work does."""
    sieve = ReadingSieve(PowerTraits(averaging_seconds=0.01, refresh_seconds=0.02, interval_seconds=0.02))
    leap = [30.0, 30.0, 240.0, 30.0]
    assert passed(sieve, leap) == leap


def test_a_reading_far_above_the_limit_is_left_out() -> None:
    """Half as much again as the device may draw is garbage on any gauge; a burst above it is not."""
    sieve = ReadingSieve(PowerTraits(averaging_seconds=0.01, refresh_seconds=0.02, interval_seconds=0.02))
    limited = Ceiling(240.0, 0.01, limit_watts=250.0)
    assert passed(sieve, [240.0, 300.0, 376.0, 240.0], limited) == [240.0, 300.0, 240.0]
    assert sieve.refused == 1


TENTH = [250.0 + count if count % 10 == 3 else 80.0 for count in range(600)]
LIMITED = Ceiling(80.0, 1.0, limit_watts=100.0)


def test_readings_that_stay_above_the_limit_refute_it() -> None:
    """A limit that was raised since it was told: what lasts and flickers is work, and none of it is lost."""
    sieve = ReadingSieve(SECOND_MEAN)
    work = [80.0] + [230.0 + count % 3 for count in range(30)]
    assert passed(sieve, work, LIMITED) == work
    assert sieve.limit_refuted
    assert sieve.left_out == 0


def test_readings_that_pass_the_limit_again_and_again_refute_it() -> None:
    """Steps of the work above the limit, each too short by itself: those left out before are in the doubt."""
    sieve = ReadingSieve(SECOND_MEAN)
    work = [80.0, 230.0, 231.0] * 30
    came = passed(sieve, work, LIMITED)
    assert sieve.limit_refuted
    assert came[-2:] == [230.0, 231.0]
    assert sieve.left_out == len(work) - len(came)
    assert sieve.lacking_joules >= 0.5 * 150.0 * sieve.left_out


@pytest.mark.parametrize(
    "garbage",
    [
        [655.35] * 600,
        [1200.0 + count for count in range(600)],
        [230.0, 80.0, 80.0] + [80.0] * 300 + [231.0, 80.0],
        TENTH,
        [160.0, 900.0] * 30,
        [160.0 + 467.0 * count % 800.0 for count in range(60)],
        [230.0] + [80.0] * 20 + [240.0] * 60,
    ],
    ids=["one value", "another unit", "now and then", "a tenth of the readings", "leaps", "any value", "another value"],
)
def test_what_is_no_work_refutes_no_limit(garbage: list[float]) -> None:
    """One value over and over, one far beyond any limit, and a few spikes stay garbage, however long that lasts."""
    sieve = ReadingSieve(SECOND_MEAN)
    came = passed(sieve, [80.0, *garbage], LIMITED)
    assert not sieve.limit_refuted
    assert max(came) == 80.0
    assert sieve.left_out == len(garbage) + 1 - len(came)


@pytest.mark.parametrize("interval", [5.0, 60.0])
def test_two_spikes_of_a_gauge_that_is_read_seldom_refute_no_limit(interval: float) -> None:
    """Two readings are two, however long it is from one to the next; as many as show work elsewhere show it here."""
    traits = PowerTraits(averaging_seconds=1.0, refresh_seconds=0.1, interval_seconds=interval)
    sieve = ReadingSieve(traits)
    spikes = [80.0, 230.0, 231.0, 80.0]
    for count, watts in enumerate(spikes):
        sieve.pass_on(count * interval, watts, LIMITED)
    assert not sieve.limit_refuted
    for count in range(6):
        sieve.pass_on((len(spikes) + count) * interval, 230.0 + count, LIMITED)
    assert sieve.limit_refuted


def test_what_lies_between_two_spikes_was_not_seen() -> None:
    """A driver that fails for a minute between two garbled readings shows no minute of work."""
    sieve = ReadingSieve(SECOND_MEAN)
    shown = [(0.0, 80.0), (0.5, 230.0), (60.0, 240.0), (60.5, 80.0)]
    assert [power for at, watts in shown for _, power in sieve.pass_on(at, watts, LIMITED)] == [80.0, 80.0]


@pytest.mark.parametrize("counter", [True, False])
@pytest.mark.parametrize("swing", [0.0, 60.0])
def test_energy_stays_right_under_a_limit_that_does_not_hold(swing: float, *, counter: bool) -> None:
    """The driver told 100 W when it was asked; since then the work draws more than twice of that."""
    work = Waveform((constant(70.0, end=30.0), sine(230.0, 2.0, 7.3, begin=30.0), sine(-swing, swing, 3.7, begin=30.0)))
    gpu, end = VirtualGpu(waveform=work, **GB10), 180.0
    account = account_for(gpu, counter=counter, limit_watts=100.0)
    for count in range(1, int(2 * end) + 1):
        account.add_power(count / 2, gpu.watts(count / 2))
        if counter and count % 2 == 0:
            account.add_counter(count / 2, gpu.joules(count / 2))
    result = account.result(end)
    assert result.best is not None
    assert result.best.gap_seconds <= (5.0 if swing else 0.0)
    assert result.best.low <= gpu.truth(0, end) <= (result.best.high or 0.0)
    assert result.best.joules == pytest.approx(gpu.truth(0, end), rel=0.01 if counter or not swing else 0.1)
    assert any("above the limit that the driver told" in note for note in result.notes)


@pytest.mark.parametrize("end", [33.0, 34.5])
def test_a_limit_in_doubt_bounds_nothing(end: float) -> None:
    """Readings above it that have not lasted yet: neither they nor the limit say what was used since."""
    gpu = VirtualGpu(waveform=Waveform((constant(70.0, end=30.0), sine(230.0, 2.0, 7.3, begin=30.0))), **GB10)
    account = account_for(gpu, limit_watts=100.0)
    for count in range(1, int(2 * end) + 1):
        account.add_power(count / 2, gpu.watts(count / 2))
        if count % 2 == 0:
            account.add_counter(count / 2, gpu.joules(count / 2))
    best = account.result(end).best
    assert best is not None
    assert best.low <= gpu.truth(0, end)
    assert best.high is None or gpu.truth(0, end) <= best.high


@pytest.mark.parametrize(("device", "interval"), [(GB10, 0.5), (P100, 0.02)], ids=["gb10", "p100"])
def test_energy_stays_right_through_spikes(device: dict[str, float], interval: float) -> None:
    """One absurd reading in a hundred costs no accuracy, and a sentence says how many there were."""
    gpu = VirtualGpu(waveform=training_waveform(seconds=100.0), **device)
    account = EnergyAccount(
        counter=None,
        power=PowerTraits(averaging_seconds=gpu.window, refresh_seconds=gpu.refresh, interval_seconds=interval),
        limit_watts=140.0,
    )
    for count in range(int(60 / interval) + 1):
        at = count * interval + 0.001
        account.add_power(at, 50 * gpu.watts(at) if count % 100 == 50 else gpu.watts(at))
    result = account.result(60.0)
    truth = gpu.truth(0, 60)
    assert result.best is not None
    assert result.best.high is not None
    assert abs(result.best.joules / truth - 1) < 0.01
    assert result.best.low <= truth <= result.best.high
    assert any("left out" in note for note in result.notes)


def test_a_limit_narrows_the_interval() -> None:
    """What a device may draw bounds what fell between a counter's last value and the end."""
    gpu = VirtualGpu(waveform=training_waveform(), **GB10)

    def width(limit_watts: float | None) -> float:
        account = EnergyAccount(counter=CounterTraits(), power=SECOND_MEAN, limit_watts=limit_watts)
        for count in range(121):
            account.add_power(count / 2, gpu.watts(count / 2))
            if count % 2 == 0:
                account.add_counter(count / 2, gpu.joules(count / 2))
        best = account.result(60.0).best
        assert best is not None
        assert best.high is not None
        assert best.low <= gpu.truth(0, 60) <= best.high
        return (best.high - best.low) / best.joules

    assert width(140.0) < 0.022  # half a percent of it is what a step within one comparison may hide
    assert width(140.0) < width(None) / 2


def test_a_limit_that_readings_pass_bounds_nothing() -> None:
    """A mean above the limit refutes it: it was raised since, or belongs to another part."""
    assert Ceiling(200.0, 1.0, limit_watts=100.0).joules_within(0.1) == Ceiling(200.0, 1.0).joules_within(0.1)


def test_a_gauge_that_stands_still_does_not_overrule_the_counter() -> None:
    """Readings that repeat to the thousandth of a watt under load are the gauge's fault, and told."""
    gpu = VirtualGpu(waveform=Waveform((sine(90.0, 5.0, 7.0),)), **GB10)
    account = EnergyAccount(counter=CounterTraits(), power=SECOND_MEAN, limit_watts=100.0)
    for count in range(121):
        at = count / 2
        account.add_power(at, gpu.watts(at) if at < 10 or at > 20 else 11.0)
        if count % 2 == 0:
            account.add_counter(at, gpu.joules(at))
    result = account.result(60.0)
    assert result.best is not None
    assert result.best.high is not None
    truth = gpu.truth(0, 60)
    assert result.best.method == "counter"
    assert abs(result.best.joules / truth - 1) < 0.01
    assert result.best.low <= truth <= result.best.high
    assert any("differed" in note for note in result.notes)


def test_a_step_beside_a_steady_load_is_still_a_step() -> None:
    """A constant reading may be a constant load: what the device cannot have used is the counter's fault."""
    gpu = VirtualGpu(waveform=Waveform((constant(60.0),)), **GB10)
    account = account_for(gpu)
    for count in range(121):
        at = count / 2
        account.add_power(at, gpu.watts(at))
        if count % 2 == 0:
            account.add_counter(at, gpu.joules(at) + (500.0 if at > 30 else 0.0))
    best = account.result(60.0).best
    assert best is not None
    assert best.joules == pytest.approx(3600.0, rel=0.005)


@pytest.mark.parametrize("gain", [0.985, 1.012])
def test_interval_spans_both_sensors_also_where_they_are_consistent(gain: float) -> None:
    """Less than two percent apart is called consistent; the truth may be with either, and the interval holds it."""
    gpu = VirtualGpu(waveform=training_waveform(seconds=900.0), **GB10)
    account = account_for(gpu)
    for count in range(1201):
        at = count / 2
        account.add_power(at, gpu.watts(at))
        if count % 2 == 0:
            account.add_counter(at, gain * gpu.joules(at))
    result = account.result(600.0)
    assert result.best is not None
    assert result.best.high is not None
    assert result.consistency is not None
    assert result.consistency.verdict == "consistent"
    assert result.best.low <= gpu.truth(0, 600) <= result.best.high
