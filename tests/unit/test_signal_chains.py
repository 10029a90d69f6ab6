"""Our handlers among those of others: what is put back, what is passed on, what is left alone."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from cardcallback.guard import Guard
from cardcallback.hooks import StopSignals
from cardcallback.hooks.os_signals import handler_address
from cardcallback.hooks.wakeup import Wakeup


class Session:
    """Notes what is asked of it, in the order of the handlers' own notes."""

    def __init__(self, told: list[str]) -> None:
        self.told = told

    def keep_interrupted(self) -> None:
        """As the publisher's."""
        self.told.append("kept")

    def end_interrupted(self) -> None:
        """As the publisher's."""
        self.told.append("ended")

    def tell_end(self) -> None:
        """As the publisher's."""
        self.told.append("told")

    def add_pictures(self) -> None:
        """As the publisher's."""
        self.told.append("drawn")


@pytest.fixture
def told() -> Iterator[list[str]]:
    """What happened; a person's handler of SIGTERM adds "theirs", and every handler is as before afterwards."""
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)}
    happened: list[str] = []
    signal.signal(signal.SIGTERM, lambda *_: happened.append("theirs"))
    yield happened
    for signum, handler in before.items():
        signal.signal(signum, handler)


def test_what_was_there_is_put_back(told: list[str]) -> None:
    """After the end the handler is the very object that was there, and the wake-up descriptor is nobody's."""
    theirs = signal.getsignal(signal.SIGTERM)
    signals = StopSignals(Guard())
    signals.install(Session(told))
    assert signal.getsignal(signal.SIGTERM) is not theirs
    signals.remove()
    assert signal.getsignal(signal.SIGTERM) is theirs
    assert signal.set_wakeup_fd(-1) == -1


def test_a_record_is_kept_before_their_handler(told: list[str]) -> None:
    """For it may leave at once; measuring goes on."""
    signals = StopSignals(Guard())
    signals.install(Session(told))
    signal.raise_signal(signal.SIGTERM)
    signals.remove()
    assert told == ["kept", "theirs"]


def test_inside_our_own_work_their_handler_is_not_kept_waiting(told: list[str]) -> None:
    """It is called at once; the record is kept when our block is left, after the outermost only."""
    guard = Guard()
    signals = StopSignals(guard)
    signals.install(Session(told))
    with guard("write"):
        with guard("write a part"):
            signal.raise_signal(signal.SIGTERM)
        told.append("written")
    signals.remove()
    assert told == ["theirs", "written", "kept"]


def test_a_signal_while_the_session_begins_is_the_sessions(told: list[str]) -> None:
    """Ours are in place before there is a session to end; what came meanwhile reaches it when it is there."""
    guard = Guard()
    signals = StopSignals(guard)
    with guard("begin"):
        signals.install()
        signal.raise_signal(signal.SIGTERM)
        signals.ends(Session(told))
    signals.remove()
    assert told == ["theirs", "kept"]


def test_a_signal_before_there_is_a_session_reaches_their_handler(told: list[str]) -> None:
    """A begin that failed leaves nothing to keep."""
    signals = StopSignals(Guard())
    signals.install()
    signal.raise_signal(signal.SIGTERM)
    signals.remove()
    assert told == ["theirs"]


