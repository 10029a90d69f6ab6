"""A Jetson's rails: which make up the module, which is the GPU's, and where their figures stand."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from machine_files import FIXTURES, HWMON, ORIGIN_SECONDS, FileClock, RailFile, copied
from recorded import record

from cardcallback.errors import SensorReadError
from cardcallback.record import Scope
from cardcallback.render.energy_words import power_noun
from cardcallback.sensors import Absence, DeviceInfo, Quantity, SensorSet, SensorSpec
from cardcallback.sensors.board_rails import with_board_power
from cardcallback.sensors.discovery import open_sensors
from cardcallback.sensors.machine import open_machine_energy
from cardcallback.testing import FakeSensor
from waveforms import Waveform, constant, square

NO_POWER = "no power reading: not supported by this device"
ORIN = DeviceInfo(index=0, name="Orin (nvgpu)", unified_memory=True)
THOR = DeviceInfo(index=0, name="NVIDIA Thor", unified_memory=True)


def powerless(*devices: DeviceInfo) -> SensorSet:
    """What the driver gives of devices that tell neither energy nor power."""
    quantities: tuple[Quantity, ...] = ("gpu_energy", "gpu_power")
    absences = [
        Absence(quantity=quantity, source="nvml", reason=NO_POWER, device=device.index)
        for device in devices
        for quantity in quantities
    ]
    return SensorSet(devices=devices, absences=tuple(absences))


def without_driver() -> SensorSet:
    """What there is where no NVIDIA driver was found."""
    reason = "no NVIDIA driver found"
    return SensorSet(
        absences=(
            Absence(quantity="gpu_energy", source="nvml", reason=reason),
            Absence(quantity="gpu_power", source="nvml", reason=reason),
        )
    )


def values(sensors: SensorSet) -> dict[tuple[str, str], float]:
    """What each sensor reads, by quantity and source."""
    return {(sensor.spec.quantity, sensor.spec.source): sensor.read() for sensor in sensors.sensors}


def spec_of(sensors: SensorSet, quantity: str) -> SensorSpec:
    """The one sensor of a quantity."""
    (found,) = [sensor.spec for sensor in sensors.sensors if sensor.spec.quantity == quantity]
    return found


def test_an_agx_orin_is_told_by_its_module() -> None:
    """Three rails that do not feed one another are summed; the memory's, fed by the third, is not; "NC" is nothing."""
    sensors = with_board_power(powerless(ORIN), FIXTURES / "jetson-agx-orin")
    chip, others = 19.824 * 0.160, 19.824 * 0.080 + 4.968 * 1.0
    assert values(sensors) == {
        ("gpu_power", "hwmon:ina3221:module"): pytest.approx(chip + others),
        ("other_power", "hwmon:ina3221:VDD_GPU_SOC"): pytest.approx(chip),
    }
    module, chip_rail = spec_of(sensors, "gpu_power"), spec_of(sensors, "other_power")
    assert (module.device, module.covers) == (0, "Orin (nvgpu) module (GPU, processor and memory)")
    assert module.scope == Scope(
        gpu_core="yes", gpu_memory="yes", cpu="yes", host_dram="yes", network="unknown", regulators="unknown"
    )
    assert (chip_rail.scope.gpu_core, chip_rail.scope.cpu, chip_rail.scope.gpu_memory) == ("yes", "unknown", "no")
    (device,) = sensors.devices
    assert device.module == "module 0"
    assert "whole module's" in (device.energy_scope_note or "")
    assert "VDD_GPU_SOC + VDD_CPU_CV + VIN_SYS_5V0" in (device.energy_scope_note or "")
    assert sensors.absence("gpu_power", 0) is None
    assert sensors.absence("gpu_energy", 0) is not None


def test_an_orin_nx_has_one_input() -> None:
    """The rail that feeds the module is all of it, regulators included; a rail behind it is shown and not added."""
    sensors = with_board_power(powerless(ORIN), FIXTURES / "jetson-orin-nx")
    assert values(sensors) == {
        ("gpu_power", "hwmon:ina3221:module"): pytest.approx(19.720 * 0.520),
        ("other_power", "hwmon:ina3221:VDD_CPU_GPU_CV"): pytest.approx(19.720 * 0.120),
    }
    assert spec_of(sensors, "gpu_power").scope.regulators == "yes"
    assert spec_of(sensors, "other_power").scope.cpu == "yes"


