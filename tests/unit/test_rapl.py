"""Processor and memory energy from powercap trees: which zones count, how often they are read, why not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from machine_files import FIXTURES, POWERCAP, copied

from cardcallback.errors import SensorReadError
from cardcallback.sensors import SensorSet
from cardcallback.sensors.rapl import energy_files, open_rapl

SERVER = FIXTURES / "two-socket-rapl"
RANGE_JOULES = 262_143.328850


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """A two-socket server whose files may be changed."""
    return copied("two-socket-rapl", tmp_path)


def by_source(sensors: SensorSet) -> dict[str, float]:
    """What each sensor reads, by its source."""
    return {sensor.spec.source: sensor.read() for sensor in sensors.sensors}


def reasons(sensors: SensorSet) -> dict[str, str]:
    """Why a quantity is absent."""
    return {absence.quantity: absence.reason for absence in sensors.absences}


def test_each_socket_and_its_memory_is_one_sensor_in_joules() -> None:
    """Packages and their memory count once each, though MMIO shows one again; core zones are inside a package."""
    assert by_source(open_rapl(SERVER)) == {
        "rapl:package-0": 100_000.0,
        "rapl:package-1": 90_000.0,
        "rapl:package-0:dram": 20_000.0,
        "rapl:package-1:dram": 10_000.0,
        "rapl:psys": 230_000.0,
    }


def test_what_each_zone_covers() -> None:
    """A package leaves its memory out where that has a zone; of a platform only the processor is documented."""
    specs = {sensor.spec.source: sensor.spec for sensor in open_rapl(SERVER).sensors}
    package, memory, platform = specs["rapl:package-1"], specs["rapl:package-1:dram"], specs["rapl:psys"]
    assert (package.quantity, package.covers) == ("cpu_energy", "processor socket 1")
    assert (package.scope.cpu, package.scope.host_dram, package.scope.gpu_core) == ("yes", "no", "no")
    assert (memory.quantity, memory.covers) == ("dram_energy", "memory of processor socket 1")
    assert (memory.scope.cpu, memory.scope.host_dram) == ("no", "yes")
    assert platform.quantity == "other_energy"
    assert (platform.scope.cpu, platform.scope.host_dram, platform.scope.supply_loss) == ("yes", "unknown", "unknown")
    assert package.accuracy.statement == "not published"


def test_memory_without_a_zone_of_its_own_is_not_claimed_absent(server: Path) -> None:
    """Without a memory zone nobody documents whether the package holds it, and the reason names what is missing."""
    for name in ("intel-rapl:0:1", "intel-rapl:1:1"):
        shutil.rmtree(server / POWERCAP / name)
    sensors = open_rapl(server)
    assert {s.spec.scope.host_dram for s in sensors.sensors if s.spec.quantity == "cpu_energy"} == {"unknown"}
    assert reasons(sensors) == {"dram_energy": "RAPL has no memory counter on this machine"}


@pytest.mark.parametrize("without", ["intel-rapl:0:1", "intel-rapl:1:1"])
def test_memory_of_one_socket_is_not_that_of_the_machine(server: Path, without: str) -> None:
    """Where a socket shows no memory zone, main memory is absent with that reason, and the processors stay."""
    shutil.rmtree(server / POWERCAP / without)
    sensors = open_rapl(server)
    assert {sensor.spec.quantity for sensor in sensors.sensors} == {"cpu_energy", "other_energy"}
    assert reasons(sensors) == {"dram_energy": "RAPL counts the memory of 1 of 2 processor packages only"}


@pytest.mark.parametrize(
    ("range_joules", "interval"),
    [(262_143.3, 1.0), (65_713.0, 1.0), (4000.0, 1.0), (1000.0, 0.25), (100.0, 0.025)],
)
def test_the_interval_sees_every_wrap_of_a_thousand_watts(server: Path, range_joules: float, interval: float) -> None:
    """Four readings fall into one turn of the counter at the highest power, whatever its range."""
    (server / POWERCAP / "intel-rapl:0" / "max_energy_range_uj").write_text(str(round(range_joules * 1e6)))
    (server / POWERCAP / "intel-rapl:0" / "energy_uj").write_text("1")
    spec = open_rapl(server).sensors[0].spec
    assert spec.source == "rapl:package-0"
    assert spec.interval_seconds == pytest.approx(interval)
    assert spec.wraps_at == pytest.approx(range_joules)
    assert spec.longest_interval_seconds == pytest.approx(range_joules / 1000.0 / 4)


def test_a_counter_that_turns_over_too_fast_is_not_used(server: Path) -> None:
    """A range of 10 J would have to be read every 2.5 ms: the processors are absent, with that reason."""
    (server / POWERCAP / "intel-rapl:0" / "max_energy_range_uj").write_text("10000000")
    assert reasons(open_rapl(server))["cpu_energy"] == "the RAPL counter wraps too fast to be followed"


@pytest.mark.parametrize("text", ["", "soon", "0"])
def test_an_unknown_range_is_no_range(server: Path, text: str) -> None:
    """Without a range a wrap cannot be told from a reset, and none is claimed."""
    (server / POWERCAP / "intel-rapl:0" / "max_energy_range_uj").write_text(text)
    spec = open_rapl(server).sensors[0].spec
    assert (spec.wraps_at, spec.longest_interval_seconds, spec.interval_seconds) == (None, None, 1.0)


@pytest.mark.parametrize("text", ["", "-5", "12 34", "999999999999999"])
def test_a_value_that_cannot_be_is_one_failed_reading(server: Path, text: str) -> None:
    """Rubbish in the file fails that reading and not the sensor, at the opening too."""
    energy = server / POWERCAP / "intel-rapl:0" / "energy_uj"
    energy.write_text(text)
    sensor = open_rapl(server).sensors[0]
    with pytest.raises(SensorReadError):
        sensor.read()
    energy.write_text("2500000")
    assert sensor.read() == 2.5


def test_one_unreadable_socket_takes_all_processors_with_it(server: Path) -> None:
    """The energy of a part of the processors is not called that of the processors; memory stays."""
    energy = server / POWERCAP / "intel-rapl:1" / "energy_uj"
    energy.unlink()
    energy.mkdir()
    sensors = open_rapl(server)
    assert {sensor.spec.quantity for sensor in sensors.sensors} == {"dram_energy", "other_energy"}
    assert reasons(sensors)["cpu_energy"].startswith("RAPL is here and cannot be used: energy_uj cannot be read")


def test_the_interface_that_can_be_read_stands_in(server: Path) -> None:
    """Where the first of two interfaces to one package is closed, the second is read, still once."""
    (server / POWERCAP / "intel-rapl:0" / "energy_uj").unlink()
    (server / POWERCAP / "intel-rapl-mmio:0" / "energy_uj").write_text("77000000")
    assert by_source(open_rapl(server))["rapl:package-0"] == 77.0


def test_a_folder_in_place_of_the_file_is_a_reason() -> None:
    """A counter that nobody can read, root included, is absent with the system's own words."""
    sensors = open_rapl(FIXTURES / "rapl-unreadable")
    assert sensors.sensors == ()
    assert "Is a directory" in reasons(sensors)["cpu_energy"]
    assert reasons(sensors)["dram_energy"] == "RAPL has no memory counter on this machine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads files of every mode")
