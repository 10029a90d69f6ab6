"""When the files of a run are written, by whichever thread, and what is left where one of them cannot be."""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from folder_cards import PERSONS_CARD, RUN_ID, TRL_CARD, open_folder
from matplotlib.backends.backend_agg import FigureCanvasAgg
from msgspec.structs import replace

from cardcallback import CardCallback
from cardcallback.errors import CardCallbackWarning
from cardcallback.folder_work import FolderWork
from cardcallback.guard import Guard
from cardcallback.journal import journals_in, read_journal
from cardcallback.node_publisher import NodePublisher, end_session
from cardcallback.publisher import Publisher
from cardcallback.record import Evaluation, RunRecord, Status, load_run
from cardcallback.run_folder import RunFolder
from cardcallback.settings import Settings
from cardcallback.testing import FakeClock, make_record

# Bounds a wait that is over at once where nothing is wrong.
LONG_SECONDS = 30.0
STATE = SimpleNamespace(global_step=500, log_history=[], is_hyper_param_search=False)


class MadeUpRun:
    """As much of a live run as a publisher asks for; ``on_record`` is called while a record is being made."""

    run_id = RUN_ID
    session_id = "first"

    def __init__(self, on_record: Callable[[Status], None] = lambda _: None) -> None:
        self.finished = False
        self.notes: list[str] = []
        self.left: list[RunRecord] = []
        self.node: Any = None
        self.earlier_sessions: frozenset[str] = frozenset()
        self.observed = SimpleNamespace(
            progress=lambda *_, **__: None, read_tokens=lambda **_: None, evaluation=Evaluation()
        )
        self.clock = FakeClock()
        self.work = FolderWork(Guard())
        self._on_record = on_record

    def now_seconds(self) -> float:
        """By a clock that stands still until it is moved."""
        return self.clock.elapsed_seconds()

    def stop_recording(self) -> None:
        """Measuring is over."""
        self.finished = True

    def energies(self) -> None:
        """Nothing is measured."""

    def record(self, status: Status, **_: Any) -> RunRecord:
        """The record as of now."""
        self._on_record(status)
        return self.record_in_progress(None, status=status)

    def record_in_progress(self, _: Any, *, status: Status = "running", **__: Any) -> RunRecord:
        """The same, for any thread."""
        made = make_record(run_id=self.run_id, status=status)
        return replace(made, sessions=(replace(made.sessions[0], status=status),))


def publisher_of(run: MadeUpRun, folder: Path, **settings: Any) -> Publisher:
    """What writes that run's files, before its begin."""
    given: Any = run
    chosen = Settings(quiet=True, **settings)
    return Publisher(given, open_folder(folder), state=STATE, trainer=lambda: None, guard=Guard(), settings=chosen)


def node_publisher_of(run: MadeUpRun, folder: Path) -> NodePublisher:
    """What writes the summaries of a computer without rank 0."""
    run.node = SimpleNamespace(leave_summary=run.left.append)
    given: Any = run
    return NodePublisher(given, folder, Settings(quiet=True), state=STATE, guard=Guard())


def end_after_a_late_keep(publisher_for: Callable[[MadeUpRun], Any]) -> None:
    """The run ends while the thread that keeps a record for a signal's handler is still making one."""
    making, ended = threading.Event(), threading.Event()

    def on_record(status: Status) -> None:
        if status == "interrupted":
            making.set()
            ended.wait(0.2)  # the end's own write waits for this one, so that it never comes where all is right

    publisher = publisher_for(MadeUpRun(on_record))
    keeping = threading.Thread(target=publisher.keep_interrupted)
    keeping.start()
    assert making.wait(LONG_SECONDS)
    publisher.end("completed", STATE)
    ended.set()
    keeping.join()
    publisher.keep_interrupted()  # and a still later one finds that all is written


def test_a_late_record_does_not_replace_the_last_one(tmp_path: Path) -> None:
    """One that was begun before the run ended is given up."""
    end_after_a_late_keep(lambda run: publisher_of(run, tmp_path))
    assert load_run(tmp_path).status == "completed"


def test_a_late_summary_does_not_replace_the_last_one(tmp_path: Path) -> None:
    """As for rank 0's record."""
    runs: list[MadeUpRun] = []

    def made(run: MadeUpRun) -> NodePublisher:
        runs.append(run)
        return node_publisher_of(run, tmp_path)

    end_after_a_late_keep(made)
    assert runs[0].left[-1].status == "completed"
    assert journals_in(tmp_path) == []


