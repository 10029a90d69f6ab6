"""What a node's measurer writes where rank 0 is on another computer: a summary, and nothing that is published."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from cardcallback.earlier_stages import remember_training
from cardcallback.guard import Guard
from cardcallback.hooks import output_folder
from cardcallback.live_run import LiveRun
from cardcallback.processes.place import Place
from cardcallback.publisher import Publisher
from cardcallback.record import RunRecord, Status
from cardcallback.run_folder import RunFolder
from cardcallback.session_journal import SessionJournal
from cardcallback.settings import Settings


class NodePublisher:
    """Stands where rank 0 has its ``Publisher``; card, pictures and record are not this process's to write.

    Args:
        run: the run as it is measured on this node.
        output_dir: where its files are written.
        settings: of the person.
        state: the Trainer's state, read anew at every write.
        guard: catches what fails here.
    """

    record: RunRecord | None = None
    card_path = Path()
    card_written = False
    owes = True

    def __init__(self, run: LiveRun, output_dir: Path, settings: Settings, *, state: Any, guard: Guard) -> None:
        self._run = run
        self._state = state
        self._guard = guard
        self._status: Status = "running"
        self._left = False
        self.journal = SessionJournal(
            run,
            output_dir,
            settings,
            record=self._in_progress,
            step=lambda: int(self._state.global_step),
            guard=guard,
            work=run.work,
        )

    def checkpoint_saved(self) -> None:
        """Figures in progress, for a rank 0 that ends before this node does."""
        self._write("running")
        self.journal.saved()

    def end(self, status: Status, state: Any) -> None:
        """Measuring is over on this node; an end that was broken off keeps the status that it began with."""
        if self._status == "running":
            self._status, self._state = status, state
        with self._guard("stop measuring"):
            self._run.stop_recording()
        self._write(self._status)
        self.journal.close(recorded=self._left)

    def keep_interrupted(self) -> None:
        """The process may end at any moment: figures that say so, until later ones replace them."""
        self._write("interrupted")

    def end_interrupted(self) -> None:
        """Measuring is over on this node, and so is the process."""
        self.end("interrupted", self._state)
        if self._run.node is not None and self._run.node.hears_more():
            self._write(self._status)

    def tell_end(self) -> None:
        """Nothing: one process of the job speaks."""

    def add_pictures(self) -> None:
        """Nothing: rank 0 draws them."""

    def before_push(self) -> None:
        """Nothing: rank 0 pushes."""

    def evaluated_afterwards(self, state: Any) -> None:
        """Nothing: rank 0 keeps evaluations."""

    def card_about_to_change(self) -> None:
        """Nothing: rank 0 has the card."""

    def card_rewritten(self, card: Path) -> None:
        """Nothing: rank 0 has the card."""

    def leave(self) -> None:
        """All is done but what the disk still takes: a copy of the journal goes with it."""
        self._run.work.do("end what is written into the output folder", lambda: None, None)

    def _in_progress(self) -> RunRecord:
        return self._run.record_in_progress(self._state, status=self._status if self._run.finished else "running")

    def _write(self, status: Status) -> None:
        task = "leave this computer's figures for rank 0"
        with self._guard(task):
            if status == "interrupted":
                self._run.observed.read_tokens(may_wait=False)
        self._run.work.do(task, partial(self._leave_summary, status), None, is_last=status != "running")

    def _leave_summary(self, status: Status) -> None:
        finished = self._run.finished
        if self._run.node is None or (finished and status != self._status):
            return  # the end came while this waited for its turn, and left its own
        record = self._run.record(status, log_history=[], last_step=int(self._state.global_step))
        if finished or not self._run.finished:
            self._run.work.require_wanted()
            self._run.node.leave_summary(record)
            self._left = finished


def publisher_for(
    run: LiveRun,
    args: Any,
    settings: Settings,
    place: Place,
    *,
    state: Any,
    trainer: Callable[[], Any],
    guard: Guard,
) -> Publisher | NodePublisher:
    """Who writes in this process: card and record for rank 0, a summary for the measurer of another computer."""
    if not place.writes:
        return NodePublisher(run, output_folder(args), settings, state=state, guard=guard)
    run.observed.begins_at(int(state.global_step))
    folder = RunFolder.by_settings(output_folder(args), run.run_id, settings)
    return Publisher(run, folder, state=state, trainer=trainer, guard=guard, settings=settings, work=run.work)


def begin_session(run: LiveRun, publisher: Publisher | NodePublisher, measure: Callable[..., None]) -> None:
    """Begin the journal, and to measure; whatever is raised leaves nothing behind that goes on.

    Args:
        run: what is measured.
        publisher: who writes its files.
        measure: begins that, and calls ``ready`` once there is a record.
    """
    try:
        measure(ready=publisher.journal.begin)
        if isinstance(publisher, NodePublisher):
            publisher.journal.measured()
    except BaseException:  # whatever it is goes on up; nobody else would end these threads
        run.give_up()
        publisher.journal.close(recorded=True)
        raise


def end_session(run: LiveRun, publisher: Publisher | NodePublisher, status: Status, state: Any, *, tells: bool) -> None:
    """Do what a session's end still owes; nothing once that is all done.

    Args:
        run: what was measured.
        publisher: who writes its files.
        status: how it ended; an end that was broken off keeps its own.
        state: the Trainer's.
        tells: whether to print the closing line.
    """
    if not publisher.owes:
        return
    publisher.end(status, state)
    remember_training(run.observed.model, publisher.record)
    if tells:
        publisher.tell_end()
    publisher.owes = False
    run.work.rest()
