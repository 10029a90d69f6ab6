"""Two real trainings that write into one output folder at the same time."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loaded_python import LoadedPython
from tiny import make_trainer
from transformers import TrainerCallback

from cardcallback import CardCallback, load_run
from cardcallback.neighbours import BESIDE_ANOTHER
from cardcallback.record import RunRecord

pytestmark = pytest.mark.training
_HEADING = "## Training, hardware and environmental impact"
_TIMEOUT_SECONDS = 300
_SAVING: dict[str, Any] = {"save_strategy": "steps", "save_steps": 2}


class Meanwhile(TrainerCallback):
    """Does something at a step, while the training lives."""

    def __init__(self, step: int, act: Callable[[], object]) -> None:
        self._step, self._act = step, act

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """After the step, and before what is saved at it."""
        del args, control, kwargs
        if state.global_step == self._step:
            self._act()


def _train(folder: Path, *callbacks: TrainerCallback, resume: str | None = None, **options: Any) -> None:
    ours = CardCallback(quiet=True)
    trainer = make_trainer(
        "plain", folder, base_folder=folder.parent / "base", callbacks=[ours, *callbacks], **_SAVING, **options
    )
    trainer.train(resume_from_checkpoint=resume)


def _in_another_process(python: LoadedPython, folder: Path, *arguments: str) -> Callable[[], None]:
    def run() -> None:
        done = python.start([__file__, str(folder), *arguments], os.environ)
        _, errors = done.communicate(_TIMEOUT_SECONDS)
        assert done.returncode == 0, errors
        said = [line for line in errors.splitlines() if "another run was writing" in line]
        assert len(said) == 1

    return run


def _records(folder: Path) -> dict[str, RunRecord]:
    return {run.run_id: run for run in map(load_run, (folder / "training_run").glob("record*.json"))}


def test_both_are_told_apart(loaded_python: LoadedPython, tmp_path: Path) -> None:
    """The second one begins after the first, and completes before it: record and card are the first one's again."""
    folder = tmp_path / "out"
    _train(folder, Meanwhile(2, _in_another_process(loaded_python, folder)))
    records = _records(folder)
    assert [record.status for record in records.values()] == ["completed", "completed"]
    first = load_run(folder)
    (second,) = (record for run_id, record in records.items() if run_id != first.run_id)
    assert BESIDE_ANOTHER in second.notes
    assert BESIDE_ANOTHER not in first.notes
    assert (folder / "README.md").read_text().count(_HEADING) == 1
    assert not (folder / "_cardcallback" / "original_card.md").exists()
    assert not (folder / "_cardcallback" / "journal").exists()


def test_what_goes_on_from_a_run_that_lives_is_another(loaded_python: LoadedPython, tmp_path: Path) -> None:
    """Submitted twice by mistake: the same checkpoint goes on in two processes, and no record is written over."""
    folder = tmp_path / "out"
    _train(folder, Meanwhile(3, _in_another_process(loaded_python, folder, str(folder / "checkpoint-2"))))
    records = _records(folder)
    first = load_run(folder)
    (second,) = (record for run_id, record in records.items() if run_id != first.run_id)
    assert (len(first.sessions), len(second.sessions)) == (1, 2)
    assert second.sessions[0].session_id == first.sessions[0].session_id
    assert second.sessions[0].last_step == 2
    assert {first.status, second.status} == {"completed"}


if __name__ == "__main__":
    _train(Path(sys.argv[1]), resume=sys.argv[2] if len(sys.argv) > 2 else None)