def test_what_another_thread_leaves_in_place_is_put_back_in_a_child(told: list[str]) -> None:
    """Only the main thread may take handlers off; until then what a child receives must not be heard of here."""
    signals = StopSignals(Guard())
    signals.install(Session(told))
    elsewhere = threading.Thread(target=signals.remove)
    elsewhere.start()
    elsewhere.join()
    child = os.fork()
    if child == 0:
        os._exit(0 if signal.set_wakeup_fd(-1) == -1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    signals.remove()


def test_a_descriptor_that_is_another_files_by_now_is_left_alone(tmp_path: Path) -> None:
    """A process may close all that it has open, as daemons do, and another file have the number since."""
    wakeup = Wakeup(lambda _: None)
    other = tmp_path / "other.bin"
    opened = os.open(other, os.O_WRONLY | os.O_CREAT)
    taken = os.dup2(opened, wakeup._write_end)
    os.close(opened)
    wakeup.close()
    os.close(taken)  # open still
    assert other.read_bytes() == b""


def test_a_later_handler_is_left_in_place_and_may_call_ours(told: list[str]) -> None:
    """One that was installed on top stays after our end; what it passes to ours reaches the one before."""
    signals = StopSignals(Guard())
    signals.install(Session(told))
    ours = signal.getsignal(signal.SIGTERM)
    assert callable(ours)

    def on_top(signum: int, frame: object) -> None:
        told.append("on top")
        ours(signum, frame)

    signal.signal(signal.SIGTERM, on_top)
    signals.remove()
    assert signal.getsignal(signal.SIGTERM) is on_top
    signal.raise_signal(signal.SIGTERM)
    assert told == ["on top", "theirs"]


def test_a_second_training_under_their_handler_does_not_call_in_circles(told: list[str]) -> None:
    """Installed again on top of a handler that calls our first one, each is called once."""
    signals = StopSignals(Guard())
    signals.install(Session(told))
    ours = signal.getsignal(signal.SIGTERM)
    assert callable(ours)
    signal.signal(signal.SIGTERM, lambda *about: (told.append("on top"), ours(*about)))
    signals.install(Session(told))
    signal.raise_signal(signal.SIGTERM)
    signals.remove()
    assert told == ["kept", "on top", "theirs"]


def test_a_handler_in_c_that_came_later_is_left_in_place(told: list[str]) -> None:
    """A C handler replaces ours without Python's table knowing; it is not undone."""
    signals = StopSignals(Guard())
    signals.install(Session(told))
    faulthandler.register(signal.SIGUSR1)
    address = handler_address(signal.SIGUSR1)
    try:
        signals.remove()
        assert handler_address(signal.SIGUSR1) == address
    finally:
        faulthandler.unregister(signal.SIGUSR1)


def test_elsewhere_than_in_the_main_thread_nothing_is_touched(told: list[str]) -> None:
    """A training in another thread leaves every handler as it is."""
    theirs = signal.getsignal(signal.SIGTERM)
    signals = StopSignals(Guard())
    thread = threading.Thread(target=signals.install, args=(Session(told),))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is theirs


def test_what_would_not_end_the_first_process_of_a_container_does_not_end_its_session(told: list[str]) -> None:
    """The kernel drops a default action's signal to it: training goes on, and so does measuring."""
    for signum in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(signum, signal.SIG_DFL)
    theirs = signal.getsignal(signal.SIGTERM)
    signals = StopSignals(Guard(), process_id=1)
    signals.install(Session(told))
    assert signal.getsignal(signal.SIGTERM) is not theirs  # a handler in Python is called there too
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
    signals.remove()
    assert signal.getsignal(signal.SIGTERM) is theirs


def test_a_wakeup_descriptor_of_others_stays_silent_when_it_is_full(
    told: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    """Theirs, asked for without warnings, warns of nothing while ours is installed or afterwards."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write_end, bytes(4096))
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    signals = StopSignals(Guard())
    try:
        signals.install(Session(told))
        signal.raise_signal(signal.SIGTERM)
        signals.remove()
        signal.raise_signal(signal.SIGTERM)
    finally:
        assert signal.set_wakeup_fd(-1) == write_end
        os.close(read_end)
        os.close(write_end)
    assert told == ["kept", "theirs", "theirs"]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("last_step", "came", "expected"), [(3, True, True), (4, True, False), (3, False, False)])
def test_only_a_training_that_stopped_early_was_stopped(
    told: list[str], last_step: int, *, came: bool, expected: bool
) -> None:
    """A signal and fewer steps than planned: the signal's handler stopped it; all steps: it completed."""
    signals = StopSignals(Guard())
    signals.install(Session(told))
    if came:
        signal.raise_signal(signal.SIGTERM)
    signals.remove()
    assert signals.cut_short(SimpleNamespace(global_step=last_step, max_steps=4)) is expected


def test_a_signal_of_an_earlier_training_is_not_the_next_ones(told: list[str]) -> None:
    """A second training forgets what came during the first."""
    signals = StopSignals(Guard())
    signals.install(Session(told))
    signal.raise_signal(signal.SIGTERM)
    signals.install(Session(told))
    assert not signals.cut_short(SimpleNamespace(global_step=1, max_steps=4))
    signals.remove()


@pytest.mark.expects_failure
@pytest.mark.filterwarnings("ignore::cardcallback.errors.CardCallbackWarning")
def test_a_record_that_cannot_be_kept_keeps_nobody_from_anything(told: list[str]) -> None:
    """A failure of ours in a handler is a sentence; their handler is called, also the next time."""

    class Failing(Session):
        def keep_interrupted(self) -> None:
            raise OSError

    guard = Guard()
    signals = StopSignals(guard)
    signals.install(Failing(told))
    for _ in range(2):
        signal.raise_signal(signal.SIGTERM)
    signals.remove()
    assert told == ["theirs", "theirs"]
    assert guard.sentences == ["cardcallback could not keep a record of now: OSError"]
