"""Every kind of device end to end: what is read of it, what the figures claim, and that they are true."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from driven import OPENED_AT, SIMULATED, measure, truth

from cardcallback.sensors import Quantity, SensorSet, SensorSpec
from cardcallback.sensors.job_devices import JobDevices
from cardcallback.sensors.nvml import open_nvml, reset_nvml, select_devices
from profiles import Fault, GpuProcess
from simulator import calls, profile_named
from simulator_fixtures import Simulate
from waveforms import Waveform, sine

_SECONDS = 120.0
_AVERAGE, _INSTANT, _USAGE = "nvml:power_average", "nvml:power_instant", "nvml:power_usage"
_MODULE = "nvml:module_power_average"


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What holds of one profile: ``window`` is what its power averages over, ``memory`` whether the GPU has its own."""

    power: str | None
    counter: bool
    window: float | None = None
    highest: float | None = None
    rail: str = "gpu"
    gpus: int = 1
    memory: bool | None = True


_GB10 = {"memory": False, "highest": 140.0}
_EXPECTED = {
    "gb10": Expected(power=_AVERAGE, counter=True, window=1.0, **_GB10),
    "gb10-meminfo-success": Expected(power=_AVERAGE, counter=True, window=1.0, **_GB10),
    "gb10-total0": Expected(power=_AVERAGE, counter=True, window=1.0, **_GB10),
    "gb10-pidns": Expected(power=_AVERAGE, counter=True, window=1.0, **_GB10),
    "gb10-stuck": Expected(power=_AVERAGE, counter=True, window=1.0, **_GB10),
    "gb10-no-fields": Expected(power=_USAGE, counter=True, window=1.0, **_GB10),
    "gb10-no-power": Expected(power=None, counter=True, **_GB10),
    "gb10-no-energy": Expected(power=_AVERAGE, counter=False, window=1.0, **_GB10),
    "thor": Expected(power=None, counter=False, memory=False),
    "orin": Expected(power=None, counter=False, memory=False),
    "gh200": Expected(power=_MODULE, counter=True, window=1.0, highest=1000.0, rail="module"),
    "gb200": Expected(power=_AVERAGE, counter=False, window=1.0, highest=1200.0, gpus=4),
    "gb300": Expected(power=_AVERAGE, counter=False, window=1.0, highest=1400.0, gpus=4),
    "b200": Expected(power=_AVERAGE, counter=True, window=1.0, highest=1000.0),
    "h100": Expected(power=_AVERAGE, counter=True, window=1.0, highest=700.0),
    "h100x8": Expected(power=_AVERAGE, counter=True, window=1.0, highest=700.0, gpus=8),
    "l40s": Expected(power=_AVERAGE, counter=True, window=1.0, highest=350.0),
    "a100": Expected(power=_INSTANT, counter=True, window=0.025, highest=400.0),
    "mig": Expected(power=_INSTANT, counter=True, window=0.025, highest=400.0, memory=None),
    "v100": Expected(power=_INSTANT, counter=True, window=0.01, highest=300.0),
    "t4": Expected(power=_INSTANT, counter=True, window=0.1, highest=70.0),
    "rtx4090": Expected(power=_AVERAGE, counter=True, window=1.0, highest=450.0),
    "rtx3090": Expected(power=_AVERAGE, counter=True, window=1.0, highest=350.0),
    "laptop": Expected(power=_AVERAGE, counter=True, window=1.0, highest=150.0),
    "vgpu": Expected(power=_USAGE, counter=False, window=0.025),
    "p100-samples": Expected(power=_USAGE, counter=False, window=0.01, highest=250.0),
    "p100": Expected(power=_USAGE, counter=False, window=0.01, highest=250.0),
}


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    yield
    reset_nvml()


def _opened(simulate: Simulate, profile: str) -> SensorSet:
    simulate(profile).advance(OPENED_AT)
    return open_nvml(SIMULATED)


def _specs(sensors: SensorSet, quantity: Quantity) -> list[SensorSpec]:
    return [one.spec for one in sensors.sensors if one.spec.quantity == quantity]


