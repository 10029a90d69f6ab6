"""Has the disk take the journal beside the lines that follow: a slow disk takes seconds for that, and holds up none."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from pathlib import Path

from cardcallback import handlers, portable

# The rest of a file that does not fit is lost with it: the old one is worth more.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class DiskSync:
    """Syncs one file, and the folder that it lies in, in a thread that nobody waits for; never twice at a time.

    The file is opened anew for it: a copy of the writer's own descriptor would hold the lock that says that the writer
    lives, in a forked child too.

    Args:
        path: where the file lies.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread: threading.Thread | None = None
        self._error: OSError | None = None

    @property
    def is_at_it(self) -> bool:
        """Whether the disk has not answered yet."""
        return self._thread is not None and self._thread.is_alive()

    def begin(self) -> bool:
        """Begin; whether it did, and does not leave it to a later call since the disk is at it still.

        Raises:
            OSError: the disk failed last time.
        """
        if self.is_at_it:
            return False
        if (error := self.take_error()) is not None:
            raise error
        thread = threading.Thread(target=self._sync, name="cardcallback-journal-sync", daemon=True)
        # Where no open file can be moved, this one would be in the way of the file that is to take its place.
        if portable.MOVES_OPEN_FILES and portable.starts(thread):
            self._thread = thread
        else:
            self._sync()
        return True

    def take_error(self) -> OSError | None:
        """How the disk failed last time, told once."""
        error, self._error = self._error, None
        return error

    def _sync(self) -> None:
        with contextlib.suppress(OSError):  # gone or moved, which the next line sees, or a disk that syncs no folders
            for path in (self._path, self._path.parent):
                descriptor = os.open(path, portable.SYNC_FLAGS)
                try:
                    self._take(descriptor, is_file=path == self._path)
                finally:
                    os.close(descriptor)

    def _take(self, descriptor: int, *, is_file: bool) -> None:
        try:
            portable.sync(descriptor)
        except OSError as error:
            if is_file:
                self._error = error


def is_full(error: OSError) -> bool:
    """Whether it is for want of room; a disk that fails otherwise holds for whoever reads what it cannot keep."""
    return error.errno in _FULL


def sync_unless_it_fails(descriptor: int) -> None:
    """Wait for the disk; one that fails otherwise than for want of room is written to all the same.

    Raises:
        OSError: it is full.
    """
    try:
        portable.sync(descriptor)
    except OSError as error:
        handlers.pass_on(error)
        if is_full(error):
            raise
