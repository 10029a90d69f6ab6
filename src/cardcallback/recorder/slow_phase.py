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
        self._lasts = False

    def note_call(self, appointment: Appointment, now_seconds: float) -> None:
        """A call ended; after the first quick one all that waited are due at once."""
        lasted = self._lasts
        self._lasts = appointment.waits_for_a_slow_driver or (lasted and not appointment.last_call_was_harmless)
        if lasted and not self._lasts:
            for one in self._appointments:
                one.ask_after_quick_call(now_seconds)
