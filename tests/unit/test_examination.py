"""What doctor finds out about sensors, from two readings and from the machine's files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import pytest

from cardcallback.cli.examination import Finding, examine
from cardcallback.errors import SensorReadError, SensorUnavailableError
from cardcallback.record import Scope
from cardcallback.sensors.base import Absence, DeviceInfo, Quantity, SensorSet, SensorSpec
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
        ([5.0, ValueError("odd")], "ValueError: odd"),
        ([float("nan"), 5.0], "gave nan, which is no quantity"),
    ],
)
def test_one_failed_reading_is_a_finding(tmp_path: Path, readings: list[Any], reason: str) -> None:
    """Whatever a sensor raises becomes its finding and stops nothing."""
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


def rapl(root: Path, mode: int) -> None:
    """A RAPL energy file of the given mode under ``root``."""
    folder = root / "sys" / "class" / "powercap" / "intel-rapl:0"
    folder.mkdir(parents=True)
    (folder / "energy_uj").write_text("1\n")
    (folder / "energy_uj").chmod(mode)


def test_readable_rapl_is_called_a_side_channel(tmp_path: Path) -> None:
    """An energy file that every user may read is reported with what it gives away and how to close it."""
    rapl(tmp_path, 0o444)
    finding = findings(tmp_path)["cpu_energy"]
    assert "reopens a known power side channel" in (finding.safety or "")
    assert "sudo chmod 400" in (finding.cure or "")


def test_closed_rapl_is_left_closed(tmp_path: Path) -> None:
    """A closed energy file is not advised to be opened for nothing, and the cost of opening is said."""
    rapl(tmp_path, 0o400)
    finding = findings(tmp_path)["cpu_energy"]
    assert finding.cure is None
    assert "opening it would reopen a known power side channel" in (finding.safety or "")


def test_no_rapl(tmp_path: Path) -> None:
    """A machine without RAPL, such as a Spark, is told so and of sensors of one's own."""
    finding = findings(tmp_path)["cpu_energy"]
    assert finding.reason == "this machine shows no RAPL energy counter"
    assert "cardcallback.sensors" in (finding.cure or "")
