"""Phases of real trainings on a simulated GB10: their energies, and what is outside all of them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tiny import make_trainer
from transformers import TrainerCallback

from cardcallback import CardCallback, load_run
from cardcallback.record import RunRecord
from cardcallback.sensors.nvml import reset_nvml
from simulator import Simulation, build_problem, profile_named

pytestmark = pytest.mark.training
_VISIT_SECONDS = 3.5
_VISITS = 3
_HIGHEST_WATTS = 200.0


class Slow(TrainerCallback):
    """An evaluation long enough to be resolved, a step long enough to be seen; notes when evaluations were."""

    def __init__(self, now_seconds: Any, *, visit_seconds: float, step_seconds: float) -> None:
        self.now_seconds = now_seconds
        self.visit_seconds = visit_seconds
        self.step_seconds = step_seconds
        self.visits: list[tuple[float, float]] = []
        self._begun: float | None = None

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Part of the training."""
        time.sleep(self.step_seconds)

    def on_prediction_step(self, *_: Any, **__: Any) -> None:
        """The held-out set's only batch."""
        self._begun = self.now_seconds()
        time.sleep(self.visit_seconds)

    def on_evaluate(self, *_: Any, **__: Any) -> None:
        """The evaluation is nearly over."""
        if self._begun is not None:
            self.visits.append((self._begun, self.now_seconds()))


class Phased(NamedTuple):
    """A run's record, its card, and the true energy of its evaluations inside training."""

    record: RunRecord
    card: str
    evaluations_joules: float


def _train(folder: Path, *, visit_seconds: float, step_seconds: float) -> Phased:
    if build_problem() is not None:
        pytest.skip(str(build_problem()))
    simulation = Simulation(profile_named("gb10"), folder, driven=False)
    with simulation.in_process(reset_nvml):
        slow = Slow(simulation.now_seconds, visit_seconds=visit_seconds, step_seconds=step_seconds)
        trainer = make_trainer(
            "plain",
            folder / "tiny",
            base_folder=folder / "base",
            max_steps=2 * _VISITS,
            eval_strategy="steps",
            eval_steps=2,
            save_strategy="steps",
            save_steps=2,
            callbacks=[slow, CardCallback(quiet=True)],
        )
        trainer.train()
        joules = sum(simulation.true_joules(begin, end) for begin, end in slow.visits)
        trainer.evaluate()
    text = (folder / "tiny" / "README.md").read_text(encoding="utf-8")
    return Phased(load_run(folder / "tiny"), text, joules)


@pytest.fixture(scope="module")
def phased(tmp_path_factory: pytest.TempPathFactory) -> Phased:
    """Three evaluations of 3.5 s and six steps of 3 s: each phase more than 10 s in sum, saving hardly any."""
    return _train(tmp_path_factory.mktemp("phased"), visit_seconds=_VISIT_SECONDS, step_seconds=3.0)


def test_the_phases_are_the_whole(phased: Phased) -> None:
    """What is evaluated, saved and trained is the run's energy and time, each counted once."""
    phases = {phase.phase: phase for phase in phased.record.energy.phases}
    assert set(phases) == {"training", "evaluation", "saving"}
    assert sum(phase.duration_seconds for phase in phases.values()) == pytest.approx(phased.record.duration_seconds)
    evaluation = phases["evaluation"].energy
    assert evaluation.value is not None
    assert evaluation.recording_low is not None
    assert evaluation.recording_high is not None
    # The visit is a little longer than what the test timed inside it.
    assert evaluation.recording_low <= phased.evaluations_joules * 1.05
    assert evaluation.value == pytest.approx(phased.evaluations_joules, rel=0.1)
    assert evaluation.recording_high >= phased.evaluations_joules
    assert phases["evaluation"].visits == _VISITS
    assert phases["saving"].energy.value is None
    assert phases["saving"].energy.reason == "too short to resolve"
    training, total = phases["training"].energy.value, phased.record.energy.gpu.value
    assert training is not None
    assert total is not None
    saving = total - training - evaluation.value
    assert 0 <= saving <= _HIGHEST_WATTS * phases["saving"].duration_seconds + 1


def test_an_evaluation_afterwards_is_no_part_of_it(phased: Phased) -> None:
    """It is in the card with its loss, and its energy is said not to be in the total."""
    spans = [span for span in phased.record.phase_spans if span.phase == "evaluation"]
    assert len(spans) == _VISITS
    assert all(span.end_seconds <= phased.record.duration_seconds for span in spans)
    assert "their energy is not in the total" in phased.card
    assert "merging and export afterwards" in phased.card


def test_a_step_is_training_alone(phased: Phased) -> None:
    """Its energy is the training phase's, and the card says that evaluation and saving are left out."""
    energy = phased.record.energy
    training = next(phase for phase in energy.phases if phase.phase == "training").energy.value
    assert training is not None
    assert energy.per_step is not None
    assert energy.per_step.value == pytest.approx(training / (2 * _VISITS))
    assert "GPU, which this job did not use; evaluation and saving left out" in phased.card


def test_short_visits_are_not_resolved(tmp_path: Path) -> None:
    """Half a second each: time and visits stand, no energy does, and a step's is the whole window's."""
    run = _train(tmp_path, visit_seconds=0.5, step_seconds=0.5)
    record = run.record
    phases = {phase.phase: phase for phase in record.energy.phases}
    assert phases["evaluation"].visits == _VISITS
    assert phases["evaluation"].duration_seconds >= 0.5 * _VISITS
    assert phases["evaluation"].energy.reason == "too short to resolve"
    assert phases["training"].energy.reason == "too short to resolve"
    assert record.energy.gpu.value is not None
    assert record.energy.per_step is not None
    assert record.energy.per_step.value == pytest.approx(record.energy.gpu.value / (2 * _VISITS))
    assert "; evaluation and saving included" in run.card
