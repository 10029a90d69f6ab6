"""A driver that is slow for a while: what waits for that is asked as soon as it is quick again."""

from __future__ import annotations

from collections.abc import Sequence

from cardcallback.recorder.schedule import Appointment


class SlowPhase:
    """Watches one driver's calls.

    Args:
        appointments: all that it is asked for.
    """

    def __init__(self, appointments: Sequence[Appointment]) -> None:
        self._appointments = appointments
        self._slow: set[Appointment] = set()

    def note_call(self, appointment: Appointment, now_seconds: float) -> None:
        """A call ended; after a quick one of what had been slow, all that waited are due at once."""
        if appointment.turned_quick:
            for one in self._appointments:
                one.judge_anew(now_seconds)
        if appointment.waits_for_a_slow_driver:
            self._slow.add(appointment)
        # Only what was slow itself tells: beside a call that is always slow the others are quick all the time.
        elif appointment in self._slow and appointment.last_call_was_harmless:
            self._slow.remove(appointment)
            for one in self._appointments:
                one.ask_after_quick_call(now_seconds)
