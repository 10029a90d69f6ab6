"""Of a record or a journal what a list tells: read in a millisecond, since there may be thousands."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cardcallback.errors import CardCallbackError
from cardcallback.journal import JOURNAL_SUFFIX, is_alive, read_journal
from cardcallback.record import LARGEST_RECORD_BYTES, SCHEMA_VERSION, Measurement, SessionBrief, Status, load_run


class ListedSession(SessionBrief, frozen=True, kw_only=True):
    """What a list tells of a session."""

    started_on: str


class _Training(msgspec.Struct, frozen=True, kw_only=True):
    steps: int = 0
    planned_steps: int | None = None


class _Energy(msgspec.Struct, frozen=True, kw_only=True):
    gpu: Measurement


class ListedRun(msgspec.Struct, frozen=True, kw_only=True):
    """Of a record what a list tells; the fields are those of a ``RunRecord``."""

    schema_version: int
    run_id: str
    simulated: bool
    status: Status
    recovered: bool = False
    duration_seconds: float
    sessions: tuple[ListedSession, ...]
    training: _Training
    energy: _Energy
    nodes: tuple[msgspec.Raw, ...] = ()


def read_listed(path: Path) -> ListedRun:
    """What a record, or a journal, tells of its run.

    Raises:
        CardCallbackError: damaged, or written by a newer major version.
        OSError: it cannot be read.
    """
    return _of_journal(path) if path.suffix == JOURNAL_SUFFIX else _of_record(path)


def _of_record(path: Path) -> ListedRun:
    try:
        # Unlike the standard library's parser this one refuses 1e999, which is no duration.
        record = msgspec.json.decode(path.read_bytes(), type=ListedRun) if _is_of_a_records_size(path) else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        record = None
    if record is None or not 1 <= record.schema_version <= SCHEMA_VERSION or _least_length(record) < 0:
        load_run(path)
        msg = f"{path.name} is damaged (a number without a limit): restore it or run the training again"
        raise CardCallbackError(msg)
    if not record.sessions:
        msg = f"{path.name} is damaged (it holds no session): restore it or run the training again"
        raise CardCallbackError(msg)
    return record


def _is_of_a_records_size(path: Path) -> bool:
    return path.stat().st_size <= LARGEST_RECORD_BYTES


def _least_length(record: ListedRun) -> float:
    return min((record.duration_seconds, *(session.duration_seconds for session in record.sessions)))


def _of_journal(path: Path) -> ListedRun:
    """What a journal tells of its run: that it goes on, or that it was killed and how far it came."""
    recovered = read_journal(path)
    if recovered is None:
        msg = f"{path.name} holds nothing whole: nothing is known of its run"
        raise CardCallbackError(msg)
    record = msgspec.json.decode(msgspec.json.encode(recovered.record), type=ListedRun)
    if not is_alive(path):
        return record
    live = msgspec.structs.replace(record.sessions[-1], status="running")
    return msgspec.structs.replace(record, status="running", recovered=False, sessions=(*record.sessions[:-1], live))
