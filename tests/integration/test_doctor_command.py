"""``cardcallback doctor`` as a process of its own, on simulated machines and on this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SIMULATOR = Path(__file__).parents[1] / "simulator"
DOCTOR = (sys.executable, "-m", "cardcallback", "doctor", "--json")


def run_doctor(tmp_path: Path, *options: str, profile: str | None = None) -> subprocess.CompletedProcess[str]:
    """Doctor's process, ended, on a simulated machine where a profile is named."""
    sys.path.insert(0, str(SIMULATOR))
    try:
        from simulator import build_problem  # noqa: PLC0415 - not a package, found by the path above
    finally:
        sys.path.remove(str(SIMULATOR))
    if profile and (problem := build_problem()) is not None:
        pytest.skip(problem)
    wrap = (sys.executable, str(SIMULATOR / "run_simulated.py"), "--profile", profile, "--") if profile else ()
    return subprocess.run(
        [*wrap, *DOCTOR, *options],
        env=os.environ | {"XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )


def doctor(tmp_path: Path, *options: str, profile: str | None = None) -> dict[str, Any]:
    """The data that doctor prints where all is well."""
    done = run_doctor(tmp_path, *options, profile=profile)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def by_quantity(document: dict[str, Any]) -> dict[str, Any]:
    """The findings by quantity."""
    return {finding["quantity"]: finding for finding in document["sensors"]}


def test_simulated_spark(tmp_path: Path) -> None:
    """GB10: the GPU's rail, memory scope not documented, no NVML memory figure; idle power is kept."""
    document = doctor(tmp_path, "--baseline", "5", profile="gb10-idle")
    found = by_quantity(document)
    assert document["simulated"] is True
    assert found["gpu_energy"]["status"] == "works"
    assert found["gpu_energy"]["scope"]["gpu_memory"] == "unknown"
    assert found["system_memory"]["status"] == "works"
    kept = json.loads((tmp_path / "cardcallback" / "baselines.json").read_text())["baselines"]
    assert [(b["device"], b["simulated"], b["method"]) for b in kept] == [("NVIDIA GB10", True, "counter")]
    circumstances = ("watts_mean", "utilization_mean", "sm_clock_hertz_median", "performance_states", "busy")
    assert [kept[0][name] for name in circumstances] == [pytest.approx(3.4, rel=0.1), 0.0, 208e6, [8], []]
    assert (kept[0]["display_attached"], kept[0]["other_processes"]) == (False, 0)
    gained = found["gpu_energy"]["second"] - found["gpu_energy"]["first"]
    assert gained > 0
    assert "uuid" not in json.dumps(document).lower()


def test_power_under_load_is_no_baseline(tmp_path: Path) -> None:
    """A GPU at work: the data is printed, nothing is kept, and one line says why and what to do."""
    done = run_doctor(tmp_path, "--baseline", "5", profile="gb10")
    assert done.returncode == 1
    assert json.loads(done.stdout)["baselines"][0]["busy"] == ["its utilisation was 96 %"]
    assert "is not kept, as it was not idle" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "cardcallback").exists()


def test_baseline_without_energy_or_power_is_nothing_to_work_on(tmp_path: Path) -> None:
    """An Orin tells neither: exit code 3 and one line."""
    done = run_doctor(tmp_path, "--baseline", "5", profile="orin")
    assert (done.returncode, done.stdout) == (3, "")
    assert len(done.stderr.splitlines()) == 1  # no wait is announced for what would only be refused
    assert "no idle power to measure: no power reading" in done.stderr


def test_this_machine(tmp_path: Path) -> None:
    """Whatever this machine has, every quantity has an answer, and memory can be read."""
    found = by_quantity(doctor(tmp_path))
    assert found["system_memory"]["status"] == "works"
    assert found["process_rss"]["status"] == "works"
    assert all(finding["reason"] for finding in found.values() if finding["status"] != "works")
    assert not (tmp_path / "cardcallback").exists()


def test_a_person_is_pointed_at_what_is_theirs_to_check(tmp_path: Path) -> None:
    """The page is named that says what the libraries publish; data stays data."""
    done = subprocess.run(
        DOCTOR[:-1], env=os.environ | {"XDG_CONFIG_HOME": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("privacy: "))
    page = Path(__file__).parents[2] / "docs" / "privacy.md"
    assert line.endswith(f"docs/{page.name}")
    assert page.exists()
    assert "privacy" not in json.dumps(doctor(tmp_path))
