"""The times in which the machine was suspended: one clock went on, and the other stood."""

from __future__ import annotations

import threading

from cardcallback.energy.history import Stretch
from cardcallback.recorder.clock import Clock

# The two clocks are read one after the other.
_CLOCK_NOISE_SECONDS = 0.1
# A busy machine holds a thread up between two of them, and hardly ever each time.
_TRIES = 5


class Sleeps:
    """The sleeps of the machine since this was made; whoever reads sensors looks for one before each reading."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        _, awake, self._begin_elapsed = self._both_clocks()
        # No later look can find them further apart without a sleep, even where each try was held up.
        self._begin_ahead = self._ahead = self._begin_elapsed - awake
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
        before, awake, _ = self._both_clocks()
        slept = before - awake - self._begin_ahead
        return slept if slept > _CLOCK_NOISE_SECONDS else 0.0

    def _both_clocks(self) -> tuple[float, float, float]:
        """The elapsed clock before and after the awake one, of a few tries the one that took least."""
        clock = self._clock
        tries = [(clock.elapsed_seconds(), clock.awake_seconds(), clock.elapsed_seconds()) for _ in range(_TRIES)]
        return min(tries, key=lambda one: one[2] - one[0])
