"""An output folder that does not answer: nothing of the training waits for it beyond the stated time."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from card_writing_trainers import Child
from folder_cards import RUN_ID, open_folder
from msgspec.structs import replace
from running_run import STEP, RunningRun
from session_records import session_record
from test_publisher import STATE, MadeUpRun

from cardcallback.errors import CardCallbackWarning
from cardcallback.folder_work import FolderWork, NoAnswerError
from cardcallback.following import WritingFollower
from cardcallback.guard import Guard
from cardcallback.publisher import Publisher
from cardcallback.record import RunRecord, encode, load_run
from cardcallback.resuming import Resuming
from cardcallback.sessions import SUMMARY_NAME
from cardcallback.settings import Settings
from cardcallback.waiting_thread import WaitingThread

# How long a test's folder is waited for, and how long a test waits for what comes at once where nothing is wrong.
SOON_SECONDS, LONG_SECONDS = 0.02, 60.0
pytestmark = pytest.mark.expects_failure


class Stalled:
    """Calls of the operating system below a folder, which wait while ``holding``; never in the thread that trains."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._answers = str(folder), threading.Event()
        self._answers.set()
        self.reached = threading.Event()
        self.in_main: list[str] = []
        for name in ("open", "stat", "lstat", "mkdir", "replace", "unlink", "scandir", "listdir"):
            monkeypatch.setattr(os, name, self._waiting(name, getattr(os, name)))

    def _waiting(self, name: str, original: Any) -> Any:
        def call(path: Any = ".", *args: Any, **kwargs: Any) -> Any:
            is_ours = isinstance(path, (str, os.PathLike)) and str(path).startswith(self._folder)
            if is_ours and not self._answers.is_set():
                self._wait(name)
            return original(path, *args, **kwargs)

        return call

    def _wait(self, name: str) -> None:
        if threading.current_thread() is threading.main_thread():
            self.in_main.append(name)  # a real one would hang here
            return
        self.reached.set()
        self._answers.wait(LONG_SECONDS)

    def hangs(self) -> None:
        """From now on nobody is answered."""
        self._answers.clear()

    def answers(self) -> None:
        """The server is back."""
        self._answers.set()


@pytest.fixture
def stalled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stalled]:
    """The folder of a run, which answers until it is told to hang."""
    (tmp_path / "out").mkdir()
    folder = Stalled(tmp_path / "out", monkeypatch)
    yield folder
    folder.answers()


def begun(run: Any, folder: Path, guard: Guard, **settings: Any) -> tuple[Publisher, FolderWork]:
    """A session whose folder is waited for a moment only."""
    work = FolderWork(guard, answer_seconds=SOON_SECONDS)
    chosen = Settings(**{"quiet": True, "charts": False} | settings)
    publisher = Publisher(
        run, open_folder(folder), state=STATE, trainer=lambda: None, guard=guard, settings=chosen, work=work
    )
    return publisher, work


def settled(work: FolderWork) -> None:
    """Wait for all that was asked for."""
    deadline = time.monotonic() + LONG_SECONDS
    while work.is_behind and time.monotonic() < deadline:
        time.sleep(0.01)
    assert work.do("wait", lambda: True, otherwise=False, seconds=LONG_SECONDS)


