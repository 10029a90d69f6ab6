"""A session's journal: what it is fed with, and when it may go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cardcallback.guard import Guard
from cardcallback.journal import JournalKeeper, Progress, copy_path, journal_path, progress_of
from cardcallback.live_run import LiveRun
from cardcallback.record import RunRecord
from cardcallback.recorder import SystemClock
from cardcallback.settings import Settings


class SessionJournal:
    """Keeps the journal of a session that runs, in its output folder or on the computer's own disk.

    Args:
        run: the session.
        output_dir: where its files are written.
        settings: of the person.
        record: the record in progress, to be asked in the journal's own thread.
        step: the optimiser step that was reached, likewise.
        guard: catches what fails here.
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
    ) -> None:
        self._run = run
        self._step = step
        elsewhere = settings.journal_directory
        self._keeper = JournalKeeper(
            journal_path(elsewhere or output_dir, run.run_id, run.session_id),
            copy=None if elsewhere is None else copy_path(output_dir, run.run_id, run.session_id),
            progress=self._progress,
            snapshot=record,
            guard=guard,
            clock=SystemClock(),
            card=settings.card,
            publish=settings.publish,
        )
        self._keeper.start()

    def saved(self) -> None:
        """Weights were saved: the journal is to know all of the run until here, beside them."""
        self._keeper.saved()

    def close(self, *, recorded: bool) -> None:
        """The session is over; ``recorded``: its record is on disk, so that the journal may go."""
        self._keeper.close(final=recorded)

    def _progress(self) -> Progress | None:
        now = self._run.energies()
        if now is None:
            return None
        return progress_of(now.duration_seconds, now.suspended_seconds, self._step(), now.energy, now.accelerators)
