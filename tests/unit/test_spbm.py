"""A Spark's firmware sensors, by chip and label, with channels hidden and values absurd."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from machine_files import FIXTURES, HWMON, copied

from cardcallback.errors import SensorReadError
from cardcallback.sensors import SensorSet
from cardcallback.sensors.machine import open_machine_energy
from cardcallback.sensors.spbm import is_spark, open_spbm

SPARK = FIXTURES / "dgx-spark-spbm"


@pytest.fixture
def spark(tmp_path: Path) -> Path:
    """A Spark with the driver, whose files may be changed."""
    return copied("dgx-spark-spbm", tmp_path)


def values(sensors: SensorSet) -> dict[tuple[str, str], float]:
    """What each sensor reads, by quantity and source."""
    return {(sensor.spec.quantity, sensor.spec.source): sensor.read() for sensor in sensors.sensors}


def reasons(sensors: SensorSet) -> dict[str, str]:
    """Why a quantity is absent."""
    return {absence.quantity: absence.reason for absence in sensors.absences}


def channel(root: Path, label: str, kind: str = "power") -> Path:
    """The reading of a labelled channel."""
    found = next(path for path in root.glob(f"{HWMON}/*/{kind}*_label") if path.read_text().strip() == label)
    return found.with_name(found.name.replace("_label", "_input"))


def test_a_spark_with_the_driver() -> None:
    """The published sample set in watts and joules: machine, both kinds of cores, and what overlaps them."""
    assert values(open_spbm(SPARK)) == {
        ("system_power", "hwmon:spbm:sys_total"): pytest.approx(50.687),
        ("cpu_energy", "hwmon:spbm:cpu_p"): pytest.approx(1_496_686.770),
        ("cpu_energy", "hwmon:spbm:cpu_e"): pytest.approx(95_361.764),
        ("other_energy", "hwmon:spbm:pkg"): pytest.approx(2_135_422.449),
        ("other_energy", "hwmon:spbm:gpu"): pytest.approx(870_868.565),
    }


def test_what_a_sparks_sensors_say_of_themselves() -> None:
    """The machine's power has no accumulator and leaves out the supply; counters wrap at 32 bits of millijoules."""
    specs = {sensor.spec.source: sensor.spec for sensor in open_spbm(SPARK).sensors}
    machine, cores, gpu = (specs[f"hwmon:spbm:{label}"] for label in ("sys_total", "cpu_p", "gpu"))
    assert (machine.kind, machine.unit, machine.averaging_seconds) == ("gauge", "watts", None)
    assert (machine.scope.gpu_core, machine.scope.cpu, machine.scope.supply_loss) == ("yes", "yes", "no")
    assert (machine.scope.host_dram, machine.scope.network) == ("unknown", "unknown")
    assert (cores.wraps_at, cores.refresh_seconds, cores.covers) == (4_294_967.295, 0.0103, "performance cores")
    assert (gpu.scope.gpu_core, gpu.scope.gpu_memory, gpu.scope.cpu) == ("yes", "unknown", "no")


def test_channels_move_and_are_still_found(spark: Path) -> None:
    """The number of a channel means nothing: the driver numbers them anew when it hides one."""
    chip = spark / HWMON / "hwmon6"
    (chip / "power1_label").rename(chip / "power40_label")
    (chip / "power1_input").rename(chip / "power40_input")
    assert values(open_spbm(spark))["system_power", "hwmon:spbm:sys_total"] == pytest.approx(50.687)


def test_hidden_channels() -> None:
    """No machine total and one kind of cores only: both figures are absent with their reason, the rest stays."""
    sensors = open_spbm(FIXTURES / "dgx-spark-spbm-hidden")
    assert {source for _, source in values(sensors)} == {"hwmon:spbm:pkg", "hwmon:spbm:gpu"}
    assert reasons(sensors) == {
        "system_power": "the driver spbm does not show sys_total on this machine",
        "cpu_energy": "the driver spbm shows only the performance cores on this machine",
    }


@pytest.mark.parametrize("microwatts", ["1000000001", "-1", "", "0x5", "99999999999999999999"])
def test_absurd_power_is_one_failed_reading(spark: Path, microwatts: str) -> None:
    """More than 1,000 W, less than nothing or no number fails that reading; the next true one counts."""
    file = channel(spark, "sys_total")
    file.write_text(microwatts)
    sensor = next(one for one in open_spbm(spark).sensors if one.spec.quantity == "system_power")
    with pytest.raises(SensorReadError):
        sensor.read()
    file.write_text("61000000")
    assert sensor.read() == pytest.approx(61.0)


def test_an_energy_beyond_its_register_is_refused(spark: Path) -> None:
    """No register of 32 bits holds 4.3 MJ in millijoules."""
    channel(spark, "cpu_p", "energy").write_text("4294967296000")
    sensor = next(one for one in open_spbm(spark).sensors if one.spec.source == "hwmon:spbm:cpu_p")
    with pytest.raises(SensorReadError, match="what cannot be"):
        sensor.read()


def test_a_part_of_a_sum_that_cannot_be_read_is_no_sum(spark: Path) -> None:
    """Where one kind of cores cannot be read for good, the processor is absent; what is summed with nothing stays."""
    for label in ("cpu_e", "gpu"):
        file = channel(spark, label, "energy")
        file.unlink()
        file.mkdir()
    sensors = open_spbm(spark)
    assert {source for _, source in values(sensors)} == {"hwmon:spbm:sys_total", "hwmon:spbm:pkg"}
    assert "hwmon:spbm:cpu_e is here and cannot be used" in reasons(sensors)["cpu_energy"]


def test_a_spark_without_the_driver_is_told_of_it(spark: Path) -> None:
    """The driver is optional: a Spark without it says what is missing and how it comes."""
    shutil.rmtree(spark / HWMON / "hwmon6")
    absence = open_spbm(spark).absence("system_power")
    assert absence is not None
    assert absence.reason == "the driver for the Spark's own power sensors is not installed"
    assert "spark_hwmon" in (absence.cure or "")


def test_other_machines_are_not_told_about_the_sparks_driver(tmp_path: Path) -> None:
    """A machine without that chip has nothing to say."""
    assert open_spbm(tmp_path) == SensorSet()
    assert is_spark(SPARK)
    assert not is_spark(FIXTURES / "gh200")


def test_a_spark_reads_its_processor_without_rapl() -> None:
    """The absence of RAPL is no news where the firmware's counters stand in; memory's is."""
    assert reasons(open_machine_energy(SPARK)) == {"dram_energy": "no RAPL energy counter on this machine"}
