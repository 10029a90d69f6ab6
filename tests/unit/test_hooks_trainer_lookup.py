"""The trainer is found from inside an event, and when a callback is added to one that exists."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest

from cardcallback.hooks import find_trainer, watch_add_callback


class Handler:
    """As transformers': calls the event of each callback."""

    def __init__(self, callbacks: list[Any]) -> None:
        self.callbacks = callbacks

    def call_event(self, event: str) -> None:
        """Call one event of all."""
        for callback in self.callbacks:
            getattr(callback, event)()


class Trainer:
    """As transformers': a handler, made in the constructor, which calls the first event."""

    def __init__(self, callbacks: list[Any]) -> None:
        self.callback_handler = Handler(callbacks)
        self.callback_handler.call_event("on_init_end")

    def add_callback(self, callback: Any) -> None:
        """Add a callback, or a class of one."""
        self.callback_handler.callbacks.append(callback() if isinstance(callback, type) else callback)

    def train(self) -> None:
        """Call the first event of training."""
        self.callback_handler.call_event("on_train_begin")


class Callback:
    """Looks for its trainer in every event."""

    def __init__(self) -> None:
        self.found: list[Any] = []

    def on_init_end(self) -> None:
        """Look."""
        self.found.append(find_trainer(self))

    on_train_begin = on_init_end


class Wrapping(Callback):
    """A callback that holds another and calls it."""

    def __init__(self, inside: Callback) -> None:
        super().__init__()
        self.inside = inside

    def on_init_end(self) -> None:
        """Let the other look."""
        self.inside.on_init_end()

    on_train_begin = on_init_end


def test_the_trainer_is_found_while_it_is_made() -> None:
    """In ``on_init_end``, for a callback given to the constructor."""
    callback = Callback()
    trainer = Trainer([callback])
    assert callback.found == [trainer]


def test_the_trainer_is_found_when_training_begins() -> None:
    """In ``on_train_begin``, for a callback that was added later."""
    callback, trainer = Callback(), Trainer([])
    trainer.add_callback(callback)
    trainer.train()
    assert callback.found == [trainer]


def test_a_trainer_inside_a_trainer_is_told_apart() -> None:
    """The nearest trainer is not ours when another's handler holds the callback."""
    callback = Callback()
    outer = Trainer([callback])
    callback.found.clear()

    class Starting(Callback):
        def on_train_begin(self) -> None:
            outer.train()

    Trainer([Starting()]).train()
    assert callback.found == [outer]


def test_a_callback_held_by_another_finds_it() -> None:
    """The handler that is calling leads to the trainer even where it does not know the callback."""
    inside = Callback()
    trainer = Trainer([Wrapping(inside)])
    assert inside.found == [trainer]


def test_without_a_trainer_there_is_none() -> None:
    """Called from anywhere else it finds nothing and raises nothing."""
    assert find_trainer(Callback()) is None


@pytest.fixture
def trainer_class(monkeypatch: pytest.MonkeyPatch) -> type[Trainer]:
    """A fresh class where transformers' own would be."""
    fresh: type[Trainer] = type("Trainer", (Trainer,), {"add_callback": Trainer.add_callback})
    module = types.ModuleType("transformers.trainer")
    module.Trainer = fresh  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "transformers.trainer", module)
    return fresh


@pytest.mark.parametrize("as_class", [False, True])
def test_an_added_callback_is_told_its_trainer(trainer_class: type[Trainer], *, as_class: bool) -> None:
    """``add_callback`` names callback and trainer, also for a class that the handler makes one of."""
    told: list[tuple[Any, Any]] = []
    watch_add_callback(Callback, lambda callback, trainer: told.append((callback, trainer)))
    watch_add_callback(Callback, lambda *_: pytest.fail("once per kind"))
    trainer = trainer_class([])
    trainer.add_callback(Callback if as_class else Callback())
    assert told == [(trainer.callback_handler.callbacks[0], trainer)]


def test_other_callbacks_are_not_told_of(trainer_class: type[Trainer]) -> None:
    """A callback of another kind changes nothing, though ours is there."""
    told: list[Any] = []
    trainer = trainer_class([Callback()])
    watch_add_callback(Callback, lambda *given: told.append(given))
    trainer.add_callback(object())
    assert told == []


def test_before_transformers_is_loaded_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no trainer class to watch, and none is imported."""
    monkeypatch.delitem(sys.modules, "transformers.trainer", raising=False)
    watch_add_callback(Callback, lambda *_: None)
    assert "transformers.trainer" not in sys.modules
