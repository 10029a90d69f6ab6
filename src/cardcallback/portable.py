"""What is not to be had everywhere: locks on files, flags of ``os.open``, forks, threads. It falls back quietly."""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import os
import threading
from collections.abc import Callable
from pathlib import Path

from cardcallback import handlers

try:
    import fcntl
    import resource
except ImportError:  # Windows
    fcntl = resource = None  # type: ignore[assignment]

NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
CLOSE_ON_EXEC: int = getattr(os, "O_CLOEXEC", 0)
FOLDER: int = getattr(os, "O_DIRECTORY", 0)
# Without it Windows writes another line end than it is given.
BYTES: int = getattr(os, "O_BINARY", 0)
# A pipe in a file's place is then opened without waiting for whoever writes into it.
READ_FLAGS: int = os.O_RDONLY | NO_FOLLOW | CLOSE_ON_EXEC | getattr(os, "O_NONBLOCK", 0) | BYTES

# What a file system answers that has nothing to wait for, as some in user space.
_NOTHING_TO_SYNC = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
# And what those answer that move no file that is open, as a virtual machine's shared folders.
_OPEN_FILE = frozenset({errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY})

# What one says of a lock that somebody else holds.
_LOCKED = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES})

FileIdentity = tuple[int, int]

CAN_LOCK = fcntl is not None
# Elsewhere an open file can be neither moved nor removed, and a folder not be opened.
MOVES_OPEN_FILES = CAN_LOCK and os.open in os.supports_dir_fd
# To have the disk take a file, which there takes one that may be written to.
SYNC_FLAGS = READ_FLAGS if MOVES_OPEN_FILES else READ_FLAGS | os.O_WRONLY


def files_like(folder: Path, pattern: str) -> list[Path]:
    """What lies in a folder by names of that shell pattern, in order; nothing where it is missing or closed to us.

    ``Path.glob`` of Python 3.13 takes whatever is raised meanwhile, by a signal's handler too, for the disk's.
    """
    with handlers.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        return [folder / name for name in sorted(fnmatch.filter((one.name for one in folder.iterdir()), pattern))]
    return []


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


def takes_lock(descriptor: int, *, shared: bool = False) -> bool | None:
    """As ``lock`` without waiting, or ``share``: whether it was to be had; None where there are no such locks here."""
    try:
        _lock(descriptor, exclusively=not shared, wait=False)
    except OSError as error:
        handlers.pass_on(error)
        return False if error.errno in _LOCKED else None
    return True


def unlock(descriptor: int) -> None:
    """Give the lock up, for every process that holds the file open.

    Raises:
        OSError: there are no such locks here.
    """
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _lock(descriptor: int, *, exclusively: bool, wait: bool) -> None:
    if fcntl is None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    kind = fcntl.LOCK_EX if exclusively else fcntl.LOCK_SH
    fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)


def sync(descriptor: int, *, whole: bool = False) -> None:
    """Wait until the disk has a file's content, where its file system knows how to.

    Args:
        descriptor: the open file, or folder.
        whole: owner, mode and times too.

    Raises:
        OSError: the disk failed.
    """
    try:
        os.fsync(descriptor) if whole else getattr(os, "fdatasync", os.fsync)(descriptor)
    except OSError as error:
        if error.errno not in _NOTHING_TO_SYNC:
            raise


def sync_soon(path: Path) -> None:
    """Have the disk take a file that was written without waiting for it, in a thread that nobody waits for."""
    starts(threading.Thread(target=_sync_file, args=(path,), name="cardcallback-sync", daemon=True))


def _sync_file(path: Path) -> None:
    with contextlib.suppress(OSError):  # gone again, or a disk that failed, which whoever writes next tells
        descriptor = os.open(path, SYNC_FLAGS)
        try:
            sync(descriptor, whole=True)
        finally:
            os.close(descriptor)


def identity_of(descriptor: int) -> FileIdentity | None:
    """Which file it is, by device and inode; None where none is open by that number."""
    with handlers.suppress(OSError):
        found = os.fstat(descriptor)
        return (found.st_dev, found.st_ino)
    return None


def may_be_for_open_file(error: OSError) -> bool:
    """Whether a file may have failed to be moved because it was open."""
    return error.errno in _OPEN_FILE


def starts(thread: threading.Thread) -> bool:
    """Start it, and whether it could be: a person, or a container, may have no thread left."""
    try:
        thread.start()
    except RuntimeError as error:
        handlers.pass_on(error)
        return False
    return True


def voluntary_switches() -> int | None:
    """How often the calling thread gave its processor up by itself, as to wait; None where that is not told."""
    this_thread = getattr(resource, "RUSAGE_THREAD", None)
    return None if this_thread is None else int(resource.getrusage(this_thread).ru_nvcsw)


def queued_seconds() -> float:
    """How long the calling thread has waited for a processor while it could run; 0 where that is not told."""
    _, queued = _scheduled_seconds("thread-self")
    return queued


def busy_seconds(thread: int | None) -> float:
    """How long a thread of this process has run, or waited for a processor while it could; 0 where that is not told.

    Args:
        thread: the system's own number of it.
    """
    return sum(_scheduled_seconds(f"self/task/{thread}"))


def _scheduled_seconds(thread: str) -> tuple[float, float]:
    """How long a thread below ``/proc`` has run, and has waited for a processor."""
    try:
        ran, queued, *_ = (int(word) / 1e9 for word in Path("/proc", thread, "schedstat").read_bytes().split())
    except (OSError, ValueError) as error:
        handlers.pass_on(error)
        return 0.0, 0.0
    return ran, queued


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
    except OSError as error:
        handlers.pass_on(error)
        return False
