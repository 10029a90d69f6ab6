"""Time as the recorder needs it: durations that count suspend, and the date."""

from __future__ import annotations

import datetime as dt
import time
from typing import Protocol


class Clock(Protocol):
    """Where durations and the date come from; tests give one that they move themselves."""

    def elapsed_seconds(self) -> float:
        """Seconds since an arbitrary origin; goes on while the machine is suspended."""

    def awake_seconds(self) -> float:
        """The same without the time spent suspended."""

    def today(self) -> str:
        """The local date as ISO 8601."""


class SystemClock:
    """The machine's own clocks."""

    def elapsed_seconds(self) -> float:
        """CLOCK_BOOTTIME where the system has it, else the monotonic clock, which may stop in suspend."""
        boot_time = getattr(time, "CLOCK_BOOTTIME", None)
        return time.clock_gettime(boot_time) if boot_time is not None else time.monotonic()

    def awake_seconds(self) -> float:
        """CLOCK_MONOTONIC."""
        return time.monotonic()

    def today(self) -> str:
        """The local date as ISO 8601."""
        return dt.datetime.now().astimezone().date().isoformat()
