"""A run in progress, as much of it as a publisher asks for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from folder_cards import RUN_ID
from msgspec.structs import replace

from cardcallback.record import Evaluation, RunRecord
from cardcallback.testing import FakeClock, make_record

STEP = 500


class RunningRun:
    """At ``STEP``; ``made`` counts its records."""

    run_id = RUN_ID
    session_id = "first"
    finished = False
    node = None

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.made = 0
        self.observed = SimpleNamespace(progress=lambda *_, **__: None, evaluation=Evaluation())

    def now_seconds(self) -> float:
        """By a clock that a test moves."""
        return self.clock.elapsed_seconds()

    def record(self, status: Any, *, last_step: int, **_: Any) -> RunRecord:
        """The record as of now, which no other one equals."""
        self.made += 1
        return self._record(status, last_step)

    def record_in_progress(self, _: Any, *, status: Any = "running", **__: Any) -> RunRecord:
        """The last one again, for any thread."""
        return self._record(status, STEP)

    def _record(self, status: Any, last_step: int) -> RunRecord:
        made = make_record(run_id=self.run_id, status=status, duration_seconds=float(self.made))
        return replace(made, sessions=(replace(made.sessions[0], last_step=last_step),))
