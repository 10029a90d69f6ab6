"""One callback, several trainings: again, at a smaller batch, in a search, copied and pickled."""

from __future__ import annotations

import copy
import pickle
import time
from pathlib import Path
from typing import Any

import pytest
from tiny import STEPS, make_model, make_trainer
from transformers import TrainerCallback

from cardcallback import CardCallback, load_run
from cardcallback.errors import CardCallbackWarning
from cardcallback.record import RunRecord
from simulator_fixtures import Simulate

pytestmark = pytest.mark.training
_STEP_SECONDS = 0.1


class OutOfMemory(TrainerCallback):
    """Runs out of GPU memory at a step, at every batch size above one; each step takes a while."""

    def __init__(self, *, largest: int, step: int = 2) -> None:
        self.largest = largest
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """As torch raises it."""
        del args, control, kwargs
        time.sleep(_STEP_SECONDS)
        if state.train_batch_size > self.largest and state.global_step >= self.step:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")


def _records(folder: Path) -> list[RunRecord]:
    return [load_run(path) for path in sorted((folder / "training_run").glob("record*.json"))]


def _finding(folder: Path, base: Path, *, largest: int, **options: Any) -> Any:
    settings = {"auto_find_batch_size": True, "per_device_train_batch_size": 4, "logging_steps": 1} | options
    callbacks = [CardCallback(quiet=True), OutOfMemory(largest=largest)]
    return make_trainer("plain", folder, base_folder=base, callbacks=callbacks, **settings)


def test_a_batch_that_was_too_large_is_a_session_of_the_run(output_folder: Path, base_folder: Path) -> None:
    """What the attempts took is in the run's time, and their steps count for nothing."""
    _finding(output_folder, base_folder, largest=2).train()
    (record,) = _records(output_folder)
    spans = [(session.first_step, session.last_step, session.status) for session in record.sessions]
    assert spans == [(0, 2, "interrupted"), (0, 2, "interrupted"), (0, STEPS, "completed")]
    assert record.status == "completed"
    assert record.duration_seconds > sum(session.duration_seconds for session in record.sessions[2:]) + 0.3
    assert record.training.hyperparameters["per_device_train_batch_size"] == 2
    assert not any("by a run of its own" in note for note in record.notes)
    assert any("larger batch size was given up after 2 optimiser steps" in note for note in record.notes)


def test_the_energy_of_a_given_up_attempt_counts(simulate: Simulate, output_folder: Path, base_folder: Path) -> None:
    """The run's energy is that of all attempts, each by its own difference of the counter."""
    simulate("gb10", driven=False)
    _finding(output_folder, base_folder, largest=2).train()
    (record,) = _records(output_folder)
    parts = [session.energy.gpu.value for session in record.sessions]
    assert all(parts)
    assert record.energy.gpu.value == pytest.approx(sum(part or 0.0 for part in parts))


def test_tokens_of_a_given_up_attempt_do_not_count(tmp_path: Path, base_folder: Path) -> None:
    """As many as a training that found its batch at once."""
    _finding(tmp_path / "attempts", base_folder, largest=2).train()
    straight = {"per_device_train_batch_size": 2, "auto_find_batch_size": False}
    _finding(tmp_path / "straight", base_folder, largest=2, **straight).train()
    tokens = [load_run(tmp_path / name).training.tokens.non_padding for name in ("attempts", "straight")]
    assert tokens[0]
    assert tokens[0] == tokens[1]


def test_train_twice_is_two_runs(simulate: Simulate, output_folder: Path, base_folder: Path) -> None:
    """Each has its own session, and what was used before training is only the first one's."""
    simulate("gb10", driven=False)
    callbacks = [CardCallback(quiet=True), OutOfMemory(largest=100)]
    trainer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=callbacks)
    time.sleep(1.5)
    trainer.train()
    trainer.train()
    records = _records(output_folder)
    assert len({record.run_id for record in records}) == 2
    assert [len(record.sessions) for record in records] == [1, 1]
    second = load_run(output_folder)
    first = next(record for record in records if record.run_id != second.run_id)
    assert first.energy.before_training.value is not None
    assert second.energy.before_training.value is None


def test_a_training_that_fails_before_its_begin_is_a_run(output_folder: Path, base_folder: Path) -> None:
    """Of its own, with no step, though the trainer trained before; the completed run's card and record stay."""
    trainer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=[CardCallback(quiet=True)])
    trainer.train()
    card, completed = (output_folder / "README.md").read_text(), load_run(output_folder)
    trainer.train_dataset = None
    with pytest.raises(ValueError, match="train_dataset"):
        trainer.train()
    assert (output_folder / "README.md").read_text() == card
    assert load_run(output_folder).run_id == completed.run_id
    (failed,) = [record for record in _records(output_folder) if record.run_id != completed.run_id]
    assert (failed.status, failed.training.steps, failed.sessions[0].last_step) == ("interrupted", 0, 0)
    assert failed.curves == {}
    trainer.create_model_card()  # of the weights that the completed run left
    assert load_run(output_folder).run_id == completed.run_id
    written = (output_folder / "README.md").read_text()
    assert "**Interrupted.**" not in written
    assert "These weights are from the last step, 4." in written


