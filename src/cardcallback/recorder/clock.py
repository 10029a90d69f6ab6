"""Time as the recorder needs it: durations that count suspend, what a thread used of a processor, and the date."""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Callable
from typing import Protocol

_IN_SUSPEND: int | None = getattr(time, "CLOCK_MONOTONIC" if sys.platform == "darwin" else "CLOCK_BOOTTIME", None)
_thread_time: Callable[[], float] = getattr(time, "thread_time", float)


def utc_today() -> dt.date:
    """The date at Greenwich, which is the same for all computers and containers of a job."""
    return dt.datetime.now(dt.timezone.utc).date()


class Clock(Protocol):
    """Where durations and the date come from; tests give one that they move themselves."""

    def elapsed_seconds(self) -> float:
        """Seconds since an arbitrary origin; goes on while the machine is suspended."""

    def awake_seconds(self) -> float:
        """The same without the time spent suspended."""

    def thread_seconds(self) -> float:
        """For how long the calling thread has kept a processor, since an arbitrary origin of its own."""

    def today(self) -> str:
        """The local date as ISO 8601."""


class SystemClock:
    """The machine's own clocks."""

    def elapsed_seconds(self) -> float:
        """CLOCK_BOOTTIME on Linux, CLOCK_MONOTONIC on macOS (its manual: it goes on in sleep), else Python's own.

        On Windows that one goes on in sleep too; elsewhere it may stop.
        """
        return time.monotonic() if _IN_SUSPEND is None else time.clock_gettime(_IN_SUSPEND)

    def awake_seconds(self) -> float:
        """Python's monotonic clock, which leaves suspend out on Linux and macOS."""
        return time.monotonic()

    def thread_seconds(self) -> float:
        """The kernel's count of the calling thread's time; 0 on systems that have none."""
        return _thread_time()

    def today(self) -> str:
        """The local date as ISO 8601."""
        return dt.datetime.now().astimezone().date().isoformat()
