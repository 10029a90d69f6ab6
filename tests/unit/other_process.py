"""Another process that keeps a journal in the same folder, as far as its files and its lock tell."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from journalled import JournalledRun
from msgspec.structs import replace

from cardcallback.guard import Guard
from cardcallback.journal import JournalKeeper, copy_path, journal_path
from cardcallback.record import RunRecord
from cardcallback.testing import make_record


def left_journal(folder: Path, run_id: str, record: RunRecord | None = None, *, local: Path | None = None) -> Path:
    """The journal of a run that lived for half a minute, and that nobody holds; with ``local`` a copy of it too."""
    made = JournalledRun(replace(record or make_record(status="running"), run_id=run_id))
    path = journal_path(local or folder, run_id, "other")
    keeper = JournalKeeper(
        path,
        progress=made.progress,
        snapshot=made.snapshot,
        guard=Guard(),
        clock=made.clock,
        copy=None if local is None else copy_path(folder, run_id, "other"),
    )
    made.live(keeper, 30.0)
    keeper.close(final=False)
    return path


@contextmanager
def held(journal: Path) -> Iterator[None]:
    """While its writer lives."""
    descriptor = os.open(journal, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def living_beside(folder: Path, run_id: str, record: RunRecord | None = None) -> Iterator[None]:
    """While another process's run writes into the folder."""
    with held(left_journal(folder, run_id, record)):
        yield