@pytest.mark.parametrize("profile", _EXPECTED)
def test_what_is_read_and_what_it_claims(simulate: Simulate, profile: str) -> None:
    """Source, window, counter, the highest power and memory are those of that kind of device."""
    expected, sensors = _EXPECTED[profile], _opened(simulate, profile)
    power, energy = _specs(sensors, "gpu_power"), _specs(sensors, "gpu_energy")
    present = expected.gpus if expected.power is not None else 0
    assert [spec.source for spec in power] == [expected.power] * present
    assert {spec.averaging_seconds for spec in power} <= {expected.window}
    assert len(energy) == (expected.gpus if expected.counter else 0)
    assert {spec.highest_watts for spec in (*power, *energy)} <= {expected.highest}
    has_own = {None if device.unified_memory is None else not device.unified_memory for device in sensors.devices}
    assert has_own == {expected.memory}
    assert {device.memory_total_bytes is not None for device in sensors.devices} == {expected.memory is True}
    missing = {one.quantity for one in sensors.absences}
    assert missing.isdisjoint({"gpu_power"}) == (expected.power is not None)
    assert all(one.reason for one in sensors.absences)


@pytest.mark.parametrize("profile", _EXPECTED)
def test_energy_is_true(simulate: Simulate, profile: str) -> None:
    """Two minutes: within half a percent where the sensor sees all the time, and the interval holds the truth."""
    expected, machine = _EXPECTED[profile], simulate(profile)
    energy = measure(machine, _SECONDS).energy.gpu
    if expected.power is None and not expected.counter:
        assert energy.value is None
        assert energy.reason
        return
    true = truth(machine, _SECONDS, rail=expected.rail, devices=expected.gpus)
    assert energy.recording_low is not None
    assert energy.recording_high is not None
    assert energy.recording_low <= true <= energy.recording_high
    assert energy.coverage == pytest.approx(1.0, abs=1e-9)
    if expected.counter or expected.window == 1.0:
        assert energy.value == pytest.approx(true, rel=0.005)


def test_power_of_a_gpus_own_outranks_the_modules(simulate: Simulate) -> None:
    """A GB200's GPUs tell their own power, and no counter that may hold a whole module is taken for one GPU's."""
    machine = simulate("gb200")
    recording = measure(machine, _SECONDS)
    assert calls("nvmlDeviceGetTotalEnergyConsumption") == 0
    assert [device.module for device in open_nvml(SIMULATED).devices] == [None] * 4
    assert recording.energy.gpu_counter.value is None
    assert "whole module is not published" in (recording.energy.gpu_counter.reason or "")
    assert recording.energy.gpu.scope is not None
    assert recording.energy.gpu.scope.cpu == "no"


@pytest.mark.parametrize("name", ["NVIDIA VR200", "NVIDIA Graphics Device"])
def test_a_superchip_is_known_by_its_module_not_by_its_name(simulate: Simulate, name: str) -> None:
    """A part that came out later, or that its driver has no name for: no counter that may hold the module is taken."""
    profile = profile_named("gb200")
    devices = tuple(replace(device, name=name, architecture=13) for device in profile.devices)
    machine = simulate(replace(profile, devices=devices))
    energy = measure(machine, _SECONDS).energy
    assert energy.gpu_counter.value is None
    assert "whole module is not published" in (energy.gpu_counter.reason or "")
    assert energy.gpu.value == pytest.approx(truth(machine, _SECONDS, devices=4), rel=0.005)
    assert energy.gpu.scope is not None
    assert energy.gpu.scope.cpu == "no"


def test_a_driver_that_does_not_look_at_the_scope_makes_no_superchip(simulate: Simulate) -> None:
    """It tells the GPU's own power as a module's, and its counter is the GPU's as ever."""
    profile = profile_named("h100")
    fields = {(field, scope): source for (field, _), source in profile.devices[0].fields.items() for scope in (0, 1)}
    machine = simulate(replace(profile, devices=(replace(profile.devices[0], fields=fields),)))
    energy = measure(machine, _SECONDS).energy
    assert energy.gpu_counter.value == pytest.approx(truth(machine, _SECONDS), rel=0.005)
    assert energy.gpu.scope is not None
    assert energy.gpu.scope.cpu == "no"


