"""What a counter does while nobody watches, and right after, on a driven clock."""

from __future__ import annotations

from dataclasses import replace

import pytest
from driven import OPENED_AT, MachineClock, measure, truth
from fault_checks import assert_holds, assert_sound

from cardcallback.recorder import Recorder, Recording
from profiles import Counter, CounterFault, Profile
from simulator import Simulation, calls, profile_named
from simulator_fixtures import Simulate

_ENERGY = "nvmlDeviceGetTotalEnergyConsumption"
_SECONDS = 120.0
_PAUSE_SECONDS = 30.0
_PAUSED_AT = OPENED_AT + _SECONDS / 2
_BACK_AT = _PAUSED_AT + _PAUSE_SECONDS


def machine_with(name: str, *faults: CounterFault) -> Profile:
    """The named machine, its counter with faults."""
    found = profile_named(name)
    device = found.devices[0]
    counter = replace(device.counter or Counter(), faults=faults)
    return replace(found, devices=(replace(device, counter=counter),))


def paused(machine: Simulation) -> Recording:
    """Two minutes in which all threads of the process stand still for half a minute."""

    def pause(_clock: MachineClock, _recorder: Recorder) -> None:
        machine.advance(_PAUSE_SECONDS)

    recording = measure(machine, _SECONDS, meanwhile=pause)
    assert_sound(recording)
    assert_holds(recording.energy.gpu, truth(machine, recording.duration_seconds))
    return recording


@pytest.mark.parametrize("profile", ["gb10", "h100", "v100"])
@pytest.mark.parametrize("still_seconds", [0.6, 1.1, 2.0])
def test_a_counter_that_stood_still_within_a_pause(simulate: Simulate, profile: str, still_seconds: float) -> None:
    """It stopped in the middle of the pause and goes on a moment after it: what it lost is a gap."""
    stopped, until = _PAUSED_AT + _PAUSE_SECONDS / 2, _BACK_AT + still_seconds
    work = profile_named(profile).devices[0].waveform
    faults = (
        CounterFault(kind="stuck", at=stopped, until=until),
        CounterFault(kind="step", at=until, amount=-work.energy_joules(stopped, until)),
    )
    recording = paused(simulate(machine_with(profile, *faults)))
    assert recording.energy.gpu.coverage is not None
    assert recording.energy.gpu.coverage < 0.8


@pytest.mark.parametrize("profile", ["gb10", "h100", "v100"])
@pytest.mark.parametrize("still_seconds", [0.6, 1.1, 2.0])
def test_a_counter_that_catches_up_after_a_pause(simulate: Simulate, profile: str, still_seconds: float) -> None:
    """It showed an old value for a moment and then all that was used: nothing is missing."""
    until = _BACK_AT + still_seconds
    stuck = CounterFault(kind="stuck", at=_PAUSED_AT + _PAUSE_SECONDS / 2, until=until)
    machine = simulate(machine_with(profile, stuck))
    recording = paused(machine)
    assert recording.energy.gpu.value == pytest.approx(truth(machine, recording.duration_seconds), rel=0.005)
    assert recording.energy.gpu.coverage == 1.0


def test_a_step_in_a_pause_that_the_device_cannot_have_used(simulate: Simulate) -> None:
    """Far above all that was seen before and after, though its limit would allow it: the pause is a gap."""
    step = CounterFault(kind="step", at=_BACK_AT - 1.0, amount=2500.0)
    recording = paused(simulate(machine_with("gb10", step)))
    assert recording.energy.gpu.coverage == pytest.approx(1 - _PAUSE_SECONDS / _SECONDS, abs=0.02)
    assert any("differed once" in note for note in recording.notes)


@pytest.mark.parametrize("profile", ["gb10", "h100", "v100"])
def test_a_sound_counter_bridges_a_pause(simulate: Simulate, profile: str) -> None:
    """Read closely for a moment afterwards, it is believed, and the driver is not asked much oftener for it."""
    machine = simulate(profile)
    recording = paused(machine)
    assert recording.energy.gpu.value == pytest.approx(truth(machine, recording.duration_seconds), rel=0.005)
    assert recording.energy.gpu.coverage == 1.0
    assert calls(_ENERGY) < _SECONDS - _PAUSE_SECONDS + 130
