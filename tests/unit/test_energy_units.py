"""An energy counter in another unit than NVML's: what the device's own limit says of it."""

from __future__ import annotations

import pytest
from virtual_gpu import GB10, VirtualGpu
from watching import ALWAYS, watch

from cardcallback.energy import CounterTraits, EnergyAccount, PowerTraits
from cardcallback.energy.intervals import Check
from waveforms import Waveform, constant, square

GPU = VirtualGpu(waveform=ALWAYS, **GB10)
POWER = PowerTraits(averaging_seconds=1.0, refresh_seconds=0.1, interval_seconds=0.5)
WORDS = "power limit allows or by less than it can draw at rest"


def account(*, limit: float | None, power: PowerTraits | None = POWER) -> EnergyAccount:
    """Both sensors of a device of that power limit."""
    return EnergyAccount(counter=CounterTraits(refresh_seconds=0.1), power=power, limit_watts=limit)


@pytest.mark.parametrize("seconds", [8.0, 60.0])
@pytest.mark.parametrize("unit", [1e-3, 1e3, 1e6])
def test_a_counter_of_another_unit_is_not_the_figure(unit: float, seconds: float) -> None:
    """Joules or microjoules for millijoules: no such device draws so little or so much; the gauge counts."""
    result = watch(account(limit=140.0), GPU, seconds, fault=lambda _, joules: joules * unit).result(seconds)
    assert result.counter is None
    assert result.best is not None
    assert result.best.method == "integrated_power"
    assert result.best.low <= GPU.truth(0, seconds) <= (result.best.high or 0.0)
    assert (result.best.high or 0.0) < 2 * GPU.truth(0, seconds)
    assert any(WORDS in note for note in result.notes)


@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_without_a_gauge_such_a_counter_is_no_figure_at_all(unit: float) -> None:
    """Nothing else tells: not measured, rather than a thousand times too little or too much."""
    begun = account(limit=140.0, power=None)
    assert watch(begun, GPU, 60.0, gauge=False, fault=lambda _, joules: joules * unit).result(60.0).best is None


def test_without_a_limit_either_may_be_the_wrong_one() -> None:
    """Then the interval holds both."""
    result = watch(account(limit=None), GPU, 60.0, fault=lambda _, joules: joules * 1e-3).result(60.0)
    assert result.best is not None
    assert result.best.low <= GPU.truth(0, 60.0) <= (result.best.high or 0.0)


def test_a_counter_that_changes_its_unit_is_bridged_from_then_on() -> None:
    """As one does whose driver was exchanged: what it counted before stays counted."""

    def changed(at: float, joules: float) -> float:
        return joules if at < 30 else joules + 1e3 * (joules - GPU.joules(30.0))

    result = watch(account(limit=140.0), GPU, 60.0, fault=changed).result(60.0)
    assert result.best is not None
    assert result.best.method == "counter_bridged"
    assert result.best.joules == pytest.approx(GPU.truth(0, 60.0), rel=0.01)
    assert result.best.low <= GPU.truth(0, 60.0) <= (result.best.high or 0.0)


@pytest.mark.parametrize("power", [POWER, None])
@pytest.mark.parametrize("seconds", [60.0, 8 * 3600.0])
def test_a_device_that_was_off_while_its_machine_was_suspended_used_what_its_counter_says(
    seconds: float, power: PowerTraits | None
) -> None:
    """Next to nothing in all that time, which is less than any device at rest and no sign of another unit."""
    work = Waveform((square(4.0, 6.0, 1.7, begin=-3000.0, end=60.0), square(4.0, 6.0, 1.7, begin=60.0 + seconds)))
    gpu, end = VirtualGpu(waveform=work, **GB10), seconds + 120.0
    begun = account(limit=140.0, power=power)
    result = watch(begun, gpu, end, blind=(60.0, 60.3 + seconds), gauge=power is not None).result(end)
    assert result.best is not None
    assert result.best.gap_seconds == 0
    assert result.best.low <= gpu.truth(0, end) <= (result.best.high or 0.0) < 1.05 * gpu.truth(0, end)
    assert not any(WORDS in note for note in result.notes)


