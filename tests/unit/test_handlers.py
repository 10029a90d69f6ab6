"""What a person's signal handler raises comes through all of our work; what the disk refuses does not."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from folder_cards import PERSONS_CARD, open_folder
from running_run import STEP, RunningRun

from cardcallback import handlers, portable
from cardcallback.guard import Guard
from cardcallback.publisher import Publisher
from cardcallback.settings import Settings

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="Windows has no such signals")
FILE_EVENTS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.chmod", "os.listdir", "os.scandir"})


class _Interrupting:
    """Sends a signal in the midst of the file operation of a given number."""

    def __init__(self) -> None:
        self.number: int | None = None
        self.seen = 0
        self.active = False

    def __call__(self, event: str, _: Any) -> None:
        """As an audit hook, which cannot be taken away again."""
        if not self.active or event not in FILE_EVENTS or threading.current_thread() is not threading.main_thread():
            return
        self.seen += 1
        if self.seen - 1 == self.number:
            signal.raise_signal(signal.SIGALRM)


_INTERRUPTING = _Interrupting()


@pytest.fixture
def limited() -> Iterator[None]:
    """A program with a time limit, as many are written."""

    def time_is_up(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, time_is_up)
    yield
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def interrupting() -> _Interrupting:
    """What interrupts this module's file operations."""
    sys.addaudithook(_INTERRUPTING)
    return _INTERRUPTING


def _save_in(folder: Path, interrupting: _Interrupting, number: int | None) -> None:
    checkpoint = folder / f"checkpoint-{STEP}"
    checkpoint.mkdir(parents=True)
    (folder / "README.md").write_text(PERSONS_CARD)
    run: Any = RunningRun()
    state = SimpleNamespace(global_step=STEP, log_history=[])
    settings = Settings(quiet=True)
    publisher = Publisher(run, open_folder(folder), state=state, trainer=lambda: None, guard=Guard(), settings=settings)
    interrupting.number, interrupting.seen, interrupting.active = number, 0, True
    try:
        publisher.checkpoint_saved()
        publisher.card_rewritten(checkpoint / "README.md")
        publisher.before_push()
    finally:
        interrupting.active = False


@pytest.mark.usefixtures("limited")
def test_a_time_limit_is_heard_in_every_file_operation_of_a_save(tmp_path: Path, interrupting: _Interrupting) -> None:
    """TimeoutError is an OSError, and none of them may take it for the disk's."""
    for name in ("first", "whole"):  # modules are loaded in the first one only
        _save_in(tmp_path / name, interrupting, None)
    operations = interrupting.seen
    assert operations > 10
    unheard = []
    for number in range(operations):
        try:
            _save_in(tmp_path / str(number), interrupting, number)
        except TimeoutError:
            continue
        unheard.append(number)
    assert unheard == []


@pytest.mark.usefixtures("limited")
def test_only_what_a_handler_raised_passes(tmp_path: Path) -> None:
    """The same kind of error from the system is forgiven, as ``contextlib.suppress`` would."""
    with handlers.suppress(OSError):
        (tmp_path / "missing").read_bytes()
    with pytest.raises(ValueError, match="of another kind"), handlers.suppress(OSError):
        raise ValueError("of another kind")
    with pytest.raises(TimeoutError), handlers.suppress(OSError):
        signal.raise_signal(signal.SIGALRM)


def test_a_workers_death_is_no_lack_of_threads() -> None:
    """A data loader's handler raises a RuntimeError, as Python does where no thread can be started."""

    def worker_died(*_: object) -> None:
        raise RuntimeError("DataLoader worker is killed")

    class Started(threading.Thread):
        def start(self) -> None:
            signal.raise_signal(signal.SIGUSR1)

    class Refused(threading.Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    before = signal.signal(signal.SIGUSR1, worker_died)
    try:
        with pytest.raises(RuntimeError, match="worker is killed"):
            portable.starts(Started())
        assert not portable.starts(Refused())
    finally:
        signal.signal(signal.SIGUSR1, before)
