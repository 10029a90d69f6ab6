"""A driver that starts, starts late, or does not; what opening never does."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pynvml  # noqa: TID251 - a test plays another library that uses NVML in the same process
import pytest
from driven import SIMULATED
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nvml_machines import opened_on, sensor_of, with_faults

from cardcallback.errors import SensorReadError
from cardcallback.sensors.base import Sensor
from cardcallback.sensors.nvml import open_nvml, reset_nvml
from cardcallback.sensors.nvml_sensors import GPU_QUANTITIES
from profiles import Fault
from simulator import calls, profile_named
from simulator_fixtures import Simulate


@pytest.mark.parametrize(
    ("profile", "words", "not_ready"),
    [
        ("no-driver", "not loaded", True),
        ("mismatch", "was upgraded while the system ran: restart the machine", False),
        ("init999", "unknown error", True),
        ("no-device", "lists no GPU", False),
    ],
)
def test_driver_that_does_not_start_is_a_reason(
    simulate: Simulate,
    profile: str,
    words: str,
    not_ready: bool,  # noqa: FBT001 - a case
) -> None:
    """Every GPU quantity is absent with the same one-line reason, the cure beside it, and whether that may change."""
    sensors = opened_on(simulate, profile)
    assert sensors.not_ready == not_ready
    assert sensors.sensors == ()
    assert {absence.quantity for absence in sensors.absences} == set(GPU_QUANTITIES)
    reasons = {f"{absence.reason}: {absence.cure}" for absence in sensors.absences}
    assert len(reasons) == 1
    assert words in reasons.pop()


def test_a_driver_without_the_starting_call_is_too_old(simulate: Simulate) -> None:
    """The reason is words, not a number, and the cure is not to look at what does not start."""
    simulate(with_faults("h100", Fault(call="nvmlInit", code=13)))
    sensors = open_nvml(SIMULATED)
    assert {(absence.reason, absence.cure) for absence in sensors.absences} == {
        ("the NVIDIA driver is too old to be asked", "upgrade it")
    }


@pytest.mark.parametrize(("code", "words"), [(1, "was shut down"), (9, "is not loaded"), (27, "is not ready")])
def test_what_stops_readings_in_mid_run_is_told_in_words(simulate: Simulate, code: int, words: str) -> None:
    """A driver unloaded by a GPU without persistence mode, or reset, has a name and not only a number."""
    machine = simulate(with_faults("h100", Fault(call="*", code=code, at=20.0)))
    machine.advance(10.0)
    sensors = open_nvml(SIMULATED)
    machine.advance(15.0)
    with pytest.raises(SensorReadError, match=words):
        sensor_of(sensors, "gpu_power").read()


def test_no_library_is_a_reason() -> None:
    """Without libnvidia-ml every GPU quantity is absent, and opening raises nothing."""
    program = (
        "from cardcallback.sensors.nvml import open_nvml; s = open_nvml({});"
        "print(s.simulated, len(s.sensors), s.not_ready, s.absences[0].reason)"
    )
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("CARDCALLBACK_", "LD_LIBRARY"))}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environ)
    if not done.stdout.startswith("False 0"):
        pytest.skip("this machine has an NVIDIA driver")
    assert "False no NVIDIA driver found" in done.stdout


def test_a_driver_that_was_not_ready_opens_when_asked_again(simulate: Simulate) -> None:
    """Nothing of the failed start is kept: the second opening gives every quantity."""
    machine = simulate(with_faults("gb10", Fault(call="nvmlInit", code=27, until=20.0)))
    machine.advance(10.0)
    assert open_nvml(SIMULATED).not_ready
    machine.advance(20.0)
    sensors = open_nvml(SIMULATED)
    assert not sensors.not_ready
    assert [one.spec.quantity for one in sensors.sensors] == list(GPU_QUANTITIES)


@pytest.mark.parametrize(("code", "not_ready"), [(15, True), (4, False)])
def test_gpus_that_cannot_be_opened_yet_may_be_later(simulate: Simulate, code: int, not_ready: bool) -> None:  # noqa: FBT001 - a case
    """The only GPU has fallen off the bus, which a reset mends; rights that are missing stay so."""
    fault = Fault(call="nvmlDeviceGetHandleByIndex", code=code)
    assert opened_on(simulate, with_faults("gb10", fault)).not_ready == not_ready


@pytest.mark.parametrize("name", [None, " "])
@pytest.mark.parametrize("profile", ["gh200", "gb200", "gb200-module-only"])
def test_a_gpu_without_a_name_may_be_any(simulate: Simulate, profile: str, name: str | None) -> None:
    """Its energy may be a whole module's, processor included, or be the same module's twice: neither is ruled out."""
    found = profile_named(profile)
    if name is None:
        found = with_faults(profile, Fault(call="nvmlDeviceGetName", code=999))
    else:
        found = replace(found, devices=tuple(replace(device, name=name) for device in found.devices))
    sensors = opened_on(simulate, found)
    energies = [one.spec for one in sensors.sensors if one.spec.unit in {"joules", "watts"}]
    assert energies
    assert {(spec.scope.gpu_core, spec.scope.cpu) for spec in energies} == {("yes", "unknown")}
    assert not any("module" in spec.source for spec in energies)


def test_importing_starts_and_loads_nothing() -> None:
    """The binding is imported when NVML is opened, not when the module is."""
    program = "import cardcallback.sensors.nvml, sys; print('pynvml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_old_binding_is_a_reason() -> None:
    """A pynvml that is not the vendor's is named with the cure instead of failing somewhere inside."""
    program = (
        "import sys, types; sys.modules['pynvml'] = types.ModuleType('pynvml');"
        "from cardcallback.sensors.nvml import open_nvml; print(open_nvml({}).absences[0].reason)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "nvidia-ml-py" in done.stdout


def test_simulated_by_environment_or_driver_version(simulate: Simulate) -> None:
    """Either sign marks the set; a real driver's version does not."""
    simulate(replace(profile_named("gb10"), driver="580.95.05"))
    assert open_nvml(SIMULATED).simulated
    reset_nvml()
    assert not open_nvml({}).simulated
    simulate("gb10")
    assert open_nvml({}).simulated


def test_unsupported_is_asked_once(simulate: Simulate) -> None:
    """A call that is not supported is not made again, however often the set is opened or read."""
    sensors = opened_on(simulate, "p100")
    for one in sensors.sensors:
        one.read()
    assert calls("nvmlDeviceGetTotalEnergyConsumption") == 1


def test_slow_start_of_a_driver_keeps_the_sensor(simulate: Simulate) -> None:
    """A call that is not ready yet when opened is read later; it is not written off."""
    not_ready = Fault(call="nvmlDeviceGetTotalEnergyConsumption", code=27, until=15.0)
    machine = simulate(with_faults("gb10", not_ready))
    sensors = open_nvml(SIMULATED)
    machine.advance(20.0)
    assert sensor_of(sensors, "gpu_energy").read() > 0


def test_foreign_shutdown_is_mended(simulate: Simulate) -> None:
    """Another library that shuts NVML down once too often costs no reading."""
    sensors = opened_on(simulate, "gb10")
    pynvml.nvmlShutdown()
    for one in sensors.sensors:
        assert one.read() >= 0


def test_child_process_starts_its_own(simulate: Simulate) -> None:
    """A forked child reads on, with NVML started anew."""
    sensors = opened_on(simulate, "gb10")
    energy = sensor_of(sensors, "gpu_energy")
    before = energy.read()
    child = os.fork()
    if child == 0:
        os._exit(0 if energy.read() == before else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _reading_or_reason(sensor: Sensor) -> str:
    """What a recorder makes of a reading; any other exception than the two agreed ones is a fault."""
    try:
        return f"{sensor.read():f}"
    except SensorReadError as error:
        return str(error)


_CALLS = st.sampled_from(
    [
        "*",
        "nvmlInit",
        "nvmlSystemGetDriverVersion",
        "nvmlDeviceGetCount",
        "nvmlDeviceGetHandleByIndex",
        "nvmlDeviceGetName",
        "nvmlDeviceGetUUID",
        "nvmlDeviceGetFieldValues",
        "nvmlDeviceGetFieldValues#185.0",
        "nvmlDeviceGetPowerUsage",
        "nvmlDeviceGetTotalEnergyConsumption",
        "nvmlDeviceGetComputeRunningProcesses",
        "nvmlDeviceGetTemperature",
        "nvmlDeviceGetClockInfo",
        "nvmlDeviceGetMigMode",
        "nvmlDeviceGetMemoryInfo",
        "nvmlDeviceGetArchitecture",
    ]
)
_CODES = st.integers(1, 30) | st.just(999) | st.just(12345)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(
    faults=st.lists(st.builds(Fault, call=_CALLS, code=_CODES, after_calls=st.integers(0, 2)), min_size=1, max_size=4),
    profile=st.sampled_from(["gb10", "h100", "gh200", "mig", "multi-gpu-reordered"]),
)
def test_opening_raises_nothing_whatever_fails(simulate: Simulate, faults: list[Fault], profile: str) -> None:
    """Under any errors each quantity of each listed device is a sensor or a reason, and reads fail as agreed."""
    sensors = opened_on(simulate, replace(profile_named(profile), faults=tuple(faults)))
    for device in sensors.devices:
        have = [one.spec.quantity for one in sensors.sensors if one.spec.device == device.index]
        have += [one.quantity for one in sensors.absences if one.device == device.index]
        assert sorted(have) == sorted(GPU_QUANTITIES)
    answers = [_reading_or_reason(one) for one in sensors.sensors]
    assert all(answer and "\n" not in answer for answer in answers)
    assert all(absence.reason for absence in sensors.absences)
