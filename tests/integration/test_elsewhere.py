"""Machines without an NVIDIA GPU: training is unharmed, one quiet reason, and everything else is on the card."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from cardcallback import load_run
from cardcallback.record import RunRecord
from cardcallback.render.card.section_block import SECTION_BEGIN

pytestmark = pytest.mark.training
_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_REASONS = {
    "windows": "no NVIDIA driver found",
    "macos": "Apple's GPUs tell their power only to root, so it is not read",
    "rocm": "this PyTorch computes on AMD GPUs (ROCm), whose energy this version does not read",
}


class Trained(NamedTuple):
    """What a training on such a machine printed and left."""

    system: str
    output: str
    swallowed: list[str]
    record: RunRecord
    card: str


# One of them in every run of the tests: the one that lacks most.
_SYSTEMS = ["windows", *(pytest.param(one, marks=pytest.mark.matrix) for one in ("macos", "rocm"))]


@pytest.fixture(scope="module", params=_SYSTEMS)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """One training in a process that looks like one on that system."""
    folder = tmp_path_factory.mktemp(request.param) / "tiny"
    command = [sys.executable, str(_HERE / "other_platform.py"), request.param, str(folder)]
    variables = os.environ | {"PYTHONPATH": str(_ROOT / "src")}
    done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    *lines, swallowed = done.stdout.strip().splitlines()
    text = (folder / "README.md").read_text(encoding="utf-8")
    output = "\n".join(lines) + done.stderr
    return Trained(request.param, output, json.loads(swallowed), load_run(folder), text)


def test_training_is_unharmed(trained: Trained) -> None:
    """It ends, nothing of ours failed, and nobody was warned."""
    assert trained.swallowed == []
    assert "CardCallbackWarning" not in trained.output
    assert trained.record.status == "completed"
    assert trained.record.training.steps == 4


def test_the_reason_is_said_once_and_fits_the_machine(trained: Trained) -> None:
    """One line at the begin, and the same words on the card."""
    reason = _REASONS[trained.system]
    assert trained.output.count(f"GPU energy not measured: {reason}") == 1
    assert trained.record.energy.gpu.value is None
    assert trained.record.energy.gpu.reason == reason
    assert reason.split(" (")[0] in trained.card


def test_everything_else_is_there(trained: Trained) -> None:
    """Time, memory, loss, recipe, processor and system, pictures; nothing that names the machine."""
    record = trained.record
    assert trained.card.count(SECTION_BEGIN) == 1
    assert record.memory.system_peak.value is not None
    assert record.memory.process_peak_rss.value is not None
    assert "loss" in record.curves
    assert record.hardware.machine.processor_count
    assert record.hardware.machine.memory_total_bytes
    assert "training_run/loss_curve.png" in trained.card
    assert "somebodys-laptop" not in trained.card
    systems = {"windows": "Windows 11", "macos": "macOS 15.1"}
    if trained.system in systems:
        assert record.hardware.machine.operating_system == systems[trained.system]
        assert systems[trained.system] in trained.card


def test_nothing_of_the_run_is_left_over(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The journal is gone once the record is there, also where an open file cannot be removed."""
    folder = next(tmp_path_factory.getbasetemp().glob(f"{trained.system}*")) / "tiny"
    assert list(folder.rglob("*.journal*")) == []
    assert list(folder.rglob("*.tmp")) == []
