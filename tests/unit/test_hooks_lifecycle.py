"""Training, evaluations and checkpoints are seen from outside, whatever way they end."""

from __future__ import annotations

import threading
import types
from collections.abc import Callable
from typing import Any

import pytest

from cardcallback.hooks import PhaseVisit, watch_checkpoints, watch_phases, watch_train
from cardcallback.testing import FakeClock


class Trainer:
    """A trainer whose training runs the given steps."""

    def __init__(self, *steps: Any) -> None:
        self.steps = steps
        self.is_in_train = False
        self._work: Callable[[], None] = lambda: None
        self._saving: Callable[[], None] = lambda: None

    def takes(self, work: Callable[[], None]) -> None:
        """Do this in every evaluation."""
        self._work = work

    def saves_by(self, work: Callable[[], None]) -> None:
        """Do this in every saving."""
        self._saving = work

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
        self._work()
        return types.SimpleNamespace(metrics={"test_loss": 2.0})

    def save_model(self) -> None:
        """Write the weights."""
        self._saving()

    def _save_checkpoint(self) -> None:
        self.save_model()


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


def test_a_training_that_returns_is_told() -> None:
    """Once, however many classes define ``train``, and not where it breaks."""
    told: list[str] = []
    trainer = Trainer(lambda _: None)
    watch_train(trainer, on_return=lambda: told.append("returned"), on_exception=lambda _: told.append("broke"))
    trainer.train()
    assert told == ["returned"]


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
def visits() -> list[PhaseVisit]:
    """The finished visits."""
    return []


@pytest.fixture
def clock() -> FakeClock:
    """A clock that only moves when told; it stands at 0."""
    return FakeClock(elapsed=0.0)


def _watch(trainer: Trainer, clock: FakeClock, visits: list[PhaseVisit]) -> None:
    watch_train(trainer)
    watch_phases(trainer, now_seconds=clock.elapsed_seconds, on_visit=visits.append)
    trainer.takes(lambda: clock.advance(5.0))
    trainer.saves_by(lambda: clock.advance(2.0))


def _told(visits: list[PhaseVisit]) -> list[tuple[str, float, float]]:
    return [(visit.phase, visit.begin_seconds, visit.end_seconds) for visit in visits]


def test_an_evaluation_has_its_times(clock: FakeClock, visits: list[PhaseVisit]) -> None:
    """Begin and end come from the caller's clock; what was returned is untouched."""
    trainer = Trainer()
    _watch(trainer, clock, visits)
    clock.advance(1.0)
    assert trainer.evaluate() == {"eval_loss": 1.0}
    assert visits == [PhaseVisit(phase="evaluation", begin_seconds=1.0, end_seconds=6.0, during_training=False)]


def test_a_prediction_is_an_evaluation_too(clock: FakeClock, visits: list[PhaseVisit]) -> None:
    """``predict`` is told of too."""
    trainer = Trainer()
    _watch(trainer, clock, visits)
    trainer.predict()
    assert _told(visits) == [("evaluation", 0.0, 5.0)]


def test_several_sets_are_one_evaluation(clock: FakeClock, visits: list[PhaseVisit]) -> None:
    """An evaluation that evaluates each part is told of once, from its own begin to its own end."""
    trainer = Trainer()
    _watch(trainer, clock, visits)
    trainer.evaluate({"a": None, "b": None})
    assert _told(visits) == [("evaluation", 0.0, 15.0)]


def test_an_evaluation_within_a_prediction_is_one_visit(clock: FakeClock, visits: list[PhaseVisit]) -> None:
    """What came before the inner one belongs to it as well."""
    trainer = Trainer()
    _watch(trainer, clock, visits)

    def work() -> None:
        clock.advance(4.0)
        trainer.takes(lambda: clock.advance(5.0))
        trainer.evaluate()
        clock.advance(1.0)

    trainer.takes(work)
    trainer.predict()
    assert _told(visits) == [("evaluation", 0.0, 10.0)]


def test_a_checkpoint_saved_by_an_evaluation_interrupts_it(clock: FakeClock, visits: list[PhaseVisit]) -> None:
    """Each second belongs to one phase: evaluating, saving, evaluating again."""
    trainer = Trainer()
    _watch(trainer, clock, visits)

    def work() -> None:
        clock.advance(4.0)
        trainer._save_checkpoint()
        clock.advance(1.0)

    trainer.takes(work)
    trainer.evaluate()
    assert _told(visits) == [("evaluation", 0.0, 4.0), ("saving", 4.0, 6.0), ("evaluation", 6.0, 7.0)]


