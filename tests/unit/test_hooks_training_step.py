"""Training batches are seen as they go into ``training_step``."""

from __future__ import annotations

from typing import Any

import pytest

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


@pytest.mark.parametrize("kind", [Trainer, Offloading])
def test_each_batch_is_told_of_once(kind: type[Trainer]) -> None:
    """By place or by name, through a parent's method or not; what is returned is untouched."""
    told: list[Any] = []
    trainer = kind()
    watch_training_step(trainer, on_batch=lambda *batch: told.append(batch))
    assert trainer.training_step("model", "first", 7) == ("first", 7)
    assert trainer.training_step("model", inputs="second") == ("second", None)
    assert told == [("first", 7), ("second", None)]


def test_another_trainer_tells_nothing() -> None:
    """The wrap is the class's, the watch one trainer's."""
    told: list[Any] = []
    watch_training_step(Trainer(), on_batch=lambda *batch: told.append(batch))
    Trainer().training_step("model", "first")
    assert told == []


@pytest.mark.expects_failure
def test_a_failure_of_ours_leaves_the_step_alone() -> None:
    """It warns once, and the step is taken."""

    def fail(*_: Any) -> None:
        raise ValueError("ours")

    trainer = Trainer()
    watch_training_step(trainer, on_batch=fail)
    with pytest.warns(match="could not count the tokens of the training batches"):
        assert trainer.training_step("model", "first") == ("first", None)