def join_the_journals_thread() -> None:
    """Until what is to be written at the end is on disk."""
    for thread in threading.enumerate():
        if thread.name == "cardcallback-journal":
            thread.join(LONG_SECONDS)


def journal_after_end(publisher: Any, folder: Path) -> RunRecord:
    """What the journal keeps of a run that has ended."""
    publisher.end("completed", STATE)
    join_the_journals_thread()
    (journal,) = journals_in(folder)
    recovered = read_journal(journal)
    assert recovered is not None
    return recovered.record


@pytest.mark.expects_failure
@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_a_journal_knows_that_the_run_completed(tmp_path: Path) -> None:
    """Its record cannot be written: what is recovered later is a completed run."""
    publisher = publisher_of(MadeUpRun(), tmp_path)
    publisher.keep_what_was_there()
    (tmp_path / "training_run").write_text("a file in the folder's place")
    record = journal_after_end(publisher, tmp_path)
    assert (record.status, record.recovered) == ("completed", True)


@pytest.mark.expects_failure
@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_a_journal_of_another_computer_knows_it_too(tmp_path: Path) -> None:
    """Its summary cannot be written."""

    def full(_: RunRecord) -> None:
        raise OSError

    run = MadeUpRun()
    publisher = node_publisher_of(run, tmp_path)
    publisher.journal.measured()
    run.node = SimpleNamespace(leave_summary=full)
    assert journal_after_end(publisher, tmp_path).status == "completed"


@pytest.mark.expects_failure
@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_a_copy_that_cannot_be_removed_ends_nothing(tmp_path: Path) -> None:
    """The journal's copy in the output folder lies where a file is now: the end raises nothing."""
    (tmp_path / "disk").mkdir()
    publisher = publisher_of(MadeUpRun(), tmp_path / "out", journal_directory=tmp_path / "disk")
    publisher.keep_what_was_there()
    (tmp_path / "out" / "_cardcallback" / "journal").write_text("a file in the folder's place")
    publisher.end("completed", STATE)
    assert load_run(tmp_path / "out").status == "completed"


def places_of_journals(tmp_path: Path, disk: Path) -> list[str]:
    """Where journals and copies lie after a session began, ended and left no record."""
    publisher = publisher_of(MadeUpRun(), tmp_path / "out", journal_directory=disk)
    publisher.keep_what_was_there()
    publisher.journal.close(recorded=False)
    join_the_journals_thread()
    publisher.end("completed", STATE)
    return sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.journal"))


def test_a_journal_directory_that_is_missing_is_made(tmp_path: Path) -> None:
    """With what is above it; the output folder has the copy."""
    assert places_of_journals(tmp_path, tmp_path / "node" / "scratch") == [
        f"node/scratch/_cardcallback/journal/{RUN_ID}-first.journal",
        f"out/_cardcallback/journal/{RUN_ID}-first.copy.journal",
    ]


def test_where_no_journal_directory_can_be_the_output_folder_has_the_journal(tmp_path: Path) -> None:
    """One warning, which is also in the record, where it names no path."""
    (tmp_path / "node").write_text("a file in the folder's place")
    with pytest.warns(CardCallbackWarning, match="the journal is kept in the output folder") as caught:
        assert places_of_journals(tmp_path, tmp_path / "node") == [
            f"out/_cardcallback/journal/{RUN_ID}-first.journal",
        ]
    assert len(caught) == 1
    (note,) = [note for note in load_run(tmp_path / "out").notes if "journal" in note]
    assert note.endswith("not in the journal_directory that is set (File exists)")
    assert str(tmp_path) not in note


def test_record_and_card_are_whole_before_the_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing may take longer than a scheduler waits with SIGKILL; the card shows them once they are there."""
    seen, draw = [], FigureCanvasAgg.draw

    def drawn(canvas: FigureCanvasAgg) -> None:
        text = (tmp_path / "README.md").read_text()
        record = load_run(tmp_path)
        seen.append((record.status, bool(record.card.filled), "cardcallback:end" in text, ".png" in text))
        draw(canvas)

    monkeypatch.setattr(FigureCanvasAgg, "draw", drawn)
    publisher_of(MadeUpRun(), tmp_path).end("completed", STATE)
    assert seen
    assert set(seen) == {("completed", True, True, False)}
    assert "loss_curve.png" in (tmp_path / "README.md").read_text()


@pytest.mark.parametrize("stood", ["", TRL_CARD, PERSONS_CARD])
def test_what_somebody_writes_while_the_pictures_are_drawn_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stood: str
) -> None:
    """Drawing takes a second or more: the pictures come into the card that stands there by then."""
    draw = FigureCanvasAgg.draw

    def edited(canvas: FigureCanvasAgg) -> None:
        text = (tmp_path / "README.md").read_text()
        (tmp_path / "README.md").write_text(text.replace("# ", "# Edited: ", 1 - text.count("Edited")))
        draw(canvas)

    if stood:
        (tmp_path / "README.md").write_text(stood)
    monkeypatch.setattr(FigureCanvasAgg, "draw", edited)
    publisher_of(MadeUpRun(), tmp_path).end("completed", STATE)
    text = (tmp_path / "README.md").read_text()
    assert "# Edited: " in text
    assert "loss_curve.png" in text


def test_the_end_waits_for_the_disk_with_record_and_card_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Record, card, and the card with its pictures; what we remember of the card reaches the disk meanwhile."""
    waited, sync = [], os.fsync

    def waits(descriptor: int) -> None:
        waited.append(threading.current_thread().name == "cardcallback-files")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", waits)
    publisher_of(MadeUpRun(), tmp_path).end("completed", STATE)
    assert waited.count(True) == 3


