"""What the next session goes on from: a checkpoint's run, an attempt that was given up, or nothing."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cardcallback.folder_work import FolderWork
from cardcallback.guard import Guard
from cardcallback.hooks import ResumesFrom, output_folder, watch_resume
from cardcallback.journal import journals_in
from cardcallback.journal.places import ListJournals
from cardcallback.neighbours import living_runs
from cardcallback.record import RunRecord
from cardcallback.recovery import killed_accounts, recover_before
from cardcallback.sessions import Lineage, agreeing_checkpoint, earlier_sessions, folders_before, last_checkpoint
from cardcallback.settings import Settings


class Resuming:
    """Follows what one callback's trainer resumes from, from one ``train()`` to the next.

    ``journals`` lists those of a folder as they were when the newest session began: once, also on a slow disk.
    """

    def __init__(self, guard: Guard, settings: Settings) -> None:
        self._guard = guard
        self._settings = settings
        self._checkpoint: ResumesFrom = None
        self._called = False
        self._lineage = Lineage()
        self.journals: ListJournals = journals_in

    def watch(self, trainer: Any, *, takes_up: Callable[[], bool]) -> None:
        """See the checkpoint that this trainer resumes from, in its next ``train()`` that is taken up."""

        def called(checkpoint: ResumesFrom) -> None:
            if takes_up():
                self.train_called(checkpoint)

        watch_resume(trainer, on_checkpoint=called, guard=self._guard)

    def train_called(self, checkpoint: ResumesFrom) -> None:
        """``train()`` was called, to go on from that checkpoint, from the last one or from none."""
        self._checkpoint, self._called = checkpoint, True

    def lineage(
        self, args: Any, state: Any, before: RunRecord | None, *, recovers: bool, work: FolderWork | None = None
    ) -> Lineage:
        """The run that the session which begins now is of; the same until ``begun`` is called.

        Args:
            args: the training arguments.
            state: the Trainer's state at the begin.
            before: the record of this callback's session before, if there was one.
            recovers: whether runs that were killed in the output folder are this process's to recover.
            work: does it, for as long as it may take.
        """
        self.journals = functools.cache(journals_in)
        # What it is to go on from as of now: a folder may answer when the next training has been called.
        find = functools.partial(
            self._find, output_folder(args), args, state, before, wanted=self._checkpoint, recovers=recovers
        )
        return find() if work is None else work.do("find the sessions before this one", find, Lineage())

    def _find(
        self,
        folder: Path,
        args: Any,
        state: Any,
        before: RunRecord | None,
        *,
        wanted: ResumesFrom,
        recovers: bool,
    ) -> Lineage:
        if recovers:
            with self._guard("recover a run that was killed in this folder"):
                recover_before(folder, self._settings, journals=self.journals)
        lineage = Lineage()
        with self._guard("find the sessions before this one"):
            if before is not None and self._is_given_up(args, before):
                lineage = self._lineage.after_attempt(before)
            elif (checkpoint := last_checkpoint(folder) if wanted is True else wanted) or state.global_step > 0:
                # One that is added while train() runs has not seen what it was called with.
                checkpoint = checkpoint or agreeing_checkpoint(folder, state)
                lineage = earlier_sessions(checkpoint, folder, step=int(state.global_step), killed=self._killed)
                if self._lives(lineage.run_id, checkpoint, folder):
                    lineage = lineage.as_branch()
        return lineage

    def begun(self, lineage: Lineage) -> None:
        """A session of that run has begun: whatever begins next is another one."""
        self._lineage, self._checkpoint, self._called = lineage, None, False

    @property
    def awaits_begin(self) -> bool:
        """Whether ``train()`` was called and no session has begun since."""
        return self._called

    def forget(self) -> None:
        """What ``train()`` was asked to resume from was never loaded: the next session is no part of that run."""
        self._checkpoint = None

    def _is_given_up(self, args: Any, before: RunRecord) -> bool:
        # auto_find_batch_size begins again inside one train(), with a smaller batch.
        again = bool(getattr(args, "auto_find_batch_size", False)) and not self._called
        return again and before.status == "interrupted"

    def _killed(self, folder: Path, run_id: str) -> list[RunRecord]:
        return killed_accounts(folder, run_id, self._settings.journal_directory)

    def _lives(self, run_id: str, checkpoint: Path | None, output_dir: Path) -> bool:
        """Whether another process goes on with the run, here or where the checkpoint lies."""
        before = [] if checkpoint is None else folders_before(checkpoint, output_dir)
        disk = self._settings.journal_directory
        return any(run_id in living_runs(one, disk, self.journals) for one in (output_dir, *before))
