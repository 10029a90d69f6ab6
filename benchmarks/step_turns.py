"""One training in which callbacks take turns of a second, so that the same model in the same memory has them all.

Two trainings of one process differ by more than the budget of a step, by where their tensors happen to lie. Here
nothing but the turn differs. While another has its turn a callback is told of nothing, its wrap of ``training_step``
is off and its threads wait for its clock, which stands still with the simulated device's: nothing is overdue when
its turn comes. That each of its threads is woken once more at the begin of a turn counts against it.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from inspect import unwrap
from time import perf_counter, process_time, thread_time
from typing import Any

from transformers import Trainer, TrainerCallback

from cardcallback.recorder import SystemClock
from ratios import Spent
from simulated import DrivenClock


class TurnClock:
    """The machine's clock without the time for which it was stopped; moves the simulated device's.

    While it is stopped, threads other than the one that made it wait in it.
    """

    def __init__(self, device: DrivenClock) -> None:
        self._device = device
        self._machine = partial(SystemClock.elapsed_seconds, SystemClock())
        self._goes = threading.Event()
        self._goes.set()
        self._training_thread = threading.get_ident()
        self._left_out_seconds = self._machine()
        self._stopped_at = 0.0

    def elapsed_seconds(self) -> float:
        """Seconds since it was made, those for which it was stopped left out."""
        if not self._goes.is_set():
            if threading.get_ident() == self._training_thread:
                return self._stopped_at
            self._goes.wait()
        now = self._machine() - self._left_out_seconds
        self._device.advance(now - self._device.nanoseconds * 1e-9)
        return now

    def take_over(self) -> None:
        """Be the clock of every callback that is made from now on, and its journal's."""
        SystemClock.elapsed_seconds = SystemClock.awake_seconds = lambda _: self.elapsed_seconds()  # type: ignore[method-assign]

    def stop(self) -> None:
        """Stand still; does nothing where it does already."""
        if self._goes.is_set():
            self._stopped_at = self.elapsed_seconds()
            self._goes.clear()

    def go_on(self) -> None:
        """Go on from where it stopped; does nothing where it goes."""
        if not self._goes.is_set():
            self._left_out_seconds = self._machine() - self._stopped_at
            self._goes.set()


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What takes part in a stretch of steps.

    ``callback`` is told of the events; ``is_watched``: ``training_step`` is wrapped; ``goes_on`` and ``stops`` are
    called at the begin and the end, for its threads.
    """

    callback: TrainerCallback | None = None
    is_watched: bool = False
    goes_on: Callable[[], None] = bool
    stops: Callable[[], None] = bool


def _now() -> Spent:
    return Spent(perf_counter(), process_time(), thread_time())


@dataclass(eq=False, kw_only=True)
class Turns(TrainerCallback):  # type: ignore[misc]  # transformers is typed Any here
    """Gives each of ``turns`` a stretch of ``seconds`` in every round, in an order drawn anew, then ends the training.

    ``spent``: by turn, what a step took in each of its stretches. ``trainer`` is set before training; the callbacks
    that have no turn are always told, this one last.
    """

    turns: dict[str, Turn]
    rounds: int
    seconds: float
    warm_up_seconds: float
    now: Callable[[], Spent] = _now
    trainer: Any = None
    spent: dict[str, list[Spent]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """No turn has begun."""
        self.spent = {name: [] for name in self.turns}
        self._drawn = random.Random(0)  # noqa: S311 - an order; the same each time
        self._order: list[str] = []
        self._name = ""
        self._begin, self._begin_step = Spent(0.0, 0.0, 0.0), 0
        self._until_seconds = 0.0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """All of them take part until the warm-up is over."""
        self._watched_step = Trainer.training_step
        self._bare_step = unwrap(self._watched_step)
        self._all = self.trainer.callback_handler.callbacks
        for turn in self.turns.values():
            turn.goes_on()
        self._until_seconds = self.now().wall + self.warm_up_seconds

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Where a stretch is over, keep what it took and begin the next."""
        del args, kwargs
        now = self.now()
        if now.wall < self._until_seconds:
            return
        if self._name:
            self.spent[self._name].append(now.since(self._begin, state.global_step - self._begin_step))
        if self._order or min(map(len, self.spent.values())) < self.rounds:
            self._next(state.global_step)
        else:
            self._take_part(self._all, self._watched_step, self.turns)
            control.should_training_stop = True

    def _next(self, step: int) -> None:
        self._order = self._order or self._drawn.sample([*self.turns], len(self.turns))
        self._name = self._order.pop()
        turn, having = self.turns[self._name], [one.callback for one in self.turns.values()]
        told = [one for one in self._all if one is turn.callback or one not in having]
        self._take_part(told, self._watched_step if turn.is_watched else self._bare_step, {self._name: turn})
        self._begin, self._begin_step = self.now(), step
        self._until_seconds = self._begin.wall + self.seconds

    def _take_part(self, told: list[TrainerCallback], step: Any, going: dict[str, Turn]) -> None:
        self.trainer.callback_handler.callbacks = told
        Trainer.training_step = step
        for name, turn in self.turns.items():
            if name not in going:
                turn.stops()
        for turn in going.values():
            turn.goes_on()
