"""ACPI power meters: Grace's by their labels, a server's by what its firmware says, and readings that cannot be."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from machine_files import FIXTURES, HWMON, ORIGIN_SECONDS, FileClock, PowerFile, copied
from recorded import record

from cardcallback.errors import SensorReadError
from cardcallback.record import UNKNOWN_SCOPE
from cardcallback.sensors import SensorSet
from cardcallback.sensors.machine import open_machine_energy
from cardcallback.sensors.power_meters import open_power_meters
from waveforms import Waveform, square

METER = HWMON / "hwmon1" / "device"


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """A server whose one meter says that it measures the whole system; its files may be changed."""
    return copied("server-power-meter", tmp_path)


def values(sensors: SensorSet) -> dict[tuple[str, str], float]:
    """What each sensor reads, by quantity and source."""
    return {(sensor.spec.quantity, sensor.spec.source): sensor.read() for sensor in sensors.sensors}


def reasons(sensors: SensorSet) -> dict[str, str]:
    """Why a quantity is absent."""
    return {absence.quantity: absence.reason for absence in sensors.absences}


def test_grace_on_a_hopper_module() -> None:
    """The processor is one figure, its rails are in it, and the module is beside it; old and new kernels' layouts."""
    sensors = open_power_meters(FIXTURES / "gh200")
    assert values(sensors) == {
        ("cpu_power", "hwmon:power_meter:grace:0"): pytest.approx(96.0),
        ("other_power", "hwmon:power_meter:module:0"): pytest.approx(412.0),
    }
    grace, module = (sensor.spec for sensor in sensors.sensors)
    assert (grace.averaging_seconds, grace.refresh_seconds, grace.interval_seconds) == (0.05, 0.05, 0.2)
    assert (grace.scope.cpu, grace.scope.host_dram, grace.scope.gpu_core) == ("yes", "unknown", "no")
    # A Grace CPU Superchip, which has no GPU, shows a meter of the same name.
    assert (module.scope.gpu_core, module.scope.cpu) == ("unknown", "yes")
    assert "GPU" not in module.covers


def test_labels_are_read_as_words(tmp_path: Path) -> None:
    """Case does not matter, and a machine of one socket need not number it."""
    root = copied("gh200", tmp_path)
    (root / HWMON / "hwmon2" / "device" / "power1_oem_info").write_text("grace power")
    assert ("cpu_power", "hwmon:power_meter:grace:0") in values(open_power_meters(root))


def test_a_core_rail_alone_is_not_the_processor(tmp_path: Path) -> None:
    """Without the meter of the whole processor its energy is absent."""
    root = copied("gh200", tmp_path)
    shutil.rmtree(root / HWMON / "hwmon2")
    assert reasons(open_power_meters(root)) == {"cpu_power": "the ACPI power meters here show no Grace processor whole"}


@pytest.mark.parametrize("folder", ["device", "."])
def test_files_lie_in_either_folder(tmp_path: Path, folder: str) -> None:
    """Beside the class folder's link with the chip's name only in that folder, or all in it, by the kernel's age."""
    root = copied("gh200", tmp_path)
    old, new = root / HWMON / "hwmon2" / "device", root / HWMON / "hwmon2" / folder
    (old / "name").rename(root / HWMON / "hwmon2" / "name")
    for file in list(old.iterdir()):
        file.rename(new / file.name)
    assert ("cpu_power", "hwmon:power_meter:grace:0") in values(open_power_meters(root))


def test_a_servers_meter_is_the_whole_machine() -> None:
    """The firmware says that it measures the system bus with all that is on it; before or after a supply is open."""
    sensors = open_machine_energy(FIXTURES / "server-power-meter")
    assert values(sensors) == {("system_power", "hwmon:power_meter:system"): pytest.approx(412.0)}
    (spec,) = (sensor.spec for sensor in sensors.sensors)
    assert (spec.averaging_seconds, spec.refresh_seconds, spec.interval_seconds) == (1.0, 1.0, 1.0)
    assert (spec.scope.gpu_core, spec.scope.cpu, spec.scope.network) == ("yes", "yes", "yes")
    assert (spec.scope.regulators, spec.scope.supply_loss) == ("unknown", "unknown")
    assert spec.accuracy.statement == "95.0 % accurate, as the meter's firmware says"
    assert spec.accuracy.relative == pytest.approx(0.05)
    assert "SN0123456789" not in repr(spec)


