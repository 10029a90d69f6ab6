"""Who writes a card is told of, for the watched trainer only, and nothing of ours escapes."""

from __future__ import annotations

import functools
import inspect
import types
from pathlib import Path

import pytest
from card_writing_trainers import Base, Broken, Child, Told

from cardcallback.hooks import watch_card_writers


@pytest.fixture
def trainer(tmp_path: Path) -> Child:
    """A trainer that is not watched yet."""
    return Child(tmp_path)


def test_a_card_is_told_of_once_however_deep_the_classes(trainer: Child, tmp_path: Path) -> None:
    """A child that calls its parent's writer is one write; result and arguments pass through."""
    told = Told(trainer)
    watch_card_writers(trainer, told)
    assert trainer.create_model_card("name") == "name"
    assert told.cards == [tmp_path / "README.md"]
    assert trainer.log == ["card written", "told"]


def test_the_class_called_directly_is_told_of(trainer: Child) -> None:
    """Calling the parent class's method with the trainer as argument does not go round the hook."""
    told = Told()
    watch_card_writers(trainer, told)
    Base.create_model_card(trainer)
    assert len(told.cards) == 1


def test_another_trainer_is_left_alone(trainer: Child, tmp_path: Path) -> None:
    """A trainer of the same class that nobody watches tells nothing."""
    told = Told()
    watch_card_writers(trainer, told)
    Child(tmp_path).create_model_card()
    assert told.cards == []


def test_two_trainers_each_have_their_own(tmp_path: Path) -> None:
    """Two watched trainers in one process do not hear of each other, and the class is wrapped once."""
    first, second = Child(tmp_path / "a"), Child(tmp_path / "b")
    told_first, told_second = Told(), Told()
    watch_card_writers(first, told_first)
    wrapped = Child.__dict__["create_model_card"]
    watch_card_writers(second, told_second)
    assert Child.__dict__["create_model_card"] is wrapped
    first.create_model_card()
    assert (len(told_first.cards), len(told_second.cards)) == (1, 0)
    second.create_model_card()
    assert (len(told_first.cards), len(told_second.cards)) == (1, 1)


def test_watching_again_replaces_what_is_told(trainer: Child) -> None:
    """The last one to watch a trainer is told, and only that one."""
    first, second = Told(), Told()
    watch_card_writers(trainer, first)
    watch_card_writers(trainer, second)
    trainer.create_model_card()
    assert (len(first.cards), len(second.cards)) == (0, 1)


def test_signature_and_words_stay(trainer: Child) -> None:
    """A wrapped method looks as it did: name, docstring, signature."""
    watch_card_writers(trainer, Told())
    method = Child.create_model_card
    assert (method.__name__, method.__qualname__, method.__doc__) == (
        "create_model_card",
        "Child.create_model_card",
        "The child's card.",
    )
    assert list(inspect.signature(method).parameters) == ["self", "model_name"]


def test_the_writers_own_failure_passes(tmp_path: Path) -> None:
    """What the trainer raises is raised unchanged, and nobody is told of a card."""
    broken, told = Broken(tmp_path), Told()
    watch_card_writers(broken, told)
    with pytest.raises(OSError, match="mine"):
        broken.create_model_card("mine")
    assert told.cards == []


@pytest.mark.expects_failure
def test_our_failure_stays_with_us(trainer: Child) -> None:
    """What we raise is a warning, once, and the trainer's call returns as ever."""

    def fail(card: Path) -> None:
        raise RuntimeError(card.name)

    watch_card_writers(trainer, fail)
    with pytest.warns(match="complete a card that was rewritten") as warned:
        assert trainer.create_model_card("name") == "name"
        trainer.create_model_card()
    assert len(warned) == 1


def test_only_the_main_process_writes(tmp_path: Path) -> None:
    """Ranks above zero are never told."""
    rank, told = Child(tmp_path, main=False), Told()
    watch_card_writers(rank, told)
    rank.create_model_card()
    rank.save_model()
    rank.push_to_hub()
    rank._push_from_checkpoint("checkpoint-1")
    assert told.cards == []


