"""The files that a new content is written to before it takes its place: locked, and removed where their writer died."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from cardcallback import handlers, portable
from cardcallback.record import PRIVATE_FOLDER, RECORD_FOLDER

# Pushes of the Trainer leave out names that begin with an underscore.
_TEMPORARY_PREFIX, _TEMPORARY_SUFFIX = "_cardcallback-", ".tmp"
_TEMPORARY = f"{_TEMPORARY_PREFIX}*{_TEMPORARY_SUFFIX}"
_CHECKPOINT = "checkpoint-"
# A journal that was never begun; of one that was, this goes with it.
_JOURNALS, _NEW_JOURNAL = "journal", "*.journal.new"
_TRIES = 3
# The person's umask narrows it: what is private holds no secret either, and a group may share the folder.
_NEW_FILE_MODE = 0o666


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files that a process killed while it wrote left in ``folder`` and in our own ones there."""
    private = folder / PRIVATE_FOLDER
    places = {folder: _TEMPORARY, private: _TEMPORARY, private / _JOURNALS: _NEW_JOURNAL}
    for place, pattern in places.items():
        with contextlib.suppress(PermissionError):  # another person's folder is theirs to clean up
            if place == folder or not any(one.is_symlink() for one in (place, private)):
                for path in portable.files_like(place, pattern):
                    _remove_if_abandoned(path)


def temporary_folder(target: Path) -> Path:
    """Where an upload of the output folder that runs just now does not look: our own folder, where there is one.

    It may be on another disk than the target.
    """
    folder = target.parent
    if folder.name == PRIVATE_FOLDER:
        return folder
    # Where it is most likely first, so that a slow disk is mostly asked once.
    lies_deeper = folder.name == RECORD_FOLDER or folder.name.startswith(_CHECKPOINT)
    for above in (folder.parent, folder) if lies_deeper else (folder, folder.parent):
        private = above / PRIVATE_FOLDER
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if stat.S_ISDIR(private.lstat().st_mode):
                return private
    return folder


def open_temporary(folder: Path) -> tuple[Path, int, os.stat_result]:
    """A new file that only we write, locked so that nobody takes it for abandoned."""
    for _ in range(_TRIES):
        path = folder / f"{_TEMPORARY_PREFIX}{secrets.token_hex(8)}{_TEMPORARY_SUFFIX}"
        # O_EXCL refuses a file or link that somebody put there; the mode is narrowed by the person's umask.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | portable.BYTES, _NEW_FILE_MODE)
        try:
            with handlers.suppress(OSError):  # a file system without locks: nobody can find it unlocked there
                portable.lock(descriptor, wait=True)
            new = os.fstat(descriptor)
        except BaseException:  # whatever it is goes on up; held open, the file would be taken for one being written
            os.close(descriptor)
            with contextlib.suppress(OSError):
                path.unlink()
            raise
        if new.st_nlink:
            break
        os.close(descriptor)  # it was taken for abandoned before it was locked
    return path, descriptor, new


def _remove_if_abandoned(path: Path) -> None:
    """Remove a temporary file whose writer died before it took its place; one that is being written is locked."""
    with handlers.suppress(OSError):  # locked, not ours to remove, or no locks here: it is in nobody's way
        descriptor = os.open(path, portable.READ_FLAGS)
        try:
            portable.share(descriptor)
            path.unlink()
        finally:
            os.close(descriptor)
