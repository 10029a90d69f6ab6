"""Every NVML error code on every call we make, from the start, for a while, and for ever; on a driven clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from driven import OPENED_AT, SIMULATED, MachineClock, run, truth
from fault_checks import assert_holds, assert_sound, assert_told

from cardcallback.recorder import Recorder, Recording
from cardcallback.sensors.nvml import open_nvml, reset_nvml
from profiles import Fault, Profile
from simulator import Simulation, profile_named
from simulator_fixtures import Simulate

_SECONDS = 40.0
_CODES = (*range(1, 31), 999)
_AT_INIT = ("nvmlInit", "nvmlDeviceGetCount")
_NOT_NEEDED = ("nvmlSystemGetDriverVersion", "nvmlDeviceGetName", "nvmlDeviceGetUUID", "nvmlDeviceGetMemoryInfo")
# Asked when a device is opened; the last four are asked then only because what comes before them fails.
_WHEN_OPENED = (
    "nvmlDeviceGetHandleByIndex",
    "nvmlDeviceGetName",
    "nvmlDeviceGetUUID",
    "nvmlDeviceGetCudaComputeCapability",
    "nvmlDeviceGetArchitecture",
    "nvmlDeviceGetMemoryInfo",
    "nvmlDeviceGetEnforcedPowerLimit",
    "nvmlDeviceGetMigMode",
    "nvmlDeviceGetFieldValues#186.0",
    "nvmlDeviceGetPowerUsage",
    "nvmlDeviceGetTemperature",
    "nvmlDeviceGetCurrentClocksThrottleReasons",
)
_WHILE_MEASURING = (
    "*",
    "nvmlDeviceGetFieldValues",
    "nvmlDeviceGetFieldValues#185.0",
    "nvmlDeviceGetTotalEnergyConsumption",
    "nvmlDeviceGetComputeRunningProcesses",
    "nvmlDeviceGetTemperatureV",
    "nvmlDeviceGetClockInfo",
    "nvmlDeviceGetCurrentClocksEventReasons",
)
_LOOKING_UP = ("nvmlDeviceGetHandleByUUID", "nvmlDeviceGetUUID")
# Times on the machine's clock: sensors are opened, and the session begins, at 10 s.
_WHEN = {
    "from the start": (-1e9, 1e9),
    "while it opens": (-1e9, OPENED_AT + 3),
    "for a while": (OPENED_AT + 10, OPENED_AT + 20),
    "for ever": (OPENED_AT + 20, 1e9),
}
_OPENING = ("from the start", "while it opens")
_CASES = [(call, when) for call in _WHEN_OPENED for when in _OPENING]
_CASES += [(call, when) for call in _WHILE_MEASURING for when in _WHEN]
_LOST = {15, 16, 18, 28}


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    yield
    reset_nvml()


def _recorded(machine: Simulation) -> tuple[Recorder, Recording]:
    machine.advance(OPENED_AT)
    recorder = Recorder(open_nvml(SIMULATED), clock=MachineClock(machine))
    run(recorder, machine, _SECONDS)
    return recorder, recorder.stop()


def _with(profile: str, *faults: Fault) -> Profile:
    return replace(profile_named(profile), faults=faults)


@pytest.mark.parametrize("call", _AT_INIT)
def test_a_driver_that_does_not_start(simulate: Simulate, call: str) -> None:
    """Any code at the start is a reason in every figure of the GPU, and nothing else."""
    for code in _CODES:
        _, recording = _recorded(simulate(_with("gb10", Fault(call=call, code=code))))
        assert_sound(recording)
        assert recording.energy.gpu.value is None
        assert recording.energy.gpu.reason


@pytest.mark.parametrize("call", _NOT_NEEDED)
def test_a_driver_that_does_not_describe_itself(simulate: Simulate, call: str) -> None:
    """What only describes the driver or the device costs no energy, whatever it answers."""
    for code in _CODES:
        machine = simulate(_with("gb10", Fault(call=call, code=code)))
        _, recording = _recorded(machine)
        assert_sound(recording)
        energy = recording.energy.gpu
        assert energy.coverage == 1.0, code
        assert energy.value == pytest.approx(truth(machine, _SECONDS), rel=0.005), code


@pytest.mark.parametrize(("call", "when"), _CASES)
def test_any_error_of_any_call(simulate: Simulate, call: str, when: str) -> None:
    """Nothing is raised, the interval holds, what was lost is told, and a lost end is never made up for."""
    begin, end = _WHEN[when]
    for code in _CODES:
        machine = simulate(_with("gb10", Fault(call=call, code=code, at=begin, until=end)))
        recorder, recording = _recorded(machine)
        assert_sound(recording)
        assert_told(recorder, recording)
        energy = recording.energy.gpu
        assert_holds(energy, truth(machine, _SECONDS))
        if call == "*" and when == "for ever":
            assert energy.coverage is not None
            assert energy.coverage < 0.55, code
            assert energy.recording_high is None, code
            assert ("was lost" in " ".join(recording.notes)) == (code in _LOST), code
        if call == "*" and when == "for a while":
            # The counter went on and tells what was used meanwhile; the gauge does not.
            assert energy.value == pytest.approx(truth(machine, _SECONDS), rel=0.01), code
            assert recording.energy.gpu_integrated.coverage is not None
            assert recording.energy.gpu_integrated.coverage < 0.8, code


@pytest.mark.parametrize("call", _LOOKING_UP)
def test_a_lost_gpu_that_is_not_found_again(simulate: Simulate, call: str) -> None:
    """Looking it up may fail in any way while it is gone; once that works it is measured on."""
    for code in _CODES:
        machine = simulate(_with("gb10-back", Fault(call=call, code=code, at=20.0, until=35.0)))
        recorder, recording = _recorded(machine)
        assert_sound(recording)
        assert_told(recorder, recording)
        assert recording.energy.gpu.coverage is not None
        assert recording.energy.gpu.coverage < 0.8


@pytest.mark.parametrize("code", [15, 999, 3, 2])
def test_one_gpu_of_eight(simulate: Simulate, code: int) -> None:
    """An error of one GPU alone leaves the seven others whole, and the sum is not called whole."""
    machine = simulate(_with("h100x8", Fault(call="*", device=5, code=code, at=OPENED_AT + 20)))
    recorder, recording = _recorded(machine)
    assert_sound(recording)
    assert_told(recorder, recording)
    assert [one.energy.coverage == 1.0 for one in recording.accelerators] == [True] * 5 + [False] + [True] * 2
    assert recording.energy.gpu.recording_high is None
    assert recording.energy.gpu.coverage is not None
    assert recording.energy.gpu.coverage < 1
    assert_holds(recording.energy.gpu, truth(machine, _SECONDS, devices=8))
    if code in _LOST:
        assert any(note.startswith("GPU 5 was lost") for note in recording.notes)
