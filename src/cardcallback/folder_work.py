"""Work on the files of a folder that may never answer: done beside the training, and waited for a bounded time."""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Callable
from typing import TypeAlias, TypeVar

from cardcallback import portable
from cardcallback.errors import CardCallbackError
from cardcallback.guard import Guard
from cardcallback.waiting_thread import WaitingThread

# A network disk whose server is restarted takes longer, one that is merely slow does not.
ANSWER_SECONDS = 10.0

# Threads of sessions that are over, which have nothing to do: the next one takes such a one up.
_idle: list[WaitingThread] = []
portable.in_forked_children(_idle.clear)  # where none of them is

_Result = TypeVar("_Result")
_Held: TypeAlias = "tuple[WaitingThread, weakref.finalize[..., FolderWork]]"


class NoAnswerError(CardCallbackError):
    """The folder did not answer in time, and training went on."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"the output folder did not answer within {seconds:g} s; what is missing once it does, "
            "`cardcallback recover` writes"
        )


class BrokenOffError(BaseException):
    """Whoever waited for the run's end was interrupted: what is left of it is for whoever goes on with the end.

    Nothing failed, so that no guard may hold it back and call it a failure.
    """


class FolderWork:
    """Does all that a session has to do in its output folder, one after another, in a thread that nobody joins.

    A file system whose server is gone keeps whoever calls it for minutes or for ever, out of reach of any signal.
    What was not done in time is done when the folder answers, unless it was of the run's end, or before an end that was
    given up or that Ctrl-C broke off: by then the folder may hold somebody's newer files. In a forked child nothing is
    done, since session and thread are the parent's.

    Args:
        guard: catches what fails, and is told what was not done in time.
        answer_seconds: how long anything is waited for, unless it says otherwise.
    """

    def __init__(self, guard: Guard, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._guard = guard
        self._answer_seconds = answer_seconds
        self._process_id = os.getpid()
        self._handed: list[Callable[[], None]] = []
        self._unfinished: list[_Turn] = []
        self._late: _Turn | None = None
        self._late_end: _Turn | None = None
        self._now: _Turn | None = None
        self._held: list[_Held] = []  # the thread, while there is one
        self._has_begun = self._had_thread = self._rests = False

    @property
    def is_behind(self) -> bool:
        """Whether something that was given up is not over."""
        return self._late is not None and not self._late.is_over

    def do(
        self,
        task: str,
        action: Callable[[], _Result],
        otherwise: _Result,
        *,
        seconds: float | None = None,
        is_last: bool = False,
    ) -> _Result:
        """Have ``action`` done after all that was asked for before, and wait for what it returns.

        While something that was given up is not over, nothing but an end is waited for, and that once: one folder that
        hangs holds up one save, and not each of them.

        Args:
            task: completes "could not ...", where it fails or does not come in time.
            action: what is done, in a thread that has the folder for itself.
            otherwise: what is returned where there is no answer, or it failed.
            seconds: how long to wait, where that is not the usual time; what the thread works meanwhile does not count.
            is_last: it is of the run's end: waited for in any case, and given up for good where it is not done in time.
        """
        if os.getpid() != self._process_id:
            return otherwise
        turn = _Turn(self._guard, task, action, is_last=is_last)
        thread = self._begun()  # first: Ctrl-C as it begins leaves nothing behind that nobody does
        if thread is None or thread.is_current:
            self._take_at_once(self._asked(turn))
            return turn.result(otherwise)
        wanted = self._answer_seconds if seconds is None else seconds
        try:
            self._asked(turn)
            may_answer, late = self._may_answer(turn), self._late
            if not thread.answers(lambda: self._take(turn), wanted if may_answer else 0.0):
                # What is not waited for was not done since the folder did not answer what came before it.
                turn.waited_seconds = wanted if may_answer or late is None else late.waited_seconds
                self._late, self._late_end = turn, turn if turn.is_last else self._late_end
                self._leave_off(turn, error := NoAnswerError(turn.waited_seconds))
                self._guard.note(turn.task, error)
                return otherwise
        except BaseException:  # Ctrl-C, or what a signal's handler raises: it goes on up
            self._leave_off(turn, BrokenOffError())
            thread.hand(lambda: self._take(turn))  # once more, since it may have come before the first time
            raise
        return turn.result(otherwise)

    def hand(self, task: str, action: Callable[[], None]) -> None:
        """Have ``action`` done without waiting for it; once, where it is handed over again before its turn comes."""
        if os.getpid() != self._process_id or action in self._handed:
            return
        turn, thread = _Turn(self._guard, task, lambda: self._begin_handed(action), is_last=False), self._begun()
        try:
            self._asked(turn)
            self._handed.append(action)
            if thread is None:
                self._take_at_once(turn)
            else:
                thread.hand(lambda: self._take(turn))
        except BaseException:  # Ctrl-C goes on up; what was asked for is done all the same, and once
            if thread is not None:
                thread.hand(lambda: self._take(turn))
            raise

    def require_wanted(self) -> None:
        """In the midst of what is done: make sure that the run's end has not been given up since that was asked for.

        Raises:
            NoAnswerError: it has, and nothing more of the run may be written.
            BrokenOffError: likewise, by whoever waited for it.
        """
        if self._now is not None and self._now.given_up is not None:
            raise self._now.given_up

    def _may_answer(self, turn: _Turn) -> bool:
        return not self.is_behind or (turn.is_last and (self._late_end is None or self._late_end.is_over))

    def rest(self) -> None:
        """The session is over: its thread is for others once it is done, and is taken again for what still comes."""
        if os.getpid() == self._process_id:  # a child has no thread to give to others
            self._rests = True
            self._give_back()

    def stop(self) -> None:
        """Nothing more will be asked for: end the thread once it has done what was."""
        with contextlib.suppress(IndexError):  # there is none, or none any more
            while True:
                _, stops = self._held.pop()  # it is nobody's from here on
                stops()

    def _asked(self, turn: _Turn) -> _Turn:
        self._unfinished.append(turn)
        return turn

    def _leave_off(self, turn: _Turn, why: BaseException) -> None:
        """Nobody waits for it any more: an end, and what hangs before it, would be of a run that is long over."""
        for one in list(self._unfinished) if turn.is_last else []:
            one.given_up = why

    def _begun(self) -> WaitingThread | None:
        """The thread, begun where it is needed; None where there is none to be had."""
        held = self._held[:1]
        if not held and (self._rests or not self._has_begun):
            with self._guard("begin a thread for the output folder"):
                held = [self._hold(_idle_or_new())]
            self._has_begun = True  # last: Ctrl-C before it leaves the next one to try again
        return held[0][0] if held else None

    def _hold(self, thread: WaitingThread) -> _Held:
        """Have it from here on, or the one that another thread, or a signal's handler, began first."""
        stops = weakref.finalize(self, thread.stop)
        stops.atexit = False  # when a run's last files may still be on their way
        self._held.append(begun := (thread, stops))
        self._had_thread = True
        first = (self._held[:1] or [begun])[0]
        if first is not begun:
            self._held.remove(begun)
            stops.detach()
            _idle.append(thread)
        return first

    def _give_back(self) -> None:
        if self._rests and not self._unfinished:
            with contextlib.suppress(IndexError):  # there is none, or another thread gave it back just now
                thread, stops = self._held.pop()
                stops.detach()
                _idle.append(thread)

    def _begin_handed(self, action: Callable[[], None]) -> None:
        if action in self._handed:
            self._handed.remove(action)  # first: whatever comes while it is done is for another turn
        action()

    def _take(self, turn: _Turn) -> None:
        if turn not in self._unfinished:
            return
        self._now = turn
        try:
            turn.take()
        finally:
            self._now = None
            self._unfinished.remove(turn)
            self._give_back()

    def _take_at_once(self, turn: _Turn) -> None:
        """In the thread that asks, which is the folder's own, or never had one beside it."""
        try:
            if self._held or not self._had_thread:  # else the process ends, and a folder that hangs would keep it
                turn.take()
        finally:
            self._unfinished.remove(turn)


def _idle_or_new() -> WaitingThread:
    with contextlib.suppress(IndexError):
        return _idle.pop()
    return WaitingThread("cardcallback-files")


class _Turn:
    """One thing to do, and what became of it."""

    def __init__(self, guard: Guard, task: str, action: Callable[[], object], *, is_last: bool) -> None:
        self._guard, self._action = guard, action
        self.task, self.is_last = task, is_last
        self._results: list[object] = []
        self._raised: BaseException | None = None
        self.given_up: BaseException | None = None
        self.waited_seconds, self.is_over = 0.0, False

    def take(self) -> None:
        """Do it; nothing is raised here."""
        try:
            if self.given_up is None or not self.is_last:
                with self._guard(self.task):
                    self._results.append(self._action())
        except BaseException as error:  # noqa: BLE001 - an interrupt is for whoever waits, not for this thread
            self._raised = error
        finally:
            self.is_over = True

    def result(self, otherwise: _Result) -> _Result:
        """What came of it, for whoever waited; what no guard holds back is raised there."""
        if self._raised is not None:
            raise self._raised
        return self._results[0] if self._results else otherwise  # type: ignore[return-value]  # what action gave
