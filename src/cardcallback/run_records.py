"""The record of a run as of now; of one moment it is made once, whatever it is written into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from cardcallback.curves import log_entries
from cardcallback.guard import Guard
from cardcallback.hooks import checkpoint_folder
from cardcallback.live_run import LiveRun
from cardcallback.record import RunRecord, Status
from cardcallback.sessions import with_last_checkpoint
from cardcallback.stages import other_weights_note

# No more may be missing where a process is killed.
_MOMENT_SECONDS = 1.0


class _Made(NamedTuple):
    """A record in progress: what was known as it was made, and when that was."""

    known: tuple[Any, ...]
    at_seconds: float
    record: RunRecord


class RunRecords:
    """Makes the records of one run.

    Args:
        run: the run.
        folder: its output folder.
        trainer: gives the trainer, or None where it was not found or is gone.
        guard: its sentences stand in every record.

    ``marks``: those of the weights that were saved after the run's end, if any were.
    """

    def __init__(self, run: LiveRun, folder: Path, *, trainer: Callable[[], Any], guard: Guard) -> None:
        self._run = run
        self._folder = folder
        self._trainer = trainer
        self._guard = guard
        self._others_note: str | None = None
        self._last: _Made | None = None
        self.marks: dict[str, str] = {}

    def in_progress(self, state: Any, *, status: Status) -> RunRecord:
        """As of now, for any thread; ``status`` is how the run ended, once it has."""
        return self.with_sentences(self._run.record_in_progress(state, status=status, trainer=self._trainer()))

    def now(self, state: Any, status: Status) -> RunRecord:
        """As of the last ``progress``.

        A save asks several times, for each of its files: while the run goes on they get the same one, unless that is
        older than a second or something came to it.
        """
        if status != "running" or self._run.finished:
            return self._make(state, status)
        made = self._made_just_now(state, status)
        if made is None:
            known, seconds = self._known(state), self._run.now_seconds()
            made = self._last = _Made(known, seconds, self._make(state, status))
        return made.record

    def progress(self, state: Any, status: Status) -> None:
        """Bring the numbers up to now, in the thread that trains or the one that ends the run."""
        if self._made_just_now(state, status) is None:
            self._run.observed.progress(state, may_wait=status != "interrupted", trainer=self._trainer())

    def _made_just_now(self, state: Any, status: Status) -> _Made | None:
        last = self._last
        if last is None or status != "running" or self._run.finished or last.known != self._known(state):
            return None
        return None if self._run.now_seconds() - last.at_seconds > _MOMENT_SECONDS else last

    def _known(self, state: Any) -> tuple[Any, ...]:
        return (
            int(state.global_step),
            len(log_entries(state.log_history)),
            self._run.observed.evaluation,
            len(self._guard.sentences),
        )

    def with_sentences(self, record: RunRecord) -> RunRecord:
        """The record with what was said meanwhile, and with what is known of the weights."""
        notes = tuple(dict.fromkeys((*record.notes, *self._other_weights(record), *self._guard.sentences)))
        return msgspec.structs.replace(record, notes=notes, weights=self.marks)

    def _make(self, state: Any, status: Status) -> RunRecord:
        trainer, last_step = self._trainer(), int(state.global_step)
        record = self._run.record(status, log_history=log_entries(state.log_history), last_step=last_step)
        if not self.marks:  # else weights of the last step were saved after the last checkpoint
            record = with_last_checkpoint(record, checkpoint_folder(trainer, self._folder, last_step).parent)
        return self.with_sentences(record)

    def _other_weights(self, record: RunRecord) -> list[str]:
        if record.status != "completed" or self.marks:
            return []
        if self._others_note is None:
            self._others_note = ""
            with self._guard("see whose weights lie in the folder"):
                self._others_note = other_weights_note(self._folder, record.run_id) or ""
        return [self._others_note] if self._others_note else []
