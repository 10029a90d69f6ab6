"""Which run a checkpoint belongs to, and what its sessions used: read from the records that were left.

A checkpoint carries the record of its run as of the moment it was written, so that a moved checkpoint is still
the same run, and a folder that is used again a new one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from cardcallback.errors import CardCallbackError
from cardcallback.record import PRIVATE_FOLDER, RECORD_FOLDER, RunRecord, encode, load_run
from cardcallback.sessions.accounts import discarded, with_longer_accounts

# Pushes of the Trainer leave out names with an underscore, and the checkpoint's own loader does not read it.
SUMMARY_NAME = "_cardcallback.json"
_STATE_NAME = "trainer_state.json"
_LARGEST_STATE_BYTES = 64 * 1024**2
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
# Run ids become file names.
_RUN_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")
_NOT_MEASURED = "Earlier sessions of this run are in no figure here: {}."
_NO_CHECKPOINT = "which checkpoint it went on from is not known"
_NO_SUMMARY = "the checkpoint it went on from carries no record of them"


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """What a session goes on from: ``record`` of the sessions before, or None in a new run; and what to say of it.

    ``counts`` is the part of it whose work the session goes on with; where nothing was lost it is the record.
    """

    record: RunRecord | None = None
    counts: RunRecord | None = None
    notes: tuple[str, ...] = ()

    def after_attempt(self, attempt: RunRecord) -> Lineage:
        """Where an attempt, which began from here, was given up and begins again: it is spent, its work lost."""
        return Lineage(record=discarded(attempt, self.counts), counts=self.counts, notes=self.notes)


def lineage_of(checkpoint: Path) -> RunRecord | None:
    """The record that a checkpoint carries, of its run up to that step; None where it carries none.

    Raises:
        CardCallbackError: there is one, and it is damaged or not of this checkpoint.
    """
    path = checkpoint / SUMMARY_NAME
    if not path.exists():
        return None
    record = load_run(path)
    state = _trainer_state(checkpoint)
    step = None if state is None else state.get("global_step")
    last_step = record.sessions[-1].last_step if record.sessions else None
    if last_step is None or _RUN_ID.fullmatch(record.run_id) is None or step not in {None, last_step}:
        msg = f"{SUMMARY_NAME} is not of this checkpoint"
        raise CardCallbackError(msg)
    try:
        encode(record)
    except ValueError as error:
        msg = f"{SUMMARY_NAME} is damaged (a number without a limit)"
        raise CardCallbackError(msg) from error
    return record


def earlier_sessions(checkpoint: Path | None, output_dir: Path) -> Lineage:
    """The sessions of the run that ``checkpoint`` is of, each by the longest account that was left of it.

    Accounts are looked for beside the checkpoint and in ``output_dir``. Never raises for what it finds there:
    what is damaged or foreign is left out, and ``notes`` say so.

    Args:
        checkpoint: what training goes on from; None where that is not known.
        output_dir: where the run writes now.
    """
    if checkpoint is None:
        return Lineage(notes=(_NOT_MEASURED.format(_NO_CHECKPOINT),))
    try:
        summary = lineage_of(checkpoint)
    except CardCallbackError as error:
        return Lineage(notes=(_NOT_MEASURED.format(str(error).partition(":")[0]),))
    if summary is None:
        return Lineage(notes=(_NOT_MEASURED.format(_NO_SUMMARY),))
    record = summary
    for folder in dict.fromkeys((output_dir.absolute(), checkpoint.absolute().parent)):
        # Elsewhere than where the run goes on, a session that the checkpoint does not know is of another branch.
        here = folder == output_dir.absolute()
        record = with_longer_accounts(record, list(records_of_run(folder, summary.run_id)), all_sessions=here)
    return Lineage(record=record, counts=summary)


def records_of_run(folder: Path, run_id: str) -> Iterator[RunRecord]:
    """The readable records of one run in an output folder and in its checkpoints."""
    for path in record_files(folder):
        try:
            record = load_run(path)
            encode(record)
        except (CardCallbackError, ValueError):
            continue  # damaged: it stays where it is, and nothing is claimed of it
        if record.run_id == run_id and record.sessions:
            yield record


def record_files(folder: Path) -> list[Path]:
    """Every file in an output folder that may hold a record, the folder's own before its checkpoints'."""
    places = (folder / RECORD_FOLDER, folder / PRIVATE_FOLDER / RECORD_FOLDER)
    own = [path for place in places for path in sorted(place.glob("record*.json"))]
    return [*own, *sorted(folder.glob(f"checkpoint-*/{SUMMARY_NAME}"))]


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
    except OSError:
        return []


def _trainer_state(checkpoint: Path) -> dict[str, Any] | None:
    path = checkpoint / _STATE_NAME
    try:
        if path.stat().st_size > _LARGEST_STATE_BYTES:
            return None
        state = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return state if isinstance(state, dict) else None


def _as_text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
