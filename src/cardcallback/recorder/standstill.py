"""Time in which no thread of the process ran, since it was stopped, frozen or paused from outside."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from cardcallback import portable
from cardcallback.alarm import Alarm
from cardcallback.recorder.clock import Clock
from cardcallback.units import format_duration

# A sleep that ends this much late is looked into; a busy machine makes many end a little late.
_SHORTEST_SECONDS = 2.0
# A thread that waits for Python's lock gives the processor up once in each switch interval, a stopped one not at all.
_WAITING_SHARE = 0.25
# As the clocks of threads and processes are read one after the other.
_IDLE_SHARE = 0.05
_WOKEN_SECONDS = 0.1
# A look costs as much as a reading.
_LOOK_EVERY_SECONDS = 1.0
# This part of it opens a file; between two looks a thread of a busy machine waits for a processor anyway.
_QUEUED_EVERY_SECONDS = 5.0
_QUEUED_SHARE = 0.5
_CAUSES = "it was stopped, frozen or paused from outside, and the duration counts that"


class Use(NamedTuple):
    """What a thread sees: CPU time of all threads, and its own voluntary switches and time in the queue."""

    process_seconds: float
    switches: int
    queued_seconds: float


class ThreadUse:
    """What the calling thread sees, with its time in the queue as of a look some seconds ago."""

    def __init__(self) -> None:
        self._looked_at = -math.inf
        self._queued = 0.0

    def __call__(self, now_seconds: float, *, afresh: bool = False) -> Use | None:
        """As of now by the clock; ``afresh`` with a new look. ``None`` where the system does not tell it."""
        switches = portable.voluntary_switches()
        if switches is None:
            return None
        if afresh or now_seconds - self._looked_at >= _QUEUED_EVERY_SECONDS:
            self._looked_at, self._queued = now_seconds, portable.queued_seconds()
        return Use(time.process_time(), switches, self._queued)


class Standstills:
    """The times that the sleepers of one recorder found, each once, whichever of them found it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times = 0
        self._seconds = 0.0
        self._first_at = 0.0
        self._last = (0.0, -math.inf)

    def add(self, begin_seconds: float, end_seconds: float) -> None:
        """One of them, at the clock's times."""
        with self._lock:
            begin, end = self._last
            if begin_seconds >= end:
                self._times += 1
                self._seconds += end_seconds - begin_seconds
                self._first_at = self._first_at or begin_seconds
                self._last = (begin_seconds, end_seconds)
                return
            joined = (min(begin, begin_seconds), max(end, end_seconds))
            self._seconds += (joined[1] - joined[0]) - (end - begin)
            self._last = joined

    @property
    def seconds(self) -> float:
        """How long all of them were together, at least: each may have begun up to a second earlier than was seen."""
        return self._seconds

    def notes(self, begin_seconds: float) -> tuple[str, ...]:
        """One sentence, if there was any; ``begin_seconds`` is the session's begin by the clock."""
        with self._lock:
            if not self._times:
                return ()
            when = f"after {format_duration(max(self._first_at - begin_seconds, 0.0))}"
            when = when if self._times == 1 else f"{self._times} times, first {when}"
            lasted = format_duration(self._seconds)
            return (f"The process did not run for at least {lasted}, {when}: {_CAUSES}.",)


class Sleeper:
    """One thread's sleep between readings.

    Args:
        clock: where every time comes from.
        standstills: is told where the sleep lasted longer since no thread of the process ran.
        use: what the thread sees of its process.
        sleep: sleeps at most that many seconds; ``None``: until it ``ring``s.
    """

    def __init__(
        self,
        clock: Clock,
        standstills: Standstills,
        *,
        use: Callable[..., Use | None] | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._clock = clock
        self._standstills = standstills
        self._use = use or ThreadUse()
        self._alarm = Alarm()
        self._sleep = sleep or self._alarm.wait
        self._before: tuple[float, Use] | None = None
        self._busiest = 1.0

    def ring(self) -> None:
        """End the sleep, or the next one if the thread is awake."""
        self._alarm.ring()

    def wait(self, timeout_seconds: float) -> None:
        """Sleep until it rings, at most that long."""
        began = self._clock.awake_seconds()
        if self._before is None or began - self._before[0] >= _LOOK_EVERY_SECONDS:
            self._look(began)
        self._sleep(timeout_seconds)
        now = self._clock.awake_seconds()
        late = now - began - timeout_seconds
        if late >= _SHORTEST_SECONDS:
            stopped, end = self._stopped_seconds(now, late), self._clock.elapsed_seconds()
            if stopped > 0:
                self._standstills.add(end - late, end - late + stopped)

    def _look(self, now: float) -> None:
        use = self._use(now)
        if use is None:
            return
        if self._before is not None:
            # How many processors it keeps busy at most, which it may have done until it was stopped.
            at, before = self._before
            self._busiest = max(self._busiest, (use.process_seconds - before.process_seconds) / (now - at))
        self._before = (now, use)

    def _stopped_seconds(self, now: float, late_seconds: float) -> float:
        """For how much of the time by which the sleep was too long nothing ran, at least; 0 where it is not known."""
        after = self._use(now, afresh=True)
        if self._before is None or after is None:
            return 0.0
        at, before = self._before
        may_have_run = now - at - late_seconds + _WOKEN_SECONDS
        ran = after.process_seconds - before.process_seconds
        waiting = (after.switches - before.switches) * sys.getswitchinterval()
        queued = after.queued_seconds - before.queued_seconds
        nothing_ran = (
            ran <= self._busiest * may_have_run + _IDLE_SHARE * late_seconds
            and waiting <= _WAITING_SHARE * late_seconds
            and queued <= _QUEUED_SHARE * late_seconds
        )
        return late_seconds - queued if nothing_ran else 0.0
