"""Training, evaluations and checkpoints are seen from outside, whatever way they end."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import pytest

from cardcallback.hooks import TrainerCall, watch_evaluate, watch_save, watch_train
from cardcallback.testing import FakeClock


class Trainer:
    """A trainer whose training runs the given steps."""

    def __init__(self, *steps: Any) -> None:
        self.steps = steps
        self.is_in_train = False
        self._work: Callable[[], None] = lambda: None

    def takes(self, work: Callable[[], None]) -> None:
        """Do this in every evaluation."""
        self._work = work

    def train(self) -> str:
        """Run the steps; the mark stays where one breaks, as in transformers."""
        self.is_in_train = True
        for step in self.steps:
            step(self)
        self.is_in_train = False
        return "done"

    def evaluate(self, eval_dataset: Any = None) -> dict[str, float]:
        """Metrics; those of each part for several sets."""
        self._work()
        if isinstance(eval_dataset, dict):
            return {name: self.evaluate(part)["eval_loss"] for name, part in eval_dataset.items()}
        if isinstance(eval_dataset, BaseException):
            raise eval_dataset
        return {"eval_loss": 1.0}

    def predict(self) -> Any:
        """Metrics on an object."""
        return types.SimpleNamespace(metrics={"test_loss": 2.0})

    def _save_checkpoint(self) -> None:
        pass


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), RuntimeError("out of memory")])
def test_what_breaks_training_is_told_and_passes(error: BaseException) -> None:
    """Exceptions, interrupts and exits are told of at once, and the very same object goes on."""

    def fail(_: Trainer) -> None:
        raise error

    told: list[BaseException] = []
    trainer = Trainer(fail)
    watch_train(trainer, on_exception=told.append)
    with pytest.raises(type(error)) as caught:
        trainer.train()
    assert caught.value is error
    assert told == [error]


@pytest.mark.expects_failure
def test_our_failure_does_not_hide_the_trainings() -> None:
    """Where telling fails too, the person still sees what broke the training."""

    def fail(_: Trainer) -> None:
        message = "the training's own"
        raise RuntimeError(message)

    def fail_too(_: BaseException) -> None:
        message = "ours"
        raise ValueError(message)

    trainer = Trainer(fail)
    watch_train(trainer, on_exception=fail_too)
    with pytest.warns(match="ours"), pytest.raises(RuntimeError, match="the training's own"):
        trainer.train()


@pytest.fixture
def calls() -> list[TrainerCall]:
    """The finished calls."""
    return []


@pytest.fixture
def clock() -> FakeClock:
    """A clock that only moves when told."""
    return FakeClock()


def _watch(trainer: Trainer, clock: FakeClock, calls: list[TrainerCall]) -> None:
    watch_train(trainer)
    watch_evaluate(trainer, now_seconds=clock.elapsed_seconds, on_end=calls.append)


def test_an_evaluation_has_its_times(clock: FakeClock, calls: list[TrainerCall]) -> None:
    """Begin and end come from the caller's clock; what was returned is untouched."""
    trainer = Trainer()
    trainer.takes(lambda: clock.advance(5.0))
    begin_seconds = clock.elapsed_seconds()
    _watch(trainer, clock, calls)
    assert trainer.evaluate() == {"eval_loss": 1.0}
    (call,) = calls
    assert (call.method, call.during_training) == ("evaluate", False)
    assert call.begin_seconds == begin_seconds
    assert call.end_seconds == begin_seconds + 5.0


def test_a_prediction_is_an_evaluation_too(clock: FakeClock, calls: list[TrainerCall]) -> None:
    """``predict`` is told of too."""
    trainer = Trainer()
    _watch(trainer, clock, calls)
    trainer.predict()
    assert [call.method for call in calls] == ["predict"]


def test_several_sets_are_one_evaluation(clock: FakeClock, calls: list[TrainerCall]) -> None:
    """An evaluation that evaluates each part is told of once."""
    trainer = Trainer()
    _watch(trainer, clock, calls)
    trainer.evaluate({"a": None, "b": None})
    assert [call.method for call in calls] == ["evaluate"]


def test_evaluations_inside_training_are_told_apart(clock: FakeClock, calls: list[TrainerCall]) -> None:
    """Whether it ran within ``train()`` is known, also after a training that broke."""

    def interrupt(_: Trainer) -> None:
        raise KeyboardInterrupt

    trainer = Trainer(lambda it: it.evaluate(), interrupt)
    _watch(trainer, clock, calls)
    trainer.evaluate()
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    assert trainer.is_in_train, "as transformers leaves it"
    trainer.evaluate()
    assert [call.during_training for call in calls] == [False, True, False]


def test_a_training_already_running_counts(clock: FakeClock, calls: list[TrainerCall]) -> None:
    """A watch that begins inside ``train()`` goes by the trainer's own mark."""
    trainer = Trainer(lambda it: _watch(it, clock, calls), lambda it: it.evaluate())
    trainer.train()
    trainer.evaluate()
    assert [call.during_training for call in calls] == [True, False]


def test_an_evaluation_that_breaks_is_told_of(clock: FakeClock, calls: list[TrainerCall]) -> None:
    """It has an end too, and its exception goes on."""
    trainer, error = Trainer(), RuntimeError("broken set")
    _watch(trainer, clock, calls)
    with pytest.raises(RuntimeError, match="broken set"):
        trainer.evaluate(error)
    assert [call.method for call in calls] == ["evaluate"]


def test_a_checkpoint_has_its_times(clock: FakeClock, calls: list[TrainerCall]) -> None:
    """Saving is told of like an evaluation."""
    trainer = Trainer(lambda it: it._save_checkpoint())
    watch_train(trainer)
    watch_save(trainer, now_seconds=clock.elapsed_seconds, on_end=calls.append)
    trainer.train()
    assert [(call.method, call.during_training) for call in calls] == [("_save_checkpoint", True)]
