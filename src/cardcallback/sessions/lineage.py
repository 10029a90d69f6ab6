"""Which run a checkpoint belongs to, and what its sessions used: read from the records that were left.

A checkpoint carries the record of its run as of the moment it was written, so that a moved checkpoint is still
the same run, and a folder that is used again a new one.
"""

from __future__ import annotations

import json
import re
import stat
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from cardcallback import handlers
from cardcallback.errors import CardCallbackError
from cardcallback.record import (
    LARGEST_RECORD_BYTES,
    LAST_CHECKPOINT,
    RUN_ID,
    SCHEMA_VERSION,
    RunRecord,
    own_record_files,
)
from cardcallback.sessions.accounts import discarded, with_longer_accounts
from cardcallback.sessions.joining import joined_sessions
from cardcallback.sessions.places import given_up_places

# Pushes of the Trainer leave out names with an underscore, and the checkpoint's own loader does not read it.
SUMMARY_NAME = "_cardcallback.json"
_STATE_NAME = "trainer_state.json"
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_NOT_MEASURED = "Earlier sessions of this run are in no figure here: {}."
_NO_CHECKPOINT = "which checkpoint it went on from is not known"
_NO_SUMMARY = "the checkpoint it went on from carries no record of them"
_NOT_USABLE = "the record in the checkpoint it went on from is damaged, newer than this cardcallback or of another run"
_OTHER_STEP = "the checkpoint it went on from is of another step"
_BRANCH = (
    "Another process went on with the same run when this one began: this is a run of its own from that checkpoint on, "
    "and the sessions before are in the figures of both."
)
_ATTEMPT = (
    "An attempt at a larger batch size was given up after {} optimiser steps, which the weights have seen: their time "
    "and energy are in the figures, and figures per step and per token do not count them."
)


def _new_id() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True, kw_only=True, slots=True)
class Lineage:
    """Which run a session is of, and what it goes on from; both ids are random.

    ``record`` is of the sessions before, None in a new run; ``counts`` is the part of it whose work the session goes
    on with. ``notes`` say what of the run is not known.
    """

    record: RunRecord | None = None
    counts: RunRecord | None = None
    notes: tuple[str, ...] = ()
    run_id: str = field(default_factory=_new_id)
    session_id: str = field(default_factory=_new_id)

    @property
    def session_ids_before(self) -> frozenset[str]:
        """The ids of the sessions before, where they are known."""
        return (
            frozenset(one.session_id for one in self.record.sessions if one.session_id) if self.record else frozenset()
        )

    def joined(self, now: RunRecord) -> RunRecord:
        """The run's record out of the sessions before and the one that runs now."""
        if self.record is None:
            return now
        return msgspec.structs.replace(joined_sessions(self.record, now), run_id=self.run_id)

    def as_branch(self) -> Lineage:
        """The same as a run of its own, where another process goes on with the run just now.

        What the other one does after the checkpoint is not this one's.
        """
        return replace(self, record=self.counts, run_id=self.session_id, notes=(*self.notes, _BRANCH))

    def after_attempt(self, attempt: RunRecord) -> Lineage:
        """Where ``attempt``, which began from here, was given up and begins again: it is spent, its work lost."""
        last = attempt.sessions[-1]
        steps = last.last_step - last.first_step
        told = (_ATTEMPT.format(steps),) if steps > 0 else ()
        record = discarded(attempt, self.counts)
        return replace(self, record=record, notes=(*self.notes, *told), session_id=_new_id())


def lineage_of(checkpoint: Path) -> RunRecord | None:
    """The record that a checkpoint carries, of its run up to that step; None where it carries none.

    Raises:
        CardCallbackError: there is one, and it is damaged or not of this checkpoint.
    """
    path = checkpoint / SUMMARY_NAME
    if not path.is_file():
        return None
    record = _record(_content(path))
    if record is None or RUN_ID.fullmatch(record.run_id) is None:
        msg = f"{SUMMARY_NAME} is damaged or newer than this cardcallback: training can go on without it"
        raise CardCallbackError(msg)
    step = step_of(checkpoint)
    if step is not None and step != record.sessions[-1].last_step:
        msg = f"{SUMMARY_NAME} is of another checkpoint: training can go on without it"
        raise CardCallbackError(msg)
    return record


