"""The energy of a run's phases, each visit told once the readings have caught up with its end."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from cardcallback.energy.history import Cumulative
from cardcallback.energy.result import PhaseSum, Visit

# So many visits may wait for the readings.
_MOST_QUEUED = 128


class PhaseSums:
    """Sums over the visits of each phase.

    Args:
        begin_seconds: when the window begins.
        best_at: the best energy from the begin to a time; ``None`` where nobody knows it.
        cut_joules: what the energy at a time may be off by there.
        most_in_gap: the most energy of so much time that nobody watched, beside so much time; ``None``: no bound.
    """

    def __init__(
        self,
        begin_seconds: float,
        best_at: Callable[[float], Cumulative | None],
        cut_joules: Callable[[Cumulative], float],
        most_in_gap: Callable[[float, float], float | None],
    ) -> None:
        self._begin_seconds = begin_seconds
        self._best_at = best_at
        self._cut_joules, self._most_in_gap = cut_joules, most_in_gap
        self._sums: dict[str, PhaseSum] = {}
        self._visits: deque[Visit] = deque()

    def add(self, visit: Visit) -> None:
        """One visit, whose end the readings may not have reached."""
        self._visits.append(visit)

    def settle(self, known_to: Callable[[float], bool]) -> None:
        """Tell the visits whose end is known by now, and those that have waited for too many others."""
        while self._visits and (known_to(self._visits[0].end_seconds) or len(self._visits) > _MOST_QUEUED):
            self._tally(self._visits.popleft(), self._sums)

    def all(self) -> dict[str, PhaseSum]:
        """The sums, visits that just ended included; changes nothing."""
        sums = {name: replace(phase) for name, phase in self._sums.items()}
        for visit in self._visits:
            self._tally(visit, sums)
        return sums

    def _tally(self, visit: Visit, sums: dict[str, PhaseSum]) -> None:
        phase = sums.setdefault(visit.phase, PhaseSum())
        phase.add_visit(visit.end_seconds - visit.begin_seconds)
        begin, end = self._best_at(visit.begin_seconds), self._best_at(visit.end_seconds)
        if begin is None or end is None:
            phase.unknown = True
            return
        phase.joules += end.joules - begin.joules
        gap_seconds = max(end.gap_seconds - begin.gap_seconds, 0.0)
        phase.add_gap(gap_seconds, self._most_in_gap(gap_seconds, visit.end_seconds - self._begin_seconds))
        # Marks fall between readings unrelated to each other: their doubts add as squares.
        phase.doubt_joules = math.hypot(phase.doubt_joules, self._cut_joules(begin), self._cut_joules(end))
