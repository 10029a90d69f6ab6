"""NVML read through the vendor's own binding, on simulated machines that behave and that do not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pynvml  # noqa: TID251 - a test plays another library that uses NVML in the same process
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardcallback.errors import DeviceLostError, SensorReadError
from cardcallback.sensors.base import Quantity, Sensor, SensorSet
from cardcallback.sensors.job_devices import JobDevices
from cardcallback.sensors.nvml import open_nvml, other_processes, own_among, reset_nvml, select_devices
from cardcallback.sensors.nvml_sensors import GPU_QUANTITIES
from profiles import ALL_ONES, Fault, GpuProcess, Profile
from simulator import calls, profile_named
from simulator_fixtures import Simulate

_SIMULATED = {"CARDCALLBACK_SIMULATED": "1"}


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    yield
    reset_nvml()


def _sensor(sensors: SensorSet, quantity: Quantity, device: int = 0) -> Sensor:
    return next(one for one in sensors.sensors if (one.spec.quantity, one.spec.device) == (quantity, device))


def _opened(simulate: Simulate, profile: Profile | str, *, at: float = 10.0) -> SensorSet:
    simulate(profile).advance(at)
    return open_nvml(_SIMULATED)


def _with(profile: str, *faults: Fault, **device: object) -> Profile:
    found = profile_named(profile)
    return replace(found, devices=(replace(found.devices[0], **device), *found.devices[1:]), faults=faults)


def test_gb10_gives_every_quantity(simulate: Simulate) -> None:
    """A Spark has all ten quantities, of the GPU alone, and no reason to explain anything away."""
    sensors = _opened(simulate, "gb10")
    assert [one.spec.quantity for one in sensors.sensors] == list(GPU_QUANTITIES)
    assert sensors.absences == ()
    (device,) = sensors.devices
    assert (device.name, device.architecture, device.compute_capability) == ("NVIDIA GB10", "Blackwell", "12.1")
    assert device.memory_total_bytes is None
    scope = _sensor(sensors, "gpu_energy").spec.scope
    assert (scope.gpu_core, scope.gpu_memory, scope.cpu) == ("yes", "unknown", "no")


def test_gb10_readings_are_the_truth(simulate: Simulate) -> None:
    """The counter's difference and the mean power are the formula's, in joules and watts."""
    machine = simulate("gb10")
    machine.advance(10.0)
    sensors = open_nvml(_SIMULATED)
    energy, power = _sensor(sensors, "gpu_energy"), _sensor(sensors, "gpu_power")
    before = energy.read()
    machine.advance(120.0)
    assert energy.read() - before == pytest.approx(machine.true_joules(10.0, 130.0), abs=2e-3)
    assert power.spec.averaging_seconds == 1.0
    assert power.read() == pytest.approx(machine.true_joules(129.0, 130.0), abs=2e-3)


def test_process_memory_is_exact_and_own(simulate: Simulate) -> None:
    """Our own process's bytes are read as the driver gives them; another's are not added."""
    processes = (GpuProcess(bytes=741_326_848), GpuProcess(pid=1, bytes=5_000_000_000))
    sensors = _opened(simulate, _with("gb10", processes=processes))
    memory = _sensor(sensors, "gpu_process_memory")
    assert memory.read() == 741_326_848
    assert memory.spec.interval_seconds == 60.0
    assert other_processes(0) == 1


def test_other_processes_count_graphics_and_each_once(simulate: Simulate) -> None:
    """A display server shares the GPU too, and a process in both lists is one."""
    processes = tuple(GpuProcess(pid=pid, bytes=1, graphics=graphics) for pid, graphics in ((1, True), (1, False)))
    _opened(simulate, _with("gb10", processes=(GpuProcess(bytes=1), *processes)))
    assert other_processes(0) == 1


def test_unlisted_process_is_not_guessed(simulate: Simulate) -> None:
    """In a container whose process numbers the driver does not know, memory fails and others are unknown."""
    sensors = _opened(simulate, _with("gb10", processes=(GpuProcess(pid=1, bytes=5),)))
    with pytest.raises(SensorReadError, match="not in the driver's list"):
        _sensor(sensors, "gpu_process_memory").read()
    assert other_processes(0) is None


@pytest.mark.parametrize("size", [0, ALL_ONES])
def test_process_without_its_memory_is_a_failed_reading(simulate: Simulate, size: int) -> None:
    """Nought bytes or all ones is a driver that does not say, not a process that uses none."""
    sensors = _opened(simulate, _with("gb10", processes=(GpuProcess(bytes=size),)))
    with pytest.raises(SensorReadError, match="without its memory"):
        _sensor(sensors, "gpu_process_memory").read()


@pytest.mark.parametrize(
    ("profile", "source", "averaging", "interval"),
    [
        ("gb10", "nvml:power_average", 1.0, 0.5),
        ("h100", "nvml:power_average", 1.0, 0.5),
        ("a100", "nvml:power_instant", 0.025, 0.1),
        ("p100", "nvml:power_usage", 0.01, 0.02),
        ("gh200", "nvml:module_power_average", 1.0, 0.5),
        ("power-stuck-at-zero", "nvml:power_usage", 1.0, 0.5),
    ],
)
def test_power_is_asked_where_it_answers(
    simulate: Simulate, profile: str, source: str, averaging: float, interval: float
) -> None:
    """GPU scope before module scope before the plain call; the window and the interval are that part's."""
    spec = _sensor(_opened(simulate, profile), "gpu_power").spec
    assert (spec.source, spec.averaging_seconds, spec.interval_seconds) == (source, averaging, interval)


