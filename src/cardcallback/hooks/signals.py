"""When the process is told to stop: figures first, then whatever would have happened without us."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from cardcallback.guard import Guard
from cardcallback.hooks.ending import Ending, Stoppable
from cardcallback.hooks.forks import do_not_tell, tell_in_children
from cardcallback.hooks.os_signals import die_of, handler_address
from cardcallback.hooks.wakeup import Wakeup

# SIGTERM is what everybody sends, SIGHUP a terminal that closes; the other two are SLURM's ``--signal``. SIGINT is
# Python's KeyboardInterrupt.
# On Windows nobody can send one that a handler hears of, Ctrl-C aside.
STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2") if hasattr(signal, "SIGHUP")
)
_FIRST_PROCESS = 1


class StopSignals:
    """Handlers of ours in front of those that are there, from ``install`` to ``remove``.

    What was there decides what happens. The default action: the session ends as interrupted, and the process
    dies of the signal as it would have, 6 s later at most. A handler written in Python: it is called with the
    same arguments and measuring goes on, since only the run's end tells whether it stopped; for SIGTERM a
    record is kept first, since some handlers leave at once. A signal that is ignored, or handled in C, is left
    alone.

    Args:
        guard: ours; while the main thread is inside one of its blocks, what there is to do waits until it leaves.
        process_id: this process's number.
        on_fork: called in a child that is forked in between, to which the session does not belong.
    """

    def __init__(
        self, guard: Guard, *, process_id: int | None = None, on_fork: Callable[[], None] | None = None
    ) -> None:
        self._guard = guard
        self._on_fork = on_fork
        self._process_id = os.getpid() if process_id is None else process_id
        self._links: dict[int, _Link] = {}
        self._received: set[int] = set()
        self._deferred: list[Callable[[], None]] = []
        self._ending: Ending | None = None
        self._wakeup: Wakeup | None = None

    def install(self, session: Stoppable | None = None) -> None:
        """Begin, in the main thread; elsewhere nothing is done, since only there Python handles signals.

        Without a session yet, one that ``ends`` names later: a signal that comes inside a block of the guard waits.
        """
        self.remove()
        self._received = set()
        tell_in_children(self)
        if threading.current_thread() is not threading.main_thread():
            return
        found = {signum: signal.getsignal(signum) for signum in STOP_SIGNALS}
        self._links = {
            signum: _Link(self, previous) for signum, previous in found.items() if self._may_chain(signum, previous)
        }
        if not self._links:
            return
        self._ending = Ending(self._guard, session)
        for signum, link in self._links.items():
            signal.signal(signum, link)
            link.address = handler_address(signum)
        self._wakeup = Wakeup(self._heard)

    def ends(self, session: Stoppable) -> None:
        """What a signal ends from now on."""
        if self._ending is not None:
            self._ending.session = session

    @property
    def is_deaf(self) -> bool:
        """Whether SIGTERM would end this process at once: outside the main thread no handler can be put in its way."""
        outside, previous = threading.current_thread() is not threading.main_thread(), signal.getsignal(signal.SIGTERM)
        return outside and previous is signal.SIG_DFL and self._may_chain(signal.SIGTERM, previous)

    def remove(self) -> None:
        """Put back what was there, where ours is still in place; otherwise ours only passes on from now on."""
        if self._ending is None:
            do_not_tell(self)
            return
        if threading.current_thread() is not threading.main_thread():
            return  # what stays in place must be put back in children still
        self._put_back()
        if self._wakeup is not None:
            self._wakeup.close()
        self._ending.close()
        self._ending = self._wakeup = None
        do_not_tell(self)

    def cut_short(self, state: Any) -> bool:
        """Whether training ended before its last step after one of the signals came.

        transformers' just-in-time checkpoint and handlers like it stop a training in good order.
        """
        return bool(self._received) and int(state.global_step) < int(state.max_steps)

    def received(self, signum: int, previous: Any, frame: FrameType | None) -> None:
        """In the handler: first what has to come before the handler that was there, then what that does."""
        self._received.add(signum)
        if not callable(previous):
            self._now_or_later(functools.partial(self._die, signum))
            return
        try:
            if signum == signal.SIGTERM:
                self._now_or_later(self._keep)
        finally:
            previous(signum, frame)  # also where Ctrl-C breaks the waiting

    def left_to_parent(self) -> None:
        """In a child process: its signals are none of ours, nor may ours hear of them."""
        do_not_tell(self)
        # Each handler knows its own process besides.
        with contextlib.suppress(ValueError, OSError):
            self._put_back()
            if self._wakeup is not None:
                self._wakeup.let_go()
        self._ending = self._wakeup = None
        if self._on_fork is not None:
            self._on_fork()

    def _may_chain(self, signum: int, previous: Any) -> bool:
        if previous is signal.SIG_DFL:
            # One written in C may have replaced it; and a container's first process no default action ends.
            return handler_address(signum) is None and self._process_id != _FIRST_PROCESS
        return callable(previous)  # neither ignored nor, as None says, written in C

    def _now_or_later(self, action: Callable[[], None]) -> None:
        if not self._guard.busy:
            action()
            return
        self._deferred.append(action)
        self._guard.on_leave = self._left_ours

    def _left_ours(self) -> None:
        self._guard.on_leave = None
        deferred, self._deferred = self._deferred, []
        for action in deferred:
            action()

    def _keep(self) -> None:
        if self._ending is not None:
            self._ending.keep()

    def _die(self, signum: int) -> None:
        if self._ending is not None:
            self._ending.die(signum)
        else:  # the session ended in good order meanwhile
            die_of(signum)

    def _heard(self, signum: int) -> None:
        link, ending = self._links.get(signum), self._ending
        if link is None or ending is None or callable(link.previous):
            return
        # Every signal that Python handles is heard, also one that somebody's handler on top of ours deals with.
        is_ours = functools.partial(link.is_in_place, signum)
        if is_ours():
            ending.stand_in(signum, is_ours=is_ours)

    def _put_back(self) -> None:
        for signum, link in self._links.items():
            link.owner = None
            if link.is_in_place(signum):
                signal.signal(signum, link.previous)
        self._links = {}


class _Link:
    """Our handler of one signal; somebody who installed theirs on top may call it long after our time."""

    def __init__(self, owner: StopSignals, previous: Any) -> None:
        self.owner: StopSignals | None = owner
        self.previous = previous
        self.address: int | None = None
        self._process_id = os.getpid()

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        if self.owner is not None and os.getpid() == self._process_id:
            self.owner.received(signum, self.previous, frame)
        elif callable(self.previous):
            self.previous(signum, frame)
        else:
            die_of(signum)

    def is_in_place(self, signum: int) -> bool:
        """Whether nobody installed another handler since."""
        # faulthandler replaces a handler without Python's table knowing.
        in_place: object = signal.getsignal(signum)
        return in_place is self and handler_address(signum) == self.address
