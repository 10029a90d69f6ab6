"""A sleep that another thread can end."""

from __future__ import annotations

import contextlib
import threading


class Alarm:
    """Ends one thread's sleep. An ``Event`` makes a new lock for each wait, which costs more than a reading."""

    def __init__(self) -> None:
        self._silent = threading.Lock()
        self._silent.acquire()

    def ring(self) -> None:
        """End the sleep, or the next one if the thread is awake."""
        with contextlib.suppress(RuntimeError):  # it rings already
            self._silent.release()

    def wait(self, timeout_seconds: float) -> None:
        """Sleep until it rings, at most that long."""
        self._silent.acquire(timeout=timeout_seconds)