def earlier_sessions(
    checkpoint: Path | None,
    output_dir: Path,
    *,
    step: int | None = None,
    killed: Callable[[Path, str], Iterable[RunRecord]] = lambda *_: (),
) -> Lineage:
    """The sessions of the run that ``checkpoint`` is of, each by the longest account that was left of it.

    Accounts are looked for beside the checkpoint and in ``output_dir``. Never raises for what it finds there:
    what is damaged or foreign is left out, and ``notes`` say so.

    Args:
        checkpoint: what training goes on from; None where that is not known.
        output_dir: where the run writes now.
        step: the optimiser step that training goes on from, where it is known.
        killed: further accounts of a run, by its id, in a folder that it does not go on in.
    """
    if checkpoint is None:
        return Lineage(notes=(_NOT_MEASURED.format(_NO_CHECKPOINT),))
    try:
        summary = lineage_of(checkpoint)
    except (CardCallbackError, OSError) as error:
        handlers.pass_on(error)
        return Lineage(notes=(_NOT_MEASURED.format(_NOT_USABLE),))
    if summary is None:
        return Lineage(notes=(_NOT_MEASURED.format(_NO_SUMMARY),))
    if step is not None and step != summary.sessions[-1].last_step:
        # Weights without their trainer state: a training of its own.
        return Lineage(notes=(_NOT_MEASURED.format(_OTHER_STEP),))
    known = checkpoint / SUMMARY_NAME
    told = list(records_of_run(output_dir, summary.run_id, known))
    # Elsewhere than where the run goes on, a session that the checkpoint does not know is of another branch.
    record, accounts = with_longer_accounts(summary, told, all_sessions=True), [summary, *told]
    for folder in folders_before(checkpoint, output_dir):
        told = [*records_of_run(folder, summary.run_id, known), *killed(folder, summary.run_id)]
        record = with_longer_accounts(record, told, all_sessions=False)
        accounts += told
    return Lineage(record=record, counts=summary, run_id=summary.run_id, notes=given_up_places(accounts))


def folders_before(checkpoint: Path, output_dir: Path) -> list[Path]:
    """The output folders that a checkpoint may lie in, as it is named and without links, but for ``output_dir``."""
    found = {folder.resolve(): folder for folder in (checkpoint.resolve().parent, checkpoint.absolute().parent)}
    return [folder for place, folder in found.items() if place != output_dir.resolve()]


def read_record(path: Path) -> RunRecord | None:
    """The record in a file, read in milliseconds; None where there is none that can be read, or one that is newer."""
    return _record(_content(path))


def records_of_run(folder: Path, run_id: str, known: Path | None = None) -> Iterator[RunRecord]:
    """The readable records of one run in an output folder and in its checkpoints, but for a file that is ``known``."""
    for path in record_files(folder):
        if path == known:
            continue
        content = _content(path)
        if run_id.encode() not in content:
            continue  # most files in a folder of many runs: not worth parsing
        record = _record(content)
        # A damaged one stays where it is, and nothing is claimed of it.
        if record is not None and record.run_id == run_id:
            yield record


def has_checkpoint_of(folder: Path, run_id: str) -> bool:
    """Whether a checkpoint that carries this run's record lies in an output folder."""
    return any(run_id.encode() in _content(path) for path in folder.glob(f"checkpoint-*/{SUMMARY_NAME}"))


def later_summary(record: RunRecord, folder: Path) -> RunRecord | None:
    """What the last checkpoint of the same session in ``folder`` tells, where it was written after ``record``."""
    session_id = record.sessions[-1].session_id
    contents = map(_content, folder.glob(f"checkpoint-*/{SUMMARY_NAME}")) if session_id else ()
    told = (_record(content) for content in contents if (session_id or "").encode() in content)
    own = [one for one in told if one is not None and one.run_id == record.run_id]
    later = [
        one
        for one in own
        if one.sessions[-1].session_id == session_id
        and one.sessions[-1].duration_seconds > record.sessions[-1].duration_seconds
    ]
    return max(later, key=lambda one: one.sessions[-1].duration_seconds, default=None)


