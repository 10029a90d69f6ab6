"""A session's journal: what it is fed with, and when it may go."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from cardcallback import handlers
from cardcallback.errors import CardCallbackError
from cardcallback.folder_work import FolderWork
from cardcallback.guard import Guard
from cardcallback.journal import (
    JournalKeeper,
    Progress,
    copy_path,
    journal_home,
    journal_path,
    progress_of,
    read_journal,
)
from cardcallback.live_run import LiveRun
from cardcallback.record import RunRecord
from cardcallback.recorder import SystemClock
from cardcallback.settings import Settings

# Of the session's age; together with the drivers' opening no more than training's begin may cost. A run that is killed
# in its first tenth of a second has its first line then, where the disk is no slower than most.
_FIRST_LINE_UNTIL_SECONDS = 0.025


class SessionJournal:
    """Keeps the journal of a session that runs, in its output folder or on the computer's own disk.

    Whatever it is told before it was begun it leaves alone.

    Args:
        run: the session.
        output_dir: where its files are written.
        settings: of the person.
        record: the record in progress, to be asked in the journal's own thread.
        step: the optimiser step that was reached, likewise.
        guard: catches what fails here.
        work: does what is for the output folder where the journal lies elsewhere, and reads it.
    """

    def __init__(
        self,
        run: LiveRun,
        output_dir: Path,
        settings: Settings,
        *,
        record: Callable[[], RunRecord],
        step: Callable[[], int],
        guard: Guard,
        work: FolderWork,
    ) -> None:
        self._run, self._settings, self._guard, self._work = run, settings, guard, work
        self._output_dir, self._record, self._step = output_dir, record, step
        self._keeper: JournalKeeper | None = None

    def begin(self) -> None:
        """Begin it, waiting for nothing: a run that is killed before a driver has answered is known to have begun."""
        with self._guard("begin the journal"):
            if self._keeper is None:
                self._keeper = self._new_keeper()
                self._keeper.start()

    def measured(self) -> None:
        """The first readings are there: a line that has them is waited for as long as training's begin may take."""
        self.begin()
        if self._keeper is not None:
            with self._guard("begin the journal"):
                self._keeper.request_snapshot(_FIRST_LINE_UNTIL_SECONDS - self._run.now_seconds())

    def saved(self) -> None:
        """Weights were saved: the journal is to know all of the run until here."""
        if self._keeper is not None:
            with self._guard("bring the journal up to the checkpoint"):
                self._keeper.saved()

    def close(self, *, recorded: bool) -> None:
        """The session is over; ``recorded``: its record is on disk, so that the journal may go."""
        if self._keeper is not None:
            with self._guard("close the journal"):
                self._keeper.close(final=recorded)

    def recoverable_in(self) -> Path | None:
        """The folder of which ``cardcallback recover`` can make the run's record; None where it cannot."""
        if self._keeper is None:
            return None
        path = self._keeper.path
        # A folder that does not answer has whatever was written into it before.
        otherwise = journal_home(path) if self._keeper.written_bytes else None
        return self._work.do("look for the journal", lambda: _readable_in(path), otherwise)

    def _new_keeper(self) -> JournalKeeper:
        names, settings = (self._run.run_id, self._run.session_id), self._settings
        elsewhere = _own_disk(settings.journal_directory, self._guard)
        keeper = JournalKeeper(
            journal_path(elsewhere or self._output_dir, *names),
            copy=None if elsewhere is None else copy_path(self._output_dir, *names),
            progress=self._progress,
            snapshot=self._record,
            guard=self._guard,
            clock=SystemClock(),
            card=settings.card,
            publish=settings.publish,
        )
        keeper.hand = self._work.hand
        return keeper

    def _progress(self) -> Progress | None:
        now = self._run.energies()
        if now is None:
            return None
        return progress_of(now.duration_seconds, now.suspended_seconds, self._step(), now.energy, now.accelerators)


def _readable_in(path: Path) -> Path | None:
    with handlers.suppress(CardCallbackError, OSError):  # it is gone, damaged, or not to be read
        return None if read_journal(path) is None else journal_home(path)
    return None


def _own_disk(wanted: Path | None, guard: Guard) -> Path | None:
    """The folder that a person set for journals; None, with one warning, where this computer has none to offer there.

    Training goes on: a setting made for many computers is none of this one's script.
    """
    if wanted is None:
        return None
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        usable, reason = os.access(wanted, os.W_OK | os.X_OK), "it cannot be written"
    except OSError as error:
        handlers.pass_on(error)
        usable, reason = False, error.strerror or type(error).__name__
    if usable:
        return wanted
    # The path may name a person or a computer, and this stands in the record.
    guard.tell([f"the journal is kept in the output folder, not in the journal_directory that is set ({reason})"])
    return None
