"""How a run's record, card and pictures are written together: the figures first, what may be left out last."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from cardcallback.folder_work import FolderWork
from cardcallback.guard import Guard
from cardcallback.live_run import LiveRun
from cardcallback.record import RunRecord
from cardcallback.render.card import ComposedCard
from cardcallback.run_folder import RunFolder
from cardcallback.run_records import RunRecords

_RECORD_TASK = "write the record"


class RunFiles:
    """Writes the files of one run, in the thread that has its folder; an end that was given up writes nothing more.

    Args:
        run: the run; the record of one that has ended is never followed by one that was made before.
        folder: where they lie.
        records: knows what every record tells.
        guard: catches what fails here and turns it into sentences of the record.
        work: knows whether an end was given up.

    ``recorded`` is where the record of the run's end lies, ``card_written`` whether the card tells of this run,
    with its pictures or without, and ``card_owed`` whether the last try to complete it failed.
    """

    def __init__(self, run: LiveRun, folder: RunFolder, records: RunRecords, *, guard: Guard, work: FolderWork) -> None:
        self._run, self._folder, self._records, self._guard, self._work = run, folder, records, guard, work
        self._writing = threading.Lock()
        self._written: RunRecord | None = None
        self.recorded: Path | None = None
        self.card_written = self.card_owed = False

    @property
    def end_owed(self) -> bool:
        """Whether record or card of the end could not be written, in a folder that nobody took away since."""
        return self.recorded is None or (self.card_owed and self.recorded.exists())

    def record_now(self, make: Callable[[], RunRecord]) -> RunRecord:
        """Make a record and write it, so that no earlier one is written after it."""
        with self._folder.alone(), self._writing:
            finished = self._run.finished
            record = make()
            with self._guard(_RECORD_TASK):
                self._write(record, finished=finished)
        return record

    def record_unless_finished(self, make: Callable[[], RunRecord]) -> None:
        """Make a record of a run that goes on, and write it, unless its end came first."""
        with self._folder.alone(), self._writing:
            if not self._run.finished:  # asked here, since the run's own end may have been waited for
                self._write(make(), finished=False)

    def record_and_card(self, make: Callable[[], RunRecord]) -> tuple[RunRecord, bool]:
        """Make a record and write it and the card; what was written, and whether the run had ended when it was made."""
        with self._writing:
            finished = self._run.finished
            record = make()
        self._written = None  # somebody may have removed what was written before
        self.card_written = False
        return self._record_and_card(record, finished=finished), finished

    def with_pictures(self, record: RunRecord) -> RunRecord:
        """Draw the pictures of an ended run, whose record and card are whole, and show them there."""
        shown = self._folder.has_pictures
        with self._guard("draw the pictures"):
            self._folder.draw(record, self._work.require_wanted)
        with self._folder.alone():
            told = self._records.with_sentences(record)
            if (told, self._folder.has_pictures) == (record, shown):
                return record
            if self._folder.is_left_to_newer_run:  # since they were drawn
                return self._write_if_new(told, finished=True)
            return self._record_and_card(told, finished=True)

    def rewritten_card(self, record: RunRecord) -> RunRecord:
        """Complete a card that somebody else just wrote, as the record tells of it then."""
        self.card_owed = True
        composed = self._folder.write_card(record, pictures=self._folder.has_pictures)
        self.card_written, self.card_owed = True, False
        self._guard.tell(composed.report.warnings)
        return msgspec.structs.replace(record, card=composed.card)

    def _record_and_card(self, record: RunRecord, *, finished: bool) -> RunRecord:
        """The record first, with what is about to be filled into the card: once, where nothing fails."""
        filled = record

        def record_first(composed: ComposedCard) -> None:
            nonlocal filled
            self._work.require_wanted()
            self._guard.tell(composed.report.warnings)
            filled = msgspec.structs.replace(record, card=composed.card)
            self._write_if_new(filled, finished=finished)
            self._work.require_wanted()  # the folder may have taken long to answer

        with self._guard("keep what was written into the card"):
            self._folder.adopt_edits()
        with self._guard("write the card"):
            self.card_owed = True
            self._folder.write_card(record, pictures=self._folder.has_pictures, before=record_first)
            self.card_written, self.card_owed = True, False
        return self._write_if_new(record if self.card_owed else filled, finished=finished)

    def _write_if_new(self, record: RunRecord, *, finished: bool) -> RunRecord:
        record = self._records.with_sentences(record)
        with self._guard(_RECORD_TASK), self._writing:
            if record != self._written:
                self._write(record, finished=finished)
        return record

    def _write(self, record: RunRecord, *, finished: bool) -> None:
        """Write it, ``finished`` being whether measuring had ended when it was made; the lock is held."""
        if finished or not self._run.finished:  # else the last one is written by whoever ended the run meanwhile
            self._work.require_wanted()
            path = self._folder.write_record(record)
            self._written, self.recorded = record, path if finished else None
