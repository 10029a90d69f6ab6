"""What is done before a training begins, so that its begin waits for little and its first record is soon there."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cardcallback.early import begin_early
from cardcallback.live_run import LiveRun
from cardcallback.observe import machine_once
from cardcallback.recorder import EarlyReading, Recorder
from cardcallback.sensors import SensorSet
from cardcallback.settings import Settings
from cardcallback.testing import FakeClock

SPARK = Path(__file__).parents[1] / "fixtures" / "dgx-spark"


def test_the_computer_is_known_before_training_begins(tmp_path: Path) -> None:
    """Its files are read in the background as the callback is made, and by no first record again."""
    root = tmp_path / "root"
    shutil.copytree(SPARK, root)
    openings = begin_early({"CARDCALLBACK_SIMULATED": "1", "CARDCALLBACK_SYSTEM_ROOT": str(root)})
    for thread in threading.enumerate():
        if thread.name == "cardcallback-look":
            thread.join(60.0)
    shutil.rmtree(root)
    assert machine_once(root).name == "NVIDIA DGX Spark"
    for opening in openings:
        opening.result(60.0)


class SlowOpening:
    """Answers as late as it may."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock

    def pending(self) -> SensorSet:
        """Nothing yet."""
        return SensorSet()

    def result(self, timeout_seconds: float) -> tuple[SensorSet, EarlyReading]:
        """After all of the time that it is given."""
        self.clock.advance(timeout_seconds)
        return SensorSet(), EarlyReading()


def test_opening_and_the_first_reading_share_the_time_that_a_begin_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that takes all of its time to open leaves 10 ms for the reading: files need the rest of the 50."""
    clock, waited = FakeClock(), []
    monkeypatch.setattr(Recorder, "start", lambda _, seconds: waited.append(seconds))
    opening: Any = SlowOpening(clock)
    run = LiveRun(Settings(quiet=True), clock=clock, system_root=SPARK)
    run.start_recording([opening], {}, SimpleNamespace(output_dir="out"), None, first=True)
    assert waited == [pytest.approx(0.01)]
