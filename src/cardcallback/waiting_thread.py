"""A thread that waits for work which another thread must not do itself, or not wait for longer than it may."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from cardcallback import portable

_Task = tuple[Callable[[], None], threading.Lock]


class WaitingThread:
    """Does what it is handed, one after another; started beforehand, since a signal's handler may start no thread.

    A handler runs between two byte codes of the main thread, which may hold any lock. Nothing here takes one
    that lasts longer than one call: the queue is the kind that may be used from inside itself. No task may raise.

    Raises:
        RuntimeError: there is no thread left to be had.
    """

    def __init__(self, name: str) -> None:
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @property
    def is_current(self) -> bool:
        """Whether it is this thread that asks."""
        return threading.current_thread() is self._thread

    def do(self, task: Callable[[], None], timeout_seconds: float) -> bool:
        """Hand ``task`` over, and whether it was done within that time; it goes on where it was not.

        Also from a handler that interrupts another one's call of this.
        """
        done = self.hand(task)
        return done.acquire(timeout=timeout_seconds)

    def answers(self, task: Callable[[], None], idle_seconds: float) -> bool:
        """As ``do``, where the thread may do nothing for so long, as while it waits for a disk, and work for longer.

        A machine with much else to do, where it has to wait for a processor, is none that does not answer.
        """
        done, waited_seconds, wait_seconds = self.hand(task), 0.0, idle_seconds
        busy_seconds = portable.busy_seconds(self._thread.native_id)
        while not done.acquire(timeout=wait_seconds):
            waited_seconds += wait_seconds
            worked_seconds = portable.busy_seconds(self._thread.native_id) - busy_seconds
            wait_seconds = idle_seconds - max(waited_seconds - worked_seconds, 0.0)
            if wait_seconds <= idle_seconds / 100:
                return False
        return True

    def hand(self, task: Callable[[], None]) -> threading.Lock:
        """Hand ``task`` over; the lock can be taken once it is done."""
        done = threading.Lock()
        done.acquire()
        self._tasks.put((task, done))
        return done

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
            del entry, task  # else what the last one held would live until the next one comes