def test_what_breaks_inside_another_phase_closes_both(clock: FakeClock, visits: list[PhaseVisit]) -> None:
    """A full disk in an evaluation's checkpoint: both are told of, and the next evaluation begins afresh."""
    trainer, error = Trainer(), OSError("no space left")
    _watch(trainer, clock, visits)

    def fail() -> None:
        clock.advance(2.0)
        raise error

    trainer.saves_by(fail)
    trainer.takes(trainer._save_checkpoint)
    with pytest.raises(OSError, match="no space left"):
        trainer.evaluate()
    trainer.takes(lambda: clock.advance(5.0))
    trainer.evaluate()
    assert _told(visits) == [("saving", 0.0, 2.0), ("evaluation", 2.0, 7.0)]


def test_evaluations_inside_training_are_told_apart(clock: FakeClock, visits: list[PhaseVisit]) -> None:
    """Whether it ran within ``train()`` is known, also after a training that broke."""

    def interrupt(_: Trainer) -> None:
        raise KeyboardInterrupt

    trainer = Trainer(lambda it: it.evaluate(), interrupt)
    _watch(trainer, clock, visits)
    trainer.evaluate()
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    assert trainer.is_in_train, "as transformers leaves it"
    trainer.evaluate()
    assert [visit.during_training for visit in visits] == [False, True, False]


def test_a_training_already_running_counts(clock: FakeClock, visits: list[PhaseVisit]) -> None:
    """A watch that begins inside ``train()`` goes by the trainer's own mark."""
    trainer = Trainer(lambda it: _watch(it, clock, visits), lambda it: it.evaluate())
    trainer.train()
    trainer.evaluate()
    assert [visit.during_training for visit in visits] == [True, False]


def test_an_evaluation_that_breaks_is_told_of(clock: FakeClock, visits: list[PhaseVisit]) -> None:
    """It has an end too, and its exception goes on; inside training it is training's."""
    error = RuntimeError("broken set")
    trainer = Trainer(lambda it: it.evaluate(error))
    _watch(trainer, clock, visits)
    with pytest.raises(RuntimeError, match="broken set"):
        trainer.train()
    assert visits == [PhaseVisit(phase="evaluation", begin_seconds=0.0, end_seconds=5.0, during_training=True)]


def test_a_checkpoint_has_its_times(clock: FakeClock, visits: list[PhaseVisit]) -> None:
    """Saving is told of like an evaluation, the weights it writes included."""
    trainer = Trainer(lambda it: it._save_checkpoint())
    _watch(trainer, clock, visits)
    trainer.train()
    assert visits == [PhaseVisit(phase="saving", begin_seconds=0.0, end_seconds=2.0, during_training=True)]


def test_only_a_checkpoint_that_was_written_whole_counts() -> None:
    """One that breaks is not told of, and there may be no trainer at all."""
    saved: list[str] = []
    trainer = Trainer()
    watch_checkpoints(trainer, on_saved=lambda: saved.append("saved"))
    watch_checkpoints(None, on_saved=lambda: saved.append("none"))
    trainer.saves_by(_no_room)
    with pytest.raises(OSError, match="no room"):
        trainer._save_checkpoint()
    assert saved == []
    trainer.saves_by(lambda: None)
    trainer._save_checkpoint()
    assert saved == ["saved"]


def _no_room() -> None:
    raise OSError("no room")


def _in_a_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@pytest.mark.parametrize("watched_before", [True, False])
def test_a_thread_beside_the_training_takes_none_of_its_time(
    clock: FakeClock,
    visits: list[PhaseVisit],
    watched_before: bool,  # noqa: FBT001 - a case
) -> None:
    """Weights saved in a thread while an evaluation runs: the evaluation is told of, whole, and the saving is not."""
    begun, over = threading.Event(), threading.Event()

    def save_slowly() -> None:
        begun.set()
        assert over.wait(30)

    def step(trainer: Trainer) -> None:
        trainer.saves_by(save_slowly)
        thread = threading.Thread(target=trainer.save_model)
        thread.start()
        assert begun.wait(30)
        clock.advance(1.0)
        trainer.evaluate()
        over.set()
        thread.join()

    trainer = Trainer(lambda it: None if watched_before else _watch(it, clock, visits), step)
    if watched_before:
        _watch(trainer, clock, visits)
    trainer.train()
    assert visits == [PhaseVisit(phase="evaluation", begin_seconds=1.0, end_seconds=6.0, during_training=True)]


def test_a_thread_is_told_of_where_nothing_trains(clock: FakeClock, visits: list[PhaseVisit]) -> None:
    """Before and after a training it is anybody's time."""
    trainer = Trainer()
    _watch(trainer, clock, visits)
    trainer.train()
    _in_a_thread(trainer.save_model)
    assert visits == [PhaseVisit(phase="saving", begin_seconds=0.0, end_seconds=2.0, during_training=False)]
