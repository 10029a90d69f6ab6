"""The trainers that one callback object was given to: one of them is measured at a time, and each keeps its run."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any, TypeVar, cast

from cardcallback.following import WritingFollower
from cardcallback.guard import Guard
from cardcallback.hooks import find_trainer, is_training, watch_train
from cardcallback.live_run import LiveRun
from cardcallback.node_publisher import NodePublisher
from cardcallback.publisher import Publisher
from cardcallback.resuming import Resuming

Session = tuple[LiveRun | None, Publisher | NodePublisher | None]
_Event = TypeVar("_Event", bound=Callable[..., None])

_ASIDE = (
    "another training began with the same CardCallback while this one ran: it has no record of its own, and what it "
    "used meanwhile is in this one's; give each trainer a CardCallback of its own"
)


class Trainers:
    """Knows whose event it is that comes to a callback; trainers are held weakly.

    Args:
        guard: tells of a training that is not measured.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._watched: weakref.ref[Any] | None = None
        self._training: weakref.ref[Any] | None = None
        self._aside: Any = None
        self._sessions: list[tuple[weakref.ref[Any], Session]] = []

    @property
    def watched(self) -> Any:
        """The one that is followed, or None."""
        return None if self._watched is None else self._watched()

    @property
    def reference(self) -> Callable[[], Any]:
        """Gives that one from now on, or None once it is gone."""
        return self._watched or _nobody

    def follow(
        self,
        trainer: Any,
        resuming: Resuming,
        *,
        returned: Callable[[], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Follow it from now on, unless another one trains; what it writes later is of its own run.

        Args:
            trainer: any Hugging Face trainer.
            resuming: is told what it resumes from.
            returned: called when ``train()`` returns and it is the one that is measured.
            failed: the same, given the exception that leaves ``train()``.
        """
        whose: weakref.ref[Any] = weakref.ref(trainer)

        def takes_up() -> bool:
            if not self.trains_another(whose()):
                self._watched = whose
            return self._watched is whose

        takes_up()
        WritingFollower(lambda: self.session_of(whose())[0], lambda: self.session_of(whose())[1]).follow(
            trainer, self._guard
        )
        resuming.watch(trainer, takes_up=takes_up)
        watch_train(
            trainer,
            on_return=lambda: returned() if self.watched is whose() else None,
            on_exception=lambda error: failed(error) if self.watched is whose() else None,
            guard=self._guard,
        )

    def trains_another(self, trainer: Any) -> bool:
        """Whether a training of another one goes on, inside of which, or beside which, this one's is."""
        other = None if self._training is None else self._training()
        return other is not None and other is not trainer and is_training(other)

    def stands_aside(self, callback: object, state: Any) -> bool:
        """Whether the training whose begin this event is stays unmeasured, since another one is; that is told once.

        It is the inner one: what that uses is the outer one's too, whose figures would have a hole otherwise.
        """
        with self._guard("see whether another training goes on"):
            trainer = find_trainer(callback)
            if trainer is not None and self.trains_another(trainer):
                self._aside = state
                self._guard.tell([_ASIDE])
                return True
            self._training = None if trainer is None else weakref.ref(trainer)
        return False

    def is_aside(self, state: Any) -> bool:
        """Whether an event with this state is of a training that stands aside."""
        return self._aside is not None and self._aside is state

    def keep(self, run: LiveRun | None, publisher: Publisher | NodePublisher | None) -> None:
        """This is the run of the one that is followed, also once another one is measured."""
        if self._watched is not None:
            others = [one for one in self._sessions if (one[0]() is not None and one[0]() is not self.watched)]
            self._sessions = [*others, (self._watched, (run, publisher))]

    def session_of(self, trainer: Any) -> Session:
        """The last run of this trainer; none where it had none."""
        return next((session for whose, session in self._sessions if whose() is trainer), (None, None))

    def session_here(self, callback: object, newest: Session) -> Session:
        """The run of the trainer whose event is on; the callback's newest one where that is not known."""
        trainer = None if self.watched is None else find_trainer(callback)
        return newest if trainer is None else self.session_of(trainer)


def unless_aside(event: _Event) -> _Event:
    """An event of a callback that has ``_trainers``, left out for a training that stands aside."""

    @functools.wraps(event)
    def around(self: Any, *given: Any, **kwargs: Any) -> None:
        state = given[1] if len(given) > 1 else kwargs.get("state")
        if not self._trainers.is_aside(state):
            event(self, *given, **kwargs)

    return cast("_Event", around)


def _nobody() -> None:
    return None
