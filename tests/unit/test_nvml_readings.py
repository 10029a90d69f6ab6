"""Single readings through NVML: what fails, what may succeed again, and what takes its place."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from driven import SIMULATED
from nvml_machines import opened_on, sensor_of, with_faults

from cardcallback.errors import DeviceLostError, SensorReadError
from cardcallback.sensors.base import Sensor
from cardcallback.sensors.nvml import open_nvml, other_processes, own_among
from profiles import ALL_ONES, Fault, GpuProcess
from simulator_fixtures import Simulate


def test_process_memory_is_exact_and_own(simulate: Simulate) -> None:
    """Our own process's bytes are read as the driver gives them; another's are not added."""
    processes = (GpuProcess(bytes=741_326_848), GpuProcess(pid=1, bytes=5_000_000_000))
    sensors = opened_on(simulate, with_faults("gb10", processes=processes))
    memory = sensor_of(sensors, "gpu_process_memory")
    assert memory.read() == 741_326_848
    assert memory.spec.interval_seconds == 60.0
    assert other_processes(0) == 1


def test_other_processes_count_graphics_and_each_once(simulate: Simulate) -> None:
    """A display server shares the GPU too, and a process in both lists is one."""
    processes = tuple(GpuProcess(pid=pid, bytes=1, graphics=graphics) for pid, graphics in ((1, True), (1, False)))
    opened_on(simulate, with_faults("gb10", processes=(GpuProcess(bytes=1), *processes)))
    assert other_processes(0) == 1


def test_unlisted_process_is_not_guessed(simulate: Simulate) -> None:
    """In a container whose process numbers the driver does not know, memory fails and others are unknown."""
    sensors = opened_on(simulate, with_faults("gb10", processes=(GpuProcess(pid=1, bytes=5),)))
    with pytest.raises(SensorReadError, match="not in the driver's list"):
        sensor_of(sensors, "gpu_process_memory").read()
    assert other_processes(0) is None


@pytest.mark.parametrize("size", [0, ALL_ONES])
def test_process_without_its_memory_is_a_failed_reading(simulate: Simulate, size: int) -> None:
    """Nought bytes or all ones is a driver that does not say, not a process that uses none."""
    sensors = opened_on(simulate, with_faults("gb10", processes=(GpuProcess(bytes=size),)))
    with pytest.raises(SensorReadError, match="without its memory"):
        sensor_of(sensors, "gpu_process_memory").read()


def test_fallen_gpu_is_lost(simulate: Simulate) -> None:
    """A GPU that falls off the bus in the middle of a run says so in every sensor, with a plain reason."""
    machine = simulate("gb10-lost")
    sensors = open_nvml(SIMULATED)
    machine.advance(21.0)
    for one in sensors.sensors:
        with pytest.raises(DeviceLostError, match="fallen off the bus"):
            one.read()


@pytest.mark.parametrize("code", [3, 10, 17, 20, 27, 999])
def test_failed_reading_may_succeed_again(simulate: Simulate, code: int) -> None:
    """Any other error in the middle of a run costs readings, not the sensor."""
    fault = Fault(call="nvmlDeviceGetTotalEnergyConsumption", code=code, at=12.0, until=14.0)
    machine = simulate(with_faults("gb10", fault))
    machine.advance(10.0)
    energy = sensor_of(open_nvml(SIMULATED), "gpu_energy")
    machine.advance(3.0)
    with pytest.raises(SensorReadError):
        energy.read()
    machine.advance(3.0)
    assert energy.read() > 0


def _withdrawn(simulate: Simulate, profile: str, code: int) -> Sensor:
    """The power of a machine whose fields answer with a code from 12 s on; asked at 20 s."""
    machine = simulate(with_faults(profile, Fault(call="nvmlDeviceGetFieldValues", code=code, at=12.0)))
    machine.advance(10.0)
    power = sensor_of(open_nvml(SIMULATED), "gpu_power")
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
    sensors = opened_on(simulate, with_faults("gb10", *(Fault(call=call, value=value) for call in calls_of)))
    with pytest.raises(SensorReadError):
        sensor_of(sensors, "gpu_power").read()


def test_own_processes_include_children() -> None:
    """A data loader's worker is one of ours, whoever started us and a process that is gone are not."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert own_among([os.getpid(), child.pid, os.getppid(), 1, 2**22 + 1]) == {os.getpid(), child.pid}
        child.communicate(b"\n")
