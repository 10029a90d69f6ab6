"""A process that is told to stop ends as it would have without us, and its session is ended first."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from open_files import inodes_open_here

from cardcallback.guard import Guard
from cardcallback.hooks import StopSignals
from cardcallback.hooks.wakeup import Wakeup

SCRIPT = Path(__file__).with_name("stopped_process.py")
STOPPING = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
HANDLERS = ("default", "ignored", "returns", "exits", "leaves", "raises", "faulthandler")
DEATH = ["ended", "told", "drawn"]


class End(NamedTuple):
    """How a process ended."""

    code: int
    output: str
    errors: str


def stopped(folder: Path, scene: str, signum: int, handler: str, *, chained: bool = True) -> tuple[End, list[str]]:
    """How the process of that scene ended, and what its session was asked."""
    folder.mkdir()
    arguments = [str(SCRIPT), scene, str(int(signum)), handler, str(folder), *(["chained"] if chained else [])]
    # From Python 3.12 on a fork beside threads is warned of, which is what the test is about.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    events = folder / "events"
    return (
        End(done.returncode, done.stdout, done.stderr.splitlines()[-1] if done.stderr else ""),
        events.read_text().split() if events.exists() else [],
    )


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("signum", [*STOPPING, signal.SIGINT])
def test_a_process_ends_as_without_us(tmp_path: Path, signum: signal.Signals, handler: str) -> None:
    """Exit code, output and the last line of errors are equal for each signal and each handler before ours."""
    ours, events = stopped(tmp_path / "ours", "plain", signum, handler)
    theirs, none = stopped(tmp_path / "theirs", "plain", signum, handler, chained=False)
    assert ours == theirs
    assert none == []
    if signum is signal.SIGINT or handler in {"ignored", "faulthandler"}:
        assert events == []
    elif handler == "default":
        assert (ours.code, events) == (-signum, DEATH)
    else:
        assert events == (["kept"] if signum is signal.SIGTERM else [])


@pytest.mark.parametrize(
    ("handler", "is_deaf"), [(signal.SIG_DFL, True), (signal.SIG_IGN, False), (lambda *_: None, False)]
)
def test_only_outside_the_main_thread_is_a_signal_unheard(handler: Any, *, is_deaf: bool) -> None:
    """And only where its default action is in place: the main thread's own handlers run, as ever."""
    before = signal.signal(signal.SIGTERM, handler)
    try:
        signals, heard = StopSignals(Guard(), process_id=2), []
        thread = threading.Thread(target=lambda: heard.append(signals.is_deaf))
        thread.start()
        thread.join()
        assert heard == [is_deaf]
        assert not signals.is_deaf
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("scene", ["again", "interrupted"])
def test_a_second_signal_meanwhile_changes_nothing(tmp_path: Path, scene: str) -> None:
    """SIGTERM again, or Ctrl-C, while the session is being ended: it dies of the first signal, at once."""
    end, events = stopped(tmp_path / "run", scene, signal.SIGTERM, "default")
    assert end == End(-signal.SIGTERM, "", "")
    assert set(events) <= set(DEATH)
    assert events == DEATH or scene == "interrupted"


def test_what_we_are_writing_is_finished_first(tmp_path: Path) -> None:
    """A signal inside a block of ours waits for its end, and the session is ended then."""
    end, events = stopped(tmp_path / "run", "busy", signal.SIGTERM, "default")
    assert end == End(-signal.SIGTERM, "written\n", "")
    assert events == DEATH


def test_a_session_that_ends_meanwhile_is_not_ended_again(tmp_path: Path) -> None:
    """A signal while the last files are written: they are, and then the process dies of it."""
    end, events = stopped(tmp_path / "run", "ends meanwhile", signal.SIGTERM, "default")
    assert end == End(-signal.SIGTERM, "", "")
    assert events == []


def test_a_handler_that_came_after_ours_keeps_its_process_alive(tmp_path: Path) -> None:
    """It calls nobody and stops the training in order: nothing of ours ends the process meanwhile."""
    end, events = stopped(tmp_path / "run", "on top", signal.SIGTERM, "default")
    assert end == End(0, "on top\nwent on\n", "")
    assert events == []


def test_a_handler_that_came_after_ours_may_pass_on_to_it(tmp_path: Path) -> None:
    """It decided to: the session is ended and the process dies, as by the default action that ours stands for."""
    end, events = stopped(tmp_path / "run", "on top, chaining", signal.SIGTERM, "default")
    assert end == End(-signal.SIGTERM, "on top\n", "")
    assert events == DEATH


@pytest.mark.slow
def test_a_handler_that_comes_while_we_wait_to_stand_in_keeps_its_process_alive(tmp_path: Path) -> None:
    """Seconds pass before the main thread is taken to be inside C; by then another handler is in place."""
    end, events = stopped(tmp_path / "run", "on top meanwhile", signal.SIGTERM, "default")
    assert end == End(0, "went on\n", "")
    assert events == []


def test_a_forked_childs_signal_is_the_childs(tmp_path: Path) -> None:
    """A child has nothing of ours, neither handler nor pipe, and dies as ever; its parent's session goes on."""
    end, events = stopped(tmp_path / "run", "in a child", signal.SIGUSR1, "default")
    assert end == End(0, f"clean\nchild {-signal.SIGUSR1}\nwent on\n", "")
    assert events == []


@pytest.mark.slow
@pytest.mark.parametrize(("scene", "expected"), [("in C", DEATH), ("locked", [])])
def test_nothing_keeps_a_process_alive(tmp_path: Path, scene: str, expected: list[str]) -> None:
    """A main thread inside C, or holding a lock that the session needs, costs seconds, not the death."""
    end, events = stopped(tmp_path / "run", scene, signal.SIGTERM, "default")
    assert end == End(-signal.SIGTERM, "", "")
    assert events == expected


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux lists a process's open files")
def test_a_listener_that_cannot_be_started_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a person, or a container, may have no thread more: each training would cost two descriptors."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    before = inodes_open_here()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            Wakeup(lambda _: None)
    assert inodes_open_here() <= before