def test_a_thors_gpu_has_a_rail_of_its_own() -> None:
    """It is the GPU's figure; the module stands beside it, and the carrier board's input is the whole machine."""
    sensors = with_board_power(powerless(THOR), FIXTURES / "jetson-agx-thor")
    assert values(sensors) == {
        # Without a current the converter shows a step below nothing.
        ("gpu_power", "hwmon:ina3221:VDD_GPU"): 0.0,
        ("other_power", "hwmon:ina3221:module"): pytest.approx(19.608 * (0.332 - 0.020) + 5.016 * 1.3),
        ("system_power", "hwmon:ina238:VIN"): pytest.approx(31.25),
    }
    gpu, machine = spec_of(sensors, "gpu_power"), spec_of(sensors, "system_power")
    assert (gpu.covers, gpu.scope) == ("NVIDIA Thor", Scope(gpu_core="yes", regulators="unknown"))
    assert (machine.scope.cpu, machine.scope.host_dram, machine.scope.supply_loss) == ("yes", "yes", "no")
    assert sensors.devices == (THOR,)


def test_an_agx_xavier_by_the_older_driver() -> None:
    """Six rails by NVIDIA's own iio driver; no driver lists its GPU, which is then the chip's by the device tree."""
    sensors = with_board_power(without_driver(), FIXTURES / "jetson-agx-xavier")
    module = 19.144 * (0.080 + 0.144 + 0.112 + 0.008 + 0.040) + 4.976 * 0.480
    assert values(sensors) == {
        ("gpu_power", "hwmon:ina3221:GPU"): pytest.approx(19.144 * 0.080),
        ("other_power", "hwmon:ina3221:module"): pytest.approx(module),
    }
    assert [device.name for device in sensors.devices] == ["NVIDIA Xavier"]
    assert sensors.absence("gpu_power") is None


def test_a_hidden_device_tree_hides_the_name_alone(tmp_path: Path) -> None:
    """Containers mask what tells the chip; its rails are read all the same."""
    root = copied("jetson-orin-nx", tmp_path)
    shutil.rmtree(root / "sys" / "firmware")
    assert [device.name for device in with_board_power(without_driver(), root).devices] == ["NVIDIA Jetson"]


def test_what_the_chip_says_of_its_time_and_step() -> None:
    """One sample a turn looks at a part of the time; a step is 40 uV over 2 mOhm on each of the rails."""
    module = spec_of(with_board_power(powerless(ORIN), FIXTURES / "jetson-agx-orin"), "gpu_power")
    assert (module.averaging_seconds, module.refresh_seconds, module.interval_seconds) == (None, 0.006, 0.2)
    assert module.resolution == pytest.approx(0.02 * (19.824 + 19.824 + 4.968))


def test_a_chip_that_averages_is_read_as_often_as_it_renews(tmp_path: Path) -> None:
    """512 samples over 3.4 s: nothing is unseen, and to read it more often would show nothing new."""
    root = copied("jetson-orin-nx", tmp_path)
    (root / HWMON / "hwmon1" / "samples").write_text("512")
    (root / HWMON / "hwmon1" / "update_interval").write_text("3379")
    module = spec_of(with_board_power(powerless(ORIN), root), "gpu_power")
    assert (module.averaging_seconds, module.refresh_seconds, module.interval_seconds) == (3.379, 3.379, 3.379)


CARD = SensorSet(
    devices=(DeviceInfo(index=0, name="NVIDIA RTX 6000 Ada Generation", unified_memory=False),),
    sensors=(
        FakeSensor(
            SensorSpec(
                quantity="gpu_power",
                source="nvml:power_average",
                kind="gauge",
                unit="watts",
                scope=Scope(gpu_core="yes", gpu_memory="yes"),
                covers="NVIDIA RTX 6000 Ada Generation",
                interval_seconds=0.5,
                device=0,
            ),
            50.0,
        ),
    ),
)


@pytest.mark.parametrize(
    "gpus", [CARD, powerless(ORIN, replace(ORIN, index=1))], ids=["a card in a slot", "two of which neither tells"]
)
def test_rails_of_no_device_are_added_to_none(gpus: SensorSet) -> None:
    """Beside a card with a power of its own, or where it cannot be told whose they are, they stand for themselves."""
    sensors = with_board_power(gpus, FIXTURES / "jetson-agx-orin")
    found = {spec for spec in values(sensors) if spec[0] == "other_power"}
    assert found == {("other_power", "hwmon:ina3221:module"), ("other_power", "hwmon:ina3221:VDD_GPU_SOC")}
    assert sensors.devices == gpus.devices
    assert sensors.absences == gpus.absences


def test_a_driver_that_may_start_later_is_waited_for() -> None:
    """The rails would otherwise be a device of their own beside the one that it will list."""
    gpus = replace(without_driver(), not_ready=True)
    assert with_board_power(gpus, FIXTURES / "jetson-orin-nx") == gpus


@pytest.mark.parametrize("missing", ["VDD_IN", "VDD_CPU_GPU_CV"])
def test_rails_of_no_known_layout_are_left_alone(tmp_path: Path, missing: str) -> None:
    """What a rail of an unknown board holds is not documented."""
    root = copied("jetson-orin-nx", tmp_path)
    label = next(one for one in (root / HWMON).rglob("in*_label") if one.read_text().strip() == missing)
    label.write_text("VDD_SOMETHING")
    assert with_board_power(powerless(ORIN), root) == powerless(ORIN)


