"""What a person's signal handler raises comes through all of our work; what the disk refuses does not."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from folder_cards import PERSONS_CARD, open_folder
from ranks_of_a_node import NodeOfRanks
from recorded import sensor
from running_run import STEP, RunningRun

from cardcallback import handlers, portable
from cardcallback.guard import Guard
from cardcallback.publisher import Publisher
from cardcallback.record import Point, RunRecord
from cardcallback.recorder import Recorder
from cardcallback.recorder.faults import Faults
from cardcallback.recovered_files import write_with_card
from cardcallback.run_folder import RunFolder
from cardcallback.sensors import SensorSet, SensorSpec
from cardcallback.sensors.torch_memory import TorchAllocator, TorchMemorySensor
from cardcallback.settings import Settings
from cardcallback.testing import FakeClock, make_record

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="Windows has no such signals")
FILE_EVENTS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.chmod", "os.listdir", "os.scandir"})


class _Interrupting:
    """Sends a signal in the midst of the file operation of a given number."""

    def __init__(self) -> None:
        self.number: int | None = None
        self.seen = 0
        self.active = False

    def __call__(self, event: str, _: Any) -> None:
        """As an audit hook, which cannot be taken away again; in the thread that training waits for too."""
        waits = threading.current_thread().name in {"MainThread", "cardcallback-files"}
        if not self.active or event not in FILE_EVENTS or not waits:
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


def _announce_in(folder: Path, interrupting: _Interrupting, number: int | None) -> None:
    folder.mkdir()
    node = NodeOfRanks(folder, processes=2)
    other = node.follower(1)
    interrupting.number, interrupting.seen, interrupting.active = number, 0, True
    try:
        node.ranks.invite()
        other.beat()
        node.ranks.look()
    finally:
        interrupting.active = False


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize(("act", "fewest"), [(_save_in, 10), (_announce_in, 3)])
def test_a_time_limit_is_heard_in_every_file_operation(
    tmp_path: Path, interrupting: _Interrupting, act: Callable[[Path, _Interrupting, int | None], None], fewest: int
) -> None:
    """TimeoutError is an OSError, and none of them may take it for the disk's: of a save, or without threads."""
    for name in ("first", "whole"):  # modules are loaded in the first one only
        act(tmp_path / name, interrupting, None)
    operations = interrupting.seen
    assert operations > fewest
    unheard = []
    for number in range(operations):
        try:
            act(tmp_path / str(number), interrupting, number)
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


class _Preempted:
    """Handlers that let the next signal end the program, each of another form."""

    def by_name(self, signum: int, frame: object) -> None:
        signal.signal(signum, signal.SIG_DFL)
        raise RuntimeError(f"preempted in {frame}")

    def by_place(self, *given: Any) -> None:
        signal.signal(given[0], signal.SIG_DFL)
        raise RuntimeError("preempted")

    def through_another(self, signum: int, _: object) -> None:
        self.by_name(signum, None)


@pytest.mark.parametrize("form", ["by_name", "by_place", "through_another"])
def test_a_handler_that_left_its_place_is_heard_too(form: str) -> None:
    """The program's own default is in its place by the time at which we see what it raised."""
    before = signal.signal(signal.SIGUSR1, getattr(_Preempted(), form))
    try:
        with pytest.raises(RuntimeError, match="preempted"), handlers.suppress(RuntimeError):
            signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)


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


def _read_by_hand(folder: Path) -> None:
    """As a process that can start no thread does at a log: its own memory is read in the thread that trains."""

    def ask() -> bool:
        signal.raise_signal(signal.SIGALRM)
        return True

    torch = SimpleNamespace(cuda=SimpleNamespace(is_initialized=ask))
    node = NodeOfRanks(folder, processes=2)
    node.ranks.invite()
    node.follower(1, sensors=[TorchMemorySensor("torch_allocated", TorchAllocator(lambda: torch))]).beat()


def _enter_by_hand(_: Path) -> None:
    """As at a log and at the end: what the threads have read is entered by whoever asks for figures."""

    class Interrupted(Recorder):
        def enter(self, spec: SensorSpec, readings: Sequence[Point]) -> None:
            signal.raise_signal(signal.SIGALRM)
            super().enter(spec, readings)

    recorder = Interrupted(SensorSet(sensors=(sensor("system_memory", 8.0),)), clock=FakeClock())
    recorder.sample_due()
    recorder.snapshot()


def _make_figures(_: Path) -> None:
    """As the record's are made at a save and at the end."""
    Faults().made("figure", lambda: signal.raise_signal(signal.SIGALRM), lambda _: None)


def _complete_recovered(folder: Path) -> None:
    """As a training's begin does for a run that was killed in its folder."""

    class Interrupted(RunFolder):
        def draw(self, record: RunRecord) -> bool:
            signal.raise_signal(signal.SIGALRM)
            return super().draw(record)

    run_folder = Interrupted(folder, run_id="killed", card="README.md", template=None, publish="all")
    write_with_card(run_folder, make_record(run_id="killed"), Settings(quiet=True), lambda _: None)


@pytest.mark.parametrize("work", [_read_by_hand, _enter_by_hand, _make_figures, _complete_recovered])
def test_a_time_limit_is_heard_where_one_failure_costs_one_figure(tmp_path: Path, work: Callable[[Path], None]) -> None:
    """Data loaders' and time limits' handlers raise what a driver, a sensor or a drawing library might."""

    def raises(*_: object) -> None:
        raise RuntimeError("the person's")

    before = signal.signal(signal.SIGALRM, raises)
    try:
        with pytest.raises(RuntimeError, match="the person's"):
            work(tmp_path)
    finally:
        signal.signal(signal.SIGALRM, before)
