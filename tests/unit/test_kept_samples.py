"""The power readings that a driver keeps: used where they hold up, never where they do not. On a driven clock."""

from __future__ import annotations

from dataclasses import replace

import pytest
from driven import OPENED_AT, SIMULATED, MachineClock, measure, run, truth
from fault_checks import assert_holds, assert_sound

from cardcallback.record import Measurement
from cardcallback.recorder import Recorder, Recording
from cardcallback.sensors.nvml import open_nvml
from profiles import Fault, Profile, Samples, SamplesFault
from simulator import Simulation, calls, profile_named
from simulator_fixtures import Simulate
from waveforms import Waveform, constant

_SAMPLES, _POWER = "nvmlDeviceGetSamples", "nvmlDeviceGetPowerUsage"
_FROM, _UNTIL, _SECONDS = OPENED_AT + 30.0, OPENED_AT + 40.0, 90.0
_IN_USE, _GIVEN_UP = "that the driver keeps itself", "did not hold up"


def _machine(*faults: SamplesFault | Fault, **samples: object) -> Profile:
    """A GPU without a counter whose driver keeps its power readings."""
    found = profile_named("p100-samples")
    kept = Samples(faults=tuple(one for one in faults if isinstance(one, SamplesFault)), **samples)  # type: ignore[arg-type] - as given
    broken = tuple(one for one in faults if isinstance(one, Fault))
    device = found.devices[0]
    meters = {"usage": replace(device.meters["usage"], noise=0.2)}  # none repeats itself to the milliwatt
    return replace(found, devices=(replace(device, meters=meters, samples=kept),), faults=broken)


def _notes(recording: Recording) -> str:
    return " ".join(recording.notes)


def _measured_with_both_bounds(machine: Simulation) -> tuple[Recording, float]:
    """A sound recording whose interval holds the truth, and the share of the run that it covers."""
    recording = measure(machine, _SECONDS)
    energy = recording.energy.gpu
    assert_sound(recording)
    assert_holds(energy, truth(machine, _SECONDS))
    assert energy.recording_high is not None
    assert energy.coverage is not None
    return recording, energy.coverage


def _relative_width(energy: Measurement) -> float:
    assert energy.value is not None
    assert energy.recording_low is not None
    assert energy.recording_high is not None
    return (energy.recording_high - energy.recording_low) / energy.value


@pytest.mark.parametrize(
    "samples",
    [
        {},
        {"disordered": True},
        {"epoch": 0.0},
        {"period": 1 / 60},
        {"length": 40},
    ],
    ids=["plain", "disordered", "stamped since the start", "another period", "a short buffer"],
)
def test_what_the_driver_keeps_tells_the_energy(simulate: Simulate, samples: dict[str, object]) -> None:
    """Whatever clock stamps it and in whatever order: each sample counts, few calls are made, and it is told."""
    machine = simulate(_machine(**samples))
    recording = measure(machine, _SECONDS)
    energy = recording.energy.gpu
    assert_sound(recording)
    assert_holds(energy, truth(machine, _SECONDS))
    assert energy.value == pytest.approx(truth(machine, _SECONDS), rel=0.003)
    assert energy.coverage == 1.0
    assert _relative_width(energy) < 0.035
    assert energy.sampling_interval_seconds == pytest.approx(float(str(samples.get("period", 0.02))), rel=0.01)
    assert _IN_USE in _notes(recording)
    assert _GIVEN_UP not in _notes(recording)
    assert calls(_POWER) + calls(_SAMPLES) < 800  # 4,500 readings


def test_a_run_that_goes_on_is_known_to_its_end(simulate: Simulate) -> None:
    """Between two calls the latest samples are a second old: no gap, and an upper bound, in what is told meanwhile."""
    machine = simulate(_machine())
    machine.advance(OPENED_AT)
    recorder = Recorder(open_nvml(SIMULATED), clock=MachineClock(machine))
    for _ in range(20):
        run(recorder, machine, 1.375)
        energy = recorder.snapshot().energy.gpu
        assert energy.coverage == 1.0
        assert_holds(energy, machine.true_joules(OPENED_AT, machine.now_seconds()))
        assert energy.recording_high is not None
    recorder.stop()


