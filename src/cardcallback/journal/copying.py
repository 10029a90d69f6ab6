"""A copy of the journal in the output folder, for when the computer on whose disk the journal lies is gone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from cardcallback.journal.file import JournalFile
from cardcallback.journal.lines import encode_line
from cardcallback.journal.progress import Progress, ProgressEntries
from cardcallback.units import BYTES_PER_MEBIBYTE

# Rare, since it may lie on a disk that many computers share.
EVERY_SECONDS = 30.0
_LARGEST_BYTES = BYTES_PER_MEBIBYTE


class JournalCopy:
    """Begun anew at the start and at each save; between them a line every 30 s tells that the run goes on.

    It is locked, replaced and kept from links as a journal is. ``write`` and ``end`` are for a thread that may wait for
    the disk, the others for the journal's own.

    Args:
        path: where it lies.
        progress: how far the session is now.
    """

    def __init__(self, path: Path, progress: Callable[[], Progress | None]) -> None:
        self._file = JournalFile(path)
        self._progress = progress
        self._asked = threading.Event()
        self._asked.set()
        self._must_begin_anew = True
        self._due_seconds = 0.0
        self._snapshot_line = b""
        self._last: bytes | None = None
        self._is_removed = False

    def ask(self) -> None:
        """Weights were saved: begin it anew, beside them."""
        self._asked.set()

    def is_due(self, now_seconds: float, snapshot_line: bytes) -> bool:
        """Whether it is to be written now; what fails then is tried again 30 s later.

        Args:
            now_seconds: the time of the run's clock.
            snapshot_line: the newest snapshot.
        """
        asked = self._asked.is_set()
        if not (asked or now_seconds >= self._due_seconds):
            return False
        self._snapshot_line = snapshot_line
        self._due_seconds = now_seconds + EVERY_SECONDS
        self._asked.clear()
        self._must_begin_anew = self._must_begin_anew or asked
        return True

    def write(self) -> None:
        """Write what is due.

        Raises:
            OSError: the disk is full, or a folder cannot be made, or one is a link. An old copy is as it was.
        """
        reached, snapshot_line = self._progress(), self._snapshot_line
        line = b"" if reached is None else encode_line(ProgressEntries().whole(reached))
        if self._must_begin_anew or self._file.is_missing() or self._file.size_bytes > _LARGEST_BYTES:
            self._must_begin_anew = False  # first: a save that comes meanwhile asks again
            try:
                self._file.replace(snapshot_line + line)
            except BaseException:  # whatever it is goes on up
                self._must_begin_anew = True
                raise
        else:
            self._file.append(line)
        self._file.sync()

    def ends_with(self, content: bytes | None, *, removes: bool) -> None:
        """What ``end`` leaves: its last ``content``, nothing where it ``removes`` it, else what is there already."""
        self._last, self._is_removed = content, removes

    def end(self) -> None:
        """Leave that there, and give its lock up.

        Raises:
            OSError: as for ``write``.
        """
        try:
            if self._is_removed:
                self._file.remove()
            elif self._last is not None:
                self._file.replace(self._last)
        finally:
            self.close()

    def ends(self) -> None:
        """The session is over: it is closed soon."""
        self._file.ends = True

    def close(self) -> None:
        """Give its lock up; it stays as it is."""
        self._file.close()