def test_no_other_machine_has_rails() -> None:
    """A Spark, a GH200 and a server are what they were."""
    for name in ("dgx-spark-spbm", "gh200", "two-socket-rapl"):
        assert with_board_power(powerless(ORIN), FIXTURES / name) == powerless(ORIN)


def test_a_rail_that_cannot_be_read_leaves_its_reason(tmp_path: Path) -> None:
    """A sum without one of its rails is no sum: the card says why."""
    root = copied("jetson-agx-orin", tmp_path)
    (root / HWMON / "hwmon3" / "curr2_input").unlink()
    sensors = with_board_power(powerless(ORIN), root)
    assert [source for _, source in values(sensors)] == ["hwmon:ina3221:VDD_GPU_SOC"]
    absence = sensors.absence("gpu_power", 0)
    assert absence is not None
    assert absence.reason.startswith("hwmon:ina3221:module is here and cannot be used: curr2_input")


@pytest.mark.parametrize("milliamperes", ["-900", "600000", "x", ""])
def test_absurd_readings_are_refused(tmp_path: Path, milliamperes: str) -> None:
    """Far below nothing, 12 kW or no number fails that reading; the next true one counts."""
    root = copied("jetson-orin-nx", tmp_path)
    file = root / HWMON / "hwmon1" / "curr1_input"
    sensor = next(one for one in with_board_power(powerless(ORIN), root).sensors if one.spec.quantity == "gpu_power")
    file.write_text(milliamperes)
    with pytest.raises(SensorReadError):
        sensor.read()
    file.write_text("1000")
    assert sensor.read() == pytest.approx(19.720)


def test_a_modules_energy(tmp_path: Path) -> None:
    """A minute of work on two rails of an AGX Orin: the truth is in the interval, the processor in the figure."""
    root = copied("jetson-agx-orin", tmp_path)
    chip = root / HWMON / "hwmon3"
    gpu, cpu = Waveform((square(4.0, 24.0, 1.7),)), Waveform((constant(6.0),))
    clock = FileClock(
        RailFile(path=chip / "curr1_input", waveform=gpu, volts=19.824),
        RailFile(path=chip / "curr2_input", waveform=cpu, volts=19.824),
    )
    opened = with_board_power(powerless(ORIN), root).with_others(open_machine_energy(root))
    recording = record(opened, 120.0, clock)
    energy = recording.energy
    truth = gpu.energy_joules(0.0, 120.0) + (6.0 + 4.968) * 120.0
    assert clock.elapsed_seconds() >= ORIGIN_SECONDS + 120.0
    assert energy.gpu.value == pytest.approx(truth, rel=0.02)
    assert energy.gpu.recording_low is not None
    assert energy.gpu.recording_high is not None
    assert energy.gpu.recording_low <= truth <= energy.gpu.recording_high
    assert energy.gpu.scope is not None
    assert (energy.gpu.scope.cpu, energy.gpu.scope.host_dram) == ("yes", "yes")
    assert energy.gpu_counter.value is None
    assert [one.covers for one in energy.others] == [("rail VDD_GPU_SOC (GPU and other parts of its chip)",)]
    assert energy.others[0].value == pytest.approx(gpu.energy_joules(0.0, 120.0), rel=0.02)
    trace = next(one for one in recording.traces if one.quantity == "gpu_power")
    assert power_noun(None, trace.source) == "module"


def test_a_thors_energies(tmp_path: Path) -> None:
    """GPU, module and machine are three figures, of which none holds another twice."""
    root = copied("jetson-agx-thor", tmp_path)
    gpu = Waveform((square(10.0, 70.0, 2.3),))
    clock = FileClock(RailFile(path=root / HWMON / "hwmon2" / "curr1_input", waveform=gpu, volts=19.608))
    (root / HWMON / "hwmon5" / "power1_input").write_text("95000000")
    energy = record(with_board_power(powerless(THOR), root), 120.0, clock).energy
    truth = gpu.energy_joules(0.0, 120.0)
    assert energy.gpu.value == pytest.approx(truth, rel=0.02)
    assert energy.system.value == pytest.approx(95.0 * 120.0, rel=0.001)
    assert energy.others[0].value == pytest.approx(truth + (19.608 * 0.332 + 5.016 * 1.3) * 120.0, rel=0.02)


def test_opened_among_all_sensors() -> None:
    """The board's figure takes the place of the driver's absence in what a run opens."""
    sensors = open_sensors(
        system_root=FIXTURES / "jetson-orin-nx", environ={}, open_gpus=lambda _: powerless(ORIN), plugins=()
    )
    assert spec_of(sensors, "gpu_power").source == "hwmon:ina3221:module"
    memory = [one.spec for one in sensors.sensors if one.spec.quantity == "gpu_other_processes"]
    assert [spec.device for spec in memory] == [0]