@pytest.mark.parametrize("power", [POWER, None])
@pytest.mark.parametrize("watts", [4.0, 70.0])
def test_short_steps_of_a_counter_of_unknown_refresh_are_no_sign_of_another_unit(
    watts: float, power: PowerTraits | None
) -> None:
    """Read each 20 ms to find out how often it is renewed, it shows little at a time, and no more was used."""
    gpu = VirtualGpu(waveform=Waveform((constant(watts),)), counter_refresh=0.02, **GB10)
    begun = EnergyAccount(counter=CounterTraits(refresh_seconds=None), power=power, limit_watts=10 * watts)
    for reading in range(1000):
        at = 0.003 + 0.02 * reading
        begun.add_counter(at, gpu.joules(at))
        if power is not None and reading % 25 == 0:
            begun.add_power(at, gpu.watts(at))
    result = begun.result(20.0)
    assert result.best is not None
    assert result.best.method == "counter"
    assert not any(WORDS in note for note in result.notes)


def test_bursts_above_the_limit_refute_no_counter() -> None:
    """A GPU may pass its power limit by half for seconds, and a step of its counter may hold a second more."""
    check = Check(slack_joules=0.0, allowed_joules=400.0)
    assert not check.forbids(2 * 600.0)
    assert check.forbids(1000 * 300.0)


def test_both_sensors_change_their_unit_at_once() -> None:
    """Joules for millijoules and milliwatts for watts from half-way on: what was seen until then is told."""
    begun = account(limit=140.0)
    for second in range(121):
        unit = 1.0 if second <= 60 else 1e3
        begun.add_power(float(second), unit * GPU.watts(second))
        begun.add_counter(float(second), GPU.joules(second) / unit)
    result = begun.result(120.0)
    assert result.best is not None
    assert GPU.truth(0, 50) < result.best.joules < GPU.truth(0, 70)
    assert result.best.low <= GPU.truth(0, 120.0)
    assert result.best.high is None or GPU.truth(0, 120.0) <= result.best.high
    assert any("the energy counter went back once" in note for note in result.notes)


@pytest.mark.parametrize(("limit", "unit"), [(140.0, 8.0), (None, 1e3)])
def test_a_counter_that_shows_throughout_what_no_such_device_draws_is_not_the_figure(
    limit: float | None, unit: float
) -> None:
    """Beside a gauge that stays within the limit it is the counter that is wrong; the limit bounds the interval."""
    result = watch(account(limit=limit), GPU, 60.0, fault=lambda _, joules: joules * unit).result(60.0)
    assert result.best is not None
    assert result.best.joules == pytest.approx(GPU.truth(0, 60.0), rel=0.01)
    assert result.best.method == "integrated_power"
    assert result.best.low <= GPU.truth(0, 60.0) <= (result.best.high or 0.0)
    assert (result.best.high or 0.0) <= 60.0 * (limit or 5000.0)
    multiple = "8.0 times" if limit else "1,000 times"
    words = f"the energy counter shows {multiple} as much as integrated power; the recording interval goes as far as"
    assert any(words in note for note in result.notes)


def test_without_a_gauge_limit_and_counter_may_either_be_wrong() -> None:
    """More than the device is said to be allowed, and nothing else tells: no figure of it, but room for it."""
    work = Waveform((constant(70.0, end=30.0), constant(230.0, begin=30.0)))
    gpu = VirtualGpu(waveform=work, **GB10)
    result = watch(account(limit=100.0, power=None), gpu, 60.0, gauge=False).result(60.0)
    assert result.best is not None
    assert result.best.gap_seconds > 25.0
    assert result.best.low <= gpu.truth(0, 60.0) <= (result.best.high or 0.0)
    assert any(WORDS in note for note in result.notes)
    assert not any("power readings" in note for note in result.notes)
