"""Whose card it is: copies, dropped trainers and models inside others are told apart."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
import types
import weakref
from pathlib import Path
from typing import Any

import pytest
from card_writing_trainers import Base, Child, Told

from cardcallback.hooks import watch_card_writers


@pytest.fixture
def trainer(tmp_path: Path) -> Child:
    """A trainer that is not watched yet."""
    return Child(tmp_path)


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
