"""What not every operating system has: locks on files, flags of ``os.open``, forks. All of it falls back quietly."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
CLOSE_ON_EXEC: int = getattr(os, "O_CLOEXEC", 0)
FOLDER: int = getattr(os, "O_DIRECTORY", 0)
# Without it Windows writes another line end than it is given.
BYTES: int = getattr(os, "O_BINARY", 0)
# A pipe in a file's place is then opened without waiting for whoever writes into it.
READ_FLAGS: int = os.O_RDONLY | NO_FOLLOW | CLOSE_ON_EXEC | getattr(os, "O_NONBLOCK", 0) | BYTES

CAN_LOCK = fcntl is not None
# Elsewhere an open file can be neither moved nor removed, and a folder not be opened.
MOVES_OPEN_FILES = CAN_LOCK and os.open in os.supports_dir_fd


def lock(descriptor: int, *, wait: bool) -> None:
    """Lock an open file for its writer; the lock goes with the last process that holds it open.

    Raises:
        OSError: somebody else holds it and ``wait`` is false, or there are no such locks here.
    """
    _lock(descriptor, exclusively=True, wait=wait)


def share(descriptor: int) -> None:
    """Take a share of a lock that no writer holds, without waiting.

    Raises:
        OSError: a writer holds it, or there are no such locks here.
    """
    _lock(descriptor, exclusively=False, wait=False)


def _lock(descriptor: int, *, exclusively: bool, wait: bool) -> None:
    if fcntl is None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    kind = fcntl.LOCK_EX if exclusively else fcntl.LOCK_SH
    fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)


def sync(descriptor: int) -> None:
    """Wait until the disk has a file's content.

    Raises:
        OSError: it cannot.
    """
    getattr(os, "fdatasync", os.fsync)(descriptor)


def in_forked_children(action: Callable[[], None]) -> None:
    """Call ``action`` in every child that this process forks from now on, where processes can be forked."""
    register = getattr(os, "register_at_fork", None)
    if register is not None:
        register(after_in_child=action)


def is_wsl(system_root: Path) -> bool:
    """Whether this Linux is a guest of Windows: its kernel says so.

    Args:
        system_root: the folder that holds ``proc``.
    """
    try:
        return "microsoft" in (system_root / "proc" / "version").read_text(encoding="utf-8", errors="replace").lower()
    except OSError:
        return False
