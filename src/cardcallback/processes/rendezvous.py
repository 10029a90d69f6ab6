"""The files by which the processes of one node find each other in the output folder; nobody waits for any of them.

The measurer invites with a random number, the others answer it: what an earlier job left behind answers another
number. Only the node's own user may read the files, and the measurer removes them at the end.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from cardcallback import handlers, portable
from cardcallback.errors import CardCallbackError
from cardcallback.processes.announcement import Announcement
from cardcallback.record import PRIVATE_FOLDER
from cardcallback.writing import own_folder, require_inside

FILE_MODE = 0o600
_FOLDER_MODE = 0o700
_FOLDER = "ranks-"
_INVITATION = "invitation"
_ANNOUNCEMENT = "rank-{rank}.json"
_SALT = re.compile(r"[0-9a-f]{16,64}")
# A file of ours, or what a process that was killed while it wrote one left beside it.
_OURS = re.compile(r"(?:invitation|rank-\d+\.json)|\.(?:invitation|rank-\d+\.json)-[0-9a-f]{8}")
_LARGEST_BYTES = 64 * 1024
_DECODER = msgspec.json.Decoder(Announcement)  # made here: msgspec cannot be used first by two threads at once
_INVITE_ATTEMPTS = 3
# No process of a job that lives leaves its file unchanged for so long.
_LEFT_BEHIND_SECONDS = 3600.0


class Rendezvous:
    """One node's files.

    Args:
        output_folder: ``args.output_dir``.
        node: names the node, as ``Place.node``.
    """

    def __init__(self, output_folder: Path, node: str) -> None:
        self._private = output_folder / PRIVATE_FOLDER
        self._folder = self._private / f"{_FOLDER}{node}"

    def invite(self, salt: str) -> None:
        """Ask the node's other processes to announce themselves; folders that a killed job left are removed.

        Raises:
            CardCallbackError: a folder of ours is a link that leads elsewhere, or cannot be made.
            OSError: it cannot be written.
        """
        own_folder(self._private)
        _require_own(self._folder)
        for path in self._announcements():
            path.unlink(missing_ok=True)
        for attempt in range(_INVITE_ATTEMPTS):
            self._folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
            try:
                write_private(self._folder / _INVITATION, salt.encode())
                break
            except FileNotFoundError:  # a process of the job before took the folder away while it was empty
                if attempt == _INVITE_ATTEMPTS - 1:
                    raise
        self._remove_left_behind()

    def can_be_written(self) -> bool:
        """Whether an invitation would be there, had there been one."""
        return os.access(self._private.parent, os.W_OK | os.X_OK)

    def salt(self) -> str | None:
        """The measurer's number, ``None`` where nobody invites."""
        content = read_small(self._folder / _INVITATION)
        text = "" if content is None else content.decode("ascii", errors="replace")
        return text if _SALT.fullmatch(text) else None

    def announce(self, announcement: Announcement) -> None:
        """Write one process's announcement, or its newest state.

        Raises:
            CardCallbackError: a folder of ours is a link that leads elsewhere.
            OSError: it cannot be written, or the measurer has removed the folder.
        """
        _require_own(self._folder)
        path = self._folder / _ANNOUNCEMENT.format(rank=announcement.rank)
        write_private(path, msgspec.json.encode(announcement))
        if self.salt() is None:
            # The measurer ended while this was written, and removed all but this.
            path.unlink(missing_ok=True)
            self._folder.rmdir()

    def announced(self) -> Iterator[Announcement]:
        """Every announcement that can be read."""
        for path in self._announcements():
            content = read_small(path)
            if content is not None:
                with contextlib.suppress(msgspec.MsgspecError):  # another version's, or not ours
                    yield _DECODER.decode(content)

    def remove(self) -> None:
        """Remove all of it."""
        _remove_folder(self._folder)

    def remove_left_behind(self, path: Path) -> None:
        """Remove a file of ours that is far older than the invitation, and so was left by an earlier job.

        Raises:
            OSError: it cannot be removed, or nobody invites.
        """
        if path.exists() and path.stat().st_mtime < self._oldest_of_this_job():
            path.unlink(missing_ok=True)

    def _announcements(self) -> list[Path]:
        return portable.files_like(self._folder, _ANNOUNCEMENT.format(rank="*"))

    def _remove_left_behind(self) -> None:
        oldest = self._oldest_of_this_job()
        for folder in portable.files_like(self._private, f"{_FOLDER}*"):
            if folder != self._folder:
                with handlers.suppress(OSError):  # another node's measurer may be removing it
                    # The folder's own too: one that another measurer has just made is still empty.
                    newest = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
                    if newest < oldest:
                        _remove_folder(folder)

    def _oldest_of_this_job(self) -> float:
        # Both ages are the file system's own.
        return (self._folder / _INVITATION).stat().st_mtime - _LEFT_BEHIND_SECONDS


def write_private(path: Path, content: bytes) -> None:
    """Replace ``path`` in one step by a file that only its owner may read; not forced onto the disk.

    Raises:
        OSError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | portable.BYTES, FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def read_small(path: Path) -> bytes | None:
    """A small file's content; ``None`` where there is none, or one that is a link, no file or too large to be ours."""
    try:
        # A pipe in its place is opened without waiting for whoever writes into it.
        with os.fdopen(os.open(path, portable.READ_FLAGS), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            content = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        handlers.pass_on(error)
        return None
    return content if len(content) <= _LARGEST_BYTES else None


def _require_own(folder: Path) -> None:
    require_inside(folder.parent)
    if folder.is_symlink():
        msg = f"{folder.name} is a link: remove it, then start again"
        raise CardCallbackError(msg)


def _remove_folder(folder: Path) -> None:
    # What is in use now is removed at the next begin, and what is not ours stays, and its folder with it.
    with handlers.suppress(OSError, CardCallbackError):
        _require_own(folder)
        # The invitation first: from then on nobody writes an announcement that would stay.
        (folder / _INVITATION).unlink(missing_ok=True)
        for path in list(folder.iterdir()):
            if _OURS.fullmatch(path.name):
                path.unlink(missing_ok=True)
        folder.rmdir()
