"""How doctor tells a person what it found."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cardcallback.baseline import Baseline
from cardcallback.cli import doctor, main
from cardcallback.cli.doctor import _document, _print_baseline, _print_findings
from cardcallback.cli.examination import Finding
from cardcallback.record import Scope
from cardcallback.sensors.base import DeviceInfo, SensorSet

WORKS = Finding(
    quantity="gpu_energy",
    source="nvml:total_energy_consumption",
    status="works",
    device="NVIDIA GB10",
    unit="joules",
    first=100.0,
    second=157.0,
    seconds_between=1.0,
    scope=Scope(gpu_core="yes", gpu_memory="unknown"),
    covers="NVIDIA GB10",
)
UNPROVEN = Finding(
    quantity="gpu_energy",
    source="nvml",
    status="unproven",
    unit="joules",
    first=5.0,
    second=5.0,
    seconds_between=1.0,
    reason="the counter has not advanced between two readings",
    cure="run doctor again while the device works",
)
CLOCK = Finding(
    quantity="gpu_sm_clock",
    source="nvml:clock_info_sm",
    status="works",
    unit="hertz",
    first=2.41e9,
    second=2.41e9,
    seconds_between=1.0,
    scope=Scope(gpu_core="yes"),
    covers="NVIDIA GB10",
)
SENSORS = SensorSet(
    devices=(DeviceInfo(index=0, name="NVIDIA GB10", uuid="GPU-secret"),), driver_version="580.95", simulated=True
)
BASELINE = Baseline(
    device="NVIDIA GB10",
    driver_version="580.95",
    watts_mean=11.2,
    seconds=60.0,
    date="2026-03-02",
    device_count=1,
    other_processes=0,
    method="counter",
    source="nvml",
    simulated=False,
)


def test_a_sensor_that_works(capsys: Any) -> None:
    """Its power between the readings, its interface, and what it holds, leaves out and does not document."""
    _print_findings(SENSORS, (WORKS, CLOCK))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(", NVIDIA driver 580.95")
    assert "simulated" in lines[1]
    assert lines[2] == "works: gpu_energy of NVIDIA GB10"
    assert lines[3] == "  read: 57.0 W between two readings (nvml:total_energy_consumption)"
    assert "holds gpu_core; not documented gpu_memory; leaves out cpu, host_dram" in lines[4]
    assert lines[6:] == ["  read: 2,410 MHz (nvml:clock_info_sm)", "  covers: NVIDIA GB10"]


def test_a_counter_that_stood_still(capsys: Any) -> None:
    """Unproven, with why and what to do; no power is made of it."""
    _print_findings(SensorSet(), (UNPROVEN,))
    out = capsys.readouterr().out
    assert "no NVIDIA driver" in out
    assert "unproven: gpu_energy\n  read: no difference between two readings (nvml)\n" in out
    assert "  do: run doctor again while the device works" in out


def test_one_reason_is_said_once(capsys: Any) -> None:
    """Quantities that are absent for one reason share their lines."""
    quantities = ("gpu_energy", "gpu_power")
    absent = tuple(Finding(quantity=q, source="nvml", status="absent", reason="no driver") for q in quantities)
    _print_findings(SensorSet(), absent)
    out = capsys.readouterr().out
    assert "absent: gpu_energy, gpu_power\n  why: no driver\n" in out
    assert out.count("no driver\n") == 1


def test_output_is_plain_and_harmless(capsys: Any) -> None:
    """No colour where nobody looks at a terminal, and no control character of a driver's text."""
    finding = Finding(quantity="gpu_power", source="nvml", status="absent", reason="bad\x1b[2J\nname")
    _print_findings(SensorSet(notes=("a note",)), (finding,))
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "why: bad\\x1b[2J name" in out
    assert "note: a note" in out


def test_data_identifies_nothing_and_is_json() -> None:
    """The data holds every finding with its scope, and no UUID."""
    text = json.dumps(_document(SENSORS, (WORKS, UNPROVEN), (BASELINE,)), allow_nan=False)
    document = json.loads(text)
    assert "secret" not in text
    assert document["simulated"] is True
    assert document["sensors"][0]["scope"]["gpu_memory"] == "unknown"
    assert document["sensors"][1]["status"] == "unproven"
    assert document["baselines"][0]["watts_mean"] == 11.2


@pytest.mark.parametrize(
    ("others", "said", "warned"),
    [(0, "0 other processes", False), (None, "other processes not known", False), (2, "2 other processes", True)],
)
def test_baseline_tells_its_circumstances(capsys: Any, others: int | None, said: str, warned: bool) -> None:  # noqa: FBT001
    """Power, length, date and who else used the GPU; a GPU in use is not called idle in silence."""
    _print_baseline(
        Baseline(**{name: getattr(BASELINE, name) for name in Baseline.__struct_fields__} | {"other_processes": others})
    )
    printed = capsys.readouterr()
    assert "idle power of NVIDIA GB10: 11.2 W over 1 min on 2026-03-02" in printed.out
    assert said in printed.out
    assert ("not its idle power" in printed.err) is warned


@pytest.mark.parametrize("seconds", ["0", "4.9", "-1", "3601", "nan", "soon"])
def test_impossible_length_is_a_usage_error(seconds: str) -> None:
    """Too short, too long and no number at all end with exit code 2 before anything is read."""
    with pytest.raises(SystemExit) as stop:
        main(["doctor", "--baseline", seconds])
    assert stop.value.code == 2


def test_version(capsys: Any) -> None:
    """--version prints the version and stops."""
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert not stop.value.code
    assert capsys.readouterr().out.startswith("cardcallback 0.")
    assert callable(doctor.doctor)