def test_a_save_of_the_persons_own_is_told_of(trainer: Child, tmp_path: Path) -> None:
    """``save_model`` into any folder names that folder's card, there or not."""
    told = Told()
    watch_card_writers(trainer, told)
    trainer.save_model()
    trainer.save_model(str(tmp_path / "final"))
    assert told.cards == [tmp_path / "README.md", tmp_path / "final" / "README.md"]


def test_a_checkpoint_without_a_card_gets_none(trainer: Child, tmp_path: Path) -> None:
    """The trainer's internal saves are told of only where a card was written with them."""
    told = Told()
    watch_card_writers(trainer, told)
    checkpoint = tmp_path / "checkpoint-1"
    checkpoint.mkdir()
    trainer.save_model(str(checkpoint), _internal_call=True)
    assert told.cards == []
    (checkpoint / "README.md").write_text("# card\n", encoding="utf-8")
    trainer.save_model(str(checkpoint), True)  # noqa: FBT003 - by place, as some call it
    assert told.cards == [checkpoint / "README.md"]


def test_a_push_is_told_of_before_it_uploads(trainer: Child) -> None:
    """The card is completed first, also where the push itself writes none."""
    watch_card_writers(trainer, Told(trainer))
    trainer.push_to_hub()
    trainer._push_from_checkpoint("checkpoint-1")
    assert trainer.log == ["told", "uploaded", "told", "uploaded checkpoint-1"]


def test_a_push_has_a_word_of_its_own(trainer: Child) -> None:
    """``before_push`` is told instead where it is given."""
    told = Told()
    watch_card_writers(trainer, told, before_push=lambda: trainer.log.append("push begins"))
    trainer.push_to_hub()
    assert trainer.log == ["push begins", "uploaded"]
    assert told.cards == []


def test_the_strategy_end_pushes_no_checkpoint(tmp_path: Path) -> None:
    """Nothing is rewritten for a push that the trainer will skip."""
    trainer, told = Child(tmp_path, strategy="end"), Told()
    watch_card_writers(trainer, told)
    trainer._push_from_checkpoint("checkpoint-1")
    assert told.cards == []


def test_a_method_replaced_on_the_object_is_told_of(trainer: Child) -> None:
    """Tools that put their own method onto the trainer object do not go round the hook."""
    trainer.create_model_card = lambda *_: trainer.log.append("replaced")  # type: ignore[assignment]
    watch_card_writers(trainer, Told(trainer))
    watch_card_writers(trainer, Told(trainer))
    trainer.create_model_card()
    assert trainer.log == ["replaced", "told"]


def test_a_method_that_is_an_object_is_told_of(tmp_path: Path) -> None:
    """Tools that put a descriptor into the class are wrapped like a function."""

    class Patched(Base):
        create_model_card = functools.partialmethod(Base.create_model_card, "bound")

    trainer, told = Patched(tmp_path), Told()
    watch_card_writers(trainer, told)
    assert trainer.create_model_card() == "bound"
    assert len(told.cards) == 1


@pytest.mark.parametrize(("uploading", "card_there"), [(True, True), (False, True), (True, False)])
def test_a_checkpoint_does_not_rewrite_a_card_being_uploaded(
    trainer: Child, tmp_path: Path, *, uploading: bool, card_there: bool
) -> None:
    """A push that still reads the folder must not meet a bare card; otherwise the trainer writes as ever."""
    if card_there:
        (tmp_path / "README.md").write_text("# card\n", encoding="utf-8")
    trainer.push_in_progress = types.SimpleNamespace(is_done=lambda: not uploading)  # type: ignore[attr-defined]
    watch_card_writers(trainer, Told(trainer))
    trainer._save_checkpoint()
    left_out = uploading and card_there
    assert trainer.log == (["told"] if left_out else ["card written", "told"])
    trainer.create_model_card()
    assert trainer.log[-2:] == ["card written", "told"], "the person's own call is never left out"
