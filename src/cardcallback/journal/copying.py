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

    It is locked, replaced and kept from links as a journal is.
    """

    def __init__(self, path: Path) -> None:
        self._file = JournalFile(path)
        self._asked = threading.Event()
        self._asked.set()
        self._must_begin_anew = True
        self._due_seconds = 0.0

    def ask(self) -> None:
        """Weights were saved: begin it anew, beside them."""
        self._asked.set()

    def write_due(self, now_seconds: float, snapshot_line: bytes, progress: Callable[[], Progress | None]) -> None:
        """Write what is due; what fails is tried again 30 s later.

        Args:
            now_seconds: the time of the run's clock.
            snapshot_line: the newest snapshot.
            progress: how far the session is now.

        Raises:
            OSError: the disk is full, or a folder cannot be made, or one is a link. An old copy is as it was.
        """
        asked = self._asked.is_set()
        if not (asked or now_seconds >= self._due_seconds):
            return
        self._asked.clear()
        self._must_begin_anew = self._must_begin_anew or asked
        self._due_seconds = now_seconds + EVERY_SECONDS
        reached = progress()
        line = b"" if reached is None else encode_line(ProgressEntries().whole(reached))
        if self._must_begin_anew or self._file.is_missing() or self._file.size_bytes > _LARGEST_BYTES:
            self._must_begin_anew = True
            self._file.replace(snapshot_line + line)
            self._must_begin_anew = False
        else:
            self._file.append(line)
            self._file.sync()

    def end(self, content: bytes | None) -> None:
        """Leave its last ``content`` there and give its lock up; ``None`` removes it.

        Raises:
            OSError: as for ``write_due``.
        """
        try:
            if content is None:
                self._file.remove()
            else:
                self._file.replace(content)
        finally:
            self.close()

    def ends(self) -> None:
        """The session is over: it is closed soon."""
        self._file.ends = True

    def close(self) -> None:
        """Give its lock up; it stays as it is."""
        self._file.close()
