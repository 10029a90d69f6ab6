"""GPUs that are lost, and mostly come back, on a driven clock."""

from __future__ import annotations

from dataclasses import replace

import pytest
from driven import OPENED_AT, SIMULATED, MachineClock, measure, run, truth
from fault_checks import assert_holds, assert_sound, assert_told
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nvml_machines import with_faults

from cardcallback.recorder import Recorder
from cardcallback.recorder.budget import DRIVER_SHARE
from cardcallback.sensors.nvml import open_nvml
from profiles import Counter, CounterFault, Fault, Loss
from simulator import calls, profile_named
from simulator_fixtures import Simulate


def test_a_gpu_that_comes_back_is_measured_on(simulate: Simulate) -> None:
    """Ten seconds away, its counter at zero again: a gap, one note about it, and the rest is right."""
    machine = simulate("gb10-back")
    recording = measure(machine, 60.0)
    energy = recording.energy.gpu
    assert_sound(recording)
    assert_holds(energy, truth(machine, 60.0))
    assert energy.coverage == pytest.approx(49 / 60, abs=0.05)
    assert energy.value == pytest.approx(truth(machine, 60.0) * 49 / 60, rel=0.1)
    (note,) = [one for one in recording.notes if "was lost" in one]
    assert note.startswith("The GPU was lost after 10 s (the GPU has fallen off the bus) and came back after ")
    assert recording.accelerators[0].highest_temperature.value is not None


def test_a_young_counter_that_is_ahead_after_a_loss_proves_nothing(simulate: Simulate) -> None:
    """It may be a new one that has overtaken its last value: the time without readings is a gap."""
    restarts = (CounterFault(kind="reset", at=11.0), CounterFault(kind="reset", at=20.5))
    machine = simulate(with_faults("gb10", losses=(Loss(at=20.0, until=30.0),), counter=Counter(faults=restarts)))
    recording = measure(machine, 120.0)
    energy = recording.energy.gpu
    assert_sound(recording)
    assert_holds(energy, truth(machine, 120.0))
    assert energy.coverage == pytest.approx(1 - 11 / 120, abs=0.03)
    assert energy.longest_gap_seconds == pytest.approx(11, abs=1)


def test_a_counter_far_ahead_of_what_a_loss_can_have_used_went_on(simulate: Simulate) -> None:
    """It shows more than the GPU can have used since it was lost, so that it was never at zero: nothing is missing."""
    losses = (Loss(at=20.0, until=30.0),)
    machine = simulate(with_faults("gb10", losses=losses, counter=Counter(offset=5e4)))
    recording = measure(machine, 120.0)
    energy = recording.energy.gpu
    assert_sound(recording)
    assert energy.coverage == 1.0
    assert energy.value == pytest.approx(truth(machine, 120.0), rel=0.005)
    assert_holds(energy, truth(machine, 120.0))
    assert any("was lost" in note for note in recording.notes)


@pytest.mark.parametrize("stale", [15, 2, 6, 28])
def test_handles_from_before_a_loss_are_given_up(simulate: Simulate, stale: int) -> None:
    """Whatever an old handle answers after the GPU is back, it is looked up by its UUID and read again."""
    counter = Counter(faults=(CounterFault(kind="reset", at=25.0),))
    machine = simulate(with_faults("gb10", losses=(Loss(at=20.0, until=25.0, stale=stale),), counter=counter))
    recording = measure(machine, 60.0)
    assert_holds(recording.energy.gpu, truth(machine, 60.0))
    assert recording.energy.gpu.coverage is not None
    assert 0.75 < recording.energy.gpu.coverage < 1
    assert recording.energy.gpu.recording_high is not None


def test_a_gpu_that_flaps_leaves_one_note(simulate: Simulate) -> None:
    """Lost eight times: one sentence with the number and the sum, however often."""
    losses = tuple(Loss(at=15.0 + 10 * place, until=17.0 + 10 * place) for place in range(8))
    counter = Counter(faults=tuple(CounterFault(kind="reset", at=loss.until) for loss in losses))
    machine = simulate(with_faults("gb10", losses=losses, counter=counter))
    recording = measure(machine, 120.0)
    assert_holds(recording.energy.gpu, truth(machine, 120.0))
    (note,) = [one for one in recording.notes if "was lost" in one]
    assert note.startswith("The GPU was lost 8 times, first after 5.0 s")


def test_a_lost_gpu_is_asked_rarely(simulate: Simulate) -> None:
    """An hour without a GPU: a lookup every 5 s, not one for each reading that is missing."""
    machine = simulate("gb10-lost")
    machine.advance(OPENED_AT)
    recorder = Recorder(open_nvml(SIMULATED), clock=MachineClock(machine))
    run(recorder, machine, 15.0)
    made = calls("nvmlDeviceGetHandleByUUID")
    run(recorder, machine, 3600.0)
    recording = recorder.stop()
    # A lookup that gets as far as the device counts there too.
    assert calls("nvmlDeviceGetHandleByUUID") - made <= 2 * (12 * 60 + 5)
    assert recording.energy.gpu.recording_high is None
    assert recording.energy.gpu.coverage is not None
    assert recording.energy.gpu.coverage < 0.01
    assert "what it used since is not measured" in " ".join(recording.notes)


