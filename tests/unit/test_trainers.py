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

    def __init__(self, callback: Any, inside: Any = None) -> None:
        self.callback_handler = Handler(callback)
        self.state = SimpleNamespace(global_step=0)
        self.inside = inside
        self.stood_aside: list[bool] = []

    def train(self) -> None:
        """Begin, and do what is to be done inside."""
        self.stood_aside.append(self.callback_handler.call_event(self.state))
        if self.inside is not None:
            self.inside.train()


class Callback:
    """What asks."""

    def __init__(self) -> None:
        self.trainers = Trainers(Guard())

    def begins(self, state: Any) -> bool:
        """As ``on_train_begin``."""
        return self.trainers.stands_aside(self, state)


def test_a_training_that_stood_aside_is_measured_when_it_trains_alone() -> None:
    """Also where its trainer goes on with the same state, by which the events of the one aside are known."""
    callback = Callback()
    inner = Trainer(callback)
    outer = Trainer(callback, inside=inner)
    for trainer in (inner, outer):
        watch_train(trainer, on_return=lambda: None, on_exception=lambda _: None)
    with pytest.warns(CardCallbackWarning, match="another training began"):
        outer.train()
    assert inner.stood_aside == [True]
    assert callback.trainers.is_aside(inner.state)
    inner.train()
    assert inner.stood_aside == [True, False]
    assert not callback.trainers.is_aside(inner.state)