@pytest.mark.parametrize(
    ("fault", "samples"),
    [
        (Fault(call=_SAMPLES, code=3), {}),
        (Fault(call=_SAMPLES, code=13), {}),
        (Fault(call=_SAMPLES, code=999, at=OPENED_AT + 0.5), {}),
        (Fault(call=_SAMPLES, code=6), {}),
        (Fault(call=_SAMPLES, frozen=True, at=OPENED_AT - 1.0), {}),
        (SamplesFault(kind="gain", at=0.0, amount=1.3), {}),
        (SamplesFault(kind="gain", at=0.0, amount=0.001), {}),
        (SamplesFault(kind="stuck", at=OPENED_AT), {}),
        (SamplesFault(kind="slow", at=-9e9, amount=50.0), {}),
        (SamplesFault(kind="slow", at=-9e9, amount=5.0), {}),
    ],
    ids=[
        *("refused", "an older driver", "errors", "for ever empty", "of before alone"),
        *("a third more", "watts for milliwatts", "one value", "one a second", "ten a second"),
    ],
)
def test_without_proof_single_readings_are_taken(
    simulate: Simulate, fault: SamplesFault | Fault, samples: dict[str, object]
) -> None:
    """Samples that are refused, empty, old, wrong or too rare are never used: the figure is that of a GPU without."""
    machine = simulate(_machine(fault, **samples))
    recording = measure(machine, _SECONDS)
    assert_sound(recording)
    assert_holds(recording.energy.gpu, truth(machine, _SECONDS))
    assert recording.energy.gpu.value == pytest.approx(truth(machine, _SECONDS), rel=0.005)
    assert recording.energy.gpu.coverage == 1.0
    assert _IN_USE not in _notes(recording)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (SamplesFault(kind="clock", at=_FROM, amount=3600.0), "their clock was set"),
        (SamplesFault(kind="clock", at=_FROM, amount=0.7), "their clock was set"),
        (SamplesFault(kind="clock", at=_FROM, amount=-3600.0), "no new ones came"),
        (SamplesFault(kind="stuck", at=_FROM, until=_UNTIL), "they differ from readings of our own"),
        (SamplesFault(kind="gain", at=_FROM, amount=0.5), "they differ from readings of our own"),
        (SamplesFault(kind="hole", at=_FROM, until=_UNTIL), "no new ones came"),
        (SamplesFault(kind="hole", at=_FROM, until=_FROM + 0.6), "they do not cover the time"),
        (SamplesFault(kind="slow", at=_FROM, until=_UNTIL, amount=5.0), "they lie too far apart"),
        (SamplesFault(kind="slow", at=_FROM, until=_UNTIL, amount=100.0), "no new ones came"),
        (Fault(call=_SAMPLES, frozen=True, at=_FROM, until=_UNTIL), "no new ones came"),
        (Fault(call=_SAMPLES, code=999, at=_FROM, until=_UNTIL), "the driver answered with an unknown error"),
        (Fault(call=_SAMPLES, code=3, at=_FROM), "not supported"),
    ],
)
def test_what_stops_holding_up_is_given_up(simulate: Simulate, fault: SamplesFault | Fault, why: str) -> None:
    """In mid-run: single readings take its place, the record says why, and what was lost is a gap of a few seconds."""
    machine = simulate(_machine(fault))
    recording, coverage = _measured_with_both_bounds(machine)
    assert coverage > 0.94
    assert recording.energy.gpu.value == pytest.approx(truth(machine, _SECONDS) * coverage, rel=0.03)
    assert f"did not hold up ({why}" in _notes(recording)


