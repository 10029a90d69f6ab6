"""The processes of one node, as their measurer hears them."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from cardcallback import handlers, portable
from cardcallback.errors import CardCallbackError
from cardcallback.guard import Guard
from cardcallback.observe import StepCounts
from cardcallback.processes.announcement import (
    Announcement,
    OwnDevices,
    announce,
    answers,
    counts_of,
    devices_of_ranks,
)
from cardcallback.processes.follower import BEAT_SECONDS
from cardcallback.processes.heard import Heard, Process
from cardcallback.processes.hidden import new_salt
from cardcallback.processes.place import Place
from cardcallback.processes.rendezvous import Rendezvous
from cardcallback.recorder import Clock
from cardcallback.sensors.base import DeviceInfo
from cardcallback.sensors.nvml_devices import Selection
from cardcallback.units import format_duration, format_ranks, one_line

# So many beats may come late, as on a busy machine or over a slow file system.
_SILENT_SECONDS = 4 * BEAT_SECONDS
# Ranks that wait for each other begin a step together, but for the time that a batch takes to be made.
_BEHIND_SECONDS = 60.0
_SOON_SECONDS = 0.25
_SOON_LOOKS = 240
_END_TIMEOUT_SECONDS = 0.05
# The processes of a job end together, but for what one of them has to write.
_LAST_WORDS_SECONDS = 1.0
_LAST_LOOK_SECONDS = 0.01
_ENDED_LATELY = "ended without saying so, or was killed, at the end of the run or just before it"
_FOLLOW = "follow the other processes of this computer"
_ENDED_BEFORE = "was killed or ended by itself before the run did"


@dataclass(slots=True)
class _Job:
    heard: dict[int, Heard] = field(default_factory=dict)
    steps: int = 0


class Ranks:
    """Invites the other processes of this node and follows them, in a thread that nobody waits for.

    Args:
        rendezvous: where to invite.
        place: this process's place.
        own: its own devices.
        clock: by which a silence is told.
        on_change: called where other devices were announced than before.
        on_start: called in the thread, once others were invited.
        on_look: called after each look, likewise.
        guard: catches what fails in the thread.

    Without ``start``, ``look`` may be called by hand after ``invite``.
    """

    def __init__(
        self,
        rendezvous: Rendezvous,
        place: Place,
        own: OwnDevices,
        *,
        clock: Clock,
        on_change: Callable[[], None],
        on_start: Callable[[], None] = lambda: None,
        on_look: Callable[[], None] = lambda: None,
        guard: Guard | None = None,
    ) -> None:
        self._rendezvous = rendezvous
        self._place = place
        self._clock = clock
        self._on_change = on_change
        self._on_start, self._on_look = on_start, on_look
        self._guard = guard or Guard()
        self._salt = new_salt()
        self._own = announce(own, self._salt, rank=place.rank, process=os.getpid())
        self._job = _Job()
        self._at_end: tuple[str, ...] | None = None
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._listens_by_hand = False
        self._thread = threading.Thread(target=self._run, name="cardcallback-ranks", daemon=True)

    def start(self) -> None:
        """Invite, and listen from then on; where no thread can be started, whenever ``look`` is called."""
        self._listens_by_hand = not portable.starts(self._thread)
        if self._listens_by_hand:
            with self._guard(_FOLLOW):
                self.invite()
                self._on_start()

    def invite(self) -> None:
        """Ask the others to announce themselves."""
        with handlers.suppress(OSError, CardCallbackError):  # then nobody announces, and all are named
            self._rendezvous.invite(self._salt)

    def step_begins(self) -> None:
        """One more training step of this process."""
        self._job.steps += 1

    def look(self) -> None:
        """Take up what was announced since."""
        before = self._devices()
        now = self._clock.awake_seconds()
        for said in self._rendezvous.announced():
            if answers(said, self._salt) and said.rank != self._place.rank:
                self._hear(said, now)
        with self._lock:
            for one in self._job.heard.values():
                one.was_gone = one.process.is_gone()
        if self._devices() != before:
            self._on_change()
        self._on_look()

    @property
    def missing(self) -> tuple[int, ...]:
        """The processes of this node that never announced themselves, as far as their numbers are known."""
        return tuple(rank for rank in self._expected() if rank not in {self._place.rank, *self._job.heard})

    @property
    def all_heard(self) -> bool:
        """Whether nobody is waited for any more."""
        return self._place.local_processes is not None and not self.missing

    @property
    def numbers(self) -> tuple[int, ...]:
        """The processes of this node: those that announced themselves, and those known to be missing."""
        return tuple(sorted({self._place.rank, *self._job.heard, *self.missing}))

    def select(self, devices: Sequence[DeviceInfo]) -> Selection:
        """Of this node's devices those of all its processes that were heard; the others are named."""
        selection = devices_of_ranks(devices, self._announced(), self._salt)
        if not (missing := self.missing) or not devices:
            return selection
        theirs, it = ("its GPU", "its energy is") if len(missing) == 1 else ("their GPUs", "their energy is")
        reason = f"{format_ranks(missing)} did not announce {theirs}"
        note = f"{reason[0].upper()}{reason[1:]}: {it} not in the figures."
        return replace(
            selection,
            notes=(*selection.notes, note),
            partial_reason="; ".join(part for part in (selection.partial_reason, reason) if part),
        )

    def peaks(self) -> dict[int, dict[str, float]]:
        """The other processes' highest memory in bytes, by rank and quantity."""
        with self._lock:
            return {rank: one.said.peaks for rank, one in sorted(self._job.heard.items()) if one.said.peaks}

    def counts(self) -> dict[int, StepCounts]:
        """The other processes' tokens as they told them last, by rank."""
        with self._lock:
            told = {rank: counts_of(one.said) for rank, one in sorted(self._job.heard.items())}
        return {rank: counts for rank, counts in told.items() if counts is not None}

    def troubles(self) -> tuple[str, ...]:
        """A sentence about each process that failed, ended, fell silent or stood still before the others.

        After the end it is as it was then: by now others may have ended as they should.
        """
        return self._troubles_now() if self._at_end is None else self._at_end

    def _troubles_now(self) -> tuple[str, ...]:
        now = self._clock.awake_seconds()
        with self._lock:
            heard = sorted(self._job.heard.items())
        told = [_failure(one.said) if one.said.ended else self._trouble(rank, one, now) for rank, one in heard]
        stopped = [rank for rank, one in heard if one.said.stopped]
        told += [f"Ended by a signal: {format_ranks(stopped)}."] if stopped else []
        return tuple(sentence for sentence in told if sentence)

    def finish(self) -> None:
        """Hear the others' last words and remove the announcements; waits a moment at most."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(_END_TIMEOUT_SECONDS)
        if self._thread.is_alive():
            # Some are behind; what they still say is taken up when this process leaves.
            atexit.register(self._thread.join, _LAST_WORDS_SECONDS)
        if self._listens_by_hand:
            with self._guard(_FOLLOW):
                self.look()
            self._rendezvous.remove()
        self._at_end = self._at_end or self._troubles_now()

    def listen(self, timeout_seconds: float) -> None:
        """Wait for last words after the end, that long at most."""
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def _run(self) -> None:
        with self._guard(_FOLLOW):
            self.invite()
            self._on_start()
            looks = 0
            while not self._ended.is_set():
                self.look()
                looks += 1
                soon = not self.all_heard and looks < _SOON_LOOKS
                self._ended.wait(_SOON_SECONDS if soon else BEAT_SECONDS)
            self._hear_last_words()
        self._rendezvous.remove()

    def _hear_last_words(self) -> None:
        pause = threading.Event()
        for _ in range(round(_LAST_WORDS_SECONDS / _LAST_LOOK_SECONDS)):
            self.look()
            if not self._some_are_behind():
                return
            pause.wait(_LAST_LOOK_SECONDS)

    def _some_are_behind(self) -> bool:
        """Whether a process that may live has not said yet that it ended, or nothing at all."""
        if self.missing:
            return True
        now = self._clock.awake_seconds()
        with self._lock:
            heard = list(self._job.heard.values())
        return any(
            not (one.said.ended or one.process.is_gone()) and now - one.beat_at <= _SILENT_SECONDS for one in heard
        )

    def _hear(self, said: Announcement, now: float) -> None:
        with self._lock:
            known = self._job.heard.get(said.rank)
            if known is None:
                self._job.heard[said.rank] = Heard(said, now, now, Process(said.process))
                return
            if said.beats != known.said.beats:
                known.beat_at = now
                if known.was_gone:  # and yet it beats: its number means another process here
                    known.process.forget()
            if said.steps != known.said.steps:
                known.step_at = now
            known.said = said

    def _trouble(self, rank: int, one: Heard, now: float) -> str | None:
        steps = max([self._job.steps, *(other.said.steps for other in self._job.heard.values())])
        if one.process.is_gone():
            # Its last beat may have come just before an end in order that it could not tell of any more.
            lately = now - one.beat_at <= _SILENT_SECONDS
            # It may have gone on for as long as one beat is from the next.
            return f"Rank {rank} {_ENDED_LATELY if lately else _ENDED_BEFORE}, in its step {one.said.steps} or later."
        if now - one.beat_at > _SILENT_SECONDS:
            return f"Rank {rank} gave no sign of life in the last {format_duration(now - one.beat_at)} of the run."
        if one.said.steps < steps and now - one.step_at > _BEHIND_SECONDS:
            seconds = format_duration(now - one.step_at)
            return f"Rank {rank} stood still in its step {one.said.steps} for the last {seconds}, behind the others."
        return None

    def _announced(self) -> list[Announcement]:
        with self._lock:
            return [self._own, *(one.said for _, one in sorted(self._job.heard.items()))]

    def _devices(self) -> list[tuple[object, ...]]:
        return [(one.rank, one.uses_cuda, one.devices, one.places, one.visible) for one in self._announced()]

    def _expected(self) -> range:
        # Launchers number a node's processes one after the other; those of one that does not are told by the job.
        first = self._place.rank - self._place.local_rank
        expected = range(first, first + (self._place.local_processes or 0))
        return expected if all(rank in expected for rank in self._job.heard) else range(0)


def _failure(said: Announcement) -> str | None:
    """A process that ended by an exception; where one fails, those that wait for it fail too."""
    if said.failed is None:
        return None
    return f"Rank {said.rank} ended by an exception ({one_line(said.failed)}), in its step {said.steps} or later."
