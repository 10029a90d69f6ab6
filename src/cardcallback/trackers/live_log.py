"""Live figures in what reporters log, and the summary when the run ends.

The figures stand in the trainer's log only while one reporter reads it: they are put in right before and taken out
right after, so that the log's history, progress bars and everybody else's callbacks never meet them. The list of
callbacks, the order of events and the dictionary that all of them share stay what they are.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from cardcallback.console import say
from cardcallback.guard import Guard
from cardcallback.hooks.wrapping import Call, Hook, watch_method
from cardcallback.live_run import LiveRun
from cardcallback.record import RunRecord
from cardcallback.settings import Settings
from cardcallback.trackers.names import named
from cardcallback.trackers.reporters import prefixes_names, reporters_of
from cardcallback.trackers.sending import Send, sender_of
from cardcallback.trackers.summary import run_summary

_NO_TRAINER = "the trainer was not found: use attach(trainer, log_metrics=True)"
_NO_REPORTER = "the trainer reports to no tracker: set report_to in its arguments"


class LiveLog:
    """Follows the reporters of one trainer at a time.

    Args:
        guard: catches what fails here.
        settings: of the person; where live figures were not asked for nothing at all is done.
        end: ends the session; called at the trainer's ``on_train_end`` before any tracker closes its run.
    """

    def __init__(self, guard: Guard, settings: Settings, *, end: Callable[[Any], None]) -> None:
        self._guard = guard
        self._settings = settings
        self._end = end
        self._run: LiveRun | None = None
        self._trainer: Callable[[], Any] = lambda: None
        self._followed: list[weakref.ref[Any]] = []
        self._senders: dict[int, Send] = {}
        self._log: Any = None
        self._figures: dict[str, float] = {}
        self._added: list[str] = []

    def begin(self, run: LiveRun, trainer: Callable[[], Any]) -> None:
        """Show this run's figures from now on; ``trainer`` gives its trainer, or None where that is not known."""
        if not self._settings.log_metrics:
            return
        self._run, self._trainer, self._senders = run, trainer, {}
        self.follow()
        if not reporters_of(trainer()):
            reason = _NO_TRAINER if trainer() is None else _NO_REPORTER
            say(f"cardcallback: log_metrics shows nothing, since {reason}", self._settings)

    def follow(self) -> None:
        """Take up the reporters that the trainer has by now; an event of a log is over."""
        self._log = None
        if self._run is None:
            return
        with self._guard("follow the trackers"):
            for reporter in reporters_of(self._trainer()):
                if not any(known() is reporter for known in self._followed):
                    self._watch(reporter)
                self._find_sender(reporter)

    def send_summary(self, record: RunRecord | None) -> None:
        """Give every open tracker what the run took; each is told once of a run."""
        senders, self._senders = self._senders, {}
        if record is None or not senders:
            return
        summary = run_summary(record)
        for send in senders.values():
            with self._guard("write the run's summary into a tracker"):
                send(summary, record.sessions[-1].last_step)

    def _watch(self, reporter: Any) -> None:
        task = "show live figures in a tracker"
        on_log = Hook(
            task=task,
            guard=self._guard,
            before=self._put_in,
            after=self._logged,
            failed=lambda call, _: self._take_out(call),
        )
        watch_method(reporter, "on_log", "live figures", on_log)
        closing = Hook(task="complete the card", guard=self._guard, before=self._closing)
        watch_method(reporter, "on_train_end", "summary", closing)
        self._followed = [known for known in self._followed if known() is not None] + [weakref.ref(reporter)]

    def _find_sender(self, reporter: Any) -> None:
        if id(reporter) not in self._senders and self._run is not None and not self._run.finished:
            sender = sender_of(reporter, self._trainer())
            if sender is not None:
                self._senders[id(reporter)] = sender

    def _put_in(self, call: Call) -> None:
        state, logs = call.argument(1, "state"), call.argument(3, "logs")
        if self._run is None or not isinstance(logs, dict) or not self._is_ours(state):
            return
        if logs is not self._log:  # the same figures for all reporters of one event
            self._figures = self._run.figures_now(state, logs, self._trainer())
            self._log = logs
        figures = named(self._figures, against_prefix=prefixes_names(call.subject))
        new = {name: value for name, value in figures.items() if name not in logs}
        self._added = list(new)
        logs.update(new)

    def _take_out(self, call: Call) -> None:
        logs = call.argument(3, "logs")
        added, self._added = self._added, []
        for name in added:
            logs.pop(name, None)

    def _logged(self, call: Call, _: Any) -> None:
        self._take_out(call)
        if self._is_ours(call.argument(1, "state")):
            self._find_sender(call.subject)

    def _closing(self, call: Call) -> None:
        state = call.argument(1, "state")
        if self._is_ours(state):
            self._end(state)

    def _is_ours(self, state: Any) -> bool:
        # A reporter may serve two trainers.
        trainer = self._trainer()
        return self._run is not None and not self._run.finished and trainer is not None and trainer.state is state