def test_what_holds_up_again_is_used_again(simulate: Simulate) -> None:
    """After errors of ten seconds the driver is asked for its samples again, and single readings end."""
    machine = simulate(_machine(Fault(call=_SAMPLES, code=999, at=_FROM, until=_UNTIL)))
    machine.advance(OPENED_AT)
    recorder = Recorder(open_nvml(SIMULATED), clock=MachineClock(machine))
    run(recorder, machine, 80.0)
    before = calls(_POWER)
    run(recorder, machine, 60.0)
    assert calls(_POWER) - before < 80
    assert_holds(recorder.stop().energy.gpu, machine.true_joules(OPENED_AT, machine.now_seconds()))


def test_what_was_lost_between_two_calls_is_a_gap(simulate: Simulate) -> None:
    """The thread is held up for ten seconds and the driver keeps two and a half: the rest is a gap, not a rectangle."""
    machine = simulate(_machine())
    recording = measure(machine, _SECONDS, meanwhile=lambda _clock, _recorder: machine.advance(10.0))
    energy = recording.energy.gpu
    assert_sound(recording)
    assert_holds(energy, truth(machine, _SECONDS))
    assert energy.longest_gap_seconds == pytest.approx(10.0 - 2.4, abs=1.1)
    assert energy.coverage == pytest.approx(1 - (energy.longest_gap_seconds or 0.0) / _SECONDS, abs=0.001)
    assert _GIVEN_UP not in _notes(recording)


@pytest.mark.parametrize("step", [0.0, -600.0], ids=["a clock that counts it", "a clock that does not"])
def test_a_machine_that_sleeps(simulate: Simulate, step: float) -> None:
    """Whether the clock of the samples goes on in it or not: it is a gap, and the interval holds."""
    half = OPENED_AT + _SECONDS / 2
    machine = simulate(_machine(SamplesFault(kind="clock", at=half + 1.0, amount=step)))
    recording = measure(machine, _SECONDS + 600.0, meanwhile=lambda clock, _recorder: clock.suspend(600.0))
    energy = recording.energy.gpu
    assert_sound(recording)
    assert_holds(energy, truth(machine, _SECONDS + 600.0))
    assert energy.longest_gap_seconds == pytest.approx(600.0, abs=3.0)


def test_a_gpu_that_is_lost_is_not_asked_for_samples(simulate: Simulate) -> None:
    """It falls off the bus for half a minute: a gap as of any GPU, and its samples are used again when it is back."""
    machine = simulate(_machine(Fault(call="*", code=15, at=_FROM, until=_FROM + 30.0)))
    recording = measure(machine, _SECONDS)
    energy = recording.energy.gpu
    assert_sound(recording)
    assert_holds(energy, truth(machine, _SECONDS))
    assert energy.longest_gap_seconds == pytest.approx(30.0, abs=6.0)


@pytest.mark.parametrize(
    ("milliseconds", "seconds", "error"), [(1.0, 60.0, 0.02), (20.0, 60.0, 0.1), (20.0, 900.0, 0.02)]
)
def test_a_slow_driver_is_asked_for_more_at_once(
    simulate: Simulate, milliseconds: float, seconds: float, error: float
) -> None:
    """Where calls are too dear to miss nothing: the mean of seconds stands for what lies between, not a moment."""
    names = (_SAMPLES, _POWER, "nvmlDeviceGetTemperature", "nvmlDeviceGetClockInfo", "nvmlDeviceGetUtilizationRates")
    machine = simulate(_machine(*(Fault(call=name, seconds=milliseconds / 1e3) for name in names)))
    recording = measure(machine, seconds)
    energy = recording.energy.gpu
    assert_sound(recording)
    assert_holds(energy, truth(machine, seconds))
    assert energy.value == pytest.approx(truth(machine, seconds), rel=error)
    assert energy.coverage == 1.0
    asked_seconds = (calls(_SAMPLES) + calls(_POWER)) * milliseconds / 1e3
    # A young run spends early what it pays back within a quarter of an hour.
    assert asked_seconds < 0.001 * max(seconds, 240.0) + 20 * milliseconds / 1e3


