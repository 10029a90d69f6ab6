"""What NVML gives, read through the vendor's own binding on simulated machines: quantities, scopes, devices."""

from __future__ import annotations

from dataclasses import replace

import pytest
from driven import SIMULATED
from nvml_machines import opened_on, sensor_of, with_faults

from cardcallback.sensors.job_devices import JobDevices
from cardcallback.sensors.nvml import open_nvml, select_devices
from cardcallback.sensors.nvml_sensors import GPU_QUANTITIES
from profiles import Fault
from simulator import profile_named
from simulator_fixtures import Simulate


def test_gb10_gives_every_quantity(simulate: Simulate) -> None:
    """A Spark has all ten quantities, of the GPU alone, and no reason to explain anything away."""
    sensors = opened_on(simulate, "gb10")
    assert [one.spec.quantity for one in sensors.sensors] == list(GPU_QUANTITIES)
    assert sensors.absences == ()
    (device,) = sensors.devices
    assert (device.name, device.architecture, device.compute_capability) == ("NVIDIA GB10", "Blackwell", "12.1")
    assert device.memory_total_bytes is None
    scope = sensor_of(sensors, "gpu_energy").spec.scope
    assert (scope.gpu_core, scope.gpu_memory, scope.cpu) == ("yes", "unknown", "no")


def test_gb10_readings_are_the_truth(simulate: Simulate) -> None:
    """The counter's difference and the mean power are the formula's, in joules and watts."""
    machine = simulate("gb10")
    machine.advance(10.0)
    sensors = open_nvml(SIMULATED)
    energy, power = sensor_of(sensors, "gpu_energy"), sensor_of(sensors, "gpu_power")
    before = energy.read()
    machine.advance(120.0)
    assert energy.read() - before == pytest.approx(machine.true_joules(10.0, 130.0), abs=2e-3)
    assert power.spec.averaging_seconds == 1.0
    assert power.read() == pytest.approx(machine.true_joules(129.0, 130.0), abs=2e-3)


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
    spec = sensor_of(opened_on(simulate, profile), "gpu_power").spec
    assert (spec.source, spec.averaging_seconds, spec.interval_seconds) == (source, averaging, interval)


def test_module_energy_says_so(simulate: Simulate) -> None:
    """On a Grace Hopper module counter and power hold the processor too, once per module."""
    machine = simulate("gh200")
    machine.advance(10.0)
    sensors = open_nvml(SIMULATED)
    energy = sensor_of(sensors, "gpu_energy")
    before = energy.read()
    machine.advance(50.0)
    assert energy.read() - before == pytest.approx(machine.true_joules(10.0, 60.0, rail="module"), abs=2e-3)
    assert energy.spec.scope == sensor_of(sensors, "gpu_power").spec.scope
    assert energy.spec.scope.cpu == "yes"
    assert sensors.devices[0].module is not None
    assert "module" in (sensors.devices[0].energy_scope_note or "")


def test_missing_counter_has_its_reason(simulate: Simulate) -> None:
    """A P100 has no energy counter: an absence with the reason, and power all the same."""
    sensors = opened_on(simulate, "p100")
    absence = sensors.absence("gpu_energy", 0)
    assert absence is not None
    assert absence.reason == "no energy counter: not supported by this GPU's driver"
    assert sensor_of(sensors, "gpu_power").read() > 0


def test_device_without_anything_is_still_a_device(simulate: Simulate) -> None:
    """An Orin answers its name and nothing else: six reasons but for its clock."""
    sensors = opened_on(simulate, "orin")
    assert [device.name for device in sensors.devices] == ["Orin (nvgpu)"]
    assert {absence.quantity for absence in sensors.absences} == set(GPU_QUANTITIES)
    assert all(absence.device == 0 for absence in sensors.absences)


def test_older_names_of_calls_serve_where_the_new_are_missing(simulate: Simulate) -> None:
    """Temperature is read through the older call where the newer is refused."""
    sensors = opened_on(
        simulate, with_faults("gb10", codes={"nvmlDeviceGetMemoryInfo": 3, "nvmlDeviceGetTemperatureV": 13})
    )
    assert sensor_of(sensors, "gpu_temperature").read() > 40


@pytest.mark.parametrize("profile", ["gb10", "gb10-total0", "gb10-meminfo-success"])
def test_unified_memory_is_never_the_gpus_own(simulate: Simulate, profile: str) -> None:
    """However the driver answers on a Spark, the system's memory is not called the GPU's."""
    (device,) = opened_on(simulate, profile).devices
    assert device.memory_total_bytes is None
    assert device.unified_memory is True


def test_part_without_memory_of_its_own_is_unified_by_whatever_name(simulate: Simulate) -> None:
    """A later system on a chip is told by its driver's answer, and nothing is claimed of its memory."""
    sensors = opened_on(simulate, with_faults("gb10", name="NVIDIA Later"))
    assert sensors.devices[0].unified_memory is True
    assert sensor_of(sensors, "gpu_energy").spec.scope.gpu_memory == "unknown"


def test_memory_behind_a_permission_is_not_taken_for_unified(simulate: Simulate) -> None:
    """A divided GPU in a container hides its memory, which says nothing about whose memory it is."""
    (device,) = opened_on(simulate, "mig").devices
    assert (device.memory_total_bytes, device.unified_memory) == (None, None)


def test_memory_of_a_discrete_gpu(simulate: Simulate) -> None:
    """An H100's memory is read from the driver."""
    (device,) = opened_on(simulate, "h100").devices
    assert (device.memory_total_bytes, device.unified_memory) == (80 * 1024**3, False)


def test_divided_gpu_says_whose_energy_it_is(simulate: Simulate) -> None:
    """Under MIG the energy is the whole GPU's, and an instance's UUID leads to it."""
    sensors = opened_on(simulate, "mig")
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
    sensors = opened_on(simulate, replace(profile_named("multi-gpu-reordered"), faults=(bad,)))
    assert [device.index for device in sensors.devices] == [0, 1, 3]
    assert {absence.device for absence in sensors.absences} == {2}
    assert {absence.cure for absence in sensors.absences} == {"ask for it in the job or container"}
    assert "GPU 2 cannot be opened" in sensors.notes[0]


def test_reordered_gpus_are_found_by_uuid(simulate: Simulate) -> None:
    """CUDA's first device may be NVML's second: the UUID decides, and for_devices keeps its sensors."""
    sensors = opened_on(simulate, "multi-gpu-reordered")
    uuid = (sensors.devices[1].uuid or "").removeprefix("GPU-")
    chosen = select_devices(sensors.devices, job=JobDevices(uses_cuda=True, uuids=(uuid,)), visible_devices="0")
    assert chosen.indices == {1}
    assert {one.spec.device for one in sensors.for_devices(chosen.indices).sensors} == {1}
