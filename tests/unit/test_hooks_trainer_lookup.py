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

    def add_callback(self, callback: Any) -> None:
        """Add a callback, or a class of one."""
        self.callbacks.append(callback() if isinstance(callback, type) else callback)

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
        """Hand it to the handler."""
        self.callback_handler.add_callback(callback)

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


@pytest.mark.usefixtures("_fresh_handler")
@pytest.mark.parametrize("outer_has_one", [False, True])
def test_a_trainer_made_inside_anothers_event_is_told_apart(*, outer_has_one: bool) -> None:
    """While it is made there is none for its callback, whoever else is at work; then it is itself."""
    told: list[Any] = []
    watch_add_callback(Callback, lambda *given: told.append(given))
    ours = Callback()

    class Making(Callback):
        def on_init_end(self) -> None:
            """Nothing."""

        def on_train_begin(self) -> None:
            self.inner = AddingTrainer([ours])
            self.inner.train()

    class AddingTrainer(Trainer):
        def __init__(self, callbacks: list[Any]) -> None:
            handler = Handler([])
            for callback in callbacks:  # as transformers' handler does in its constructor
                handler.add_callback(callback)
            self.callback_handler = handler
            self.callback_handler.call_event("on_init_end")

    making = Making()
    Trainer([*([Callback()] if outer_has_one else []), making]).train()
    assert told == []
    assert ours.found == [making.inner, making.inner]


def test_a_handler_inside_a_handler_leads_to_the_trainer() -> None:
    """A group of callbacks that is a handler itself, held by the trainer's."""

    class Group(Handler):
        def on_init_end(self) -> None:
            """Hand it on."""
            self.call_event("on_init_end")

    inside = Callback()
    trainer = Trainer([Group([inside])])
    assert inside.found == [trainer]


def test_without_a_trainer_there_is_none() -> None:
    """Called from anywhere else it finds nothing and raises nothing."""
    assert find_trainer(Callback()) is None


@pytest.fixture
def _fresh_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    # A class of this test's own where transformers' would be, and where its trainers find it.
    fresh = type("Handler", (Handler,), {"add_callback": Handler.add_callback})
    module = types.ModuleType("transformers.trainer_callback")
    module.CallbackHandler = fresh  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "transformers.trainer_callback", module)
    monkeypatch.setattr(sys.modules[__name__], "Handler", fresh)


@pytest.mark.usefixtures("_fresh_handler")
@pytest.mark.parametrize("as_class", [False, True])
def test_an_added_callback_is_told_its_trainer(*, as_class: bool) -> None:
    """``add_callback`` names callback and trainer, also for a class that the handler makes one of."""
    told: list[tuple[Any, Any]] = []
    watch_add_callback(Callback, lambda callback, trainer: told.append((callback, trainer)))
    watch_add_callback(Callback, lambda *_: pytest.fail("once per kind"))
    trainer = Trainer([])
    trainer.add_callback(Callback if as_class else Callback())
    assert told == [(trainer.callback_handler.callbacks[0], trainer)]


@pytest.mark.usefixtures("_fresh_handler")
def test_other_callbacks_are_not_told_of() -> None:
    """A callback of another kind changes nothing, though ours is there."""
    told: list[Any] = []
    trainer = Trainer([Callback()])
    watch_add_callback(Callback, lambda *given: told.append(given))
    trainer.add_callback(object())
    assert told == []


@pytest.mark.usefixtures("_fresh_handler")
def test_a_handler_without_a_trainer_is_not_told_of() -> None:
    """A callback added where no trainer is at work, or while one is being made, waits for its events."""
    told: list[Any] = []
    watch_add_callback(Callback, lambda *given: told.append(given))
    Handler([]).add_callback(Callback())
    assert told == []


def test_before_transformers_is_loaded_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no handler to watch, and none is imported."""
    monkeypatch.delitem(sys.modules, "transformers.trainer_callback", raising=False)
    watch_add_callback(Callback, lambda *_: None)
    assert "transformers.trainer_callback" not in sys.modules