def test_module_energy_says_so(simulate: Simulate) -> None:
    """On a Grace Hopper module counter and power hold the processor too, once per module."""
    machine = simulate("gh200")
    machine.advance(10.0)
    sensors = open_nvml(_SIMULATED)
    energy = _sensor(sensors, "gpu_energy")
    before = energy.read()
    machine.advance(50.0)
    assert energy.read() - before == pytest.approx(machine.true_joules(10.0, 60.0, rail="module"), abs=2e-3)
    assert energy.spec.scope == _sensor(sensors, "gpu_power").spec.scope
    assert energy.spec.scope.cpu == "yes"
    assert sensors.devices[0].module is not None
    assert "module" in (sensors.devices[0].energy_scope_note or "")


def test_missing_counter_has_its_reason(simulate: Simulate) -> None:
    """A P100 has no energy counter: an absence with the reason, and power all the same."""
    sensors = _opened(simulate, "p100")
    absence = sensors.absence("gpu_energy", 0)
    assert absence is not None
    assert absence.reason == "no energy counter: not supported by this GPU's driver"
    assert _sensor(sensors, "gpu_power").read() > 0


def test_device_without_anything_is_still_a_device(simulate: Simulate) -> None:
    """An Orin answers its name and nothing else: six reasons but for its clock."""
    sensors = _opened(simulate, "orin")
    assert [device.name for device in sensors.devices] == ["Orin (nvgpu)"]
    assert {absence.quantity for absence in sensors.absences} == set(GPU_QUANTITIES)
    assert all(absence.device == 0 for absence in sensors.absences)


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
    sensors = _opened(simulate, profile)
    assert sensors.not_ready == not_ready
    assert sensors.sensors == ()
    assert {absence.quantity for absence in sensors.absences} == set(GPU_QUANTITIES)
    reasons = {f"{absence.reason}: {absence.cure}" for absence in sensors.absences}
    assert len(reasons) == 1
    assert words in reasons.pop()


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
    machine = simulate(_with("gb10", Fault(call="nvmlInit", code=27, until=20.0)))
    machine.advance(10.0)
    assert open_nvml(_SIMULATED).not_ready
    machine.advance(20.0)
    sensors = open_nvml(_SIMULATED)
    assert not sensors.not_ready
    assert [one.spec.quantity for one in sensors.sensors] == list(GPU_QUANTITIES)


@pytest.mark.parametrize(("code", "not_ready"), [(15, True), (4, False)])
def test_gpus_that_cannot_be_opened_yet_may_be_later(simulate: Simulate, code: int, not_ready: bool) -> None:  # noqa: FBT001 - a case
    """The only GPU has fallen off the bus, which a reset mends; rights that are missing stay so."""
    assert _opened(simulate, _with("gb10", Fault(call="nvmlDeviceGetName", code=code))).not_ready == not_ready


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
    assert open_nvml(_SIMULATED).simulated
    reset_nvml()
    assert not open_nvml({}).simulated
    simulate("gb10")
    assert open_nvml({}).simulated


def test_unsupported_is_asked_once(simulate: Simulate) -> None:
    """A call that is not supported is not made again, however often the set is opened or read."""
    sensors = _opened(simulate, "p100")
    for one in sensors.sensors:
        one.read()
    assert calls("nvmlDeviceGetTotalEnergyConsumption") == 1