def test_module_power_is_counted_once_for_its_gpus(simulate: Simulate) -> None:
    """Where no GPU of a GB200 tells its own power, each module's is counted once; the board's serial groups them."""
    machine = simulate("gb200-module-only")
    recording = measure(machine, _SECONDS)
    sensors = open_nvml(SIMULATED)
    assert [device.module for device in sensors.devices] == ["module 0", "module 0", "module 2", "module 2"]
    true = truth(machine, _SECONDS, rail="module", devices=2)  # two modules, each with the same waveform
    assert recording.energy.gpu.value == pytest.approx(true, rel=0.005)
    assert recording.energy.gpu.scope is not None
    assert recording.energy.gpu.scope.cpu == "yes"
    assert all("all its GPUs" in (device.energy_scope_note or "") for device in sensors.devices)
    assert {spec.highest_watts for spec in _specs(sensors, "gpu_power")} == {2500.0}


def test_a_meter_that_two_gpus_share_is_counted_once(simulate: Simulate) -> None:
    """Both show the board's counter and its power: equal to the last digit all along, which no two meters are."""
    machine = simulate("board-meter")
    recording = measure(machine, _SECONDS)
    energy = recording.energy.gpu
    assert energy.value == pytest.approx(truth(machine, _SECONDS), rel=0.005)
    assert any("GPUs 0 and 1 show one meter" in words for words in energy.covers)
    assert [one.energy.value is not None for one in recording.accelerators] == [True, False]
    assert "module or meter" in (recording.accelerators[1].energy.reason or "")
    assert [one.device for one in recording.traces if one.quantity == "gpu_power"] == [0]


def test_a_gauge_that_two_gpus_share_is_counted_once(simulate: Simulate) -> None:
    """The same where there is no counter: their powers are equal to the milliwatt."""
    profile = profile_named("board-meter")
    fields = {key: source for key, source in profile.devices[0].fields.items() if source != "energy"}
    power = Waveform((sine(300.0, 200.0, 7.3), sine(60.0, 50.0, 11.17)))  # no power comes again soon
    devices = tuple(replace(one, counter=None, fields=fields, waveform=power) for one in profile.devices)
    machine = simulate(replace(profile, devices=devices))
    energy = measure(machine, _SECONDS).energy.gpu
    assert energy.value == pytest.approx(truth(machine, _SECONDS), rel=0.005)


@pytest.mark.parametrize(("profile", "seconds"), [("board-meter", 10.0), ("h100x8", _SECONDS)])
def test_in_doubt_each_meter_is_its_gpus(simulate: Simulate, profile: str, seconds: float) -> None:
    """A few equal readings prove nothing, and equal work on unlike counters is that of several meters."""
    machine = simulate(profile)
    recording = measure(machine, seconds)
    assert all(one.energy.value is not None for one in recording.accelerators)
    assert recording.energy.gpu.value == pytest.approx(
        truth(machine, seconds, devices=len(recording.accelerators)), rel=0.05
    )


@pytest.mark.parametrize("serial", [None, "0000000000000"])
def test_the_only_gpu_of_a_machine_shares_its_module_with_none_that_is_counted(
    simulate: Simulate, serial: str | None
) -> None:
    """A new superchip that tells its module's power alone, on a board that was never numbered: once is once."""
    profile = profile_named("gb200-module-only")
    device = replace(profile.devices[0], name="NVIDIA VR400", architecture=17, serial=serial or "1")
    faults = (*profile.faults, *((Fault(call="nvmlDeviceGetSerial", code=3),) if serial is None else ()))
    machine = simulate(replace(profile, devices=(device,), faults=faults))
    energy = measure(machine, _SECONDS).energy.gpu
    assert energy.value == pytest.approx(truth(machine, _SECONDS, rail="module"), rel=0.005)
    assert energy.scope is not None
    assert energy.scope.cpu == "yes"


def test_a_modules_power_is_told_of_one_of_its_gpus(simulate: Simulate) -> None:
    """The other one has no energy and no curve of its own, so that nothing is summed twice."""
    recording = measure(simulate("gb200-module-only"), 60.0)
    told = [one.energy.value is not None for one in recording.accelerators]
    assert told == [True, False, True, False]
    assert "told once for the module" in (recording.accelerators[1].energy.reason or "")
    assert [one.device for one in recording.traces if one.quantity == "gpu_power"] == [0, 2]