def test_a_signal_leaves_the_pictures_for_last(tmp_path: Path) -> None:
    """All that an end by a signal leaves is there without them; they and their place in the card come after that."""
    publisher = publisher_of(MadeUpRun(), tmp_path)
    publisher.checkpoint_saved()
    publisher.end_interrupted()
    card = tmp_path / "README.md"
    assert load_run(tmp_path).status == "interrupted"
    assert "cardcallback:end" in card.read_text()
    assert list(tmp_path.rglob("*.png")) == []
    publisher.add_pictures()
    assert (tmp_path / "training_run" / "loss_curve.png").exists()
    assert "loss_curve.png" in card.read_text()


def test_a_signal_leaves_the_pictures_for_last_also_where_others_told_later(tmp_path: Path) -> None:
    """What another computer of the job left meanwhile is written; the closing line does not wait for pictures."""
    run = MadeUpRun()
    run.node = SimpleNamespace(hears_more=lambda: True)
    publisher = publisher_of(run, tmp_path)
    publisher.checkpoint_saved()
    publisher.end_interrupted()
    assert list(tmp_path.rglob("*.png")) == []
    publisher.leave()
    assert (tmp_path / "training_run" / "loss_curve.png").exists()


def test_the_end_writes_its_record_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what is filled into the card, which comes after it; a slow disk is waited for each time."""
    written: list[tuple[bool, bool]] = []
    write = RunFolder.write_record

    def write_record(self: RunFolder, record: RunRecord) -> Path:
        written.append((bool(record.card.filled), (tmp_path / "README.md").exists()))
        return write(self, record)

    monkeypatch.setattr(RunFolder, "write_record", write_record)
    publisher_of(MadeUpRun(), tmp_path).end("completed", STATE)
    assert written == [(True, False)]


@pytest.mark.expects_failure
@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_a_card_that_could_not_be_written_has_nothing_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record that went before it is put right, and says why."""
    replace_file = os.replace

    def refuse(source: Any, target: Any, **options: Any) -> None:
        if Path(target).name == "README.md":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        replace_file(source, target, **options)

    monkeypatch.setattr(os, "replace", refuse)
    publisher = publisher_of(MadeUpRun(), tmp_path)
    publisher.end("completed", STATE)
    record = load_run(tmp_path)
    assert record.card.filled == ()
    assert any("could not write the card" in note for note in record.notes)
    assert not publisher.card_written


