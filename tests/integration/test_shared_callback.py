"""One callback object for several trainers: each run keeps its own figures, and one inside another stands aside."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny import STEPS, make_trainer
from transformers import TrainerCallback

from cardcallback import CardCallback, load_run
from cardcallback.errors import CardCallbackWarning

pytestmark = pytest.mark.training
INNER_STEPS = 3


class AtStepTwo(TrainerCallback):
    """Does something there, as a callback or a reward function may."""

    def __init__(self, action: Callable[[], Any]) -> None:
        self._action = action

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Once in the outer training."""
        del args, control, kwargs
        if state.max_steps == STEPS and state.global_step == 2:
            self._action()


def _in_a_thread(action: Callable[[], Any]) -> None:
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()


@pytest.mark.parametrize("made", ["before", "inside", "in a thread", "by hand"])
def test_a_training_inside_another_stands_aside(output_folder: Path, base_folder: Path, made: str) -> None:
    """One warning, which is in the record too; steps, tokens, curves and files are those of the outer run.

    Also of a callback that was put into the outer trainer's list by hand.
    """
    callback, inner_folder = CardCallback(quiet=True, charts=False), output_folder.with_name("inner")

    def make_inner() -> Any:
        options = {"max_steps": INNER_STEPS, "save_strategy": "steps", "save_steps": 1, "eval_strategy": "steps"}
        return make_trainer("plain", inner_folder, base_folder=base_folder, callbacks=[callback], **options)

    inner = make_inner() if made == "before" else None

    def train_inner() -> None:
        trainer = inner or make_inner()
        trainer.evaluate()
        trainer.train()
        trainer.save_model()

    act = AtStepTwo(lambda: _in_a_thread(train_inner) if made == "in a thread" else train_inner())
    given = [act] if made == "by hand" else [callback, act]
    outer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=given, save_strategy="no")
    if made == "by hand":
        outer.callback_handler.callbacks.append(callback)
    with pytest.warns(CardCallbackWarning, match="another training began with the same CardCallback") as caught:
        outer.train()
    assert len([one for one in caught if issubclass(one.category, CardCallbackWarning)]) == 1
    record = load_run(output_folder)
    assert (record.status, record.training.steps, len(record.sessions)) == ("completed", STEPS, 1)
    assert [step for step, _ in record.curves["loss"]] == list(range(1, STEPS + 1))
    assert record.training.tokens.processed == STEPS * 2 * 8
    assert (record.evaluation.before, record.evaluation.after) == (None, None)
    assert any("another training began" in note for note in record.notes)
    assert not list(inner_folder.rglob("*cardcallback*"))
    assert not (inner_folder / "training_run").exists()


def test_an_inner_training_that_fails_ends_no_outer_one(output_folder: Path, base_folder: Path) -> None:
    """Its exception is caught by whoever began it."""
    callback = CardCallback(quiet=True, charts=False)

    def fail() -> None:
        raise ZeroDivisionError

    def train_inner() -> None:
        failing = AtStepTwo(fail)
        inner = make_trainer(
            "plain", output_folder.with_name("inner"), base_folder=base_folder, callbacks=[callback, failing]
        )
        with pytest.raises(ZeroDivisionError):
            inner.train()

    done: list[bool] = []
    once = AtStepTwo(lambda: None if done else (done.append(True), train_inner()))
    outer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=[callback, once])
    with pytest.warns(CardCallbackWarning, match="another training began"):
        outer.train()
    record = load_run(output_folder)
    assert (record.status, record.training.steps) == ("completed", STEPS)


def test_a_training_after_the_outer_one_is_measured(output_folder: Path, base_folder: Path) -> None:
    """Only made inside it; later it is a run of its own."""
    callback, inner_folder, made = CardCallback(quiet=True, charts=False), output_folder.with_name("inner"), []

    def make_inner() -> None:
        made.append(make_trainer("plain", inner_folder, base_folder=base_folder, callbacks=[callback], max_steps=2))

    outer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=[callback, AtStepTwo(make_inner)])
    outer.train()
    made[0].train()
    assert load_run(output_folder).training.steps == STEPS
    assert load_run(inner_folder).training.steps == 2


def test_each_trainer_keeps_its_own_run(output_folder: Path, base_folder: Path) -> None:
    """What the first one saves or evaluates after the second one's training is of the first one's run."""
    callback, second_folder = CardCallback(quiet=True, charts=False), output_folder.with_name("second")
    first, second = (
        make_trainer("sft", folder, base_folder=base_folder, callbacks=[callback], max_steps=steps)
        for folder, steps in ((output_folder, STEPS), (second_folder, 2))
    )
    first.train()
    second.evaluate()
    second.train()
    card = (second_folder / "README.md").read_text()
    ids = [load_run(folder).run_id for folder in (output_folder, second_folder)]
    first.save_model()
    first.create_model_card()
    first.evaluate()
    assert [load_run(folder).run_id for folder in (output_folder, second_folder)] == ids
    record = load_run(output_folder)
    assert record.evaluation.after is not None
    assert record.evaluation.after.step == STEPS
    assert record.training.steps == STEPS
    assert "cardcallback:begin" in (output_folder / "README.md").read_text()
    assert (second_folder / "README.md").read_text() == card
    before = load_run(second_folder).evaluation.before
    assert before is not None
    assert load_run(second_folder).evaluation.after is None
