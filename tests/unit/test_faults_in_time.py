"""Faults whose moment matters, on a driven clock: stale and absurd values, withdrawn and slow calls, suspend."""

from __future__ import annotations

import pynvml  # noqa: TID251 - a test plays another library that uses NVML in the same process
import pytest
from driven import OPENED_AT, SIMULATED, MachineClock, measure, run, truth
from fault_checks import assert_holds, assert_sound, assert_told
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nvml_machines import with_faults

from cardcallback.recorder import Recorder, Recording
from cardcallback.sensors.nvml import open_nvml
from profiles import ALL_ONES, Fault
from simulator import calls
from simulator_fixtures import Simulate

_POWER = ("nvmlDeviceGetFieldValues#185.0", "nvmlDeviceGetFieldValues#186.0", "nvmlDeviceGetPowerUsage")
_ENERGY = "nvmlDeviceGetTotalEnergyConsumption"


def _notes(recording: Recording) -> str:
    return " ".join(recording.notes)


def test_power_that_is_withdrawn_in_mid_run_costs_one_reading(simulate: Simulate) -> None:
    """A GPU without a counter whose power field is gone half-way: the plain call takes over, and the record says so."""
    gone = Fault(call="nvmlDeviceGetFieldValues", code=3, at=OPENED_AT + 30.0)
    machine = simulate(with_faults("gb10", gone, counter=None))
    recording = measure(machine, 60.0)
    energy = recording.energy.gpu
    assert_sound(recording)
    assert_holds(energy, truth(machine, 60.0))
    assert energy.coverage == 1.0
    assert energy.value == pytest.approx(truth(machine, 60.0), rel=0.01)
    assert "nvml:power_average: 1 of " in _notes(recording)
    assert "nvml:power_usage, which means the same, is read from then on" in _notes(recording)


def test_gpus_are_followed_by_uuid_when_nvml_is_started_again(simulate: Simulate) -> None:
    """Somebody shuts NVML down once too often, again and again: every GPU stays itself, and no reading is lost."""
    machine = simulate("multi-gpu-reordered")
    machine.advance(OPENED_AT)
    recorder = Recorder(open_nvml(SIMULATED), clock=MachineClock(machine))
    for _ in range(10):
        run(recorder, machine, 6.0)
        pynvml.nvmlShutdown()
    recording = recorder.stop()
    for index, one in enumerate(recording.accelerators):
        begin, end = OPENED_AT, OPENED_AT + 60.0
        assert one.energy.value == pytest.approx(machine.true_joules(begin, end, device=index), rel=0.005)
        assert one.energy.coverage == 1.0
    assert not any("failed" in note for note in recording.notes)


@pytest.mark.parametrize("profile", ["gb10", "h100", "p100"])
@pytest.mark.parametrize("value", [0, 2**32 - 1, ALL_ONES, 11_000_000])
def test_readings_that_cannot_be_are_refused(simulate: Simulate, profile: str, value: int) -> None:
    """Nought, all ones and eleven kilowatts for ten seconds: refused, told, and what can be known is known."""
    faults = tuple(Fault(call=call, value=value, at=30.0, until=40.0) for call in _POWER)
    machine = simulate(with_faults(profile, *faults))
    machine.advance(OPENED_AT)
    recorder = Recorder(open_nvml(SIMULATED), clock=MachineClock(machine))
    run(recorder, machine, 60.0)
    recording = recorder.stop()
    assert_sound(recording)
    assert_told(recorder, recording)
    assert_holds(recording.energy.gpu, truth(machine, 60.0))
    assert "readings failed" in _notes(recording)
    assert recording.energy.gpu_integrated.coverage is not None
    assert recording.energy.gpu_integrated.coverage < 0.9


@pytest.mark.parametrize("value", [0, 2**32 - 1, ALL_ONES, 10**16])
def test_counter_values_that_cannot_be_are_refused(simulate: Simulate, value: int) -> None:
    """A counter that answers nonsense for ten seconds costs those readings and nothing of the energy."""
    machine = simulate(with_faults("gb10", Fault(call=_ENERGY, value=value, at=30.0, until=40.0)))
    recording = measure(machine, 60.0)
    assert_sound(recording)
    assert recording.energy.gpu.value == pytest.approx(truth(machine, 60.0), rel=0.005)
    assert "total_energy_consumption" in _notes(recording)


@pytest.mark.parametrize("value", [200, 8_000_000])
@pytest.mark.parametrize("profile", ["p100", "h100"])
def test_power_in_another_unit_is_no_power(simulate: Simulate, profile: str, value: int) -> None:
    """Watts, or millionths of an idle GPU, where thousandths belong: no figure a thousand times off, but why."""
    machine = simulate(with_faults(profile, *(Fault(call=call, value=value) for call in _POWER)))
    recording = measure(machine, 60.0)
    assert_sound(recording)
    assert_holds(recording.energy.gpu, truth(machine, 60.0))
    assert recording.energy.gpu_integrated.value is None
    assert "another unit" in f"{_notes(recording)} {recording.energy.gpu_integrated.reason}"


@pytest.mark.parametrize("call", [_ENERGY, *_POWER[:1]])
def test_a_value_that_stands_still_is_not_believed(simulate: Simulate, call: str) -> None:
    """Counter or gauge repeats one stale value for half a minute: the other one tells, and the interval holds."""
    machine = simulate(with_faults("gb10", Fault(call=call, frozen=True, at=30.0, until=60.0)))
    recording = measure(machine, 90.0)
    assert_sound(recording)
    assert_holds(recording.energy.gpu, truth(machine, 90.0))
    assert recording.energy.gpu.value == pytest.approx(truth(machine, 90.0), rel=0.02)