def test_each_first_reading_is_timed(simulate: Simulate) -> None:
    """What a reading takes stands in its spec, measured by the clock that is handed in."""
    simulate("gb10").advance(5.0)
    ticks = count()
    sensors = open_nvml(_SIMULATED, clock=lambda: next(ticks) * 0.25)
    assert {one.spec.read_seconds for one in sensors.sensors} == {0.25}


def test_fallen_gpu_is_lost(simulate: Simulate) -> None:
    """A GPU that falls off the bus in the middle of a run says so in every sensor, with a plain reason."""
    machine = simulate("gb10-lost")
    sensors = open_nvml(_SIMULATED)
    machine.advance(21.0)
    for one in sensors.sensors:
        with pytest.raises(DeviceLostError, match="fallen off the bus"):
            one.read()


@pytest.mark.parametrize("code", [3, 10, 17, 20, 27, 999])
def test_failed_reading_may_succeed_again(simulate: Simulate, code: int) -> None:
    """Any other error in the middle of a run costs readings, not the sensor."""
    fault = Fault(call="nvmlDeviceGetTotalEnergyConsumption", code=code, at=12.0, until=14.0)
    machine = simulate(_with("gb10", fault))
    machine.advance(10.0)
    energy = _sensor(open_nvml(_SIMULATED), "gpu_energy")
    machine.advance(3.0)
    with pytest.raises(SensorReadError):
        energy.read()
    machine.advance(3.0)
    assert energy.read() > 0


def _withdrawn(simulate: Simulate, profile: str, code: int) -> Sensor:
    """The power of a machine whose fields answer with a code from 12 s on; asked at 20 s."""
    machine = simulate(_with(profile, Fault(call="nvmlDeviceGetFieldValues", code=code, at=12.0)))
    machine.advance(10.0)
    power = _sensor(open_nvml(_SIMULATED), "gpu_power")
    machine.advance(10.0)
    return power


def test_power_that_is_withdrawn_is_asked_by_the_call_that_means_the_same(simulate: Simulate) -> None:
    """One reading fails and names what follows; from then on the plain call's second's mean is read."""
    power = _withdrawn(simulate, "gb10", 3)
    with pytest.raises(SensorReadError, match="; nvml:power_usage, which means the same, is read from then on"):
        power.read()
    assert power.read() > 0
    assert power.spec.source == "nvml:power_average"


@pytest.mark.parametrize(("profile", "code"), [("gb10", 999), ("gb10", 10), ("gh200", 3)])
def test_power_is_not_replaced_by_what_means_something_else(simulate: Simulate, profile: str, code: int) -> None:
    """A driver that is only busy keeps its source, and a plain call of unknown scope is no second's mean of the GPU."""
    power = _withdrawn(simulate, profile, code)
    for _ in range(2):
        with pytest.raises(SensorReadError) as failure:
            power.read()
        assert "from then on" not in str(failure.value)


@pytest.mark.parametrize("value", [0, 2**32 - 1, 11_000_000])
def test_impossible_power_is_a_failed_reading(simulate: Simulate, value: int) -> None:
    """Nought, all ones and eleven kilowatts are refused, whichever way power is asked."""
    calls_of = ("nvmlDeviceGetPowerUsage", "nvmlDeviceGetFieldValues#185.0", "nvmlDeviceGetFieldValues#186.0")
    sensors = _opened(simulate, _with("gb10", *(Fault(call=call, value=value) for call in calls_of)))
    with pytest.raises(SensorReadError):
        _sensor(sensors, "gpu_power").read()


def test_slow_start_of_a_driver_keeps_the_sensor(simulate: Simulate) -> None:
    """A call that is not ready yet when opened is read later; it is not written off."""
    not_ready = Fault(call="nvmlDeviceGetTotalEnergyConsumption", code=27, until=15.0)
    machine = simulate(_with("gb10", not_ready))
    sensors = open_nvml(_SIMULATED)
    machine.advance(20.0)
    assert _sensor(sensors, "gpu_energy").read() > 0


def test_foreign_shutdown_is_mended(simulate: Simulate) -> None:
    """Another library that shuts NVML down once too often costs no reading."""
    sensors = _opened(simulate, "gb10")
    pynvml.nvmlShutdown()
    for one in sensors.sensors:
        assert one.read() >= 0


