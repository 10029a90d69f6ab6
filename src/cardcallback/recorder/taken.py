"""Readings that were taken and are not entered yet: those of energy and power apart from all others."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator

from cardcallback.record import Point
from cardcallback.recorder.schedule import Appointment

# Entering a reading touches far more code than taking it: right after a wake-up none of that is in the processor's
# caches, and twenty readings entered together cost little more than one.
# A journal takes those of energy and power out each second, in its own thread: the one that reads comes after it.
_ENERGIES_WAIT_SECONDS = 2.5
# What is neither energy nor power is in no line of a journal, only in what shows or keeps the whole run.
_STATES_WAIT_SECONDS = 10.0

_Taken = tuple[Appointment, float, float]


def number_of(answer: object) -> float:
    """What a sensor answered, as a number; not one where it is none, as anyone's sensor may answer now and then."""
    try:
        return float(answer)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.nan


def why_unusable(value: float, *, is_state: bool) -> str | None:
    """Why that is no reading; ``None`` for one. A state may be below nothing, what a device draws is not."""
    if not math.isfinite(value):
        return "the reading is not a number"
    return "the reading is negative" if value < 0 and not is_state else None


class TakenReadings:
    """The readings of one lane in order of time; one thread may add to it while another takes out."""

    def __init__(self) -> None:
        self._energies: deque[_Taken] = deque()
        self._states: deque[_Taken] = deque()

    def add(self, appointment: Appointment, at_seconds: float, value: float) -> None:
        """A reading, at the clock's time."""
        (self._states if appointment.tells_state else self._energies).append((appointment, at_seconds, value))

    def energies_are_due(self, now_seconds: float) -> bool:
        """Whether those of energy and power have waited for long enough."""
        return _oldest(self._energies) <= now_seconds - _ENERGIES_WAIT_SECONDS

    def states_are_due(self, now_seconds: float) -> bool:
        """The same of all others."""
        return _oldest(self._states) <= now_seconds - _STATES_WAIT_SECONDS

    def take_out(self, *, states: bool) -> Iterator[tuple[Appointment, list[Point]]]:
        """Those of energy and power, and of ``states`` too where wanted; those of one sensor in a row together."""
        for queue in (self._energies, self._states) if states else (self._energies,):
            while queue:
                appointment, at_seconds, value = queue.popleft()
                readings = [(at_seconds, value)]
                # Finding where a reading goes costs as much as entering it.
                while queue and queue[0][0] is appointment:
                    readings.append(queue.popleft()[1:])
                yield appointment, readings


def _oldest(queue: deque[_Taken]) -> float:
    try:
        return queue[0][1]
    except IndexError:  # none, or whoever looks into the book has entered it since
        return math.inf