def test_a_servers_energy_is_integrated(server: Path) -> None:
    """A meter that averages a second, over work that repeats every 2.3 s."""
    power = Waveform((square(300.0, 500.0, 2.3),))
    clock = FileClock(PowerFile(path=server / METER / "power1_average", waveform=power, window_seconds=1.0))
    system = record(open_machine_energy(server), 120.0, clock).energy.system
    truth = power.energy_joules(0.0, 120.0)
    assert clock.elapsed_seconds() >= ORIGIN_SECONDS + 120.0
    assert system.value == pytest.approx(truth, rel=0.01)
    assert system.recording_low is not None
    assert system.recording_high is not None
    assert system.recording_low <= truth <= system.recording_high


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("Intel(R) Node Manager", "Intel(R) Node Manager"),
        ("PSU Input Power 2", "PSU Input Power 2"),
        ("", "not named"),
        ("S/N 0123456789", "not named"),
        ("4C4C4544-0035-5910-8052-B4C04F4D3332", "not named"),
        ("x" * 60, "not named"),
    ],
)
def test_a_meter_of_unknown_parts_is_added_to_nothing(server: Path, label: str, told: str) -> None:
    """What it measures is not documented: it stands beside the figures by its own words, if these are only words."""
    shutil.rmtree(server / METER / "measures")
    (server / METER / "power1_oem_info").write_text(label)
    sensors = open_power_meters(server)
    assert values(sensors) == {("other_power", "hwmon:power_meter:other:1"): pytest.approx(412.0)}
    (spec,) = (sensor.spec for sensor in sensors.sensors)
    assert (spec.covers, spec.scope) == (f"ACPI power meter ({told})", UNKNOWN_SCOPE)


def test_two_meters_of_the_whole_system_are_neither_added_nor_chosen_from(server: Path) -> None:
    """Each of two supplies may have one, and then neither is the machine's: both are shown, and the reason."""
    shutil.copytree(server / HWMON / "hwmon1", server / HWMON / "hwmon2")
    sensors = open_power_meters(server)
    assert [sensor.spec.quantity for sensor in sensors.sensors] == ["other_power", "other_power"]
    assert len({sensor.spec.covers for sensor in sensors.sensors}) == 2
    assert "2 ACPI power meters each say" in reasons(sensors)["system_power"]


def test_meters_of_one_name_are_two_instruments(server: Path) -> None:
    """Equal words would make them one, of which the second is set aside."""
    shutil.rmtree(server / METER / "measures")
    shutil.copytree(server / HWMON / "hwmon1", server / HWMON / "hwmon2")
    covers = [sensor.spec.covers for sensor in open_power_meters(server).sensors]
    name = "Intel(R) Node Manager"
    assert covers == [f"ACPI power meter ({name}, 1 of 2)", f"ACPI power meter ({name}, 2 of 2)"]


def test_a_battery_is_no_meter_of_the_machine(server: Path) -> None:
    """A battery's power flows into the machine or out of the socket."""
    (server / METER / "power1_is_battery").write_text("1")
    assert open_power_meters(server) == SensorSet()


def test_a_meter_that_root_alone_may_read(server: Path) -> None:
    """Why there is no figure of the machine is told."""
    file = server / METER / "power1_average"
    file.unlink()
    file.mkdir()
    assert "hwmon:power_meter:system is here and cannot be used" in reasons(open_power_meters(server))["system_power"]


def test_a_firmware_that_answers_all_ones(server: Path) -> None:
    """As servers were seen to: 4.29 MW averaged over seven weeks is no reading, and no time to wait between two."""
    for name in ("power1_average", "power1_average_interval"):
        (server / METER / name).write_text("4294967295000" if name == "power1_average" else "4294967295")
    (sensor,) = open_power_meters(server).sensors
    assert (sensor.spec.averaging_seconds, sensor.spec.interval_seconds) == (None, 0.2)
    with pytest.raises(SensorReadError, match="what cannot be"):
        sensor.read()


@pytest.mark.parametrize("text", ["0.0%", "100.0%", "unknown", ""])
def test_an_accuracy_that_says_nothing_is_not_published(server: Path, text: str) -> None:
    """Firmware that leaves the field at its ends has published nothing."""
    (server / METER / "power1_accuracy").write_text(text)
    (sensor,) = open_power_meters(server).sensors
    assert sensor.spec.accuracy.statement == "not published"


def test_two_interfaces_to_the_processor_are_not_added(tmp_path: Path) -> None:
    """Where RAPL reads the processor, a meter of the board for it is left out, and no absence remains."""
    root = copied("two-socket-rapl", tmp_path)
    shutil.copytree(FIXTURES / "gh200" / HWMON, root / HWMON)
    sensors = open_machine_energy(root)
    quantities = [sensor.spec.quantity for sensor in sensors.sensors]
    assert quantities.count("cpu_energy") == 2
    assert "cpu_power" not in quantities
    assert sensors.absences == ()