def test_child_process_starts_its_own(simulate: Simulate) -> None:
    """A forked child reads on, with NVML started anew."""
    sensors = _opened(simulate, "gb10")
    energy = _sensor(sensors, "gpu_energy")
    before = energy.read()
    child = os.fork()
    if child == 0:
        os._exit(0 if energy.read() == before else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_older_names_of_calls_serve_where_the_new_are_missing(simulate: Simulate) -> None:
    """Temperature is read through the older call where the newer is refused."""
    sensors = _opened(simulate, _with("gb10", codes={"nvmlDeviceGetMemoryInfo": 3, "nvmlDeviceGetTemperatureV": 13}))
    assert _sensor(sensors, "gpu_temperature").read() > 40


@pytest.mark.parametrize("profile", ["gb10", "gb10-total0", "gb10-meminfo-success"])
def test_unified_memory_is_never_the_gpus_own(simulate: Simulate, profile: str) -> None:
    """However the driver answers on a Spark, the system's memory is not called the GPU's."""
    (device,) = _opened(simulate, profile).devices
    assert device.memory_total_bytes is None
    assert device.unified_memory is True


def test_part_without_memory_of_its_own_is_unified_by_whatever_name(simulate: Simulate) -> None:
    """A later system on a chip is told by its driver's answer, and nothing is claimed of its memory."""
    sensors = _opened(simulate, _with("gb10", name="NVIDIA Later"))
    assert sensors.devices[0].unified_memory is True
    assert _sensor(sensors, "gpu_energy").spec.scope.gpu_memory == "unknown"


def test_memory_behind_a_permission_is_not_taken_for_unified(simulate: Simulate) -> None:
    """A divided GPU in a container hides its memory, which says nothing about whose memory it is."""
    (device,) = _opened(simulate, "mig").devices
    assert (device.memory_total_bytes, device.unified_memory) == (None, None)


def test_memory_of_a_discrete_gpu(simulate: Simulate) -> None:
    """An H100's memory is read from the driver."""
    (device,) = _opened(simulate, "h100").devices
    assert (device.memory_total_bytes, device.unified_memory) == (80 * 1024**3, False)


def test_divided_gpu_says_whose_energy_it_is(simulate: Simulate) -> None:
    """Under MIG the energy is the whole GPU's, and an instance's UUID leads to it."""
    sensors = _opened(simulate, "mig")
    (device,) = sensors.devices
    assert "whole GPU's" in (device.energy_scope_note or "")
    assert len(device.mig_uuids) == 2
    chosen = select_devices(
        sensors.devices, job=JobDevices(uses_cuda=True, uuids=device.mig_uuids[1:]), visible_devices=None
    )
    assert chosen.indices == {0}


def test_one_bad_device_leaves_the_others(simulate: Simulate) -> None:
    """A GPU that cannot be opened is a note and absences of its own; the other three are read."""
    bad = Fault(call="nvmlDeviceGetHandleByIndex", device=2, code=17)
    sensors = _opened(simulate, replace(profile_named("multi-gpu-reordered"), faults=(bad,)))
    assert [device.index for device in sensors.devices] == [0, 1, 3]
    assert {absence.device for absence in sensors.absences} == {2}
    assert "GPU 2 cannot be opened" in sensors.notes[0]


def test_reordered_gpus_are_found_by_uuid(simulate: Simulate) -> None:
    """CUDA's first device may be NVML's second: the UUID decides, and for_devices keeps its sensors."""
    sensors = _opened(simulate, "multi-gpu-reordered")
    uuid = (sensors.devices[1].uuid or "").removeprefix("GPU-")
    chosen = select_devices(sensors.devices, job=JobDevices(uses_cuda=True, uuids=(uuid,)), visible_devices="0")
    assert chosen.indices == {1}
    assert {one.spec.device for one in sensors.for_devices(chosen.indices).sensors} == {1}


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
    sensors = _opened(simulate, replace(profile_named(profile), faults=tuple(faults)))
    for device in sensors.devices:
        have = [one.spec.quantity for one in sensors.sensors if one.spec.device == device.index]
        have += [one.quantity for one in sensors.absences if one.device == device.index]
        assert sorted(have) == sorted(GPU_QUANTITIES)
    answers = [_reading_or_reason(one) for one in sensors.sensors]
    assert all(answer and "\n" not in answer for answer in answers)
    assert all(absence.reason for absence in sensors.absences)


def test_own_processes_include_children() -> None:
    """A data loader's worker is one of ours, whoever started us and a process that is gone are not."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert own_among([os.getpid(), child.pid, os.getppid(), 1, 2**22 + 1]) == {os.getpid(), child.pid}
        child.communicate(b"\n")
