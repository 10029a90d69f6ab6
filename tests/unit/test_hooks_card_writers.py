"""Who writes a card is told of, for the watched trainer only, and nothing of ours escapes."""

from __future__ import annotations

import copy
import functools
import gc
import inspect
import pickle
import sys
import types
import weakref
from pathlib import Path
from typing import Any

import pytest

from cardcallback.hooks import watch_card_writers


class Base:
    """As much of a trainer as writes and pushes cards."""

    def __init__(self, folder: Path, *, main: bool = True, strategy: str = "every_save") -> None:
        self.args = types.SimpleNamespace(output_dir=str(folder), hub_strategy=strategy)
        self.model: Any = object()
        self.main = main
        self.log: list[str] = []

    def is_world_process_zero(self) -> bool:
        """Whether this is the process that writes."""
        return self.main

    def create_model_card(self, model_name: str | None = None) -> str | None:
        """The parent's card."""
        self.log.append("card written")
        return model_name

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:  # noqa: FBT001, FBT002 - the real signature
        """Save weights, without a card."""
        self.log.append(f"saved {output_dir} {_internal_call}")

    def push_to_hub(self) -> None:
        """Upload without writing a card first."""
        self.log.append("uploaded")

    def _push_from_checkpoint(self, checkpoint_folder: str) -> None:
        self.log.append(f"uploaded {checkpoint_folder}")

    def _save_checkpoint(self) -> None:
        self.create_model_card()


class Child(Base):
    """A subclass that calls its parent, as TRL's do."""

    def create_model_card(self, model_name: str | None = None) -> str | None:
        """The child's card."""
        return super().create_model_card(model_name)


class Broken(Base):
    """A trainer whose own card writing fails."""

    def create_model_card(self, model_name: str | None = None) -> str | None:
        """Fail."""
        raise OSError(model_name)


class Told:
    """What the hooks said."""

    def __init__(self, trainer: Any = None) -> None:
        self.cards: list[Path] = []
        self.trainer = trainer

    def __call__(self, card: Path) -> None:
        """Take note."""
        self.cards.append(card)
        if self.trainer is not None:
            self.trainer.log.append("told")


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


def test_a_dropped_trainer_is_collected(tmp_path: Path) -> None:
    """Nothing of ours keeps a trainer alive, even when what is told holds it."""
    trainer = Child(tmp_path)
    watch_card_writers(trainer, Told(trainer))
    gone = weakref.ref(trainer)
    del trainer
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])  # noqa: S301 - our own bytes
def test_a_copy_is_not_watched(trainer: Child, duplicate: Any) -> None:
    """Copied and pickled trainers work, tell nothing, and their pickles do not need this package."""
    told = Told()
    watch_card_writers(trainer, told)
    other = duplicate(trainer)
    other.create_model_card()
    assert told.cards == []
    trainer.create_model_card()
    assert len(told.cards) == 1
    assert b"cardcallback" not in pickle.dumps(trainer).replace(b"_cardcallback_watch", b"")


def test_a_copy_with_a_replaced_method_works(trainer: Child) -> None:
    """A method that lies on the object is copied as what it was before."""
    trainer.create_model_card = types.MethodType(Base.create_model_card, trainer)  # type: ignore[method-assign]
    told = Told()
    watch_card_writers(trainer, told)
    other = pickle.loads(pickle.dumps(copy.deepcopy(trainer)))  # noqa: S301 - our own bytes
    assert other.create_model_card("name") == "name"
    assert told.cards == []


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


class Adapter:
    """As much of a PEFT model as writes cards."""

    def create_or_update_model_card(self, output_dir: str) -> None:
        """Update the card in a folder."""


class Holder:
    """A model that keeps the adapter inside, as DataParallel does."""

    def __init__(self, inside: Adapter) -> None:
        self.inside = inside

    def modules(self) -> list[Any]:
        """Itself and what it holds."""
        return [self, self.inside]


@pytest.fixture
def _peft(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("peft.peft_model")
    module.PeftModel = Adapter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "peft.peft_model", module)


@pytest.mark.usefixtures("_peft")
@pytest.mark.parametrize("nested", [False, True])
def test_the_adapters_own_card_is_told_of(trainer: Child, tmp_path: Path, *, nested: bool) -> None:
    """PEFT's updater names the folder it wrote to, for our trainer's model and no other."""
    adapter, told = Adapter(), Told()
    trainer.model = Holder(adapter) if nested else adapter
    watch_card_writers(trainer, told)
    Adapter().create_or_update_model_card(str(tmp_path / "not-ours"))
    adapter.create_or_update_model_card(output_dir=str(tmp_path / "checkpoint-2"))
    assert told.cards == [tmp_path / "checkpoint-2" / "README.md"]


@pytest.mark.usefixtures("_peft")
def test_a_model_given_later_is_ours_too(trainer: Child, tmp_path: Path) -> None:
    """``model_init`` makes the model only when training begins."""
    told = Told()
    watch_card_writers(trainer, told)
    trainer.model = Adapter()
    trainer.model.create_or_update_model_card(str(tmp_path))
    assert told.cards == [tmp_path / "README.md"]
