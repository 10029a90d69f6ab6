"""How doctor tells a person what it found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cardcallback.baseline import Baseline, load_baselines
from cardcallback.cli import doctor, main
from cardcallback.cli.doctor import _document, _measure, _print_baseline, _print_findings, keep_baselines
from cardcallback.cli.examination import Finding
from cardcallback.errors import CardCallbackError
from cardcallback.record import Scope
from cardcallback.recorder import SystemClock
from cardcallback.sensors.base import Absence, DeviceInfo, SensorSet
from cardcallback.sensors.memory_pressure import SOURCE as PRESSURE

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


@pytest.mark.parametrize(
    "reason", ["the NVIDIA driver is installed but not loaded", "the NVIDIA driver was upgraded while the system ran"]
)
def test_a_driver_that_cannot_be_used_is_not_called_absent(reason: str, capsys: Any) -> None:
    """The first line gives the reason that stands below it too."""
    _print_findings(SensorSet(absences=(Absence(quantity="gpu_energy", source="nvml", reason=reason),)), ())
    out = capsys.readouterr().out
    assert reason in out.splitlines()[0]
    assert "no NVIDIA driver" not in out


def test_seconds_are_since_their_counter_began(capsys: Any) -> None:
    """The kernel counts stalls since it started; the driver counts slowdowns since it was loaded."""
    stalled = replace(CLOCK, quantity="memory_stalled_some", source=PRESSURE, unit="seconds", second=2.5)
    slowed = replace(stalled, quantity="gpu_hardware_thermal_time", source="nvml:field_270")
    _print_findings(SENSORS, (stalled, slowed))
    out = capsys.readouterr().out
    assert f"2.50 s since the machine started ({PRESSURE})" in out
    assert "2.50 s since the driver was loaded (nvml:field_270)" in out


def test_no_wait_is_announced_where_there_is_nothing_to_measure(capsys: Any) -> None:
    """Without a driver --baseline says why at once."""
    with pytest.raises(CardCallbackError, match="no idle power to measure"):
        _measure(SensorSet(), 5.0, SystemClock())
    assert "measuring" not in "".join(capsys.readouterr())


def test_like_devices_have_one_figure_for_each(capsys: Any) -> None:
    """The mean is of one device and not of all of them."""
    _print_baseline(replace(BASELINE, device_count=2))
    assert f"idle power of each of 2 {BASELINE.device}: " in capsys.readouterr().out
    _print_baseline(replace(BASELINE, device_count=1))
    assert f"idle power of {BASELINE.device}: " in capsys.readouterr().out


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


@pytest.mark.parametrize(("others", "said"), [(0, "0 other processes"), (None, "other processes not known")])
def test_baseline_tells_its_circumstances(capsys: Any, others: int | None, said: str) -> None:
    """Power, length, date, what the device did and who else used it."""
    _print_baseline(replace(BASELINE, other_processes=others, utilization_mean=0.0, performance_states=(8,)))
    printed = capsys.readouterr()
    doubts = "recording interval not known, the sensor's own accuracy: was not kept"
    line = f"idle power of NVIDIA GB10: 11.2 W over 1 min on 2026-03-02 ({doubts}; utilisation 0 %, P8, {said})"
    assert line in printed.out
    assert printed.err == ""


def test_a_busy_gpu_is_not_called_idle(capsys: Any) -> None:
    """The line says power, not idle power, and the warning why."""
    _print_baseline(replace(BASELINE, busy=("its utilisation was 40 %",)))
    printed = capsys.readouterr()
    assert printed.out.startswith("power of NVIDIA GB10")
    assert "not its idle power: its utilisation was 40 %" in printed.err


def test_a_busy_baseline_is_kept_only_if_wanted(tmp_path: Path) -> None:
    """Refused with the cure in one line, kept with --keep-busy; an idle device beside it is kept anyway."""
    busy = replace(BASELINE, busy=("2 other processes held the GPU",))
    idle = replace(BASELINE, device="NVIDIA H100")
    with pytest.raises(CardCallbackError, match=r"2 other processes held the GPU.*--keep-busy") as caught:
        keep_baselines(tmp_path / "new", (busy, idle), keep_busy=False)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1
    assert load_baselines(tmp_path / "new") == (idle,)
    keep_baselines(tmp_path / "new", (busy,), keep_busy=True)
    assert set(load_baselines(tmp_path / "new")) == {busy, idle}


def test_nothing_is_written_for_a_busy_gpu_alone(tmp_path: Path) -> None:
    """No empty file, and what was kept before stays."""
    keep_baselines(tmp_path, (BASELINE,), keep_busy=False)
    with pytest.raises(CardCallbackError):
        keep_baselines(tmp_path, (replace(BASELINE, watts_mean=70.0, busy=("it worked",)),), keep_busy=False)
    assert load_baselines(tmp_path) == (BASELINE,)


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
