"""What doctor finds out about sensors, from two readings and from the machine's files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import pytest
from machine_files import FIXTURES, copied

from cardcallback.cli.examination import Finding, examine
from cardcallback.errors import SensorReadError, SensorUnavailableError
from cardcallback.record import Scope
from cardcallback.sensors.base import Absence, DeviceInfo, Quantity, SensorSet, SensorSpec
from cardcallback.sensors.machine import open_machine_energy
from cardcallback.sensors.rapl import ROOT_ONLY, energy_files
from cardcallback.testing import FakeClock, FakeSensor

GPU = Scope(gpu_core="yes", gpu_memory="unknown")


def sensor(
    readings: float | Iterable[float | Exception],
    quantity: Quantity = "gpu_energy",
    device: int | None = 0,
    **spec: Any,
) -> FakeSensor:
    """A sensor with these readings; a counter of joules unless told."""
    fields = {"source": "nvml:test", "kind": "counter", "unit": "joules", "scope": GPU, "covers": "GPU"}
    return FakeSensor(SensorSpec(quantity=quantity, device=device, interval_seconds=1.0, **(fields | spec)), readings)


def findings(root: Path, *sensors: Any, **fields: Any) -> dict[str, Finding]:
    """What doctor finds, by quantity, with a second between the readings."""
    clock = FakeClock()
    devices = fields.pop("devices", (DeviceInfo(index=0, name="NVIDIA GB10", uuid="GPU-secret"),))
    found = examine(
        SensorSet(sensors=tuple(sensors), devices=devices, **fields),
        elapsed_seconds=clock.elapsed_seconds,
        wait=clock.advance,
        system_root=root,
    )
    return {finding.quantity: finding for finding in found}


def test_counter_that_advances_works(tmp_path: Path) -> None:
    """Two growing readings a second apart: it works, with its scope and its device's name."""
    finding = findings(tmp_path, sensor([100.0, 112.0]))["gpu_energy"]
    assert (finding.status, finding.first, finding.second, finding.seconds_between) == ("works", 100.0, 112.0, 1.0)
    assert (finding.device, finding.scope, finding.cure) == ("NVIDIA GB10", GPU, None)


@pytest.mark.parametrize(("watts", "status"), [(0.06, "unproven"), (3.0, "works"), (140.0, "works"), (6e4, "unproven")])
def test_a_counter_in_another_unit_is_unproven(tmp_path: Path, watts: float, status: str) -> None:
    """A thousandth and a thousandfold of what the device may draw; at rest and at its limit it works."""
    finding = findings(tmp_path, sensor([100.0, 100.0 + watts], highest_watts=140.0))["gpu_energy"]
    assert finding.status == status
    assert ("another unit" in (finding.reason or "")) == (status == "unproven")
    unlimited = findings(tmp_path, sensor([100.0, 100.0 + watts]))["gpu_energy"]
    assert unlimited.status == "works"


@pytest.mark.parametrize("second", [100.0, 99.0])
def test_counter_that_has_not_advanced_is_unproven(tmp_path: Path, second: float) -> None:
    """Standing still or going back is no proof of life, and the cure is to look again."""
    finding = findings(tmp_path, sensor([100.0, second]))["gpu_energy"]
    assert finding.status == "unproven"
    assert "run doctor again" in (finding.cure or "")


@pytest.mark.parametrize(
    ("load", "reason", "cure"),
    [
        (0.96, "has not advanced under load (utilisation 96 %)", "stands still under load is not used"),
        (0.0, "while the device was hardly used (utilisation 0 %)", "run doctor again while the device works"),
    ],
)
def test_standing_still_is_judged_by_the_load(tmp_path: Path, load: float, reason: str, cure: str) -> None:
    """Under load the counter is as good as disproved; idle, it has to be seen at work; either way it is unproven."""
    utilization = sensor(load, "gpu_utilization", kind="gauge", unit="share")
    of_another = sensor(0.5, "gpu_utilization", 1, kind="gauge", unit="share")
    finding = findings(tmp_path, sensor(100.0), utilization, of_another)["gpu_energy"]
    assert finding.status == "unproven"
    assert reason in (finding.reason or "")
    assert cure in (finding.cure or "")


def test_time_in_slowdowns_may_stand_still(tmp_path: Path) -> None:
    """A GPU that is not slowed is no fault of the counter of slowdowns."""
    still = sensor(173.0, "gpu_software_thermal_time", unit="seconds")
    assert findings(tmp_path, still)["gpu_software_thermal_time"].status == "works"


def test_gauge_may_stand_still(tmp_path: Path) -> None:
    """Equal power readings are normal for a gauge."""
    assert findings(tmp_path, sensor(12.0, "gpu_power", kind="gauge", unit="watts"))["gpu_power"].status == "works"


@pytest.mark.parametrize(
    ("readings", "reason"),
    [
        ([SensorReadError("driver timed out"), 5.0], "driver timed out"),
        ([5.0, SensorUnavailableError("device is lost")], "device is lost"),
        ([5.0, ValueError("http://192.168.1.40/cm")], "its reading raised ValueError"),
        ([float("nan"), 5.0], "gave nan, which is no quantity"),
    ],
)
def test_one_failed_reading_is_a_finding(tmp_path: Path, readings: list[Any], reason: str) -> None:
    """Whatever a sensor raises becomes its finding and stops nothing; foreign text, such as an address, stays out."""
    finding = findings(tmp_path, sensor(readings))["gpu_energy"]
    assert (finding.status, finding.reason) == ("fails", reason)