def test_training_does_not_wait_for_the_record_of_a_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written beside the training; a disk that is slow then holds up no step."""
    threads: list[str] = []
    written = threading.Event()
    write = RunFolder.write_record

    def write_record(self: RunFolder, record: RunRecord) -> Path:
        threads.append(threading.current_thread().name)
        path = write(self, record)
        written.set()
        return path

    monkeypatch.setattr(RunFolder, "write_record", write_record)
    publisher = publisher_of(MadeUpRun(), tmp_path)
    publisher.keep_what_was_there()
    publisher.checkpoint_saved()
    assert written.wait(LONG_SECONDS)
    assert threads == ["cardcallback-files"]
    assert load_run(tmp_path).status == "running"
    publisher.end("completed", STATE)
    assert load_run(tmp_path).status == "completed"


def test_an_evaluation_of_an_older_run_leaves_the_newer_ones_files(tmp_path: Path) -> None:
    """A run that completed, and another one after it in the same folder and process."""
    older = publisher_of(MadeUpRun(), tmp_path)
    older.end("completed", STATE)
    newer = MadeUpRun()
    newer.run_id = "newer"
    given: Any = newer
    folder = open_folder(tmp_path, "newer")
    last = Publisher(given, folder, state=STATE, trainer=lambda: None, guard=Guard(), settings=Settings(quiet=True))
    last.end("completed", STATE)
    card = (tmp_path / "README.md").read_text()
    older.evaluated_afterwards(STATE)
    older.card_rewritten(tmp_path / "README.md")
    older.leave()
    assert load_run(tmp_path).run_id == "newer"
    assert (tmp_path / "README.md").read_text() == card


def test_a_record_remembers_the_card_that_a_trainer_wrote_after_the_end(tmp_path: Path) -> None:
    """What was filled into the one before is gone, and a later rendering looks for what is there."""
    publisher = publisher_of(MadeUpRun(), tmp_path)
    publisher.end("completed", STATE)
    assert "Hours used" in {fill.label for fill in load_run(tmp_path).card.filled}
    card = tmp_path / "README.md"
    card.write_text("# Mine\n\n## Training\n\n- Seed: [More Information Needed]\n")
    publisher.card_rewritten(card)
    assert "- Seed: 42\n" in card.read_text()
    assert [fill.label for fill in load_run(tmp_path).card.filled if fill.heading != "front matter"] == ["Seed"]


def test_signals_are_put_back_where_the_end_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second Ctrl-C while the card is written: the handlers are the person's own again."""
    monkeypatch.setenv("CARDCALLBACK_DISABLE", "1")
    callback: Any = CardCallback(quiet=True)

    def broken_off(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGTERM)
    callback._run = MadeUpRun()
    callback._publisher = SimpleNamespace(end=broken_off, owes=True)
    callback._signals.install(callback._publisher)
    assert signal.getsignal(signal.SIGTERM) is not before
    with pytest.raises(KeyboardInterrupt):
        callback._end("interrupted")
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("broken_off", ["stop_recording", "write_record", "draw", "write_card"])
def test_an_end_that_is_broken_off_is_gone_through_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken_off: str
) -> None:
    """Ctrl-C anywhere in a completed run's end: whoever comes next finishes it, and it stays completed."""
    run = MadeUpRun()
    publisher = publisher_of(run, tmp_path)
    publisher.keep_what_was_there()
    owner = run if broken_off == "stop_recording" else publisher._folder
    whole = getattr(owner, broken_off)
    interrupts = [KeyboardInterrupt()]

    def interrupted(*given: Any, **named: Any) -> Any:
        if interrupts:
            raise interrupts.pop()
        return whole(*given, **named)

    monkeypatch.setattr(owner, broken_off, interrupted)
    given: Any = run
    run.observed.model = None
    with pytest.raises(KeyboardInterrupt):
        end_session(given, publisher, "completed", STATE, tells=True)
    end_session(given, publisher, "interrupted", STATE, tells=True)
    assert load_run(tmp_path).status == "completed"
    assert publisher.card_written
    assert (tmp_path / "training_run" / "loss_curve.png").exists()
    assert not publisher.owes
    join_the_journals_thread()
    assert journals_in(tmp_path) == []


@pytest.mark.expects_failure
@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_what_a_full_disk_refused_is_written_when_the_process_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There may be room by then; record and card are those of the end."""
    publisher = publisher_of(MadeUpRun(), tmp_path)
    publisher.keep_what_was_there()
    with monkeypatch.context() as full:

        def refuse(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        full.setattr(os, "open", refuse)
        publisher.end("completed", STATE)
        assert publisher._files.recorded is None
    publisher.leave()
    assert load_run(tmp_path).status == "completed"
    assert (tmp_path / "README.md").exists()


@pytest.mark.expects_failure
@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_a_card_that_cannot_be_shown_its_pictures_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They may fill the disk: the card of the end stands, and is told as written; with room it shows them."""
    publisher = publisher_of(MadeUpRun(), tmp_path)
    replace_file, card = os.replace, tmp_path / "README.md"

    def refuse(source: Any, target: Any, **options: Any) -> None:
        if Path(target).name == card.name and card.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace_file(source, target, **options)

    with monkeypatch.context() as full:
        full.setattr(os, "replace", refuse)
        publisher.end("completed", STATE)
    assert publisher.card_written
    assert load_run(tmp_path).card.filled
    assert "loss_curve.png" not in card.read_text()
    publisher.leave()
    assert "loss_curve.png" in card.read_text()


