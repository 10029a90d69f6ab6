"""The boundary between our failures and a training."""

from __future__ import annotations

import functools
import io
import os
import signal
import threading
import warnings
from typing import Any

import pytest

from cardcallback.errors import CardCallbackError, CardCallbackWarning
from cardcallback.guard import Guard


@pytest.mark.expects_failure
def test_a_failure_warns_once_and_training_goes_on() -> None:
    """Two failures give one warning and two sentences."""
    guard = Guard()
    with pytest.warns(CardCallbackWarning) as caught:
        for task in ("read a sensor", "write the card"):
            with guard(task):
                raise CardCallbackError("the disk is full: free some space")
    assert len(caught) == 1
    assert guard.sentences == [
        "cardcallback could not read a sensor: the disk is full: free some space",
        "cardcallback could not write the card: the disk is full: free some space",
    ]


@pytest.mark.expects_failure
def test_warnings_turned_into_errors_do_not_stop_a_training(capsys: pytest.CaptureFixture[str]) -> None:
    """With warnings as errors the sentence goes to the error stream."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Guard()("write the card"):
            raise CardCallbackError("no")
    assert "could not write the card" in capsys.readouterr().err


@pytest.mark.expects_failure
@pytest.mark.parametrize("gone", [None, "closed"])
def test_a_warning_that_nobody_can_be_shown_stops_no_training(
    monkeypatch: pytest.MonkeyPatch, gone: str | None
) -> None:
    """With warnings as errors, and without an error stream to write to, the sentence is in the record alone."""
    stream = None if gone is None else io.StringIO()
    if stream is not None:
        stream.close()
    guard = Guard()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monkeypatch.setattr("sys.stderr", stream)
        with guard("write the card"):
            raise CardCallbackError("no")
    assert guard.sentences == ["cardcallback could not write the card: no"]


@pytest.mark.expects_failure
def test_a_log_handler_that_fails_stops_no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Warnings go where a person's program sends them, and that may be nowhere."""

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("no log server")

    monkeypatch.setattr("warnings.showwarning", fails)
    guard = Guard()
    with guard("write the card"):
        raise CardCallbackError("no")
    assert guard.sentences == ["cardcallback could not write the card: no"]


class Limit:
    """Ways to write a handler that raises when a program's time is up."""

    def method(self, *_: object) -> None:
        """As a bound method."""
        raise TimeoutError("time is up")

    def __call__(self, *_: object) -> None:
        """As an object."""
        raise TimeoutError("time is up")


class InheritedLimit(Limit):
    """As an object whose class has the call from another one."""


def _time_is_up(limit: str, *_: object) -> None:
    raise TimeoutError(limit)


def _write_interrupted(*, renamed: bool) -> None:
    try:
        signal.raise_signal(signal.SIGUSR1)
    except OSError as error:
        if renamed:
            raise CardCallbackError("cannot write README.md") from error
        raise


@pytest.mark.parametrize(
    "handler",
    [Limit().method, Limit(), InheritedLimit(), functools.partial(_time_is_up, "now"), lambda *_: _time_is_up("now")],
    ids=["method", "object", "inherited", "partial", "function"],
)
@pytest.mark.parametrize("renamed", [False, True])
def test_what_a_signal_handler_raises_belongs_to_the_person(handler: Any, *, renamed: bool) -> None:
    """A time limit that is reached while we write, or a data loader's worker that died, ends their training still.

    Also where our own code took it for the disk's failure.
    """
    before = signal.signal(signal.SIGUSR1, handler)
    guard = Guard()
    try:
        with pytest.raises(TimeoutError), guard("complete the card"), guard("write the card"):
            _write_interrupted(renamed=renamed)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert guard.sentences == []
    assert not guard.busy


@pytest.mark.expects_failure
@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_an_error_that_is_its_own_cause_is_told_as_any_other() -> None:
    """Some code raises an error from itself."""
    guard = Guard()
    error = ValueError("odd")
    error.__cause__ = error
    with guard("write the card"):
        raise error
    assert guard.sentences == ["cardcallback could not write the card: ValueError"]


@pytest.mark.expects_failure
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermissionError(13, os.strerror(13), "/home/somebody/card.md"), "Permission denied"),
        (OSError(28, "no room for /home/somebody/card.md"), "No space left on device"),
        (OSError("cannot open /home/somebody/card.md"), "OSError"),
        (ValueError("could not load /home/somebody/model"), "ValueError"),
        (RuntimeError(), "RuntimeError"),
    ],
)
def test_a_path_reaches_the_person_and_not_the_record(error: Exception, reason: str) -> None:
    """The published sentence has the error's kind only; the warning, which stays here, has its text."""
    guard = Guard()
    with pytest.warns(CardCallbackWarning) as caught, guard("write the card"):
        raise error
    assert guard.sentences == [f"cardcallback could not write the card: {reason}"]
    assert (str(error).splitlines() or ["RuntimeError"])[0] in str(caught[0].message)


def test_an_interrupt_belongs_to_the_person() -> None:
    """Ctrl-C passes through."""
    with pytest.raises(KeyboardInterrupt), Guard()("write the card"):
        raise KeyboardInterrupt


@pytest.mark.expects_failure
def test_the_warning_is_one_line_that_steers_no_terminal() -> None:
    """What another library put into its message is shown, not obeyed, and not for pages."""
    with pytest.warns(CardCallbackWarning) as caught, Guard()("write the card"):
        raise ValueError("\x1b[2Jgone\u202e" + "x" * 1_000_000)
    message = str(caught[0].message)
    assert message.isprintable()
    assert "\\x1b[2Jgone\\u202e" in message
    assert len(message) <= 2000


def test_it_says_when_the_main_thread_is_inside_and_when_it_leaves() -> None:
    """Busy within any block, also one that fails or is left by Ctrl-C; told once, after the outermost."""
    guard = Guard()
    left: list[bool] = []
    with guard("write"):
        guard.on_leave = lambda: left.append(guard.busy)
        with pytest.raises(KeyboardInterrupt), guard("write a part"):
            raise KeyboardInterrupt
        assert guard.busy
        assert left == []
    assert left == [False]
    assert not guard.busy


def test_another_threads_work_does_not_make_it_busy() -> None:
    """A handler runs in the main thread: only what that one holds is in its way."""
    guard, seen = Guard(), []

    def work() -> None:
        with guard("measure"):
            seen.append(guard.busy)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]


@pytest.mark.expects_failure
def test_a_quiet_guard_keeps_its_sentences() -> None:
    """Of several processes one speaks: the others' failures are in their records, and nothing is printed."""
    guard = Guard()
    guard.quiet = True
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        guard.tell(["two of them"])
        with guard("read a sensor"):
            raise CardCallbackError("it is gone: nothing")
    assert guard.sentences == ["two of them", "cardcallback could not read a sensor: it is gone: nothing"]