@pytest.mark.parametrize("seconds", [30.0, 3600.0, 86400.0])
def test_a_machine_that_sleeps(simulate: Simulate, seconds: float) -> None:
    """Suspend is in the duration and named; the counter, which went on, tells the energy, and bounds hold."""
    machine = simulate("gb10")
    machine.advance(OPENED_AT)
    clock = MachineClock(machine)
    recorder = Recorder(open_nvml(SIMULATED), clock=clock)
    run(recorder, machine, 40.0)
    clock.suspend(seconds)
    run(recorder, machine, 40.0)
    recording = recorder.stop()
    assert_sound(recording)
    assert recording.suspended_seconds == pytest.approx(seconds)
    assert recording.duration_seconds == pytest.approx(80.0 + seconds, abs=1)
    assert_holds(recording.energy.gpu, truth(machine, recording.duration_seconds))
    assert recording.energy.gpu_integrated.coverage == pytest.approx(80 / (80 + seconds), abs=0.05)


@pytest.mark.parametrize(
    ("profile", "milliseconds", "list_milliseconds"),
    [("gb10", 0.1, 4.5), ("gb10", 5.0, 50.0), ("h100x8", 0.1, 4.5), ("h100x8", 2.0, 20.0), ("p100", 1.0, 4.5)],
)
def test_driver_time_stays_a_thousandth(
    simulate: Simulate, profile: str, milliseconds: float, list_milliseconds: float
) -> None:
    """One GPU or eight, quick or slow, once the calls' cost is known: a thousandth of half an hour in the driver."""
    lists = [f"nvmlDeviceGet{kind}RunningProcesses" for kind in ("Compute", "Graphics")]
    quick = ("FieldValues", "PowerUsage", "TotalEnergyConsumption", "Temperature", "ClockInfo")
    quick = (*quick, "CurrentClocksEventReasons", "UtilizationRates")
    costs = {f"nvmlDeviceGet{call}": milliseconds / 1e3 for call in quick}
    costs |= dict.fromkeys(lists, list_milliseconds / 2e3)  # the binding asks twice: for the size, then for the list
    machine = simulate(with_faults(profile, *(Fault(call=call, seconds=cost) for call, cost in costs.items())))
    machine.advance(OPENED_AT)
    sensors = open_nvml(SIMULATED)
    begin = machine.now_seconds()
    recorder = Recorder(sensors, clock=MachineClock(machine))
    run(recorder, machine, 120.0)
    made, settled = {call: calls(call) for call in costs}, machine.now_seconds()
    run(recorder, machine, 1800.0)
    busy = sum((calls(call) - made[call]) * cost for call, cost in costs.items())
    # Of what is asked every ten minutes one more may fall into the time.
    assert busy <= 0.001 * (machine.now_seconds() - settled) + 2 * len(sensors.devices) * list_milliseconds / 1e3
    recording = recorder.stop()
    assert_sound(recording)
    devices = len(sensors.devices)
    assert_holds(recording.energy.gpu, truth(machine, recording.duration_seconds, devices=devices, begin=begin))


@pytest.mark.parametrize("profile", ["gb10", "h100"])
def test_a_driver_that_is_slow_throughout_is_read_rarely_and_still_counts(simulate: Simulate, profile: str) -> None:
    """Every call takes 1.5 s: too late to say when it was true to the second, which over two hours is little."""
    machine = simulate(with_faults(profile, Fault(call="*", seconds=1.5)))
    machine.advance(OPENED_AT)
    sensors = open_nvml(SIMULATED)
    recorder, begin = Recorder(sensors, clock=MachineClock(machine)), machine.now_seconds()
    run(recorder, machine, 7200.0)
    recording = recorder.stop()
    assert_sound(recording)
    energy, true_joules = recording.energy.gpu, truth(machine, recording.duration_seconds, begin=begin)
    assert_holds(energy, true_joules)
    assert energy.value == pytest.approx(true_joules, rel=0.02)
    assert energy.recording_high is not None
    assert energy.recording_high - true_joules > 1.5 / 7200 * true_joules


def test_process_lists_once_a_minute(simulate: Simulate) -> None:
    """Eight GPUs for half an hour: each list about once a minute, whatever else is read."""
    machine = simulate("h100x8")
    measure(machine, 1800.0)
    # Twice in the binding; one more soon after the begin, one at the end, one when opened.
    assert calls("nvmlDeviceGetComputeRunningProcesses") <= 2 * 8 * (30 + 3)


_FAULTS = st.builds(
    lambda call, at, length, **what: Fault(call=call, at=at, until=at + length, **what),
    call=st.sampled_from(["*", _ENERGY, "nvmlDeviceGetFieldValues", *_POWER[:1], "nvmlDeviceGetClockInfo"]),
    at=st.floats(12.0, 80.0),
    length=st.floats(0.05, 60.0),
    code=st.sampled_from([1, 2, 3, 9, 10, 13, 15, 16, 17, 25, 26, 27, 999]),
    seconds=st.sampled_from([0.0, 0.0, 0.001, 0.3, 2.0]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(faults=st.lists(_FAULTS, min_size=1, max_size=5), profile=st.sampled_from(["gb10", "h100", "rtx4090", "p100"]))
def test_any_mixture_of_errors(simulate: Simulate, faults: list[Fault], profile: str) -> None:
    """Errors and slow calls at any moments and of any lengths: nothing raised, all told, the interval holds."""
    machine = simulate(with_faults(profile, *faults))
    machine.advance(OPENED_AT)
    recorder = Recorder(open_nvml(SIMULATED), clock=MachineClock(machine))
    begin = machine.now_seconds()
    run(recorder, machine, 90.0)
    recording = recorder.stop()
    assert_sound(recording)
    assert_told(recorder, recording)
    assert_holds(recording.energy.gpu, truth(machine, recording.duration_seconds, begin=begin))