def test_what_fails_after_the_end_is_no_run(output_folder: Path, base_folder: Path) -> None:
    """A push that fails after the training completed: one run, completed."""
    trainer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=[CardCallback(quiet=True)])

    def fail() -> None:
        raise ConnectionError("no Hub there")

    trainer._finish_current_push = fail
    with pytest.raises(ConnectionError):
        trainer.train()
    (record,) = _records(output_folder)
    assert record.status == "completed"


def test_a_resume_that_finds_no_checkpoint_is_a_run_of_its_own(output_folder: Path, base_folder: Path) -> None:
    """Nothing was loaded, so nothing is claimed of sessions before; the training after it is complete."""
    trainer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=[CardCallback(quiet=True)])
    with pytest.raises(ValueError, match="checkpoint"):
        trainer.train(resume_from_checkpoint=True)
    failed = load_run(output_folder)
    assert (failed.status, failed.training.steps, len(failed.sessions)) == ("interrupted", 0, 1)
    assert not any("arlier sessions" in note for note in failed.notes)
    trainer.train()
    record = load_run(output_folder)
    assert (record.status, len(record.sessions)) == ("completed", 1)
    assert any("Earlier unfinished runs in this folder, in no figure here: 1," in note for note in record.notes)


def test_a_resume_in_the_same_process_is_the_same_run(output_folder: Path, base_folder: Path) -> None:
    """The same trainer and callback again, from its last checkpoint: two sessions of one run."""
    saving = {"save_strategy": "steps", "save_steps": 2}
    trainer = make_trainer(
        "plain", output_folder, base_folder=base_folder, callbacks=[CardCallback(quiet=True)], **saving
    )
    trainer.train()
    trainer.args.max_steps = 2 * STEPS
    trainer.train(resume_from_checkpoint=True)
    (record,) = _records(output_folder)
    assert [(s.first_step, s.last_step) for s in record.sessions] == [(0, STEPS), (STEPS, 2 * STEPS)]


def test_each_trial_of_a_search_is_a_run(output_folder: Path, base_folder: Path) -> None:
    """One trainer with model_init, trained once for each setting: as many runs as trials, none counted twice."""
    trainer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=[CardCallback(quiet=True)])
    trainer.model_init = lambda: make_model(base_folder)
    for rate in (1e-3, 1e-4, 1e-5):
        trainer.args.learning_rate = rate
        trainer.train()
    records = _records(output_folder)
    assert sorted(record.training.hyperparameters["learning_rate"] for record in records) == [1e-5, 1e-4, 1e-3]
    assert all(len(record.sessions) == 1 and record.status == "completed" for record in records)
    assert not any("trained before" in note for record in records for note in record.notes)


def test_a_trial_given_up_by_a_search_is_interrupted(output_folder: Path, base_folder: Path) -> None:
    """The search ends it with the event of a completed training, and an exception of its own."""

    class Pruned(Exception):  # noqa: N818 - as the search calls it
        """What a search raises."""

    class Prunes(TrainerCallback):
        """What a Trainer does when its search gives a trial up."""

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            """At the second step."""
            del kwargs
            state.is_hyper_param_search = True
            if state.global_step == 2:
                trainer.callback_handler.on_train_end(args, state, control)
                raise Pruned

    callbacks = [CardCallback(quiet=True), Prunes()]
    trainer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=callbacks)
    with pytest.raises(Pruned):
        trainer.train()
    assert load_run(output_folder).status == "interrupted"
    assert not (output_folder / "README.md").exists()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])  # noqa: S301 - our own
def test_a_copy_measures_for_itself(tmp_path: Path, base_folder: Path, copied: Any) -> None:
    """A copy of a callback that has trained begins a run of its own, and so does the original after it."""
    callback = CardCallback(quiet=True)
    make_trainer("plain", tmp_path / "first", base_folder=base_folder, callbacks=[callback]).train()
    make_trainer("plain", tmp_path / "copy", base_folder=base_folder, callbacks=[copied(callback)]).train()
    make_trainer("plain", tmp_path / "again", base_folder=base_folder, callbacks=[callback]).train()
    records = [load_run(tmp_path / name) for name in ("first", "copy", "again")]
    assert len({record.run_id for record in records}) == 3
    assert all(len(record.sessions) == 1 and record.training.steps == STEPS for record in records)


@pytest.mark.expects_failure
def test_of_two_callbacks_one_resumes(output_folder: Path, base_folder: Path) -> None:
    """A second one stands aside in a resume too, with one warning, and nothing is counted twice."""
    saving = {"save_strategy": "steps", "save_steps": 2}
    make_trainer(
        "plain", output_folder, base_folder=base_folder, callbacks=[CardCallback(quiet=True)], **saving
    ).train()
    with pytest.warns(CardCallbackWarning, match="second CardCallback") as caught:
        callbacks = [CardCallback(quiet=True) for _ in range(2)]
        settings = saving | {"max_steps": 2 * STEPS}
        trainer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=callbacks, **settings)
        trainer.train(resume_from_checkpoint=True)
    assert len([one for one in caught if issubclass(one.category, CardCallbackWarning)]) == 1
    assert len(load_run(output_folder).sessions) == 2
