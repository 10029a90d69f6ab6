"""The times in which the machine was suspended: one clock went on, and the other stood."""

from __future__ import annotations

import threading

from cardcallback.energy.history import Stretch
from cardcallback.recorder.clock import Clock

# The two clocks are read one after the other.
_CLOCK_NOISE_SECONDS = 0.1


class Sleeps:
    """The sleeps of the machine since this was made; whoever reads sensors looks for one before each reading."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._begin_elapsed = clock.elapsed_seconds()
        self._begin_ahead = self._ahead = self._begin_elapsed - clock.awake_seconds()
        self._untold: list[Stretch] = []

    def look(self, elapsed_seconds: float, awake_seconds: float) -> None:
        """What both clocks show, the elapsed one read first: a sleep since the latest look shows in their distance.

        A thread that waits between its two looks at them finds them closer and never further apart.
        """
        ahead = elapsed_seconds - awake_seconds
        if ahead <= self._ahead + _CLOCK_NOISE_SECONDS:
            return
        with self._lock:
            slept = ahead - self._ahead
            if slept > _CLOCK_NOISE_SECONDS:  # else another thread found it meanwhile
                self._ahead = ahead
                end = elapsed_seconds - self._begin_elapsed
                self._untold.append((end - slept, end))

    def take_out(self) -> list[Stretch]:
        """Those that were found since the last time, in seconds since this was made."""
        if not self._untold:
            return []
        with self._lock:
            found, self._untold = self._untold, []
        return found

    @property
    def seconds(self) -> float:
        """How long all of them were together, until now."""
        ahead = self._clock.elapsed_seconds() - self._clock.awake_seconds()
        slept = ahead - self._begin_ahead
        return slept if slept > _CLOCK_NOISE_SECONDS else 0.0