def with_last_checkpoint(record: RunRecord, folder: Path) -> RunRecord:
    """An interrupted run's record with the step of the last checkpoint it left in ``folder``; any other as it is.

    That it wrote a checkpoint is told by the record in it, which is put there after the weights.
    """
    if record.status != "interrupted":
        return record
    told = (_record(_content(path)) for path in folder.glob(f"checkpoint-*/{SUMMARY_NAME}"))
    own = (one.sessions[-1] for one in told if one is not None and one.run_id == record.run_id)
    last = record.sessions[-1]
    # One of another session that lies beyond this one's begin holds work that was lost.
    steps = [one.last_step for one in own if one.session_id == last.session_id or one.last_step <= last.first_step]
    step = max(steps, default=None)
    if step is None:
        return record
    training = msgspec.structs.replace(record.training, published_step=step, published_reason=LAST_CHECKPOINT)
    return msgspec.structs.replace(record, training=training)


def record_files(folder: Path) -> list[Path]:
    """Every file in an output folder that may hold a record, the folder's own before its checkpoints'."""
    return [*own_record_files(folder), *sorted(folder.glob(f"checkpoint-*/{SUMMARY_NAME}"))]


def last_checkpoint(folder: Path) -> Path | None:
    """The checkpoint with the highest step, as transformers chooses it for ``resume_from_checkpoint=True``."""
    found = [(int(match[1]), path) for path in _folders(folder) if (match := _CHECKPOINT.fullmatch(path.name))]
    return max(found)[1] if found else None


def agreeing_checkpoint(output_dir: Path, state: Any) -> Path | None:
    """The checkpoint in ``output_dir`` at the state's step, if its own state is the same as far as it went."""
    checkpoint = output_dir / f"checkpoint-{int(state.global_step)}"
    saved = _trainer_state(checkpoint)
    if saved is None:
        return None
    names = ("global_step", "epoch", "log_history", "best_metric", "total_flos", "num_input_tokens_seen")
    # As text: a loss that is not a number equals nothing, not even itself.
    alike = all(_as_text(saved.get(name)) == _as_text(getattr(state, name, None)) for name in names)
    return checkpoint if alike else None


def _folders(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_dir()]
    except OSError as error:
        handlers.pass_on(error)
        return []


def _content(path: Path) -> bytes:
    """The file's bytes; none where it cannot be read, is too large to be one of ours or is a pipe, which would wait."""
    try:
        found = path.stat()
        return path.read_bytes() if stat.S_ISREG(found.st_mode) and found.st_size <= LARGEST_RECORD_BYTES else b""
    except OSError as error:
        handlers.pass_on(error)
        return b""


def _record(content: bytes) -> RunRecord | None:
    """The record, read in milliseconds since training waits for it; None for what is none, or too new."""
    try:
        # Unlike the standard library's parser it refuses 1e999, which could not be written again.
        record = msgspec.json.decode(content, type=RunRecord)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    lengths = (record.duration_seconds, *(session.duration_seconds for session in record.sessions))
    usable = record.sessions and record.schema_version <= SCHEMA_VERSION and min(lengths) >= 0
    return record if usable else None


def step_of(checkpoint: Path) -> int | None:
    """The optimiser step of a checkpoint, by its name or its trainer state; None for another folder."""
    named = _CHECKPOINT.fullmatch(checkpoint.name)
    if named is not None:
        return int(named[1])
    step = (_trainer_state(checkpoint) or {}).get("global_step")
    return step if isinstance(step, int) else None


def _trainer_state(checkpoint: Path) -> dict[str, Any] | None:
    try:
        state = json.loads(_content(checkpoint / _STATE_NAME))
    except (ValueError, RecursionError):
        return None
    return state if isinstance(state, dict) else None


def _as_text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
