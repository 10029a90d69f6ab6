"""A process that was stopped from outside is told from one whose reading thread was starved."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest
from recorded import sensor

from cardcallback.recorder import Recorder
from cardcallback.recorder.standstill import Sleeper, Standstills, Use
from cardcallback.render.section import render_section
from cardcallback.sensors import SensorSet
from cardcallback.sessions.totals import with_sessions
from cardcallback.testing import FakeClock, make_record

BUSY = 8.0  # processors that the process keeps busy while it runs
STOPPED = Use(0.0, 1, 0.0)
# What the thread sees of ten seconds more than it meant to sleep.
CAUSES = {
    "stopped": STOPPED,
    "Python's lock is held by code that sleeps": Use(0.01, 1500, 0.2),
    "Python's lock is held by code that computes": Use(10.0, 1500, 0.2),
    "no processor is free for this thread": Use(10.0 * BUSY, 1, 9.9),
    "no processor is free for the process": Use(0.1, 1, 9.9),
    "this thread alone is kept from running": Use(10.0 * BUSY, 1, 0.0),
}


class Process:
    """What a thread sees: ``BUSY`` processors at work, and what happens in a sleep that lasts longer."""

    def __init__(self, standstills: Standstills | None = None, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.standstills = standstills or Standstills()
        self._longer: tuple[float, Use] | None = None
        self._suspends = False
        self._seen = Use(0.0, 0, 0.0)
        self._sleeper = Sleeper(self.clock, self.standstills, use=self._use, sleep=self._sleep)

    def sleep(self, seconds: float, longer: float = 0.0, cause: Use = STOPPED, *, suspends: bool = False) -> None:
        """One sleep that is to last ``seconds``."""
        self._longer, self._suspends = (longer, cause), suspends
        self._sleeper.wait(seconds)

    def _use(self, _: float, *, afresh: bool = False) -> Use:
        del afresh
        return self._seen

    def _pass(self, more: Use) -> None:
        self._seen = Use(*(before + new for before, new in zip(self._seen, more, strict=True)))

    def _sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self._pass(Use(BUSY * seconds, 1, 0.001))
        longer, cause = self._longer or (0.0, STOPPED)
        if longer and self._suspends:
            self.clock.suspend(longer)
        elif longer:
            self.clock.advance(longer)
            self._pass(cause)


@pytest.mark.parametrize("cause", CAUSES)
def test_only_a_process_that_did_not_run_stood_still(cause: str) -> None:
    """The same ten seconds, of which the thread sees other things."""
    process = Process()
    for _ in range(5):
        process.sleep(0.5)
    process.sleep(0.5, 10.0, CAUSES[cause])
    assert process.standstills.seconds == pytest.approx(10.0 if cause == "stopped" else 0.0, abs=0.01)


def test_suspend_is_no_standstill() -> None:
    """It is told by the clocks."""
    process = Process()
    process.sleep(0.5, 600.0, suspends=True)
    assert process.standstills.seconds == 0.0


def test_what_two_threads_find_counts_once() -> None:
    """Their sleeps began and end at different moments; a later stop is another one."""
    clock, standstills = FakeClock(), Standstills()
    for at in (100.0, 400.0):
        standstills.add(at, at + 60.0)
        standstills.add(at - 0.5, at + 60.1)
        standstills.add(at + 0.3, at + 59.0)
    assert standstills.seconds == pytest.approx(2 * 60.6)
    (note,) = standstills.notes(clock.elapsed_seconds() - 1000.0)
    assert "did not run for at least 2 min 1 s, 2 times, first after 1 min 40 s" in note


def test_a_run_that_never_stood_still_says_nothing() -> None:
    """No note, and a duration of which nothing was stopped."""
    recording = Recorder(SensorSet(sensors=(sensor("system_memory", 8.0),)), clock=FakeClock()).stop()
    assert recording.stopped_seconds == 0.0
    assert not any("did not run" in note for note in recording.notes)


def test_the_card_says_how_much_of_the_time_it_was() -> None:
    """Beside suspend, in the row of the time; of several sessions their sum."""
    whole = make_record()
    session = msgspec.structs.replace(whole.sessions[0], stopped_seconds=90.0)
    other = msgspec.structs.replace(session, session_id="another", stopped_seconds=30.0)
    record = with_sessions(whole, (session, other))
    assert record.stopped_seconds == 120.0
    (row,) = [line for line in render_section(record).splitlines() if line.startswith("| Time |")]
    assert "the process was stopped for at least 2 min of it" in row
    assert "stopped" not in render_section(whole)


_STOPPED_FROM_OUTSIDE = """
import os, signal, time
from recorded import sensor
from cardcallback.recorder import Recorder, SystemClock
from cardcallback.sensors import SensorSet

recorder = Recorder(SensorSet(sensors=(sensor("system_memory", 8.0),)), clock=SystemClock(),
    sampling_interval_seconds=0.2)
recorder.start()
for _ in range(10):  # on a machine at work a stop may look like the want of a processor
    child = os.fork()
    if child == 0:
        os.kill(os.getppid(), signal.SIGSTOP)
        time.sleep(2.5)
        os.kill(os.getppid(), signal.SIGCONT)
        os._exit(0)
    os.waitpid(child, 0)
    deadline = time.monotonic() + 2.0
    while not recorder.standstills.seconds and time.monotonic() < deadline:
        time.sleep(0.01)
    if recorder.standstills.seconds:
        break
recording = recorder.stop()
print(recording.stopped_seconds >= 2.0, *recording.notes)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a thread's own switches")
def test_a_process_that_is_stopped_says_so() -> None:
    """As by ``kill -STOP`` or Ctrl-Z."""
    found = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", _STOPPED_FROM_OUTSIDE]
    said = subprocess.run(command, capture_output=True, text=True, check=False, env=found, timeout=120)
    assert said.stdout.startswith("True The process did not run for at least"), said.stderr