def test_a_file_for_root_only_has_reason_and_cure(server: Path) -> None:
    """What the kernel keeps for root is said, with what would open it."""
    for energy in energy_files(server):
        energy.chmod(0)
    absence = open_rapl(server).absence("cpu_energy")
    assert absence is not None
    assert absence.reason == "RAPL is readable by root only"
    assert "sudo chmod a+r" in (absence.cure or "")


def test_a_container_that_hides_the_zones_is_told_apart(server: Path) -> None:
    """Entries that point nowhere are hidden, not missing."""
    for entry in (server / POWERCAP).iterdir():
        shutil.rmtree(entry)
        entry.symlink_to(server / "nowhere")
    assert reasons(open_rapl(server))["cpu_energy"] == "RAPL is hidden here, as containers hide it"


def test_no_powercap_at_all(tmp_path: Path) -> None:
    """A machine without RAPL, such as a Spark, says so for processor and memory."""
    nothing = "no RAPL energy counter on this machine"
    assert reasons(open_rapl(tmp_path)) == {"cpu_energy": nothing, "dram_energy": nothing}


def test_dies_of_one_socket_are_counted_each(server: Path) -> None:
    """A processor of several dies shows each as a package; they are different things."""
    for number, name in ((0, "package-0-die-0"), (1, "package-0-die-1")):
        (server / POWERCAP / f"intel-rapl:{number}" / "name").write_text(name)
    shutil.rmtree(server / POWERCAP / "intel-rapl-mmio:0")
    covered = {s.spec.covers for s in open_rapl(server).sensors if s.spec.quantity == "cpu_energy"}
    assert covered == {"processor socket 0, die 0", "processor socket 0, die 1"}
