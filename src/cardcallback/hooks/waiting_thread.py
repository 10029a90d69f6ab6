"""A thread that waits for work which a signal handler must not do itself."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

_Task = tuple[Callable[[], None], threading.Lock]


class WaitingThread:
    """Does what it is handed, one after another; started beforehand, since a handler may start no thread.

    A handler runs between two byte codes of the main thread, which may hold any lock. Nothing here takes one
    that lasts longer than one call: the queue is the kind that may be used from inside itself.
    """

    def __init__(self, name: str) -> None:
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def do(self, task: Callable[[], None], timeout_seconds: float) -> bool:
        """Hand ``task`` over, and whether it was done within that time; it goes on where it was not.

        Also from a handler that interrupts another one's call of this.
        """
        done = threading.Lock()
        done.acquire()
        self._tasks.put((task, done))
        return done.acquire(timeout=timeout_seconds)

    def stop(self) -> None:
        """End once everything handed over is done; waits for nothing."""
        self._tasks.put(None)

    def _work(self) -> None:
        while (entry := self._tasks.get()) is not None:
            task, done = entry
            try:
                task()
            finally:
                done.release()