@pytest.mark.expects_failure
@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_a_folder_that_was_moved_away_is_not_made_again_for_its_card(tmp_path: Path) -> None:
    """Its card cannot be completed; the record is with it, wherever it is now."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "README.md").write_text("---\nlicense: [\n---\n\n# Mine\n")
    publisher = publisher_of(MadeUpRun(), out)
    publisher.end("completed", STATE)
    out.rename(tmp_path / "elsewhere")
    publisher.leave()
    assert load_run(tmp_path / "elsewhere").status == "completed"
    assert not out.exists()


@pytest.mark.expects_failure
@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_a_card_that_could_not_be_completed_after_the_end_is_when_the_process_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trainer wrote over it just as the disk was full: the person's words are not left to the copy."""
    (tmp_path / "README.md").write_text(PERSONS_CARD)
    publisher = publisher_of(MadeUpRun(), tmp_path)
    publisher.keep_what_was_there()
    publisher.end("completed", STATE)
    (tmp_path / "README.md").write_text(TRL_CARD)
    with monkeypatch.context() as full:

        def refuse(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        full.setattr(os, "replace", refuse)
        publisher.card_rewritten(tmp_path / "README.md")
    assert (tmp_path / "README.md").read_text() == TRL_CARD
    publisher.leave()
    text = (tmp_path / "README.md").read_text()
    assert "Written by hand" in text
    assert "cardcallback:end" in text


def _closing(monkeypatch: pytest.MonkeyPatch, closed: Path) -> None:
    """What another person's folder of mode 700 answers; root, which may run the tests, may look into all."""
    for name in ("stat", "lstat", "open", "mkdir"):
        whole = getattr(os, name)

        def refuse(path: Any, *args: Any, _whole: Any = whole, **options: Any) -> Any:
            inside = not isinstance(path, int) and closed in Path(os.fsdecode(path)).parents
            if inside or (path == closed.name and "dir_fd" in options):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
            return _whole(path, *args, **options)

        monkeypatch.setattr(os, name, refuse)


@pytest.mark.expects_failure
@pytest.mark.filterwarnings("ignore:cardcallback could not")
@pytest.mark.parametrize("card", [None, "# Mine\n"])
def test_a_folder_of_ours_that_nobody_may_look_into_costs_no_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, card: str | None
) -> None:
    """A container's root left it in a folder that is the person's own: only journal and copies have no place."""
    publisher = publisher_of(MadeUpRun(), tmp_path)
    if card is not None:
        (tmp_path / "README.md").write_text(card)
    _closing(monkeypatch, tmp_path / "_cardcallback")
    publisher.keep_what_was_there()
    publisher.end("completed", STATE)
    publisher.leave()
    assert load_run(tmp_path).status == "completed"
    text = (tmp_path / "README.md").read_text()
    assert (card or "") in text
    assert "cardcallback:begin" in text


def test_an_end_is_gone_through_once(tmp_path: Path) -> None:
    """What was written at the end stands, also where a signal's thread comes afterwards."""
    publisher = publisher_of(MadeUpRun(), tmp_path)
    publisher.end("completed", STATE)
    written = (tmp_path / "README.md").stat()
    publisher.end_interrupted()
    after = (tmp_path / "README.md").stat()
    assert (after.st_ino, after.st_mtime_ns) == (written.st_ino, written.st_mtime_ns)
    assert load_run(tmp_path).status == "completed"


def test_a_nodes_end_keeps_the_status_it_began_with(tmp_path: Path) -> None:
    """As for rank 0."""
    run = MadeUpRun()
    publisher = node_publisher_of(run, tmp_path)
    publisher.end("completed", STATE)
    publisher.end("interrupted", STATE)
    assert [record.status for record in run.left] == ["completed", "completed"]


@pytest.mark.expects_failure
@pytest.mark.filterwarnings("ignore:cardcallback could not")
@pytest.mark.parametrize("journalled", [True, False])
def test_without_a_record_the_closing_line_offers_no_render(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, journalled: bool
) -> None:
    """The journal is named where it is there, and holds the run."""
    (tmp_path / "training_run").write_text("a file in the folder's place")
    given: Any = MadeUpRun()
    folder = open_folder(tmp_path)
    publisher = Publisher(given, folder, state=STATE, trainer=lambda: None, guard=Guard(), settings=Settings())
    (tmp_path / "README.md").write_bytes(b"\xff\xfe no text")
    if journalled:
        publisher.keep_what_was_there()
    publisher.end("completed", STATE)
    publisher.tell_end()
    join_the_journals_thread()
    said = capsys.readouterr().out
    assert said.startswith("cardcallback: no record could be written: ")
    assert (f"cardcallback recover {tmp_path}" in said) == journalled == bool(journals_in(tmp_path))
