"""Trainings killed at random moments: their figures are had to the last second, and no file is damaged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from simulator import build_problem

pytestmark = pytest.mark.training
_BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "kills.py"


def test_a_dozen_kills_lose_a_second_at_most() -> None:
    """Each recovered record reaches to the last second before the kill, and its interval holds the true energy."""
    problem = build_problem()
    if problem is not None:
        pytest.skip(problem)
    command = [sys.executable, str(_BENCHMARK), "--kills", "12", "--seconds", "4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] == 12
    assert found["recovered_from_the_journal"] >= 6
    assert found["without_a_record"] == []
    assert found["intervals_that_did_not_hold"] == []
    assert found["damaged"] == {}