@pytest.mark.parametrize("code", [15, 16, 18, 28])
@pytest.mark.parametrize("call", ["TotalEnergyConsumption", "FieldValues"])
def test_a_call_that_says_the_gpu_is_lost_does_not_silence_the_others(simulate: Simulate, call: str, code: int) -> None:
    """From half-way on only one of its calls says so: the other sensor tells the rest, and nothing is missing."""
    machine = simulate(with_faults("h100", Fault(call=f"nvmlDeviceGet{call}", code=code, at=OPENED_AT + 60.0)))
    recording = measure(machine, 120.0)
    energy = recording.energy.gpu
    assert_sound(recording)
    assert_holds(energy, truth(machine, 120.0))
    assert energy.coverage == 1.0
    assert energy.value == pytest.approx(truth(machine, 120.0), rel=0.005)
    assert any("readings failed" in note for note in recording.notes)


def test_slow_lookups_of_a_lost_gpu_cost_no_more_than_others(simulate: Simulate) -> None:
    """A lost GPU whose calls take 2 s each: over a day its share of the driver's time, the first ones aside.

    They are each as late as the calls before have been slow: a dozen and a half until that is the share.
    """
    slow = Fault(call="*", code=15, seconds=2.0, at=20.0)
    machine = simulate(with_faults("gb10", slow))
    machine.advance(OPENED_AT)
    recorder = Recorder(open_nvml(SIMULATED), clock=MachineClock(machine))
    run(recorder, machine, 86400.0)
    asked = sum(calls(f"nvmlDeviceGet{name}") for name in ("HandleByUUID", "HandleByIndex"))
    assert asked > 10
    assert 2.0 * asked <= 2 * DRIVER_SHARE * 86400 + 2 * 20 * 2.0
    assert_sound(recorder.stop())


def test_the_other_gpus_go_on_while_one_is_away(simulate: Simulate) -> None:
    """One of eight is lost and comes back: the sum has its gap and no more."""
    profile = profile_named("h100x8")
    counter = Counter(faults=(CounterFault(kind="reset", at=30.0),))
    lost = replace(profile.devices[3], losses=(Loss(at=20.0, until=30.0, stale=2),), counter=counter)
    machine = simulate(replace(profile, devices=(*profile.devices[:3], lost, *profile.devices[4:])))
    recording = measure(machine, 60.0)
    assert_holds(recording.energy.gpu, truth(machine, 60.0, devices=8))
    assert [one.energy.coverage == 1.0 for one in recording.accelerators] == [True] * 3 + [False] + [True] * 4
    assert any(note.startswith("GPU 3 was lost after 10 s") and "came back" in note for note in recording.notes)
    assert [one.number for one in recording.accelerators] == list(range(8))


def test_each_gpu_keeps_the_number_that_notes_give_it(simulate: Simulate) -> None:
    """One was gone before the run began: the card's lines of the others are not moved up onto its number."""
    machine = simulate(with_faults("h100x8", Fault(call="*", code=15, device=3)))
    recording = measure(machine, 30.0)
    assert [one.number for one in recording.accelerators] == [0, 1, 2, 4, 5, 6, 7]


_LENGTHS = st.lists(st.tuples(st.floats(0.05, 40.0), st.floats(0.05, 40.0)), min_size=1, max_size=3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    lengths=_LENGTHS,
    stale=st.sampled_from([15, 2, 6]),
    restarts=st.booleans(),
    profile=st.sampled_from(["gb10", "h100", "rtx4090", "p100"]),
)
def test_any_losses(
    simulate: Simulate,
    lengths: list[tuple[float, float]],
    stale: int,
    restarts: bool,  # noqa: FBT001 - a case
    profile: str,
) -> None:
    """Lost at any moments, the counter starting anew or not: the interval holds, and a lost end has no top."""
    losses, at = [], OPENED_AT + 1
    for here, away in lengths:
        losses.append(Loss(at=at + here, until=at + here + away, stale=stale))
        at = losses[-1].until
    device = profile_named(profile).devices[0]
    resets = tuple(CounterFault(kind="reset", at=loss.until - 0.02) for loss in losses) if restarts else ()
    counter = None if device.counter is None else replace(device.counter, faults=resets)
    machine = simulate(with_faults(profile, losses=tuple(losses), counter=counter))
    machine.advance(OPENED_AT)
    recorder = Recorder(open_nvml(SIMULATED), clock=MachineClock(machine))
    run(recorder, machine, 90.0)
    recording = recorder.stop()
    assert_sound(recording)
    assert_told(recorder, recording)
    energy = recording.energy.gpu
    assert_holds(energy, truth(machine, 90.0))
    if losses[-1].at < OPENED_AT + 85 and losses[-1].until > OPENED_AT + 90:
        assert energy.recording_high is None
        assert energy.coverage is None or energy.coverage < 1
