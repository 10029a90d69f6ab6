"""Training batches are seen as they go into ``training_step``."""

from __future__ import annotations

import copy
import pickle
import signal
from typing import Any

import pytest

from cardcallback.guard import Guard
from cardcallback.hooks import watch_training_step


class Trainer:
    """Gives back what it is given."""

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:
        """As transformers has it."""
        del model
        return inputs, num_items_in_batch


class Offloading(Trainer):
    """As TRL has it."""

    def training_step(self, *args: Any, **kwargs: Any) -> Any:
        """The parent's."""
        return super().training_step(*args, **kwargs)


class Told(list[Any]):
    """Keeps what it is told, and wants to hear of the next."""

    def __call__(self, *batch: Any) -> bool:
        """Of one batch."""
        self.append(batch)
        return True


@pytest.mark.parametrize("kind", [Trainer, Offloading])
def test_each_batch_is_told_of_once(kind: type[Trainer]) -> None:
    """By place or by name, through a parent's method or not; what is returned is untouched."""
    told, trainer = Told(), kind()
    watch_training_step(trainer, on_batch=told)
    assert trainer.training_step("model", "first", 7) == ("first", 7)
    assert trainer.training_step("model", inputs="second") == ("second", None)
    assert told == [("first", 7), ("second", None)]


class Scaling(Trainer):
    """A person's, which takes more than transformers gives."""

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None, *, scale: int = 1) -> Any:
        """The parent's, so many times."""
        return super().training_step(model, inputs, num_items_in_batch) * scale


class Numbering(Trainer):
    """With another default than theirs."""

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = 0) -> Any:
        """What it is given."""
        del model
        return inputs, num_items_in_batch


def test_a_method_with_other_parameters_is_given_what_it_takes() -> None:
    """The wrap has transformers' own parameters only where the method has those."""
    told, scaling, numbering = Told(), Scaling(), Numbering()
    watch_training_step(scaling, on_batch=told)
    watch_training_step(numbering, on_batch=told)
    assert scaling.training_step("model", "first", 7, scale=2) == ("first", 7, "first", 7)
    assert numbering.training_step("model", "second") == ("second", 0)
    with pytest.raises(TypeError, match="unexpected keyword"):
        numbering.training_step("model", "third", scale=2)  # type: ignore[call-arg]
    assert told[:2] == [("first", 7), ("second", None)]


def test_what_is_kept_is_not_told_of() -> None:
    """However the batch is given, it comes to one of the two, and a keeper that fails keeps nothing."""
    told, kept, trainer = Told(), Told(), Trainer()

    def keep(inputs: Any, number: Any) -> bool:
        if inputs == "odd":
            raise ValueError("ours")
        return inputs != "large" and kept((inputs, number))

    watch_training_step(trainer, on_batch=told, keep=keep)
    for inputs in ("small", "large", "odd"):
        assert trainer.training_step("model", inputs, 7) == (inputs, 7)
    assert trainer.training_step("model", inputs="small", num_items_in_batch=8) == ("small", 8)
    assert kept == [(("small", 7),), (("small", 8),)]
    assert told == [("large", 7), ("odd", 7)]


@pytest.mark.parametrize("kind", [Trainer, Offloading])
def test_what_a_signal_handler_raises_while_a_batch_is_kept_goes_on(kind: type[Trainer]) -> None:
    """A person's time limit is no odd batch of ours."""

    def stop(*_: Any) -> None:
        raise TimeoutError("theirs")

    def keep(*_: Any) -> bool:
        signal.raise_signal(signal.SIGINT)
        return True

    told, trainer = Told(), kind()
    watch_training_step(trainer, on_batch=told, keep=keep)
    before = signal.signal(signal.SIGINT, stop)
    try:
        with pytest.raises(TimeoutError, match="theirs"):
            trainer.training_step("model", "first")
    finally:
        signal.signal(signal.SIGINT, before)
    assert told == []


def test_another_trainer_tells_nothing() -> None:
    """The wrap is the class's, the watch one trainer's."""
    told, watched = Told(), Trainer()
    watch_training_step(watched, on_batch=told)
    Trainer().training_step("model", "first")
    copy.copy(watched).training_step("model", "first")
    assert told == []


def test_a_copy_or_pickle_of_the_trainer_carries_nothing_of_ours() -> None:
    """It must not need this package, nor tell of what it does."""
    told, trainer = Told(), Trainer()
    watch_training_step(trainer, on_batch=told)
    for other in (copy.deepcopy(trainer), pickle.loads(pickle.dumps(trainer))):  # noqa: S301 - made here
        assert other.training_step("model", "first") == ("first", None)
    assert told == []


def test_whoever_wants_no_more_is_told_of_no_more() -> None:
    """A counter that cannot count these batches costs nothing from then on; another may take its place."""
    told, trainer = Told(), Trainer()
    watch_training_step(trainer, on_batch=lambda *batch: told(*batch) and False)
    for batch in ("first", "second"):
        assert trainer.training_step("model", batch) == (batch, None)
    assert told == [("first", None)]
    watch_training_step(trainer, on_batch=told)
    trainer.training_step("model", "third")
    assert told == [("first", None), ("third", None)]


def test_the_step_after_one_that_failed_is_told_of() -> None:
    """Someone catches the error and goes on."""

    class Failing(Trainer):
        def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:
            if inputs == "first":
                raise ValueError("theirs")
            return super().training_step(model, inputs, num_items_in_batch)

    told, trainer = Told(), Failing()
    watch_training_step(trainer, on_batch=told)
    with pytest.raises(ValueError, match="theirs"):
        trainer.training_step("model", "first")
    trainer.training_step("model", "second")
    assert told == [("first", None), ("second", None)]


def test_a_replacement_on_the_trainer_itself_is_seen() -> None:
    """It hides the class's method, whose batches it may or may not come to."""
    told, trainer = Told(), Trainer()
    trainer.training_step = lambda model, inputs, number=None: (model, inputs, number)  # type: ignore[method-assign]
    watch_training_step(trainer, on_batch=told)
    assert trainer.training_step("model", "first") == ("model", "first", None)
    assert told == [("first", None)]


def test_the_main_thread_counts_as_ours_while_it_is_told() -> None:
    """A signal's handler waits until the batch is counted."""
    guard, trainer, busy = Guard(), Trainer(), []
    watch_training_step(trainer, on_batch=lambda *_: not busy.append(guard.busy), guard=guard)  # type: ignore[func-returns-value]
    trainer.training_step("model", "first")
    assert (busy, guard.busy) == ([True], False)


@pytest.mark.expects_failure
def test_a_failure_of_ours_leaves_the_step_alone() -> None:
    """It warns once, and the step is taken."""

    def fail(*_: Any) -> bool:
        raise ValueError("ours")

    trainer = Trainer()
    watch_training_step(trainer, on_batch=fail)
    with pytest.warns(match="could not count the tokens of the training batches"):
        assert trainer.training_step("model", "first") == ("first", None)