def test_whoever_says_how_often_gets_single_readings(simulate: Simulate) -> None:
    """With an interval of the person's own the driver is not asked for more than that."""
    machine = simulate(_machine())
    machine.advance(OPENED_AT)
    recorder = Recorder(open_nvml(SIMULATED), clock=MachineClock(machine), sampling_interval_seconds=0.5)
    run(recorder, machine, 60.0)
    assert calls(_SAMPLES) == 2  # when it was opened: the binding asks for the size first
    assert _IN_USE not in _notes(recorder.stop())


def test_a_gpu_with_a_counter_is_not_asked_for_samples(simulate: Simulate) -> None:
    """Whatever its driver keeps: the counter misses nothing."""
    found = profile_named("v100")
    machine = simulate(replace(found, devices=(replace(found.devices[0], samples=Samples()),)))
    measure(machine, 30.0)
    assert calls(_SAMPLES) == 0


def test_several_gpus_have_one_share(simulate: Simulate) -> None:
    """Four of them, whose calls cost a millisecond: each is read as often as all together may be."""
    one = _machine().devices[0]
    devices = tuple(
        replace(
            one,
            uuid=f"GPU-{place}",
            numbers=dict(one.numbers) | {"pci_bus": place},
            waveform=Waveform((*one.waveform.segments, constant(1.357 * place))),  # no two of them draw the same
        )
        for place in range(1, 5)
    )
    slow = tuple(Fault(call=name, seconds=0.001) for name in (_SAMPLES, _POWER))
    machine = simulate(Profile(name="four", devices=devices, faults=slow))
    recording = measure(machine, 300.0)
    assert_sound(recording)
    for place, found in enumerate(recording.accelerators):
        true_joules = machine.true_joules(OPENED_AT, OPENED_AT + 300.0, device=place)
        assert_holds(found.energy, true_joules)
        assert found.energy.value == pytest.approx(true_joules, rel=0.02)
    assert (calls(_SAMPLES) + calls(_POWER)) * 0.001 < 0.001 * 300.0 + 4 * 20 * 0.001


@pytest.mark.parametrize(
    "fault",
    [
        Fault(call=_SAMPLES, code=999, at=OPENED_AT + _SECONDS - 0.05),
        SamplesFault(kind="clock", at=OPENED_AT + _SECONDS - 0.05, amount=3600.0),
    ],
    ids=["an error", "a clock that is set"],
)
def test_what_fails_with_the_last_call_leaves_an_upper_bound(simulate: Simulate, fault: SamplesFault | Fault) -> None:
    """A single reading takes its place at once: what was lost is a gap that ends before the run does."""
    machine = simulate(_machine(fault))
    _, coverage = _measured_with_both_bounds(machine)
    assert coverage > 0.97


def test_single_readings_after_a_loss_are_no_gaps(simulate: Simulate) -> None:
    """Calls of 0.4 ms, for which single readings lie half a second apart: the loss alone is a gap."""
    slow = tuple(Fault(call=name, seconds=0.0004) for name in (_SAMPLES, _POWER))
    machine = simulate(_machine(Fault(call="*", code=15, at=_FROM, until=_FROM + 30.0), *slow))
    recording = measure(machine, _SECONDS)
    energy = recording.energy.gpu
    assert_sound(recording)
    assert_holds(energy, truth(machine, _SECONDS))
    assert energy.coverage == pytest.approx(1 - (energy.longest_gap_seconds or 0.0) / _SECONDS, abs=0.003)


def test_what_was_kept_before_training_says_nothing_of_the_clock(simulate: Simulate) -> None:
    """An idle GPU's newest sample was old when it was first asked: that those of the work are not is no new clock."""
    machine = simulate(_machine(SamplesFault(kind="slow", at=-9e9, until=OPENED_AT + 0.01, amount=37.0)))
    recording = measure(machine, 20.0)
    assert_holds(recording.energy.gpu, truth(machine, 20.0))
    assert _IN_USE in _notes(recording)
    assert calls(_POWER) < 320  # fifty a second until they are used
