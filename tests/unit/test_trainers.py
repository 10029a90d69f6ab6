"""Whose event it is that comes to a callback of several trainers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cardcallback.errors import CardCallbackWarning
from cardcallback.guard import Guard
from cardcallback.hooks import watch_train
from cardcallback.trainers import Trainers


class Handler:
    """As transformers' own, which calls each callback."""

    def __init__(self, callback: Any) -> None:
        self.callbacks = [callback]

    def call_event(self, state: Any) -> bool:
        """A training begins."""
        return bool(self.callbacks[0].begins(state))


class Trainer:
    """One that keeps its state from one training to the next."""

    def __init__(self, callback: Any, inside: Any = None, *, fails: bool = False) -> None:
        self.callback_handler = Handler(callback)
        self.state = SimpleNamespace(global_step=0)
        self.inside = inside
        self.fails = fails
        self.is_in_train = False
        self.stood_aside: list[bool] = []

    def train(self) -> None:
        """Begin, and do what is to be done inside; the mark stays where it breaks, as in transformers."""
        self.is_in_train = True
        self.stood_aside.append(self.callback_handler.call_event(self.state))
        if self.inside is not None:
            self.inside.train()
        if self.fails:
            raise ZeroDivisionError
        self.is_in_train = False


class Callback:
    """What asks."""

    def __init__(self) -> None:
        self.trainers = Trainers(Guard())

    def begins(self, state: Any) -> bool:
        """As ``on_train_begin``."""
        return self.trainers.stands_aside(self, state)


def watched(*trainers: Trainer) -> None:
    """Followed from now on."""
    for trainer in trainers:
        watch_train(trainer, on_return=lambda: None, on_exception=lambda _: None)


def test_a_training_that_stood_aside_is_measured_when_it_trains_alone() -> None:
    """Also where its trainer goes on with the same state, by which the events of the one aside are known."""
    callback = Callback()
    inner = Trainer(callback)
    outer = Trainer(callback, inside=inner)
    watched(inner, outer)
    with pytest.warns(CardCallbackWarning, match="another training began"):
        outer.train()
    assert inner.stood_aside == [True]
    assert callback.trainers.is_aside(inner.state)
    inner.train()
    assert inner.stood_aside == [True, False]
    assert not callback.trainers.is_aside(inner.state)


@pytest.mark.parametrize("watching", ["never", "in it"])
def test_a_training_that_began_unwatched_has_others_inside(watching: str) -> None:
    """Of a callback that was put into the list by hand no event came before the begin itself."""
    callback = Callback()
    inner = Trainer(callback)
    outer = Trainer(callback, inside=inner)
    if watching == "in it":
        begin = callback.begins
        callback.begins = lambda state: begin(state) or watched(outer)  # type: ignore[method-assign, func-returns-value]
    with pytest.warns(CardCallbackWarning, match="another training began"):
        outer.train()
    assert (outer.stood_aside, inner.stood_aside) == ([False], [True])


def test_an_unwatched_training_that_broke_is_over() -> None:
    """The next one is measured, in spite of the mark that stays on the trainer that failed."""
    callback = Callback()
    broken, after = Trainer(callback, fails=True), Trainer(callback)
    with pytest.raises(ZeroDivisionError):
        broken.train()
    assert broken.is_in_train
    after.train()
    assert after.stood_aside == [False]
