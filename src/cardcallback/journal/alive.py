"""Whether the process that writes a journal still lives."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from cardcallback import handlers, portable
from cardcallback.journal.places import is_copy

# A line is written every second; a disk that is slow takes a few.
_FRESH_SECONDS = 10.0
# A copy's line is written every 30 s, on a disk that may be another computer's.
_COPY_FRESH_SECONDS = 120.0
# Clocks of two machines may differ by some of it.
_RECENT_SECONDS = 60.0
_LOOKS, _LOOK_SECONDS = 5, 0.5


def wall_seconds() -> float:
    """The clock that files are dated by."""
    return time.time()  # noqa: TID251 - no duration: a file's age is told by the clock that dated it


def is_alive(path: Path, *, now_seconds: Callable[[], float] = wall_seconds, trusts_fresh_copies: bool = True) -> bool:
    """Whether its writer lives, by the lock it holds; without locks, by whether it wrote in the last 10 s.

    The writer of a copy may be on another computer, of whose lock this one is not told: it lives while it wrote in
    the last two minutes, unless ``trusts_fresh_copies`` is false. A file that is not there has no writer.
    """
    copied_lately = trusts_fresh_copies and is_copy(path)
    while True:
        try:
            descriptor = os.open(path, portable.READ_FLAGS)
        except OSError as error:
            handlers.pass_on(error)
            return False
        try:
            held = _is_held(descriptor)
            if held is None and is_copy(path) and not trusts_fresh_copies:
                return False
            if held is None:
                fresh = _COPY_FRESH_SECONDS if is_copy(path) else _FRESH_SECONDS
                return _age_seconds(descriptor, now_seconds) < fresh
            if held or _lies_at(descriptor, path):
                return held or (copied_lately and _age_seconds(descriptor, now_seconds) < _COPY_FRESH_SECONDS)
        finally:
            os.close(descriptor)
        # The writer replaced the file meanwhile, and holds a lock on the new one only.


def goes_on(
    path: Path, *, now_seconds: Callable[[], float] = wall_seconds, wait: Callable[[float], None] = time.sleep
) -> bool:
    """As ``is_alive``, for a writer on another machine too, of whose lock this one may not be told.

    Waits up to 2.5 s for a file that was written in the last minute to be written again.
    """
    if is_alive(path, now_seconds=now_seconds):
        return True
    seen = _seen(path)
    if seen is None or now_seconds() - seen.st_mtime > _RECENT_SECONDS:
        return False
    for _ in range(_LOOKS):
        wait(_LOOK_SECONDS)
        now = _seen(path)
        if now is not None and (now.st_ino, now.st_size) != (seen.st_ino, seen.st_size):
            return True
    return False


def _age_seconds(descriptor: int, now_seconds: Callable[[], float]) -> float:
    return now_seconds() - os.fstat(descriptor).st_mtime


def _seen(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except OSError as error:
        handlers.pass_on(error)
        return None


def _is_held(descriptor: int) -> bool | None:
    """Whether somebody holds a lock on it; ``None`` where the file system has none."""
    shared = portable.takes_lock(descriptor, shared=True)
    return None if shared is None else not shared


def _lies_at(descriptor: int, path: Path) -> bool:
    ours = os.fstat(descriptor)
    try:
        there = path.lstat()
    except OSError as error:
        handlers.pass_on(error)
        return True
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)