def gives_up_once(reached: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is waited for ``SOON_SECONDS`` does not answer, but what is done in it has come that far.

    On a machine with much else to do the wait alone would be over before its thread had begun.
    """
    answers = WaitingThread.answers

    def hangs(thread: WaitingThread, task: Callable[[], None], idle_seconds: float) -> bool:
        if idle_seconds != SOON_SECONDS:
            return answers(thread, task, idle_seconds)
        thread.hand(task)
        assert reached.wait(LONG_SECONDS)
        return False

    monkeypatch.setattr(WaitingThread, "answers", hangs)


class NewerRun(MadeUpRun):
    """One whose pictures are others."""

    run_id = "newer"

    def record_in_progress(self, state: Any, *, status: Any = "running", **objects: Any) -> RunRecord:
        """The record as of now."""
        return replace(super().record_in_progress(state, status=status, **objects), simulated=True)


def completed_by_a_newer_run(folder: Path, *, charts: bool = False) -> str:
    """The card that another run left there meanwhile."""
    run: Any = NewerRun()
    opened, settings = open_folder(folder, "newer"), Settings(quiet=True, charts=charts)
    newer = Publisher(run, opened, state=STATE, trainer=lambda: None, guard=Guard(), settings=settings)
    newer.end("completed", STATE)
    assert load_run(folder).run_id == "newer"
    return (folder / "README.md").read_text()


def interrupt_once_asked(work: FolderWork, turns: int, reached: threading.Event) -> None:
    """Ctrl-C while the thread that trains waits for the last of so many things, the first of which hangs."""

    def press() -> None:
        deadline = time.monotonic() + LONG_SECONDS
        reached.wait(LONG_SECONDS)
        while len(work._unfinished) < turns and time.monotonic() < deadline:
            time.sleep(0.001)
        if len(work._unfinished) >= turns:  # else it would break off another test
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()


@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_a_folder_that_hangs_holds_up_neither_begin_nor_save_nor_end(tmp_path: Path, stalled: Stalled) -> None:
    """The thread that trains makes no call in it; the record says what was not done, and what to do."""
    guard, run = Guard(), MadeUpRun()
    publisher, work = begun(run, tmp_path / "out", guard)
    stalled.hangs()
    publisher.keep_what_was_there()
    publisher.checkpoint_saved()
    publisher.card_about_to_change()
    publisher.card_rewritten(tmp_path / "out" / "README.md")
    publisher.before_push()
    publisher.end("completed", STATE)
    publisher.model_saved(tmp_path / "out")
    publisher.tell_end()
    publisher.leave()
    assert stalled.in_main == []
    assert work.is_behind
    for task in ("look at what is in the output folder", "write the record into the checkpoint", "complete the card"):
        (sentence,) = [one for one in guard.sentences if one.startswith(f"cardcallback could not {task}: ")]
        assert "`cardcallback recover`" in sentence


def test_it_is_warned_of_once(tmp_path: Path, stalled: Stalled) -> None:
    """However often it is asked."""
    publisher, _ = begun(MadeUpRun(), tmp_path / "out", Guard())
    stalled.hangs()
    with pytest.warns(CardCallbackWarning, match="did not answer within .* Training goes on") as caught:
        for _ in range(3):
            publisher.checkpoint_saved()
        publisher.end("completed", STATE)
    assert len(caught) == 1


@pytest.mark.filterwarnings("ignore:cardcallback could not")
@pytest.mark.parametrize("push", [False, True])
@pytest.mark.parametrize("call", ["weights_are_ours", "adopt_edits", "write_card", "write_record"])
def test_an_end_that_was_given_up_writes_over_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, *, push: bool
) -> None:
    """It wakes up when another run has completed there: record and card stay that one's, also as the process leaves."""
    released = threading.Event()
    older, work = begun(MadeUpRun(), tmp_path, Guard())
    if push:
        work._answer_seconds = LONG_SECONDS
        older.end("completed", STATE)
        work._answer_seconds = SOON_SECONDS
    whole = getattr(older._folder, call)

    def hang(*given: Any, **named: Any) -> Any:
        released.wait(LONG_SECONDS)
        return whole(*given, **named)

    monkeypatch.setattr(older._folder, call, hang)
    older.before_push() if push else older.end("completed", STATE)
    card = completed_by_a_newer_run(tmp_path)
    released.set()
    settled(work)
    work._answer_seconds = LONG_SECONDS
    older.leave()
    assert (tmp_path / "README.md").read_text() == card
    assert load_run(tmp_path).run_id == "newer"


@pytest.mark.parametrize("call", ["weights_are_ours", "adopt_edits", "write_card", "write_record", "draw"])
def test_an_end_that_was_broken_off_writes_over_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Ctrl-C once and again; another run completes, and only then the folder answers the first one's end."""
    reached, released, guard = threading.Event(), threading.Event(), Guard()
    older, work = begun(MadeUpRun(), tmp_path, guard, charts=True)
    work._answer_seconds = LONG_SECONDS
    whole = getattr(older._folder, call)

    def hang(*given: Any, **named: Any) -> Any:
        reached.set()
        released.wait(LONG_SECONDS)
        return call == "draw" or whole(*given, **named)

    monkeypatch.setattr(older._folder, call, hang)
    for turns in (1, 2):
        interrupt_once_asked(work, turns, reached)
        with pytest.raises(KeyboardInterrupt):
            older.end("completed", STATE)
    card = completed_by_a_newer_run(tmp_path)
    released.set()
    settled(work)
    assert (tmp_path / "README.md").read_text() == card
    older.end("interrupted", STATE)  # as the process leaves
    older.leave()
    assert (tmp_path / "README.md").read_text() == card
    assert load_run(tmp_path).run_id == "newer"
    aside = load_run(tmp_path / "training_run" / f"record-{RUN_ID}.json")
    assert (aside.run_id, aside.status) == (RUN_ID, "completed")
    assert guard.sentences == []


class HungDrawing:
    """A disk that answers the thread which is the first to draw one picture only once it is ``released``.

    It hangs as the picture is looked at, or as the file is opened that is to take its place.
    """

    def __init__(self, picture: str, *, opening: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        self._picture, self._opening = picture, opening
        self._thread: threading.Thread | None = None
        self.reached, self.released = threading.Event(), threading.Event()
        for name in ("open", "stat", "lstat"):
            monkeypatch.setattr(os, name, self._waiting(name, getattr(os, name)))

    def _waiting(self, name: str, original: Any) -> Any:
        def call(path: Any, *args: Any, **kwargs: Any) -> Any:
            file = os.path.basename(path) if isinstance(path, (str, os.PathLike)) else ""  # noqa: PTH119 - of any kind
            if self._thread is None and file == self._picture:
                self._thread = threading.current_thread()
            is_here = name == "open" and file.endswith(".tmp") if self._opening else file == self._picture
            if self._thread is threading.current_thread() and is_here:
                self.reached.set()
                self.released.wait(LONG_SECONDS)
            return original(path, *args, **kwargs)

        return call


@pytest.mark.filterwarnings("ignore:cardcallback could not")
@pytest.mark.parametrize(("picture", "opening"), [("loss_curve.png", False), ("power_and_memory.png", True)])
def test_pictures_are_of_the_card_that_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: str, *, opening: bool
) -> None:
    """A run whose drawing hung comes back when a newer one has its card and pictures there."""
    hung = HungDrawing(picture, opening=opening, monkeypatch=monkeypatch)
    monkeypatch.setattr("cardcallback.publisher._PICTURES_SECONDS", SOON_SECONDS)
    gives_up_once(hung.reached, monkeypatch)
    older, work = begun(MadeUpRun(), tmp_path, Guard(), charts=True)
    work._answer_seconds = LONG_SECONDS
    older.end("completed", STATE)
    monkeypatch.setattr("cardcallback.publisher._PICTURES_SECONDS", LONG_SECONDS)
    card = completed_by_a_newer_run(tmp_path, charts=True)
    pictures = pictures_in(tmp_path)
    assert set(pictures) == {"loss_curve.png", "power_and_memory.png"}
    hung.released.set()
    settled(work)
    assert pictures_in(tmp_path) == pictures
    assert (tmp_path / "README.md").read_text() == card


def pictures_in(folder: Path) -> dict[str, bytes]:
    """What each shows."""
    return {path.name: path.read_bytes() for path in (folder / "training_run").glob("*.png")}


def test_an_end_that_was_broken_off_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C once, as the folder is merely slow: record and card are there, and nothing is said to have failed."""
    guard, reached, slow = Guard(), threading.Event(), threading.Event()
    publisher, work = begun(MadeUpRun(), tmp_path, guard)
    work._answer_seconds = LONG_SECONDS
    whole = publisher._folder.write_card

    def wait(*given: Any, **named: Any) -> Any:
        reached.set()
        slow.wait(LONG_SECONDS)
        return whole(*given, **named)

    monkeypatch.setattr(publisher._folder, "write_card", wait)
    interrupt_once_asked(work, 1, reached)
    with pytest.raises(KeyboardInterrupt):
        publisher.end("completed", STATE)
    slow.set()
    publisher.end("interrupted", STATE)
    assert load_run(tmp_path).status == "completed"
    assert publisher.card_written
    assert guard.sentences == []


@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_a_warning_names_the_time_that_was_waited() -> None:
    """Of pictures a longer one than of a save; what is not waited for has that of what it would wait behind."""
    guard, released = Guard(), threading.Event()
    work = FolderWork(guard, answer_seconds=SOON_SECONDS)
    work.do("draw", lambda: released.wait(LONG_SECONDS), None, seconds=0.04)
    work.do("save", lambda: None, None)
    released.set()
    settled(work)
    assert [one.partition(" within ")[2][:6] for one in guard.sentences] == ["0.04 s", "0.04 s"]


@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_the_thread_that_trains_looks_at_no_card(tmp_path: Path, stalled: Stalled) -> None:
    """Neither after a save of the Trainer's own, nor around the push of a checkpoint."""
    guard, run, trainer = Guard(), MadeUpRun(), Child(tmp_path / "out")
    publisher, run.work = begun(run, tmp_path / "out", guard)
    trainer.push_in_progress = SimpleNamespace(is_done=lambda: False)  # type: ignore[attr-defined]
    followed: Any = run
    WritingFollower(lambda: followed, lambda: publisher).follow(trainer, guard)
    stalled.hangs()
    trainer._save_checkpoint()
    trainer.save_model(None, True)  # noqa: FBT003 - the real signature
    trainer._push_from_checkpoint("checkpoint-1")
    trainer.create_model_card()
    trainer.push_to_hub()
    assert stalled.in_main == []


@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_the_last_checkpoint_is_looked_for_beside_the_training(tmp_path: Path, stalled: Stalled) -> None:
    """Of ``resume_from_checkpoint=True``: the highest step's, by number; a folder that hangs is not waited for."""
    for step in (2, 10):
        checkpoint = tmp_path / "out" / f"checkpoint-{step}"
        checkpoint.mkdir()
        record = replace(session_record(steps=(0, step), session_id="before"), run_id=f"run-{step}")
        (checkpoint / SUMMARY_NAME).write_text(encode(record))
    work, resuming = FolderWork(Guard(), answer_seconds=SOON_SECONDS), Resuming(Guard(), Settings())
    args, state = SimpleNamespace(output_dir=str(tmp_path / "out")), SimpleNamespace(global_step=10)
    resuming.train_called(True)  # noqa: FBT003 - the Trainer's own word
    stalled.hangs()
    assert resuming.lineage(args, state, None, recovers=True, work=work).record is None
    assert stalled.in_main == []
    stalled.answers()
    settled(work)
    assert resuming.lineage(args, state, None, recovers=True).run_id == "run-10"
    empty = SimpleNamespace(output_dir=str(tmp_path / "empty"))
    assert not resuming.lineage(empty, SimpleNamespace(global_step=0), None, recovers=True).notes


@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_what_an_end_could_not_write_is_written_when_the_process_leaves(tmp_path: Path, stalled: Stalled) -> None:
    """The folder answers again by then."""
    publisher, work = begun(MadeUpRun(), tmp_path / "out", Guard())
    stalled.hangs()
    publisher.end("completed", STATE)
    stalled.answers()
    settled(work)
    work._answer_seconds = LONG_SECONDS
    publisher.leave()
    assert load_run(tmp_path / "out").status == "completed"
    assert (tmp_path / "out" / "README.md").exists()


@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_what_a_save_could_not_wait_for_is_written_later(tmp_path: Path, stalled: Stalled) -> None:
    """A resume from that checkpoint knows its run, once the folder has answered."""
    run: Any = RunningRun()
    publisher, work = begun(run, tmp_path / "out", Guard())
    checkpoint = tmp_path / "out" / f"checkpoint-{STEP}"
    checkpoint.mkdir()
    stalled.hangs()
    publisher.checkpoint_saved()
    assert stalled.reached.wait(LONG_SECONDS)
    stalled.answers()
    settled(work)
    assert len(list(checkpoint.iterdir())) == 1


@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_only_the_first_save_and_the_end_wait() -> None:
    """One thing that hangs costs one wait; what comes after it is not waited for, but for the end."""
    work, released, done = FolderWork(Guard(), answer_seconds=SOON_SECONDS), threading.Event(), []
    assert work.do("save", lambda: released.wait(LONG_SECONDS), None) is None
    assert work.do("save again", lambda: done.append("save"), "late", seconds=1e6) == "late"
    threading.Timer(SOON_SECONDS, released.set).start()
    work.do("end", lambda: done.append("end"), None, seconds=LONG_SECONDS, is_last=True)
    assert done == ["save", "end"]


@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_an_end_in_its_midst_knows_that_it_was_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that had not begun is left out."""
    work, released, begun_end, told = FolderWork(Guard(), answer_seconds=SOON_SECONDS), threading.Event(), [], []
    gives_up_once(reached := threading.Event(), monkeypatch)

    def end() -> None:
        begun_end.append(1)
        reached.set()
        released.wait(LONG_SECONDS)
        try:
            work.require_wanted()
        except NoAnswerError as error:
            told.append(str(error))

    for _ in range(2):
        work.do("end", end, None, is_last=True)
    released.set()
    settled(work)
    assert begun_end == [1]
    assert len(told) == 1


@pytest.mark.filterwarnings("ignore:cardcallback could not")
@pytest.mark.parametrize("is_last", [False, True])
def test_what_hangs_before_an_end_that_was_given_up_knows_it_too(*, is_last: bool) -> None:
    """A push that nobody waits for any more, or an end whose waiting Ctrl-C broke off."""
    work, released, told = FolderWork(Guard(), answer_seconds=SOON_SECONDS), threading.Event(), []

    def hang() -> None:
        if is_last:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        released.wait(LONG_SECONDS)
        try:
            work.require_wanted()
        except NoAnswerError as error:
            told.append(str(error))

    if is_last:
        with pytest.raises(KeyboardInterrupt):
            work.do("end", hang, None, seconds=LONG_SECONDS, is_last=True)
    else:
        work.do("push", hang, None)
    work.do("end", lambda: told.append("done"), None, is_last=True)
    released.set()
    settled(work)
    assert len(told) == 1
    assert told != ["done"]


def test_sessions_that_are_over_share_a_thread() -> None:
    """However many there are, and whatever still comes to them."""
    works = [FolderWork(Guard()) for _ in range(5)]
    threads = set()
    for work in works:
        threads.add(work.do("write", threading.current_thread, None))
        work.rest()
    threads |= {work.do("leave", threading.current_thread, None) for work in works}
    assert len(threads) == 1


@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_a_thread_that_hangs_is_nobody_elses() -> None:
    """Until it is done with what it hangs in."""
    work, released = FolderWork(Guard(), answer_seconds=SOON_SECONDS), threading.Event()
    mine = work.do("see", threading.current_thread, None, seconds=LONG_SECONDS)
    work.do("write", lambda: released.wait(LONG_SECONDS), None)
    work.rest()
    other = FolderWork(Guard())
    assert other.do("see", threading.current_thread, None, seconds=LONG_SECONDS) not in {mine, None}
    released.set()
    settled(work)
    assert FolderWork(Guard()).do("see", threading.current_thread, None, seconds=LONG_SECONDS) is mine


def test_two_that_ask_first_share_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the same moment, as the thread that trains and one that was told of a save: what they ask has an order."""
    work, together = FolderWork(Guard()), threading.Barrier(2, timeout=LONG_SECONDS)
    start = threading.Thread.start

    def start_together(thread: threading.Thread) -> None:
        if thread.name == "cardcallback-files":
            with contextlib.suppress(threading.BrokenBarrierError):
                together.wait()
        start(thread)

    monkeypatch.setattr("cardcallback.folder_work._idle", [])
    monkeypatch.setattr(threading.Thread, "start", start_together)
    threads: list[Any] = []
    asking = [
        threading.Thread(target=lambda: threads.append(work.do("see", threading.current_thread, None)))
        for _ in range(2)
    ]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert len(set(threads)) == 1
    assert len(work._held) == 1


def test_a_thread_that_was_stopped_is_nobody_elses() -> None:
    """Not after its session rested, too: what the next one asks for is done."""
    work = FolderWork(Guard(), answer_seconds=SOON_SECONDS)
    work.do("see", lambda: None, None)
    work.stop()
    work.rest()
    assert FolderWork(Guard(), answer_seconds=LONG_SECONDS).do("see", lambda: 7, None) == 7


@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_an_end_is_waited_for_once_whatever_is_asked_between() -> None:
    """What is not waited for since an end hangs makes nobody wait for the next part of the end."""
    guard, released = Guard(), threading.Event()
    work = FolderWork(guard, answer_seconds=SOON_SECONDS)
    work.do("complete the card", lambda: released.wait(LONG_SECONDS), None, is_last=True)
    work.do("put the card back", lambda: None, None)
    work.do("draw", lambda: None, None, seconds=0.04, is_last=True)
    released.set()
    settled(work)
    assert [one.partition(" within ")[2][:6] for one in guard.sentences] == ["0.02 s"] * 3


def test_what_is_handed_over_twice_is_done_once() -> None:
    """Unless the first is being done already."""
    work, reached, released, done = FolderWork(Guard()), threading.Event(), threading.Event(), []

    def hang() -> None:
        done.append("hang")
        reached.set()
        released.wait(LONG_SECONDS)

    work.hand("write", hang)
    assert reached.wait(LONG_SECONDS)
    for _ in range(3):
        work.hand("write", hang)
    released.set()
    settled(work)
    assert done == ["hang", "hang"]


def test_what_breaks_off_the_work_reaches_who_waits() -> None:
    """Ctrl-C is no failure of the folder's; the thread goes on."""
    work = FolderWork(Guard())

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work.do("write", interrupted, None)
    assert work.do("write", lambda: 7, None) == 7


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
def test_a_forked_child_does_nothing() -> None:
    """The thread is the parent's, and so is the run."""
    work, done = FolderWork(Guard()), []
    assert work.do("write", lambda: 7, None) == 7
    child = os.fork()
    if child == 0:
        work.hand("write", lambda: done.append(1))
        os._exit(0 if work.do("write", lambda: 7, None) is None and not done else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.skipif(not Path("/proc/thread-self/schedstat").exists(), reason="only Linux tells how long a thread ran")
def test_work_is_waited_for_however_long_it_takes() -> None:
    """Only what is spent waiting, as for a disk, counts: a machine with much else to do has a card all the same."""
    work = FolderWork(Guard(), answer_seconds=0.2)

    def compute() -> int:
        begun = time.thread_time()
        while time.thread_time() - begun < 0.5:
            pass
        return 7

    assert work.do("compute", compute, None) == 7


@pytest.mark.parametrize("moment", ["thread", "turn", "wait"])
def test_ctrl_c_at_any_moment_leaves_nothing_that_nobody_does(moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the thread begins, before it is handed what to do, and as it is waited for: what comes next is done."""
    work, done = FolderWork(Guard(), answer_seconds=LONG_SECONDS), []
    interrupted: list[bool] = []

    def once(original: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            if not interrupted:
                interrupted.append(True)
                raise KeyboardInterrupt
            return result

        return call

    place, name = {
        "thread": (work, "_begun"),
        "turn": (work, "_may_answer"),
        "wait": (WaitingThread, "hand"),
    }[moment]
    monkeypatch.setattr(place, name, once(getattr(place, name)))
    with pytest.raises(KeyboardInterrupt):
        work.do("end", lambda: done.append("end"), None, is_last=True)
    work.do("save", lambda: done.append("save"), None)
    assert done[-1] == "save"
    assert not work._unfinished


def test_ctrl_c_as_something_is_handed_over_leaves_it_to_be_handed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is done once for the first and once for the second time, and the thread is given back."""
    work, done = FolderWork(Guard(), answer_seconds=LONG_SECONDS), []
    work.do("begin", lambda: None, None)
    whole = work._asked
    monkeypatch.setattr(work, "_asked", lambda turn: [whole(turn), pressed()])

    def pressed() -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    def save() -> None:
        done.append("save")

    with pytest.raises(KeyboardInterrupt):
        work.hand("save", save)
    settled(work)
    work.hand("save", save)
    settled(work)
    assert done == ["save", "save"]
    assert not work._unfinished
