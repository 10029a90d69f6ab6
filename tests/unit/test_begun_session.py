"""The first moments of a session: what a kill leaves of it, and what an interrupt does not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from found_runs import ls
from test_live_run import TwoGpus, has_read
from test_publisher import STATE

from cardcallback.guard import Guard
from cardcallback.journal import Recovered, journals_in, read_journal
from cardcallback.live_run import LiveRun
from cardcallback.node_publisher import begin_session, publisher_for
from cardcallback.processes import Place
from cardcallback.recorder import BackgroundOpening
from cardcallback.sensors import Quantity, SensorSet
from cardcallback.settings import Settings
from cardcallback.testing import FakeClock

# Bounds a wait that is over at once where nothing is wrong.
LONG_SECONDS = 30.0


def test_a_run_is_known_before_any_driver_has_answered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Killed there it is listed, with no energy and why; the first line with readings is newer, however soon."""
    machine, answers = TwoGpus(), threading.Event()
    quantities: tuple[Quantity, ...] = ("gpu_energy", "gpu_power")
    opening = BackgroundOpening(
        lambda: machine.set if answers.wait(30) else SensorSet(), machine.clock, quantities=quantities
    )
    args = SimpleNamespace(output_dir=str(tmp_path), device="cpu", n_gpu=0, world_size=1)
    run = LiveRun(Settings(), clock=machine.clock, system_root=tmp_path)
    publisher = publisher_for(run, args, Settings(), Place(), state=STATE, trainer=lambda: None, guard=Guard())
    killed, listed = [], []

    def measure(ready: Callable[[], None]) -> None:
        def before_the_driver() -> None:
            machine.clock.advance(0.5)  # no time of the session, which is still to begin
            ready()
            killed.append(recovered_when_there(tmp_path))
            listed.append(ls(capsys, tmp_path))
            answers.set()
            assert opening.result(30) is not None

        run.start_recording((opening,), {}, args, None, first=True, ready=before_the_driver)

    begin_session(run, publisher, measure)
    record = killed[0].record
    assert (record.run_id, record.status, record.duration_seconds) == (run.run_id, "interrupted", 0.0)
    assert (record.sessions[0].session_id, record.sessions[0].first_step) == (run.session_id, STATE.global_step)
    assert record.energy.gpu.reason == "the driver had not answered yet"
    assert any("before anything was measured" in note for note in record.notes)
    assert "unfinished" in listed[0]
    assert has_read(run)
    machine.clock.advance(0.1)
    publisher.journal.saved()
    newer = recovered_when_there(tmp_path, lambda found: found.record.energy.gpu.value is not None)
    assert newer.record.duration_seconds == pytest.approx(0.1)
    publisher.journal.close(recorded=True)


def recovered_when_there(folder: Path, is_wanted: Callable[[Recovered], bool] = lambda _: True) -> Recovered:
    """What the journal in ``folder`` tells, once it does; its thread is a real one."""
    deadline = time.monotonic() + LONG_SECONDS
    while time.monotonic() < deadline:
        found = next(filter(None, map(read_journal, journals_in(folder))), None)
        if found is not None and is_wanted(found):
            return found
        time.sleep(0.001)
    pytest.fail("the journal does not come to tell it")


def test_a_begin_that_is_broken_off_leaves_no_journal(tmp_path: Path) -> None:
    """Ctrl-C as the first readings are waited for: whoever ends that run begins it anew."""
    run = LiveRun(Settings(), clock=FakeClock(), system_root=tmp_path)
    args = SimpleNamespace(output_dir=str(tmp_path), device="cpu", n_gpu=0, world_size=1)
    publisher = publisher_for(run, args, Settings(), Place(), state=STATE, trainer=lambda: None, guard=Guard())

    def measure(ready: Callable[[], None]) -> None:
        def pressed() -> None:
            ready()
            recovered_when_there(tmp_path)
            raise KeyboardInterrupt

        run.start_recording((), {}, args, None, first=True, ready=pressed)

    with pytest.raises(KeyboardInterrupt):
        begin_session(run, publisher, measure)
    for thread in threading.enumerate():
        if thread.name == "cardcallback-journal":
            thread.join(30)
    assert journals_in(tmp_path) == []
