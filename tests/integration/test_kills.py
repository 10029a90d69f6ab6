"""Trainings killed at random moments: their figures are had to the last second, and no file is damaged."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from loaded_python import LoadedPython

from simulator import Simulation, build_problem, profile_named

pytestmark = pytest.mark.training
_BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "kills.py"


def test_kills_lose_a_second_at_most(loaded_python: LoadedPython, tmp_path: Path) -> None:
    """Each recovered record reaches to the last second before the kill, and its interval holds the true energy."""
    problem = build_problem()
    if problem is not None:
        pytest.skip(problem)
    machine = Simulation(profile_named("gb10"), tmp_path).environment
    command = [str(_BENCHMARK), "--kills", "8", "--seconds", "3", "--json"]
    output, errors = loaded_python.start(command, os.environ | machine).communicate(timeout=600)
    assert output, errors
    found = json.loads(output)
    assert found["kills"] == 8
    assert found["recovered_from_the_journal"] >= 4
    # A busy machine may be killed in the begin itself: no record of less than a second loses less than a second.
    assert [
        kill for kill in found["each"] if kill["seed"] in found["without_a_record"] and kill["at_seconds"] > 1
    ] == []
    assert found["intervals_that_did_not_hold"] == []
    assert found["damaged"] == {}