def test_one_gpu_of_a_module_is_the_whole_modules(simulate: Simulate) -> None:
    """A job on one of a module's two GPUs has the module's energy, and it is called that."""
    machine = simulate("gb200-module-only")
    machine.advance(OPENED_AT)
    sensors = open_nvml(SIMULATED)
    chosen = select_devices(
        sensors.devices, job=JobDevices(uses_cuda=True, uuids=(str(sensors.devices[1].uuid),)), visible_devices=None
    )
    energy = measure(machine, _SECONDS, sensors=sensors.for_devices(chosen.indices)).energy.gpu
    assert energy.value == pytest.approx(truth(machine, _SECONDS, rail="module"), rel=0.005)
    assert any("all its GPUs" in words for words in energy.covers)


@pytest.mark.parametrize("told", [None, "0000000000000"])
def test_module_power_without_a_serial_is_left_out(simulate: Simulate, told: str | None) -> None:
    """Which GPUs share a module cannot be told: no figure, and the reason says why."""
    profile = profile_named("gb200-module-only")
    faults = (*profile.faults, *((Fault(call="nvmlDeviceGetSerial", code=3),) if told is None else ()))
    devices = tuple(replace(device, serial=told or device.serial) for device in profile.devices)
    energy = measure(simulate(replace(profile, devices=devices, faults=faults)), 10.0).energy
    assert energy.gpu.value is None
    assert "which GPUs share one" in (energy.gpu_integrated.reason or "")


def test_module_power_beside_a_gpu_of_its_own_is_left_out(simulate: Simulate) -> None:
    """One GPU of a module fails and the other answers: the module's power would hold that one twice."""
    profile = profile_named("gb200")
    calls_of = ("nvmlDeviceGetFieldValues#185.0", "nvmlDeviceGetFieldValues#186.0")
    faults = tuple(Fault(call=call, device=0, code=3) for call in calls_of)
    energy = measure(simulate(replace(profile, faults=faults)), 10.0).energy
    assert energy.gpu.value is None
    assert "another GPU on it" in (energy.gpu_integrated.reason or "")


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("gb10-pidns", "not in the driver's list"),
        ("gb10-pid-foreign", "not in the driver's list"),
        ("gb10-pid-empty", "without its memory"),
    ],
)
def test_memory_of_the_process_is_not_guessed(simulate: Simulate, profile: str, words: str) -> None:
    """In a container the list is empty, another's, or ours without a size: no figure, with that reason."""
    peak = measure(simulate(profile), 70.0).memory.accelerator_process_peak
    assert peak.value is None
    assert words in (peak.reason or "")


def test_a_process_listed_twice_is_one(simulate: Simulate) -> None:
    """The same process at the same place is not two; on two parts of a divided GPU it holds both."""
    assert measure(simulate("gb10-pid-twice"), 70.0).memory.accelerator_process_peak.value == 1_278_197_760


def test_divided_gpu_adds_what_a_process_holds_on_each_part(simulate: Simulate) -> None:
    """Under MIG a process is listed once for each instance that it uses."""
    profile = profile_named("mig")
    parts = tuple(GpuProcess(bytes=10**9, instance=number) for number in (1, 2))
    machine = simulate(replace(profile, devices=(replace(profile.devices[0], processes=parts),)))
    assert measure(machine, 70.0).memory.accelerator_process_peak.value == 2e9


def test_a_limit_below_any_gpus_is_none(simulate: Simulate) -> None:
    """In watts where milliwatts are asked for, it would refute every reading."""
    profile = profile_named("h100")
    values = dict(profile.devices[0].values) | {"nvmlDeviceGetEnforcedPowerLimit": 700}
    machine = simulate(replace(profile, devices=(replace(profile.devices[0], values=values),)))
    energy = measure(machine, _SECONDS).energy.gpu
    assert energy.method == "counter"
    assert energy.value == pytest.approx(truth(machine, _SECONDS), rel=0.005)
