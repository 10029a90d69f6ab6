"""From a journal's lines, whole or damaged and in any order, to the newest that they say."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

import msgspec

from cardcallback import portable
from cardcallback.errors import CardCallbackError
from cardcallback.journal.lines import Entry, Figure, decode_lines
from cardcallback.journal.packing import unpack_record
from cardcallback.journal.recovering import Newest, interrupted_record
from cardcallback.record import RunRecord
from cardcallback.sessions import later_summary

# Far more than a journal holds before it is compacted.
_LARGEST_BYTES = 256 * 1024**2


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """A killed session's record, and what a journal tells beside it.

    ``behind_seconds`` is how long before the last second the record's curves, memory and phases end.
    ``card`` and ``publish`` are the settings under which the run wrote its files, ``None`` where not known.
    """

    record: RunRecord
    behind_seconds: float
    damaged_lines: int = 0
    card: str | None = None
    publish: str | None = None


def read_journal(path: Path) -> Recovered | None:
    """The record of the session that wrote a journal; ``None`` where no whole snapshot is in it.

    Raises:
        CardCallbackError: it cannot be read (exit code 3 where it is not there), or is no regular file.
    """
    entries, damaged = decode_lines(_content(path))
    found = _newest_snapshot(entries)
    if found is None:
        return None
    entry, snapshot = found
    newest = _newest_progress(entries, since_seconds=snapshot.sessions[-1].duration_seconds)
    record = interrupted_record(snapshot, newest, damaged_lines=damaged)
    behind_seconds = record.sessions[-1].duration_seconds - snapshot.sessions[-1].duration_seconds
    return Recovered(
        record=record,
        behind_seconds=behind_seconds,
        damaged_lines=damaged,
        card=entry.card,
        publish=entry.publish,
    )


def with_later_checkpoint(recovered: Recovered, folder: Path) -> Recovered:
    """What a checkpoint in the output folder carries, where the process was killed before its journal had as much."""
    summary = later_summary(recovered.record, folder)
    if summary is None or recovered.record.status != "interrupted":
        return recovered
    newest = _newest_progress((), since_seconds=summary.sessions[-1].duration_seconds)
    # Those of the sensors are in no checkpoint.
    record = interrupted_record(msgspec.structs.replace(summary, traces=recovered.record.traces), newest)
    return msgspec.structs.replace(recovered, record=record, behind_seconds=0.0)


def _content(path: Path) -> bytes:
    try:
        descriptor = os.open(path, portable.READ_FLAGS)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                msg = f"{path.name} is no file: give the folder in which a run was killed"
                raise CardCallbackError(msg)
            return file.read(_LARGEST_BYTES)
    except OSError as error:
        msg = f"cannot read {path.name}: {(error.strerror or type(error).__name__).lower()}"
        raise CardCallbackError(msg, exit_code=3) from error


def _newest_snapshot(entries: Sequence[Entry]) -> tuple[Entry, RunRecord] | None:
    taken = [
        (entry.t, place, entry.record, entry)
        for place, entry in enumerate(entries)
        if entry.t is not None and entry.record is not None
    ]
    # Of two of the same moment the later one has seen more, such as how the run ended.
    for _, _, packed, entry in sorted(taken, key=lambda one: one[:2], reverse=True):
        record = unpack_record(packed)
        if record is not None and record.sessions:
            return entry, record
    return None


def _newest_progress(entries: Sequence[Entry], *, since_seconds: float) -> Newest:
    """The newest of each figure, by the session's age and not by place: lines may be doubled or in any order."""
    moment: tuple[float, float | None, int | None] = (since_seconds, None, None)
    figures: dict[str, tuple[float, Figure | None]] = {}
    for entry in entries:
        if entry.p is None or entry.p[0] <= since_seconds:
            continue
        moment = max(moment, entry.p, key=lambda one: one[0])
        for name, figure in entry.e.items():
            if name not in figures or entry.p[0] > figures[name][0]:
                figures[name] = (entry.p[0], figure)
    return Newest(duration_seconds=moment[0], suspended_seconds=moment[1], last_step=moment[2], figures=figures)
