"""Real trainings that are broken off: same exit as without us, an interrupted record, and the card's rule."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from loaded_python import Forked, LoadedPython
from transformers import TrainingArguments

from cardcallback import load_run
from cardcallback.cli import main
from simulator import Simulation, build_problem, profile_named

pytestmark = pytest.mark.training
SCRIPT = Path(__file__).with_name("ending_process.py")
# What each way out gives to whoever waits for the process.
CODES: Mapping[str, int] = {
    "nothing": 0,
    "interrupt": -signal.SIGINT,
    "exit": 7,
    "memory": 1,
    "data": 1,
    "first batch": 1,
    "no data": 1,
    "bad callback": 1,
    "TERM": -signal.SIGTERM,
    "USR1": -signal.SIGUSR1,
    "stopped": -signal.SIGTERM,
    "checkpoint": 0,
    "requeue": 75,
    "ignored": 0,
    "axolotl": 0,
}
BEFORE_THE_FIRST_STEP = {"first batch", "no data", "bad callback"}
# Training's begin never came, so that nothing is said of it.
BEFORE_THE_BEGIN = {"no data", "bad callback"}
COMPLETED = {"nothing", "ignored"}
# Weights were saved before the end, for a card to describe.
WITH_WEIGHTS = {"TERM", "checkpoint", "axolotl"}


class End(NamedTuple):
    """How a process ended and what it said."""

    code: int
    output: str
    errors: str

    @property
    def last_error(self) -> str:
        """What a traceback ends with."""
        lines = [line for line in self.errors.splitlines() if line.strip()]
        return lines[-1] if lines else ""


Train = Callable[..., Forked]


@pytest.fixture
def train(loaded_python: LoadedPython) -> Train:
    """Train beside a simulated GB10 in a process of its own, until the way out."""

    def start(folder: Path, way: str, *options: str) -> Forked:
        folder.mkdir()
        simulation = Simulation(profile_named("gb10"), folder, driven=False)
        return loaded_python.start([str(SCRIPT), way, str(folder), *options], os.environ | simulation.environment)

    return start


def end_of(process: Forked) -> End:
    """Wait for it."""
    output, errors = process.communicate(timeout=240)
    return End(process.wait(), output, errors)


@pytest.mark.skipif(build_problem() is not None, reason=str(build_problem()))
@pytest.mark.parametrize("way", CODES)
def test_a_training_that_is_broken_off(train: Train, tmp_path: Path, way: str) -> None:
    """The exit and its last words are those without us; status, steps, energy, card and one closing line are right."""
    if way == "checkpoint" and not hasattr(TrainingArguments, "enable_jit_checkpoint"):
        pytest.skip("this transformers writes no checkpoint just in time")
    both = [train(tmp_path / "ours", way, "with"), train(tmp_path / "theirs", way)]
    ours, theirs = [end_of(process) for process in both]
    assert (ours.code, theirs.code) == (CODES[way], CODES[way]), ours.errors
    if ours.code == 1:
        assert ours.last_error == theirs.last_error
    folder = tmp_path / "ours" / "tiny"
    record = load_run(folder)
    assert record.status == ("completed" if way in COMPLETED else "interrupted")
    assert record.sessions[0].last_step == record.training.steps
    if way in BEFORE_THE_FIRST_STEP:
        assert record.training.steps == 0
    else:
        assert record.training.steps >= (1 if way == "data" else 3)
        assert record.energy.gpu.value
        assert record.energy.gpu.coverage == pytest.approx(1.0, abs=0.1)
    assert (folder / "README.md").exists() == (way in COMPLETED | WITH_WEIGHTS)
    said = [line for line in (ours.output + ours.errors).splitlines() if line.startswith("cardcallback:")]
    assert ["measuring" in line for line in said] == ([False] if way in BEFORE_THE_BEGIN else [True, False]), said
    if way in WITH_WEIGHTS:
        card = (folder / "README.md").read_text()
        assert "interrupted at step" in card
        assert ("The last checkpoint of this run is of step 2; " in card) == (way == "TERM")


@pytest.mark.skipif(build_problem() is not None, reason=str(build_problem()))
@pytest.mark.parametrize("way", ["memory", "TERM"])
def test_warnings_as_errors_change_nothing(train: Train, tmp_path: Path, way: str) -> None:
    """Where every warning raises, the exit is the same and the record is there."""
    end = end_of(train(tmp_path / "run", way, "with", "strict"))
    assert end.code == CODES[way], end.errors
    assert load_run(tmp_path / "run" / "tiny").status == "interrupted"


@pytest.mark.skipif(build_problem() is not None, reason=str(build_problem()))
@pytest.mark.parametrize("options", [(), ("strict",)])
def test_a_failure_of_ours_does_not_hide_theirs(train: Train, tmp_path: Path, options: tuple[str, ...]) -> None:
    """Where the record cannot be written after an exception, the exception is what the person sees last."""
    end = end_of(train(tmp_path / "run", "no folder", "with", *options))
    assert end.code == 1
    assert "CUDA out of memory" in end.last_error
    assert "cardcallback could not" in end.errors


@pytest.mark.skipif(build_problem() is not None, reason=str(build_problem()))
def test_a_training_in_a_thread_that_is_told_to_die(train: Train, tmp_path: Path) -> None:
    """It dies of the signal as it would have; its begin said what to do then, and recover makes the record."""
    end = end_of(train(tmp_path / "run", "thread", "with"))
    folder = tmp_path / "run" / "tiny"
    assert end.code == -signal.SIGTERM, end.errors
    assert "SIGTERM ends it unheard: after one, cardcallback recover OUTPUT_DIR" in end.output
    assert not (folder / "training_run").exists()
    with pytest.raises(SystemExit) as stop:
        main(["recover", str(folder)])
    assert not stop.value.code
    record = load_run(folder)
    assert (record.status, record.recovered) == ("interrupted", True)
    assert record.energy.gpu.value


@pytest.mark.skipif(build_problem() is not None, reason=str(build_problem()))
def test_a_training_in_a_thread_whose_program_hears_the_signal(train: Train, tmp_path: Path) -> None:
    """The program's own handler leaves in good order: the record is written at its exit, and no advice was needed."""
    end = end_of(train(tmp_path / "run", "thread with handler", "with"))
    assert end.code == CODES["requeue"], end.errors
    assert "SIGTERM" not in end.output
    record = load_run(tmp_path / "run" / "tiny")
    assert (record.status, record.recovered) == ("interrupted", False)
    assert record.training.steps >= 3
