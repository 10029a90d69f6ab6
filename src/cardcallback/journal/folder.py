"""The folder that journals lie in: held open where that can be done, so that nobody can put a link in its way."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Protocol

from cardcallback import portable
from cardcallback.writing import require_inside

_MODE = 0o600
_FOLDER_MODE = 0o777  # narrowed by the person's umask, as every folder of theirs
_FOLDER_FLAGS = os.O_RDONLY | portable.FOLDER | portable.CLOSE_ON_EXEC
_APPEND_FLAGS = os.O_WRONLY | os.O_APPEND | portable.NO_FOLLOW | portable.CLOSE_ON_EXEC | portable.BYTES
_NEW_FLAGS = _APPEND_FLAGS | os.O_CREAT | os.O_EXCL


class Folder(Protocol):
    """A folder while a file in it is replaced; every call may raise ``OSError``."""

    def create(self, name: str) -> int:
        """A new file to append to."""

    def unlink(self, name: str) -> None:
        """Remove a file."""

    def rename(self, name: str, target: str) -> None:
        """Give the file ``name`` the place of ``target``."""

    def reopen(self, name: str) -> int:
        """A file that is there, to append to."""

    def close(self) -> None:
        """Let it go."""


def open_folder(path: Path) -> Folder:
    """The folder itself, made where it is missing; it and the one above it must be no links.

    Raises:
        OSError: one of them is a link or no folder, or it cannot be made.
        CardCallbackError: one is a link that leads out of the output folder; the message says what to do.
    """
    try:
        return _HeldOpen(path) if portable.MOVES_OPEN_FILES else _ByPath(path)
    except OSError:
        for folder in (path.parent, path):
            require_inside(folder)
        raise


class _HeldOpen:
    """By descriptors: what happens to the path meanwhile does not matter."""

    def __init__(self, path: Path) -> None:
        above = path.parent
        above.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(above.parent, _FOLDER_FLAGS)
        for name in (above.name, path.name):
            try:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, _FOLDER_MODE, dir_fd=descriptor)
                inner = os.open(name, _FOLDER_FLAGS | portable.NO_FOLLOW, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            descriptor = inner
        self._descriptor = descriptor

    def create(self, name: str) -> int:
        return os.open(name, _NEW_FLAGS, _MODE, dir_fd=self._descriptor)

    def unlink(self, name: str) -> None:
        os.unlink(name, dir_fd=self._descriptor)

    def rename(self, name: str, target: str) -> None:
        os.rename(name, target, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def reopen(self, name: str) -> int:
        return os.open(name, _APPEND_FLAGS, dir_fd=self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


class _ByPath:
    """By paths, as on Windows, where a folder cannot be opened."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or path.parent.is_symlink():
            msg = f"{path.name} is a link"
            raise OSError(msg)
        self._path = path

    def create(self, name: str) -> int:
        return os.open(self._path / name, _NEW_FLAGS, _MODE)

    def unlink(self, name: str) -> None:
        (self._path / name).unlink()

    def rename(self, name: str, target: str) -> None:
        (self._path / name).replace(self._path / target)

    def reopen(self, name: str) -> int:
        return os.open(self._path / name, _APPEND_FLAGS)

    def close(self) -> None:
        """Nothing is held."""
