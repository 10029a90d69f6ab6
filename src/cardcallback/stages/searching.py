"""The search for the stages before a run, beside the training: a folder may lie on a disk that never answers."""

from __future__ import annotations

import threading
from collections.abc import Callable

from cardcallback.guard import Guard
from cardcallback.sessions import STAGES_UNREAD
from cardcallback.stages.finding import Found

_UNREAD = Found(notes=(f"{STAGES_UNREAD}.",))


class StagesSearch:
    """Begins to search when it is made, in a thread that keeps no process alive.

    Args:
        find: reads the stages; it may take for ever, and so holds no model.
        guard: catches what fails in it; nothing is then claimed of the stages.
    """

    def __init__(self, find: Callable[[], Found], guard: Guard) -> None:
        self._find = find
        self._guard = guard
        self._result = Found()
        self._ended = threading.Event()
        threading.Thread(target=self._search, name="cardcallback-stages", daemon=True).start()

    def wait(self, timeout_seconds: float) -> None:
        """Wait for its end, no longer than that."""
        self._ended.wait(timeout_seconds)

    @property
    def found(self) -> Found:
        """What it found; while it has not ended, no stages and the note that they could not be read in time."""
        return self._result if self._ended.is_set() else _UNREAD

    def _search(self) -> None:
        try:
            with self._guard("find the stages before this run"):
                self._result = self._find()
        finally:
            self._ended.set()
