"""When which file of a run may change: a card describes weights, a record describes the run so far."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from cardcallback.console import end_line
from cardcallback.folder_work import FolderWork
from cardcallback.guard import Guard
from cardcallback.hooks import checkpoint_folder, saves_checkpoint, uploads_checkpoints, watch_checkpoints, watch_saves
from cardcallback.journal import journals_in
from cardcallback.journal.places import ListJournals
from cardcallback.live_run import LiveRun
from cardcallback.neighbours import begin_beside_others
from cardcallback.notebook import show_end
from cardcallback.observe import training_completed
from cardcallback.record import RunRecord, Status
from cardcallback.run_files import RunFiles
from cardcallback.run_folder import RunFolder
from cardcallback.run_records import RunRecords
from cardcallback.session_journal import SessionJournal
from cardcallback.settings import Settings
from cardcallback.stages import weights_marks
from cardcallback.writing import real_path

# To draw pictures takes longer than a disk that answers, on a machine with much else to do.
_PICTURES_SECONDS = 60.0


class Publisher:
    """Writes one run's record, pictures and card, in the thread that has the folder, for which nobody waits for long.

    Args:
        run: the run in progress.
        folder: where its files lie.
        state: the Trainer's state, read anew at every write.
        trainer: gives the trainer, or None where it was not found or is gone.
        guard: catches what fails here and turns it into sentences of the record.
        settings: whether to draw the pictures, and to print.
        work: does what is to be done in the folder.

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
        work: FolderWork | None = None,
    ) -> None:
        self._run, self._folder, self._state = run, folder, state
        self._trainer, self._guard, self._settings = trainer, guard, settings
        self._status: Status = "running"
        self._work = work or FolderWork(guard)
        self._weights_saved = self._lacks_pictures = self._ended = self._end_written = False
        self.journal = SessionJournal(
            run,
            folder.path,
            settings,
            record=self._in_progress,
            step=lambda: int(self._state.global_step),
            guard=guard,
            work=self._work,
        )
        self._summarised: tuple[Path, RunRecord] | None = None
        self._records = RunRecords(run, folder.path, trainer=trainer, guard=guard)
        self._files = RunFiles(run, folder, self._records, guard=guard, work=self._work)
        self._end_tries, self._ending, self.owes = 0, threading.Lock(), True
        self.record: RunRecord | None = None

    @property
    def card_path(self) -> Path:
        """Where the card lies."""
        return self._folder.card_path

    @property
    def card_written(self) -> bool:
        """Whether the card tells of this run."""
        return self._files.card_written

    def keep_what_was_there(self, journals: ListJournals = journals_in) -> None:
        """Before anyone overwrites it: the person's card, or a completed run's; ``journals`` lists a folder's."""
        begin = partial(begin_beside_others, self._run, self._folder, self._settings, self._guard, journals)
        self._work.do("look at what is in the output folder", begin, None)
        with self._guard("follow the checkpoints and the saved weights"):
            # A checkpoint that a signal asks for comes without the event.
            watch_checkpoints(self._trainer(), on_saved=self._checkpoint_is_there, guard=self._guard)
            watch_saves(self._trainer(), on_saved=self.model_saved, guard=self._guard)
        self.journal.measured()

    def checkpoint_saved(self) -> None:
        """A record in progress goes beside every checkpoint; the card is left to whoever writes it.

        Training waits for the disk only for what is in the checkpoint.
        """
        if self._trainer() is None:  # one that was found tells of each checkpoint itself
            self._checkpoint_is_there()
        self._weights_saved = True
        self.journal.saved()
        self._work.hand("write the record in progress", self._write_in_progress)

    def keep_interrupted(self) -> None:
        """The process may end at any moment: a record that says so; measuring goes on and a later one replaces it."""
        status = self._status if self._status != "running" else "interrupted"
        write = partial(self._files.record_unless_finished, partial(self._current, status))
        self._do("write the record of an interrupted run", write, status)

    def end_interrupted(self) -> None:
        """Measuring is over and so is the process: the record first; the pictures are for ``add_pictures``."""
        if not self._run.finished:
            self.keep_interrupted()
        self._end_once("interrupted", self._state, draws=False)
        self._leave()

    def tell_end(self) -> None:
        """Print the closing line, or show it with the figures in a notebook."""
        record = self.record
        if record is None and self._run.finished and self._run.node is None:  # the folder did not answer
            record = self._run.record_in_progress(self._state, status=self._status)
        if record is None:
            return
        file, written = self._files.recorded, self.card_written
        journal = None if file else self.journal.recoverable_in()
        line = end_line(record, self.card_path, written=written, file=file, journal_folder=journal)
        show_end(record, line, self._settings)

    def before_push(self) -> None:
        """The folder is about to be uploaded with this run's weights."""
        complete = partial(self._complete_for_ours, in_checkpoint=saves_checkpoint(self._trainer()))
        self._do("complete the card before a push", complete, is_last=self._run.finished)
        self.add_pictures()

    def evaluated_afterwards(self, state: Any) -> None:
        """The held-out set was evaluated after the end: the card is rendered again, if it is this run's."""
        self._state = state
        self._do("add a later evaluation to the card", self._write_what_may_change)
        self.add_pictures()

    def card_about_to_change(self) -> None:
        """Someone is about to write the card: keep what a person wrote into it since we did."""
        self._work.do("keep what was written into the card", self._folder.notice_edits, None)

    def leave(self) -> None:
        """The process ends: what others told later, or a full disk refused, is written, a spoiled card put back."""
        self._leave()
        self.add_pictures()

    def _leave(self) -> None:
        self._do("take up what others of the job told later", self._take_up, is_last=True)
        self._work.do("put the person's card back", self._folder.put_original_back, None)

    def _take_up(self) -> None:
        if (self._ended and self._files.end_owed) or (self._run.node is not None and self._run.node.hears_more()):
            self._write_what_may_change()

    def card_rewritten(self, card: Path) -> None:
        """Someone else just wrote ``card``: complete it, or put back the one that still holds."""
        self._do("complete a card that was rewritten", partial(self._complete_rewritten, card))

    def _complete_rewritten(self, card: Path) -> None:
        with self._folder.alone():
            if real_path(card) != real_path(self._folder.card_path):
                self._folder.complete_other_card(card, self.record or self._current())
            elif (not self._run.finished and self._folder.has_earlier_card) or self._folder.is_left_to_newer_run:
                self._folder.restore_earlier_card()
            else:
                record = self._files.rewritten_card(self.record or self._current())
                if self.record is not None and record.card != self.record.card:
                    self.record = self._files.record_now(lambda: self._records.with_sentences(record))

    def end(self, status: Status, state: Any) -> None:
        """Measuring is over; an interrupted run never replaces the card of a completed one.

        One that was broken off is gone through again, with the status that it began with. Nothing is done where
        another thread is at it, or where all is done.
        """
        self._end_once(status, state, draws=True)

    def add_pictures(self) -> None:
        """Draw them once record and card are whole: that may take longer than there is time."""
        if self._lacks_pictures:
            self._work.do("draw the pictures", self._draw, None, seconds=_PICTURES_SECONDS, is_last=True)

    def _draw(self) -> None:
        if self.record is not None and self._lacks_pictures and not self._folder.is_left_to_newer_run:
            self.record, self._lacks_pictures = self._files.with_pictures(self.record), False

    def _end_once(self, status: Status, state: Any, *, draws: bool) -> None:
        if not self._ending.acquire(blocking=False):
            return
        try:
            if not self._ended:
                self._decide(status, state)
                self._end()
                if draws:
                    self.add_pictures()
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
        self._end_tries += 1
        self._do("complete the card", self._write_end, is_last=True)
        self.journal.close(recorded=self._files.recorded is not None)

    def _write_end(self) -> None:
        if self._end_written:
            return  # whoever waited for it was broken off
        # One that was broken off may be gone on with long after a newer run's end, as when the process leaves.
        is_late = self._end_tries > 1 and self._folder.is_left_to_newer_run
        self._complete_for_ours() if self._status == "completed" and not is_late else self._write_what_may_change()
        self._work.require_wanted()
        self._end_written = True

    def _complete_for_ours(self, *, in_checkpoint: bool = False) -> None:
        with self._folder.alone():
            self._folder.weights_are_ours(self._work.require_wanted)
            self._write_everything(in_checkpoint=in_checkpoint)

    def model_saved(self, folder: Path) -> None:
        """What is saved after the end is this run's, and its record tells the files: a later stage looks for them."""
        if saves_checkpoint(self._trainer()):
            self._checkpoint_is_there()  # before the trainer's state, with which a resume goes on
        if self._run.finished:
            self._do("tell of the weights that were saved", partial(self._tell_weights, folder), is_last=True)
            self.add_pictures()

    def _tell_weights(self, folder: Path) -> None:
        if folder.resolve() != self._folder.path.resolve():
            return
        marks = weights_marks(folder)
        is_known = marks == self._records.marks and self._folder.has_main_record
        self._records.marks, self._weights_saved = marks, True
        if self.record is not None and not is_known:
            self._complete_for_ours()

    def _checkpoint_is_there(self) -> None:
        self._weights_saved = True
        self._do("write the record into the checkpoint", lambda: self._write_summary(self._current()))

    def _do(self, task: str, act: Callable[[], None], status: Status | None = None, *, is_last: bool = False) -> None:
        with self._guard("read how far training is"):  # in this thread, which may wait for the device
            self._records.progress(self._state, status or self._status)
        self._work.do(task, act, None, is_last=is_last)

    def _write_what_may_change(self) -> None:
        # A card describes weights: one of this run only where this run's weights are. One that stands must not
        # go on saying that the run is in progress.
        has_card = self._weights_saved or self.card_written
        with self._folder.alone():
            if (self._status == "completed" or has_card) and not self._folder.keeps_earlier_card:
                self._write_everything()
                return
            self._folder.restore_earlier_card()
            self.record = self._files.record_now(self._current)

    def _write_in_progress(self) -> None:
        self._files.record_unless_finished(self._in_progress)

    def _in_progress(self) -> RunRecord:
        # A journal whose record cannot be written keeps how the run ended.
        return self._records.in_progress(self._state, status=self._status if self._run.finished else "running")

    def _current(self, status: Status | None = None) -> RunRecord:
        return self._records.now(self._state, status or self._status)

    def _write_everything(self, *, in_checkpoint: bool = False) -> None:
        record, finished = self._files.record_and_card(self._current)
        if in_checkpoint:  # before it is uploaded; the event comes after that
            with self._guard("write the record into the checkpoint"):
                self._write_summary(record)
        if finished:  # while running, the next card is of a later moment; now it is this one
            self.record, self._lacks_pictures = record, self._settings.charts

    def _write_summary(self, record: RunRecord) -> None:
        trainer = self._trainer()
        checkpoint = checkpoint_folder(trainer, self._folder.path, record.sessions[-1].last_step)
        if self._summarised != (checkpoint, record) or not self._folder.has_summary(checkpoint):
            self._folder.write_summary(record, checkpoint, uploaded=uploads_checkpoints(trainer))
            self._summarised = checkpoint, record