def test_allocator_without_training_is_not_called_broken(tmp_path: Path) -> None:
    """PyTorch's allocator cannot be read here; that is no failure, and training is where it is seen."""
    never = sensor([SensorReadError("not used CUDA")] * 2, "torch_allocated", None, kind="gauge", unit="bytes")
    finding = findings(tmp_path, never)["torch_allocated"]
    assert (finding.status, finding.reason) == ("unproven", "not used CUDA")
    assert "while training" in (finding.cure or "")


def test_unlisted_figure_of_an_absent_gpu_has_its_reason(tmp_path: Path) -> None:
    """Without a driver every figure of the GPU is absent for that reason."""
    absence = Absence(quantity="gpu_energy", source="nvml", reason="no driver")
    found = findings(tmp_path, devices=(), absences=(absence,))
    assert found["gpu_sm_clock"].reason == "no driver"


def test_every_quantity_has_an_answer(tmp_path: Path) -> None:
    """What no sensor reads is absent with a reason, and the order is that of the quantities."""
    found = findings(tmp_path, sensor([1.0, 2.0]))
    assert list(found) == list(get_args(Quantity))
    assert all(finding.reason for finding in found.values() if finding.status == "absent")


def test_absence_keeps_its_reason(tmp_path: Path) -> None:
    """The reason of a sensor that could not be opened is passed on."""
    absence = Absence(quantity="gpu_process_memory", source="nvml", reason="not supported on this device", device=0)
    finding = findings(tmp_path, absences=(absence,))["gpu_process_memory"]
    assert (finding.status, finding.reason, finding.device) == ("absent", "not supported on this device", "NVIDIA GB10")


def test_alike_devices_are_told_apart_by_index(tmp_path: Path) -> None:
    """Two devices of one name are named with their place in the list."""
    devices = (DeviceInfo(index=0, name="NVIDIA H100"), DeviceInfo(index=1, name="NVIDIA H100"))
    found = examine(
        SensorSet(sensors=(sensor([1.0, 2.0], device=1),), devices=devices),
        elapsed_seconds=FakeClock().elapsed_seconds,
        wait=lambda _: None,
        system_root=tmp_path,
    )
    assert found[0].device == "NVIDIA H100 (device 1)"


def machine(root: Path) -> dict[str, Finding]:
    """What doctor finds of the machine whose files lie under ``root``."""
    opened = open_machine_energy(root)
    return findings(root, *opened.sensors, devices=(), absences=opened.absences)


def modes(root: Path, mode: int) -> None:
    """Give every RAPL energy file a mode."""
    for file in energy_files(root):
        file.chmod(mode)


def test_readable_rapl_is_read_and_called_a_side_channel(tmp_path: Path) -> None:
    """An energy file that every user may read is measured, with what that gives away and how to close it."""
    root = copied("two-socket-rapl", tmp_path)
    modes(root, 0o444)
    finding = machine(root)["cpu_energy"]
    assert finding.source == "rapl:package-1"
    assert "reopens a known power side channel of processors' energy counters" in (finding.safety or "")
    found = machine(root)["dram_energy"]
    assert found.status == "unproven"  # its file stands still
    assert found.cure == "run doctor again while the device works: a counter that stands still under load is not used"


def test_rapl_that_only_we_may_read_gives_nothing_away(tmp_path: Path) -> None:
    """Read as root from closed files, nothing is open to others and nothing is said of it."""
    root = copied("two-socket-rapl", tmp_path)
    sensors = open_machine_energy(root).sensors
    modes(root, 0o400)
    assert findings(root, *sensors, devices=())["cpu_energy"].safety is None


def test_closed_rapl_says_what_its_cure_costs(tmp_path: Path) -> None:
    """A counter for root only: the reason, what opens it, and the side channel that this reopens."""
    root = copied("two-socket-rapl", tmp_path)
    modes(root, 0o400)
    closed = Absence(quantity="cpu_energy", source="rapl", reason=ROOT_ONLY, cure="sudo chmod a+r")
    finding = findings(root, devices=(), absences=(closed,))["cpu_energy"]
    assert (finding.reason, finding.cure) == (ROOT_ONLY, "sudo chmod a+r")
    assert "opening it reopens a known power side channel" in (finding.safety or "")


def test_no_rapl(tmp_path: Path) -> None:
    """A machine without RAPL, such as a Spark, is told so and of sensors of one's own."""
    finding = machine(tmp_path)["cpu_energy"]
    assert finding.reason == "no RAPL energy counter on this machine"
    assert "cardcallback.sensors" in (finding.cure or "")
    assert finding.safety is None


def test_a_spark_without_the_driver_is_told_what_it_costs(tmp_path: Path) -> None:
    """The community driver is named for every figure of the machine, with what a foreign kernel module costs."""
    found = machine(FIXTURES / "dgx-spark")
    for quantity in ("system_power", "system_energy"):
        assert "spark_hwmon" in (found[quantity].cure or "")
        assert "Secure Boot" in (found[quantity].safety or "")
    assert machine(tmp_path)["system_power"].safety is None


def test_what_another_quantity_gives_is_not_called_missing() -> None:
    """A machine whose power is read needs no energy counter, and the other way round."""
    found = machine(FIXTURES / "dgx-spark-spbm")
    assert found["system_energy"].reason == "not needed: the figure comes from system_power (hwmon:spbm:sys_total)"
    assert found["cpu_power"].cure is None
