"""The hooks on real trainers: what breaks training is seen, and copies of the trainer still work."""

from __future__ import annotations

import copy
import itertools
import pickle
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="training tests need torch")
pytest.importorskip("peft", reason="training tests need peft")
pytest.importorskip("trl", reason="training tests need trl")

from accelerate.state import GradientState
from tiny import STEPS, TRAINER_KINDS, TrainerKind, make_trainer
from transformers import TrainerCallback

from cardcallback import hooks

pytestmark = pytest.mark.training


class Breaking(TrainerCallback):
    """Breaks the training after its second step."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Break it."""
        del args, control
        if state.global_step == STEPS // 2:
            raise self.error


class Following(TrainerCallback):
    """Follows its trainer by the hooks, and remembers what they told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def follow(self, trainer: Any) -> None:
        """Watch everything there is to watch."""
        hooks.watch_card_writers(trainer, lambda card: self.told.append(card.name))
        hooks.watch_train(trainer, on_exception=lambda error: self.told.append(type(error).__name__))
        hooks.watch_phases(
            trainer,
            now_seconds=itertools.count().__next__,
            on_visit=lambda visit: self.told.append(visit.phase + " inside" * visit.during_training),
        )


@pytest.fixture
def following() -> Following:
    """A callback that follows its trainer as soon as it is added."""
    hooks.watch_add_callback(Following, Following.follow)
    return Following()


@pytest.mark.parametrize("kind", TRAINER_KINDS)
@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), RuntimeError("out of memory")], ids=repr)
def test_a_training_that_breaks_is_seen(
    kind: TrainerKind, error: BaseException, following: Following, base_folder: Path, output_folder: Path
) -> None:
    """The very exception goes on, and was told of before; a later evaluation is not part of the training."""
    trainer = make_trainer(kind, output_folder, base_folder=base_folder, callbacks=[Breaking(error)])
    trainer.add_callback(following)
    with pytest.raises(type(error)) as caught:
        trainer.train()
    assert caught.value is error
    trainer.evaluate()
    assert following.told == [type(error).__name__, "evaluation"]


@pytest.mark.parametrize("kind", TRAINER_KINDS)
def test_evaluations_and_checkpoints_are_seen(
    kind: TrainerKind, following: Following, base_folder: Path, output_folder: Path
) -> None:
    """Before, inside and after the training, each once."""
    trainer = make_trainer(
        kind,
        output_folder,
        base_folder=base_folder,
        eval_strategy="steps",
        eval_steps=STEPS // 2,
        save_strategy="epoch",
    )
    trainer.add_callback(following)
    trainer.evaluate()
    trainer.train()
    trainer.evaluate()
    phases = [told for told in following.told if told != "README.md"]
    assert phases == [
        "evaluation",
        "evaluation inside",
        "evaluation inside",
        "saving inside",
        "evaluation",
    ]


@pytest.mark.parametrize("kind", TRAINER_KINDS)
@pytest.mark.parametrize("way", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))], ids=["deepcopy", "pickle"])  # noqa: S301 - our own bytes
def test_a_followed_trainer_is_copied_as_it_was(
    kind: TrainerKind, way: Any, following: Following, base_folder: Path, output_folder: Path
) -> None:
    """A followed trainer is copied like a bare one, and its copy tells nothing."""
    # A training that broke leaves weak references in accelerate's state, which every trainer shares.
    GradientState._reset_state()
    trainer = make_trainer(kind, output_folder, base_folder=base_folder)
    hooks.watch_card_writers(trainer, lambda card: following.told.append(card.name))
    hooks.watch_train(trainer, on_exception=lambda error: following.told.append(str(error)))
    duplicate = way(trainer)
    duplicate.create_model_card()
    assert following.told == []
    trainer.create_model_card()
    assert following.told == ["README.md"]
