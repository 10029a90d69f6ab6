"""Where journals lie, and by what name."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from cardcallback.record import PRIVATE_FOLDER

JOURNAL_FOLDER = "journal"
JOURNAL_SUFFIX = ".journal"
_COPY_SUFFIX = f".copy{JOURNAL_SUFFIX}"
NEW_SUFFIX = ".new"

ListJournals = Callable[[Path], list[Path]]


def journal_path(folder: Path, run_id: str, session_id: str) -> Path:
    """Where a session's journal lies in an output folder, or in a folder on the node's own disk."""
    return folder / PRIVATE_FOLDER / JOURNAL_FOLDER / f"{run_id}-{session_id}{JOURNAL_SUFFIX}"


def journal_home(path: Path) -> Path:
    """The folder that a journal at ``path`` is of."""
    return path.parent.parent.parent


def copy_path(folder: Path, run_id: str, session_id: str) -> Path:
    """Where a copy of that journal lies in an output folder, while the journal is on the node's own disk."""
    path = journal_path(folder, run_id, session_id)
    return path.with_name(path.name.removesuffix(JOURNAL_SUFFIX) + _COPY_SUFFIX)


def is_copy(path: Path) -> bool:
    """Whether it is a copy of a journal that lies on another disk."""
    return path.name.endswith(_COPY_SUFFIX)


def original_name(path: Path) -> str:
    """The name of the journal that it is a copy of, or its own."""
    return path.name.removesuffix(_COPY_SUFFIX) + JOURNAL_SUFFIX if is_copy(path) else path.name


def journals_in(folder: Path) -> list[Path]:
    """The journals that lie in an output folder, the oldest first."""
    place = folder / PRIVATE_FOLDER / JOURNAL_FOLDER
    with contextlib.suppress(PermissionError):  # a folder that this person may not look into holds none of theirs
        if not (place.is_symlink() or place.parent.is_symlink()):
            found = (path for path in place.glob(f"*{JOURNAL_SUFFIX}") if path.is_file() and not path.is_symlink())
            return sorted(found, key=lambda path: path.stat().st_mtime)
    return []


def remove_journal(path: Path) -> None:
    """Remove it, and what a kill in the middle of replacing it left; a folder that it leaves empty goes too."""
    for file in (path, path.with_name(path.name + NEW_SUFFIX)):
        file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # other journals lie in it
        path.parent.rmdir()


def has_a_place(descriptor: int) -> bool:
    """Whether an open file has a name still."""
    with contextlib.suppress(OSError):  # closed by somebody
        return os.fstat(descriptor).st_nlink > 0
    return False


def remove_where_it_lies(descriptor: int) -> None:
    """Remove the journal that is open by that number, wherever somebody moved it."""
    with contextlib.suppress(OSError):  # gone, or not ours to remove: whoever moved it has it
        path, ours = Path(f"/proc/self/fd/{descriptor}").readlink(), os.fstat(descriptor)
        there = path.lstat()
        if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
            remove_journal(path)
