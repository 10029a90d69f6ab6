"""When which file of a run may change: a card describes weights, a record describes the run so far."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from cardcallback.console import end_line
from cardcallback.guard import Guard
from cardcallback.hooks import checkpoint_folder, saves_checkpoint, uploads_checkpoints, watch_checkpoints, watch_saves
from cardcallback.live_run import LiveRun
from cardcallback.neighbours import BESIDE_ANOTHER, living_runs
from cardcallback.notebook import show_end
from cardcallback.observe import training_completed
from cardcallback.record import RunRecord, Status
from cardcallback.run_folder import RunFolder
from cardcallback.run_records import RunRecords
from cardcallback.session_journal import SessionJournal
from cardcallback.settings import Settings
from cardcallback.stages import weights_marks


class Publisher:
    """Writes one run's record, pictures and card.

    Args:
        run: the run in progress.
        folder: where its files lie.
        state: the Trainer's state, read anew at every write.
        trainer: gives the trainer, or None where it was not found or is gone.
        guard: catches what fails here and turns it into sentences of the record.
        settings: whether to draw the pictures, and to print.

    ``owes`` holds until whoever ends the session has done all of it, closing line included: Ctrl-C may break it off
    anywhere, and the next who comes goes on.
    """

    def __init__(
        self,
        run: LiveRun,
        folder: RunFolder,
        *,
        state: Any,
        trainer: Callable[[], Any],
        guard: Guard,
        settings: Settings,
    ) -> None:
        self._run, self._folder, self._state = run, folder, state
        self._trainer, self._guard, self._settings = trainer, guard, settings
        self._status: Status = "running"
        self._weights_saved = self._pictures = self._ended = False
        self._journal: SessionJournal | None = None
        self._recorded: Path | None = None
        self._summarised: tuple[Path, RunRecord] | None = None
        self._records = RunRecords(run, folder.path, trainer=trainer, guard=guard)
        # Records are made and written by the main thread and by the one that ends a session for a signal.
        self._writing, self._ending = threading.Lock(), threading.Lock()
        self.card_written, self.owes = False, True
        self.record: RunRecord | None = None

    @property
    def card_path(self) -> Path:
        """Where the card lies."""
        return self._folder.card_path

    def keep_what_was_there(self) -> None:
        """Before anyone overwrites it: the person's card, or the one of a completed run."""
        living: frozenset[str] = frozenset()
        with self._guard("look for another run in the folder"):
            living = living_runs(self._folder.path, self._settings.journal_directory)
            self._guard.tell([BESIDE_ANOTHER] if living else [])
        with self._guard("keep the card that was there"):
            self._folder.begin(living)
        with self._guard("sum up the earlier runs in the folder"):
            note = self._folder.unfinished_runs_note(self._run.earlier_sessions)
            self._run.notes.extend([] if note is None else [note])
        with self._guard("follow the checkpoints and the saved weights"):
            # A checkpoint that a signal asks for comes without the event.
            watch_checkpoints(self._trainer(), on_saved=self._checkpoint_is_there, guard=self._guard)
            watch_saves(self._trainer(), on_saved=self.model_saved, guard=self._guard)
        with self._guard("begin the journal"):
            self._journal = SessionJournal(
                self._run,
                self._folder.path,
                self._settings,
                record=self._in_progress,
                step=lambda: int(self._state.global_step),
                guard=self._guard,
            )

    def checkpoint_saved(self) -> None:
        """A record in progress goes beside every checkpoint; the card is left to whoever writes it."""
        self._weights_saved = True
        with self._guard("write the record into the checkpoint"):
            record = self._record_now("write the record in progress")
            if self._trainer() is None:  # one that was found tells of each checkpoint itself
                self._write_summary(record)
        if self._journal is not None:
            with self._guard("bring the journal up to the checkpoint"):
                self._journal.saved()

    def keep_interrupted(self) -> None:
        """The process may end at any moment: a record that says so; measuring goes on and a later one replaces it."""
        with self._guard("write the record of an interrupted run"), self._writing:
            if not self._run.finished:  # asked here, since the run's own end may have been waited for
                decided = self._status if self._status != "running" else "interrupted"
                self._write_record(self._current(decided), finished=False)

    def end_interrupted(self) -> None:
        """Measuring is over and so is the process: the record first, since pictures may take too long."""
        if not self._run.finished:
            self.keep_interrupted()
        self.end("interrupted", self._state)
        self.leave()

    def tell_end(self) -> None:
        """Print the closing line, or show it with the figures in a notebook."""
        if self.record is None:
            return
        journal = None if self._recorded or self._journal is None else self._journal.recoverable_in()
        written = self.card_written
        line = end_line(self.record, self.card_path, written=written, file=self._recorded, journal_folder=journal)
        show_end(self.record, line, self._settings)

    def before_push(self) -> None:
        """The folder is about to be uploaded with this run's weights."""
        with self._guard("complete the card before a push"):
            self._folder.weights_are_ours()
            self._write_everything()

    def evaluated_afterwards(self, state: Any) -> None:
        """The held-out set was evaluated after the end: the card is rendered again, if it is this run's."""
        self._state = state
        with self._guard("add a later evaluation to the card"):
            self._write_what_may_change()

    def card_about_to_change(self) -> None:
        """Someone is about to write the card: keep what a person wrote into it since we did."""
        with self._guard("keep what was written into the card"):
            self._folder.notice_edits()

    def leave(self) -> None:
        """The process ends: what others told later, or a full disk refused, is written, a spoiled card put back."""
        with self._guard("take up what others of the job told later"):
            if (self._run.node is not None and self._run.node.hears_more()) or (self._ended and self._recorded is None):
                self._write_what_may_change()
        with self._guard("put the person's card back"):
            self._folder.put_original_back()

    def card_rewritten(self, card: Path) -> None:
        """Someone else just wrote ``card``: complete it, or put back the one that still holds."""
        with self._guard("complete a card that was rewritten"):
            if card.resolve() != self._folder.card_path.resolve():
                self._folder.complete_other_card(card, self.record or self._current())
            elif self._folder.is_left_to_newer_run or (not self._run.finished and self._folder.keeps_earlier_card):
                self._folder.restore_earlier_card()
            else:
                record = self._write_card(self.record or self._current())
                if self.record is not None and record.card != self.record.card:
                    with self._writing:
                        self.record = self._records.with_sentences(record)
                        self._write_record(self.record, finished=True)

    def end(self, status: Status, state: Any) -> None:
        """Measuring is over; an interrupted run never replaces the card of a completed one.

        One that was broken off is gone through again, with the status that it began with. Nothing is done where
        another thread is at it, or where all is done.
        """
        if not self._ending.acquire(blocking=False):
            return
        try:
            if not self._ended:
                self._decide(status, state)
                self._end()
                self._ended = True
        finally:
            self._ending.release()

    def _decide(self, status: Status, state: Any) -> None:
        if self._status == "running":
            # A search ends a trial that it gives up with the event of a completed one, without its closing summary.
            pruned = getattr(state, "is_hyper_param_search", False) and not training_completed(state.log_history)
            self._status, self._state = "interrupted" if pruned else status, state

    def _end(self) -> None:
        with self._guard("stop measuring"):
            self._run.stop_recording()
        with self._guard("complete the card"):
            if self._status == "completed":
                self._folder.weights_are_ours()
            self._write_what_may_change()
        if self._journal is not None:
            with self._guard("close the journal"):
                self._journal.close(recorded=self._recorded is not None)

    def model_saved(self, folder: Path) -> None:
        """What is saved after the end is this run's, and its record tells the files: a later stage looks for them."""
        if saves_checkpoint(self._trainer()):
            self._checkpoint_is_there()  # before the trainer's state, with which a resume goes on
        if not self._run.finished or folder.resolve() != self._folder.path.resolve():
            return
        marks = weights_marks(folder)
        is_known = marks == self._records.marks and self._folder.has_main_record
        self._records.marks, self._weights_saved = marks, True
        if self.record is not None and not is_known:
            self._folder.weights_are_ours()
            self._write_everything()

    def _checkpoint_is_there(self) -> None:
        self._weights_saved = True
        with self._guard("write the record into the checkpoint"):
            self._write_summary(self._current())

    def _write_what_may_change(self) -> None:
        # A card describes weights: one of this run only where this run's weights are. One that stands must not
        # go on saying that the run is in progress.
        has_card = self._weights_saved or self.card_written
        if (self._status == "completed" or has_card) and not self._folder.keeps_earlier_card:
            self._write_everything()
            return
        self._folder.restore_earlier_card()
        self.record = self._record_now("write the record")

    def _record_now(self, task: str) -> RunRecord:
        """Make a record and write it, so that no earlier one is written after it; ``task`` is told if that fails."""
        with self._writing:
            finished = self._run.finished
            record = self._current()
            with self._guard(task):
                self._write_record(record, finished=finished)
        return record

    def _write_record(self, record: RunRecord, *, finished: bool) -> None:
        """Write it, ``finished`` being whether measuring had ended when it was made; the lock is held."""
        if finished or not self._run.finished:  # else the last one is written by whoever ended the run meanwhile
            path = self._folder.write_record(record)
            self._recorded = path if finished else None

    def _in_progress(self) -> RunRecord:
        # A journal whose record cannot be written keeps how the run ended.
        return self._records.in_progress(self._state, status=self._status if self._run.finished else "running")

    def _current(self, status: Status | None = None) -> RunRecord:
        return self._records.now(self._state, status or self._status)

    def _write_everything(self) -> None:
        finished = self._run.finished
        record = self._record_now("write the record")
        if finished and self._settings.charts:
            with self._guard("draw the pictures"):
                self._pictures = self._folder.draw(record)
        self.card_about_to_change()
        with self._guard("write the card"):
            self.card_written = False
            record = self._write_card(record)
        with self._guard("write the record"), self._writing:
            record = self._records.with_sentences(record)
            self._write_record(record, finished=finished)
        if saves_checkpoint(self._trainer()):  # before it is uploaded; the event comes after that
            with self._guard("write the record into the checkpoint"):
                self._write_summary(record)
        # While running, the next card is of a later moment; at the end it is this one.
        self.record = record if self._run.finished else None

    def _write_card(self, record: RunRecord) -> RunRecord:
        composed = self._folder.write_card(record, pictures=self._pictures)
        self.card_written = True
        self._guard.tell(composed.report.warnings)
        return msgspec.structs.replace(record, card=composed.card)

    def _write_summary(self, record: RunRecord) -> None:
        trainer = self._trainer()
        checkpoint = checkpoint_folder(trainer, self._folder.path, record.sessions[-1].last_step)
        if self._summarised != (checkpoint, record) or not self._folder.has_summary(checkpoint):
            self._folder.write_summary(record, checkpoint, uploaded=uploads_checkpoints(trainer))
            self._summarised = checkpoint, record
