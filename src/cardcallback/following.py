"""What a trainer does outside its events, handed on to the run and to whoever writes its files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from cardcallback.guard import Guard
from cardcallback.hooks import PhaseVisit, watch_card_writers, watch_phases
from cardcallback.live_run import LiveRun
from cardcallback.node_publisher import NodePublisher
from cardcallback.publisher import Publisher

_Seen = TypeVar("_Seen")


class WritingFollower:
    """Hands on a trainer's card writing and its phases; run and publisher are asked anew each time.

    Args:
        run: gives the run in progress, or the last one.
        publisher: gives who writes its files.
    """

    def __init__(
        self, run: Callable[[], LiveRun | None], publisher: Callable[[], Publisher | NodePublisher | None]
    ) -> None:
        self._run = run
        self._publisher = publisher

    def follow(self, trainer: Any, guard: Guard) -> None:
        """From now on, for that trainer alone."""
        watch_card_writers(
            trainer,
            self._after_card_write,
            before_write=self._before_card_write,
            before_push=self._before_push,
            look=self._look,
            guard=guard,
        )
        watch_phases(trainer, now_seconds=self._now_seconds, on_visit=self._phase_visited, guard=guard)

    def _before_push(self) -> None:
        publisher = self._publisher()
        if publisher is not None:
            publisher.before_push()

    def _look(self, see: Callable[[], _Seen], otherwise: _Seen, /) -> _Seen:
        run = self._run()  # without one there is nothing to complete
        return otherwise if run is None else run.work.do("look at the card that lies there", see, otherwise)

    def _now_seconds(self) -> float:
        run = self._run()
        return run.now_seconds() if run is not None else 0.0

    def _phase_visited(self, visit: PhaseVisit) -> None:
        run = self._run()
        if run is not None and visit.during_training:
            run.mark_phase(visit.phase, visit.begin_seconds, visit.end_seconds)

    def _before_card_write(self) -> None:
        publisher = self._publisher()
        if publisher is not None:
            publisher.card_about_to_change()

    def _after_card_write(self, card: Path) -> None:
        publisher = self._publisher()
        if publisher is not None:
            publisher.card_rewritten(card)
