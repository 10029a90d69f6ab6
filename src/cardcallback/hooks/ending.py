"""How a session ends when a signal ends its process: figures within a bounded time, then the signal's own action."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Protocol

from cardcallback.guard import Guard
from cardcallback.hooks.os_signals import die_of
from cardcallback.waiting_thread import WaitingThread

# Schedulers send SIGKILL 10 s (Docker) or 30 s (SLURM, Kubernetes, torchrun) after SIGTERM.
_END_TIMEOUT_SECONDS = 5.5
# A person's own handler is kept waiting this long.
_KEEP_TIMEOUT_SECONDS = 1.0
# After this the main thread is taken to be inside C code that does not return, such as a collective that hangs,
_IN_C_SECONDS = 2.0
# and where it is inside code of ours, which draws pictures, after this long again.
_IN_OURS_SECONDS = 3.0


class Stoppable(Protocol):
    """A session as far as a signal concerns it."""

    def keep_interrupted(self) -> None:
        """Leave a record that is right if the process does not come back; measuring goes on."""

    def end_interrupted(self) -> None:
        """End it, and leave everything that an interrupted run leaves, but for its pictures."""

    def tell_end(self) -> None:
        """Say to the person that it ended."""

    def add_pictures(self) -> None:
        """Draw them, where there is time for it still."""


class Ending:
    """Ends ``session`` from a signal handler, or beside a main thread that no handler reaches.

    Nothing is done in the handler itself: the main thread may hold a lock, or be inside a write. A thread that
    waits does it, and is waited for a bounded time.

    Args:
        guard: catches what fails; says whether the main thread is inside code of ours.
        session: what is ended; None while it is still beginning.
    """

    def __init__(self, guard: Guard, session: Stoppable | None) -> None:
        self._guard = guard
        self.session = session
        self._thread = WaitingThread("cardcallback-ending")
        self._claim = threading.Lock()
        self._claimant: int | None = None
        self._reached = threading.Lock()
        self._reached.acquire()

    def keep(self) -> None:
        """A record of now, for a handler that may not come back."""
        if self.session is not None:
            self._thread.do(
                partial(self._guarded, "keep a record of now", self.session.keep_interrupted), _KEEP_TIMEOUT_SECONDS
            )

    def die(self, signum: int) -> None:
        """End the session, and the process by the signal; by the first of two threads, or of two signals."""
        if not self._claim.acquire(blocking=False):
            # A second signal in the same thread changes nothing: the first one's waiting is bounded.
            if self._claimant != threading.get_ident():
                self._wait_to_die(signum)
            return
        self._claimant = threading.get_ident()
        self._reached.release()
        try:
            if self.session is not None:
                self._thread.do(partial(self._end, self.session), _END_TIMEOUT_SECONDS)
        finally:
            die_of(signum)  # also where Ctrl-C breaks the waiting

    def stand_in(self, signum: int, *, is_ours: Callable[[], bool]) -> None:
        """For a main thread inside C code: Python's handler would keep alive what the signal used to end.

        Args:
            signum: what came.
            is_ours: whether the handler in place is ours still, and not one that keeps the process alive by itself.
        """
        if self._reached.acquire(timeout=_IN_C_SECONDS):
            return
        if self._guard.busy and self._reached.acquire(timeout=_IN_OURS_SECONDS):
            return
        if is_ours():
            self.die(signum)

    def close(self) -> None:
        """The session ended in good order."""
        self._thread.stop()

    def _end(self, session: Stoppable) -> None:
        """What matters most comes first: when the time is over, the rest is left out."""
        self._guarded("record an interrupted run", session.end_interrupted)
        self._guarded("print the closing line", partial(_tell_now, session))
        self._guarded("draw the pictures", session.add_pictures)

    def _guarded(self, task: str, action: Callable[[], None]) -> None:
        with self._guard(task):
            action()

    def _wait_to_die(self, signum: int) -> None:
        # Training does not go on while another thread ends the session.
        never = threading.Lock()
        never.acquire()
        never.acquire(timeout=_END_TIMEOUT_SECONDS)
        die_of(signum)


def _tell_now(session: Stoppable) -> None:
    session.tell_end()
    sys.stdout.flush()  # death by a signal does not
