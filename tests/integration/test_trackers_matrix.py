"""W&B, MLflow and trackio, really installed, in their offline modes: what they keep is the record's and the truth."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tracked import LIVE, PER_TOKEN, STEPS
from tracker_files import READERS, Kept, environment

from cardcallback import load_run
from cardcallback.record import RunRecord
from simulator import Simulation, build_problem, profile_named

pytestmark = [pytest.mark.training, pytest.mark.matrix]
HERE = Path(__file__).parent
SUMMARY = "cardcallback/summary/"


class Tracked(NamedTuple):
    """A training in a process of its own, and all that it left."""

    tracker: str
    kept: Kept
    record: RunRecord | None
    told: dict[str, Any]
    code: int
    simulation: Simulation

    def bounds(self) -> list[tuple[float, float]]:
        """Of the true joules until each log."""
        origin = self.simulation.origin_nanoseconds / 1e9
        (earliest_begin, latest_begin), (earliest, latest) = self.told["begins"], self.told["logs"]
        true = self.simulation.true_joules
        return [
            (true(latest_begin - origin, low - origin), true(earliest_begin - origin, high - origin))
            for low, high in zip(earliest, latest, strict=True)
        ]


def trained(folder: Path, tracker: str, ending: str) -> Tracked:
    """Train until that end under a simulated GB10, and read back what the tracker wrote."""
    if importlib.util.find_spec(tracker) is None:
        pytest.skip(f"{tracker} is not installed: make matrix-trackers builds an environment with it")
    if build_problem() is not None:
        pytest.skip(str(build_problem()))
    folder.mkdir(exist_ok=True)
    simulation = Simulation(profile_named("gb10"), folder)
    variables = os.environ | simulation.environment | environment(folder)
    variables |= {"PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}
    command = [sys.executable, str(HERE / "tracked_process.py"), str(folder), tracker, ending]
    done = subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True, check=False)
    told = next((line[5:] for line in done.stdout.splitlines() if line.startswith("told ")), "{}")
    assert done.returncode in {0, -signal.SIGTERM}, done.stderr[-3000:]
    assert "cardcallback" not in done.stderr, done.stderr[-3000:]
    record = None if ending == "bare" else load_run(folder / "tiny")
    return Tracked(tracker, READERS[tracker](folder), record, json.loads(told), done.returncode, simulation)


@pytest.fixture(scope="module", params=READERS)
def completed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Tracked:
    """One training for each tracker."""
    return trained(tmp_path_factory.mktemp(request.param), request.param, "completed")


def test_every_log_has_its_figures_beside_the_losses(completed: Tracked) -> None:
    """Under names of their own, at the Trainer's steps."""
    loss = "loss" if completed.tracker == "mlflow" else "train/loss"
    assert [step for step, _ in completed.kept.points[loss]] == list(range(1, STEPS + 1))
    for name in (*LIVE, PER_TOKEN):
        assert [step for step, _ in completed.kept.points[name]] == [*range(1, STEPS + 1), STEPS]
    assert not any("train/cardcallback" in name for name in completed.kept.points)


def test_live_energy_is_the_true_one_at_each_log(completed: Tracked) -> None:
    """Within what the record leaves open at the end."""
    assert completed.record is not None
    energy = completed.record.energy.gpu
    assert energy.recording_low is not None
    assert energy.recording_high is not None
    bounds = completed.bounds()
    doubt_joules = energy.recording_high - energy.recording_low + 0.02 * bounds[-1][1]
    for (_, value), (low, high) in zip(completed.kept.points["cardcallback/energy_joules"], bounds, strict=True):
        assert low - doubt_joules <= value <= high + doubt_joules


def test_the_summary_is_the_records(completed: Tracked) -> None:
    """To the last digit; the run is closed as it would be without us."""
    record, final = completed.record, completed.kept.final
    assert record is not None
    assert record.carbon is not None
    assert record.energy.gpu.value is not None
    assert float(final[f"{SUMMARY}energy_joules"]) == record.energy.gpu.value
    assert float(final[f"{SUMMARY}energy_kwh"]) == pytest.approx(record.energy.gpu.value / 3.6e6)
    assert float(final[f"{SUMMARY}energy_coverage"]) == record.energy.gpu.coverage
    assert float(final[f"{SUMMARY}duration_seconds"]) == record.duration_seconds
    assert float(final[f"{SUMMARY}peak_unified_memory_bytes"]) == record.memory.system_peak.value
    assert float(final[f"{SUMMARY}co2e_grams"]) == record.carbon.emissions_grams
    assert float(final[f"{SUMMARY}co2e_factor_grams_per_kwh"]) == record.carbon.factor.grams_per_kwh
    assert float(final[f"{SUMMARY}simulated"]) == 1
    assert final[f"{SUMMARY}status"] == "completed"
    assert "Germany" in final[f"{SUMMARY}co2e_factor"]
    assert completed.kept.status == {"wandb": 0, "mlflow": "FINISHED"}.get(completed.tracker)


@pytest.mark.parametrize("tracker", READERS)
def test_an_exception_leaves_a_summary(tmp_path: Path, tracker: str) -> None:
    """No event tells the tracker that training broke off."""
    kept = trained(tmp_path, tracker, "failed").kept
    assert kept.final[f"{SUMMARY}status"] == "interrupted"
    assert kept.final[f"{SUMMARY}duration_seconds"] > 0


@pytest.mark.parametrize("tracker", READERS)
def test_sigterm_leaves_a_summary(tmp_path: Path, tracker: str) -> None:
    """The process dies of the signal, as it would have, after its record and what it told the tracker.

    W&B and trackio keep what they were told for a moment before they write it, losses too, and die with it.
    """
    run = trained(tmp_path, tracker, "SIGTERM")
    assert run.code == -signal.SIGTERM
    assert run.record is not None
    assert run.record.status == "interrupted"
    if tracker == "mlflow":
        assert run.kept.final[f"{SUMMARY}status"] == "interrupted"


@pytest.mark.parametrize("tracker", READERS)
def test_nothing_more_is_asked_of_the_network(tmp_path: Path, tracker: str) -> None:
    """Connections and look-ups are those of the same training without us."""
    measured, bare = (trained(tmp_path / ending, tracker, ending) for ending in ("failed", "bare"))
    assert measured.told["asked"] == bare.told["asked"]
