"""Endings that are broken off, or never told of, and trainings inside each other: each run keeps its own files."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from tiny import STEPS, make_trainer
from transformers import TrainerCallback

from cardcallback import CardCallback, load_run
from cardcallback.errors import CardCallbackWarning
from cardcallback.live_run import LiveRun
from cardcallback.recorder import Recorder
from cardcallback.resuming import Resuming
from cardcallback.run_folder import RunFolder

pytestmark = pytest.mark.training


class AtStep(TrainerCallback):
    """Does something with its trainer at one step."""

    def __init__(self, action: Any, step: int = 2) -> None:
        self.action = action
        self.step = step
        self.trainer: Any = None

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Once."""
        del args, control, kwargs
        if state.global_step == self.step:
            self.action(self.trainer)


def _interrupting(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Ctrl-C while our record is being written, that many times."""
    write, left = RunFolder.write_record, [None] * times

    def write_record(self: RunFolder, record: Any) -> Path:
        if left:
            left.pop()
            os.kill(os.getpid(), signal.SIGINT)
        return write(self, record)

    monkeypatch.setattr(RunFolder, "write_record", write_record)


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_in_the_end_costs_a_completed_run_nothing(
    output_folder: Path,
    base_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    times: int,
) -> None:
    """It breaks off the waiting alone; the exception's road, or after a second one the process's exit, waits again."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    callback = CardCallback()
    trainer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=[callback])
    try:
        _interrupting(monkeypatch, times)
        with pytest.raises(KeyboardInterrupt):
            trainer.train()
    finally:
        signal.signal(signal.SIGINT, previous)
    callback._at_exit(os.getpid())
    record = load_run(output_folder)
    assert (record.status, record.training.steps) == ("completed", STEPS)
    assert (output_folder / "README.md").exists()
    assert (output_folder / "training_run" / "loss_curve.png").exists()
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("cardcallback:")]
    assert ["measuring" in line for line in said] == [True, False]


@pytest.mark.parametrize(
    "part", [(Resuming, "lineage"), (Recorder, "start"), (LiveRun, "describe"), (RunFolder, "begin")]
)
def test_ctrl_c_in_the_begin_leaves_a_record_of_an_attempt(
    output_folder: Path, base_folder: Path, monkeypatch: pytest.MonkeyPatch, part: tuple[type, str]
) -> None:
    """An interrupted run of no step, which the next training is no part of."""
    owner, name = part
    whole, left = getattr(owner, name), [None]

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        if left:
            left.pop()
            os.kill(os.getpid(), signal.SIGINT)
        return whole(*args, **kwargs)

    monkeypatch.setattr(owner, name, interrupted)
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    callback = CardCallback(quiet=True)
    trainer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=[callback])
    try:
        with pytest.raises(KeyboardInterrupt):
            trainer.train()
    finally:
        signal.signal(signal.SIGINT, previous)
    assert not left
    record = load_run(output_folder)
    assert (record.status, record.training.steps, len(record.sessions)) == ("interrupted", 0, 1)
    trainer.train()
    again = load_run(output_folder)
    assert (again.status, again.training.steps, len(again.sessions)) == ("completed", STEPS, 1)
    assert again.run_id != record.run_id


class LeftChildError(Exception):
    """How a forked child leaves its parent's training."""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
def test_a_child_forked_in_a_training_leaves_the_run_to_its_parent(output_folder: Path, base_folder: Path) -> None:
    """It goes out through ``train()``, evaluates and saves on the way: none of that is an end, or written by us."""
    written = []

    def fork(trainer: Any) -> None:
        child = os.fork()
        if child == 0:
            trainer.save_model()
            trainer.evaluate()
            raise LeftChildError
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        written.extend(output_folder.glob("training_run/*"))

    step = AtStep(fork)
    callbacks = [CardCallback(quiet=True, charts=False), step]
    trainer = step.trainer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=callbacks)
    try:
        trainer.train()
    except LeftChildError:
        os._exit(0)
    assert written == []
    record = load_run(output_folder)
    assert (record.status, record.training.steps) == ("completed", STEPS)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
def test_a_trainer_that_a_child_takes_over_is_measured_there(output_folder: Path, base_folder: Path) -> None:
    """Made in the parent and trained in a child, as notebooks' launchers do: its end by an exception is recorded."""

    def leave(_: Any) -> None:
        raise LeftChildError

    callbacks = [CardCallback(quiet=True, charts=False), AtStep(leave)]
    trainer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=callbacks)
    child = os.fork()
    if child == 0:
        try:
            trainer.train()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    record = load_run(output_folder)
    assert (record.status, record.training.steps) == ("interrupted", 2)


@pytest.mark.parametrize("outer_has_one", [False, True])
def test_a_training_inside_a_training_is_a_run_of_its_own(
    output_folder: Path, base_folder: Path, *, outer_has_one: bool
) -> None:
    """The inner run's figures are in its own folder, whether the outer one is measured or not."""
    inner_folder = output_folder.with_name("inner")

    def train_inner(_: Any) -> None:
        inner = make_trainer(
            "plain", inner_folder, base_folder=base_folder, callbacks=[CardCallback(quiet=True)], max_steps=2
        )
        inner.train()

    callbacks = [*([CardCallback(quiet=True)] if outer_has_one else []), AtStep(train_inner)]
    outer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=callbacks)
    outer.train()
    outer.save_model()
    outer.create_model_card()
    assert load_run(inner_folder).training.steps == 2
    assert ("cardcallback:begin" in (output_folder / "README.md").read_text()) == outer_has_one
    if outer_has_one:
        assert load_run(output_folder).training.steps == STEPS
    else:
        assert not (output_folder / "training_run").exists()


def test_a_callback_that_is_removed_ends_with_its_training(output_folder: Path, base_folder: Path) -> None:
    """No event tells it of the end."""
    remove = AtStep(lambda trainer: trainer.remove_callback(CardCallback))
    callbacks = [CardCallback(quiet=True), remove]
    remove.trainer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=callbacks)
    remove.trainer.train()
    record = load_run(output_folder)
    assert (record.status, record.training.steps) == ("completed", STEPS)
    assert (output_folder / "README.md").exists()


def test_a_callback_that_comes_late_says_so_and_measures_the_next(output_folder: Path, base_folder: Path) -> None:
    """One warning, and no record of a training whose begin it has not seen."""
    add = AtStep(lambda trainer: trainer.add_callback(CardCallback(quiet=True)))
    add.trainer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=[add])
    with pytest.warns(CardCallbackWarning, match="added while training runs") as caught:
        add.trainer.train()
    assert len([one for one in caught if issubclass(one.category, CardCallbackWarning)]) == 1
    assert not (output_folder / "training_run").exists()
    add.step = -1
    add.trainer.train()
    assert load_run(output_folder).status == "completed"
