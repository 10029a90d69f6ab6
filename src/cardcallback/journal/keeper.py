"""Keeps a session's journal: what is due when, in a thread that nobody waits for."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cardcallback.alarm import Alarm
from cardcallback.guard import Guard
from cardcallback.journal.allowance import Allowance
from cardcallback.journal.copying import JournalCopy
from cardcallback.journal.file import JournalFile
from cardcallback.journal.lines import Entry, encode_line
from cardcallback.journal.packing import pack_record
from cardcallback.journal.progress import Progress, ProgressEntries
from cardcallback.journal.syncing import is_full
from cardcallback.record import RunRecord
from cardcallback.units import BYTES_PER_MEBIBYTE

# A little oftener than each second, so that with the time that writing takes no more than a second is ever missing;
# oftener still where the last lines came late, as on a machine with much else to do.
_EVERY_SECONDS = 0.9
_MOST_EARLIER_SECONDS = 0.3
_LATENESS_KEPT = 0.8
_SYNC_SECONDS = 30.0
_SNAPSHOT_SHARE = 1 / 20
_SNAPSHOT_SHORTEST_SECONDS = 10.0
_SNAPSHOT_LONGEST_SECONDS = 300.0
_COMPACT_BYTES = BYTES_PER_MEBIBYTE
_LONGEST_RETRY_SECONDS = 30.0
_CLOSE_SECONDS = 0.2
_TASK = "write the journal"
_SYNC_TASK = "have the disk keep the journal"
_COPY_TASK = "copy the journal into the output folder"


class Clock(Protocol):
    """Where durations come from."""

    def elapsed_seconds(self) -> float:
        """Seconds since an arbitrary origin, suspend counted."""


class JournalKeeper:
    """Writes one session's journal until it is closed.

    Args:
        path: where it lies, as ``journal_path`` says.
        progress: how far the session is now; ``None`` before there is anything to say.
        snapshot: the whole record now.
        guard: catches what fails here; a full disk costs one sentence.
        clock: where durations come from.
        card: the card's file name, for whoever recovers the run.
        publish: what of the run may be published, for the same.
        copy: where a copy of it lies, as ``copy_path`` says, if it is on a disk that others cannot read.

    ``path`` is where it lies. ``hand`` does what is for the copy's disk, in the order given: at once, until somebody
    has a thread for a disk that may be slow or hang.
    ``start`` writes in a thread of its own. Without it ``write_due`` may be called by hand. In a forked child every
    method does nothing.
    """

    def __init__(
        self,
        path: Path,
        *,
        progress: Callable[[], Progress | None],
        snapshot: Callable[[], RunRecord],
        guard: Guard,
        clock: Clock,
        card: str | None = None,
        publish: str | None = None,
        copy: Path | None = None,
    ) -> None:
        self._progress = progress
        self._snapshot = snapshot
        self._guard = guard
        self._clock = clock
        self._home = (card, publish)
        self._process_id = os.getpid()
        self.path, self._file = path, JournalFile(path)
        self._entries = ProgressEntries()
        self._begun_seconds = clock.elapsed_seconds()
        self._allowance = Allowance(self._begun_seconds)
        self._due_seconds = self._begun_seconds
        self._earlier_seconds = 0.0
        self._snapshot_due_seconds = self._begun_seconds
        self._synced_seconds = self._begun_seconds
        self._snapshot_line = b""
        self._in_snapshot: frozenset[str] = frozenset()
        self._requested = threading.Event()
        self._copy = None if copy is None else JournalCopy(copy, progress)
        self.hand: Callable[[str, Callable[[], None]], None] | None = None
        self._failures, self._disk_fails = 0, False
        self._ended = False
        self._final = False
        self._alarm, self._begun = Alarm(), threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def written_bytes(self) -> int:
        """All that was written to the journal's disk so far."""
        return self._file.written_bytes

    def start(self, wait_seconds: float = 0.0) -> None:
        """Write in a daemon thread from now on; its first line is waited for that long at most.

        Beside a main thread that computes it would have to wait for its turn a dozen times.
        """
        if self._thread is None and not self._elsewhere():
            self._thread = threading.Thread(target=self._run, name="cardcallback-journal", daemon=True)
            self._thread.start()
            self._begun.wait(wait_seconds)

    def request_snapshot(self, wait_seconds: float = 0.0) -> None:
        """The record has something new that a second's line does not hold; it is waited for that long at most."""
        if not self._elsewhere():
            self._begun.clear()
            self._requested.set()
            self._alarm.ring()
            self._begun.wait(max(wait_seconds, 0.0))

    def saved(self) -> None:
        """Weights were saved: the journal is to know all of the run until here, and so is its copy beside them."""
        if not self._elsewhere():
            if self._copy is not None:
                self._copy.ask()
            self.request_snapshot()

    def close(self, *, final: bool) -> None:
        """End it, waiting 0.2 s at most.

        Args:
            final: the run's record is on disk, so that the journal is not needed any more and is removed.
        """
        if self._elsewhere() or self._stopping.is_set():
            return
        self._final = final
        self._file.ends = True
        if self._copy is not None:
            self._copy.ends()
        self._stopping.set()
        self._alarm.ring()
        if self._thread is None:
            self._end()
        else:
            self._thread.join(_CLOSE_SECONDS)

    def write_due(self, now_seconds: float) -> float:
        """Write what is due at that time of the clock; the seconds until something is again."""
        if self._ended or self._elsewhere():
            return math.inf
        if now_seconds < self._due_seconds and not self._requested.is_set():
            return self._due_seconds - now_seconds
        try:
            self._write(now_seconds)
        except Exception as error:  # noqa: BLE001 - a full disk, or figures that fail: the thread has nobody to raise to
            self._failed(error)
        else:
            self._failures = 0
            self._due_seconds = now_seconds + _EVERY_SECONDS - self._earlier_seconds
        self._write_copy(now_seconds)
        return max(self._due_seconds - self._clock.elapsed_seconds(), 0.0)

    def _run(self) -> None:
        while not self._stopping.is_set():
            wait = self.write_due(self._clock.elapsed_seconds())
            self._begun.set()
            self._alarm.wait(min(wait, _EVERY_SECONDS))  # after a close the loop ends by its own condition
        self._end()

    def _write(self, now_seconds: float) -> None:
        before = self.written_bytes
        try:
            progress = self._progress()
            is_lost = self._failures > 0 or self._file.is_missing()  # or what of the last lines is in it is not known
            if not is_lost and progress is not None and self._allowance.has_for_progress(now_seconds):
                self._file.append(encode_line(self._entries.next(progress)))  # first: a snapshot takes longer to make
                self._come_earlier()
            is_new = self._make_snapshot_if_due(now_seconds, progress)
            if is_lost:
                self._file.replace(self._snapshot_line + self._whole_line(progress))
                is_new = True
            elif is_new:
                self._file.append(self._snapshot_line)
            is_new = self._file.take_next_place() or is_new
            if self._file.size_bytes > max(_COMPACT_BYTES, 4 * len(self._snapshot_line)):
                self._file.begin_anew(self._snapshot_line + self._whole_line(progress))
            if is_new or now_seconds - self._synced_seconds >= _SYNC_SECONDS:
                self._sync(now_seconds, progress)
        finally:
            self._allowance.spend(self.written_bytes - before)

    def _sync(self, now_seconds: float, progress: Progress | None) -> None:
        """A disk that does not say that it has the lines costs one sentence, and none of the lines that follow.

        What it failed to keep it may not try again: once the journal is begun anew for that.
        """
        try:
            if self._file.sync():
                self._synced_seconds, self._disk_fails = now_seconds, False
        except OSError as error:
            if is_full(error):
                raise
            self._guard.note(_SYNC_TASK, error)
            self._synced_seconds = now_seconds
            if not self._disk_fails:
                self._disk_fails = True
                self._file.begin_anew(self._snapshot_line + self._whole_line(progress))

    def _come_earlier(self) -> None:
        """A line was written just now: the next one comes earlier by as much as this one, or one before, was late."""
        late_seconds = self._clock.elapsed_seconds() - self._due_seconds
        self._earlier_seconds = min(max(late_seconds, self._earlier_seconds * _LATENESS_KEPT), _MOST_EARLIER_SECONDS)

    def _make_snapshot_if_due(self, now_seconds: float, progress: Progress | None) -> bool:
        """Whether there is a new one to write."""
        known = frozenset() if progress is None else frozenset(progress.figures)
        # A figure's source and scope are only in a snapshot.
        asked = self._requested.is_set() or not known <= self._in_snapshot
        if not (asked or now_seconds >= self._snapshot_due_seconds):
            return False
        if self._snapshot_line and not self._allowance.has_for_snapshot(now_seconds, len(self._snapshot_line)):
            return False
        self._requested.clear()
        elapsed = now_seconds - self._begun_seconds
        interval = min(max(elapsed * _SNAPSHOT_SHARE, _SNAPSHOT_SHORTEST_SECONDS), _SNAPSHOT_LONGEST_SECONDS)
        self._snapshot_due_seconds = now_seconds + interval
        self._in_snapshot = known  # also if this one fails: a record that cannot be made is not asked for every second
        self._snapshot_line = self._new_snapshot_line()
        return True

    def _new_snapshot_line(self) -> bytes:
        record = self._snapshot()
        card, publish = self._home
        seconds = record.sessions[-1].duration_seconds
        return encode_line(Entry(t=round(seconds, 3), record=pack_record(record), card=card, publish=publish))

    def _whole_line(self, progress: Progress | None) -> bytes:
        return b"" if progress is None else encode_line(self._entries.whole(progress))

    def _write_copy(self, now_seconds: float) -> None:
        if self._copy is not None and self._snapshot_line and self._copy.is_due(now_seconds, self._snapshot_line):
            (self.hand or self._do_at_once)(_COPY_TASK, self._copy.write)

    def _do_at_once(self, task: str, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001 - whatever the copy's disk raises, the journal goes on
            self._guard.note(task, error)

    def _failed(self, error: Exception) -> None:
        if self._failures == 0:
            self._guard.note(_TASK, error)
        self._failures += 1
        self._requested.clear()  # asked for again by the snapshot's own interval, not at once
        wait = min(_EVERY_SECONDS * 2**self._failures, _LONGEST_RETRY_SECONDS)
        self._due_seconds = self._clock.elapsed_seconds() + wait

    def _end(self) -> None:
        if self._ended:
            return
        self._ended = True
        content = None
        try:
            if self._final:
                self._file.remove()
            else:
                content = self._new_snapshot_line() + self._whole_line(self._progress())
                self._file.replace(content)
        except Exception as error:  # noqa: BLE001 - the run is over, and nobody waits to be told
            self._guard.note(_TASK, error)
        finally:
            self._file.close()
        self._end_copy(content)

    def _end_copy(self, content: bytes | None) -> None:
        if self._copy is not None:
            self._copy.ends_with(content, removes=self._final)
            (self.hand or self._do_at_once)(_COPY_TASK, self._copy.end)

    def _elsewhere(self) -> bool:
        """Whether this is a forked child, to which neither the run nor its journal belongs."""
        return os.getpid() != self._process_id
