"""What a measurer knows of another process of its node."""

from __future__ import annotations

import contextlib
import os
import select
import weakref
from dataclasses import dataclass

from cardcallback.processes.announcement import Announcement


@dataclass(slots=True)
class Heard:
    """One process: what it said last, and when that was new; seconds awake."""

    said: Announcement
    beat_at: float
    step_at: float
    process: Process
    was_gone: bool = False


class Process:
    """Whether a process of this machine still runs, as far as its number means anything here."""

    def __init__(self, number: int) -> None:
        self._descriptor: int | None = None
        with contextlib.suppress(OSError, AttributeError, OverflowError):  # an older kernel, or other numbers here
            self._descriptor = os.pidfd_open(number)
            weakref.finalize(self, os.close, self._descriptor)

    def is_gone(self) -> bool:
        """Whether it ended, where that can be told."""
        if self._descriptor is None:
            return False
        watch = select.poll()
        watch.register(self._descriptor, select.POLLIN)
        return bool(watch.poll(0))

    def forget(self) -> None:
        """Its number means another process here."""
        self._descriptor = None
