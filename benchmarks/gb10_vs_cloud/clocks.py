"""Time as the harness needs it: tests give a clock that they move themselves."""

from __future__ import annotations

import time
from typing import Protocol

from cardcallback.recorder import SystemClock


class Clock(Protocol):
    """Durations, the date, and waiting."""

    def elapsed_seconds(self) -> float:
        """Seconds since an arbitrary origin."""

    def today(self) -> str:
        """The date as ISO 8601."""

    def wait(self, seconds: float) -> None:
        """Let so many seconds pass."""


class MachineClock(SystemClock):
    """The machine's own."""

    def wait(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)
