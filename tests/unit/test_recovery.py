"""What is recovered before a run begins, and whose card a recovered run may replace."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from folder_cards import HEADING, leave_completed_run
from journalled import JournalledRun
from msgspec.structs import replace
from node_records import node_record

from cardcallback.cli import main
from cardcallback.guard import Guard
from cardcallback.journal import JournalKeeper, journal_path, journals_in
from cardcallback.processes import load_summaries, merge_nodes, summarize_node, write_summary
from cardcallback.record import RunRecord, Status, encode, load_run
from cardcallback.recovery import recover_before
from cardcallback.sessions import SUMMARY_NAME
from cardcallback.settings import Settings, resolve_settings
from cardcallback.testing import FakeClock, make_record


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of this machine, and nothing in the working folder."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those that hold where nothing is set."""
    return resolve_settings({}, environ={}, working_directory=tmp_path, user_config_directory=tmp_path / "none")


def kill(folder: Path, record: RunRecord, *, seconds_ago: float | None = None) -> None:
    """Leave the journal of a run that was killed; long ago, where nothing is given."""
    killed = JournalledRun(record)
    path = journal_path(folder, record.run_id, "first")
    snapshot = killed.snapshot if record.status == "running" else lambda: record
    progress = killed.progress if record.status == "running" else lambda: None
    keeper = JournalKeeper(path, progress=progress, snapshot=snapshot, guard=Guard(), clock=killed.clock)
    killed.live(keeper, 30.0)
    keeper._file.close()
    age(path, seconds_ago)


def age(path: Path, seconds_ago: float | None = None) -> None:
    """Date it back."""
    then = 0.0 if seconds_ago is None else path.stat().st_mtime - seconds_ago
    os.utime(path, (then, then))


def running(run_id: str) -> RunRecord:
    """A record in progress."""
    return make_record(run_id=run_id, status="running")


def recover(*folders: str) -> int:
    """The exit code of the command."""
    with pytest.raises(SystemExit) as stop:
        main(["recover", *folders])
    return int(stop.value.code or 0)


def test_a_good_card_and_its_record_stand_before_a_run_too(tmp_path: Path, settings: Settings) -> None:
    """The killed run's record comes beside the completed one's, as ``recover`` would write it."""
    good = leave_completed_run(tmp_path)
    kill(tmp_path, running("killed"))
    recover_before(tmp_path, settings)
    assert load_run(tmp_path).run_id == "earlier"
    assert (tmp_path / "README.md").read_text() == good
    assert load_run(tmp_path / "training_run" / "record-killed.json").recovered
    assert journals_in(tmp_path) == []


def test_a_card_that_cannot_be_read_costs_no_record(tmp_path: Path, settings: Settings) -> None:
    """The completed run's stays in its place, the killed one's comes beside it."""
    leave_completed_run(tmp_path)
    (tmp_path / "README.md").write_bytes(b"# Caf\xe9\n")
    kill(tmp_path, running("killed"))
    recover_before(tmp_path, settings)
    assert load_run(tmp_path).run_id == "earlier"
    assert load_run(tmp_path / "training_run" / "record-killed.json").recovered


def test_a_begin_does_not_wait_for_many_journals(tmp_path: Path, settings: Settings) -> None:
    """What is left after its share of the time is for the next begin."""

    class Slow(FakeClock):
        def elapsed_seconds(self) -> float:
            self.advance(0.015)
            return super().elapsed_seconds()

    for number in range(4):
        kill(tmp_path, running(f"killed-{number}"))
    recover_before(tmp_path, settings, clock=Slow())
    assert len(journals_in(tmp_path)) == 2
    recover_before(tmp_path, settings, clock=FakeClock())
    assert journals_in(tmp_path) == []


def test_a_completed_run_without_record_gets_record_and_card(tmp_path: Path) -> None:
    """Its record could not be written at the end: its journal knows that it completed."""
    kill(tmp_path / "out", replace(make_record(), run_id="completed"))
    assert recover("out") == 0
    record = load_run(tmp_path / "out")
    assert (record.status, record.recovered) == ("completed", True)
    assert HEADING in (tmp_path / "out" / "README.md").read_text()


def leave_record(folder: Path, record: RunRecord) -> None:
    """What a process leaves that dies between its record and its card."""
    path = folder / "training_run" / "record.json"
    path.parent.mkdir()
    path.write_text(encode(record))


@pytest.mark.parametrize("card_there", [None, "# By hand\n"])
@pytest.mark.parametrize("status", ["completed", "interrupted"])
def test_a_record_that_stands_gets_the_card_it_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], status: Status, card_there: str | None
) -> None:
    """Its own figures are told, not the journal's older ones."""
    kill(tmp_path, running("ours"))
    record = make_record(run_id="ours", status=status)
    leave_record(tmp_path, replace(record, duration_seconds=7_200.0))
    (tmp_path / "checkpoint-500").mkdir()
    (tmp_path / "checkpoint-500" / SUMMARY_NAME).write_text(encode(record))
    if card_there is not None:
        (tmp_path / "README.md").write_text(card_there)
    assert recover(str(tmp_path)) == 0
    assert ": 2 h, " in capsys.readouterr().out
    card = (tmp_path / "README.md").read_text()
    assert HEADING in card
    assert (card_there or "") in card
    assert load_run(tmp_path).status == status
    assert not load_run(tmp_path).recovered
    assert journals_in(tmp_path) == []


def test_a_record_that_stands_takes_the_card_of_the_run_before(tmp_path: Path) -> None:
    """Killed between the two in a folder where an earlier run completed: its section is no sign of this one's."""
    before = leave_completed_run(tmp_path)
    age(tmp_path / "README.md", 60.0)
    kill(tmp_path, running("ours"))
    record = make_record(run_id="ours", duration_seconds=7_200.0)
    (tmp_path / "training_run" / "record.json").write_text(encode(record))
    assert recover(str(tmp_path)) == 0
    card = (tmp_path / "README.md").read_text()
    assert card != before
    assert "2 h" in card
    assert load_run(tmp_path).run_id == "ours"


def test_a_record_that_stands_without_weights_gets_no_card(tmp_path: Path) -> None:
    """A card describes weights."""
    kill(tmp_path, running("ours"))
    leave_record(tmp_path, make_record(run_id="ours", status="interrupted"))
    assert recover(str(tmp_path)) == 0
    assert not (tmp_path / "README.md").exists()
    assert journals_in(tmp_path) == []


@pytest.mark.parametrize("text", [b"# By hand: the section taken out\n", b"\xff\xfe no text"])
def test_a_card_that_was_written_stays_as_it_is(tmp_path: Path, text: bytes) -> None:
    """Somebody took our section out since, or it is none that we can read."""
    kill(tmp_path, running("earlier"))
    leave_completed_run(tmp_path)
    (tmp_path / "README.md").write_bytes(text)
    assert recover(str(tmp_path)) == 0
    assert (tmp_path / "README.md").read_bytes() == text


@pytest.mark.parametrize(("seconds_ago", "main_run"), [(-60.0, "completed"), (60.0, "earlier")])
def test_of_two_completed_runs_the_later_ones_card_stands(tmp_path: Path, seconds_ago: float, main_run: str) -> None:
    """The one whose weights were written last, which its journal's date tells."""
    good = leave_completed_run(tmp_path / "out")
    age(tmp_path / "out" / "training_run" / "record.json", 3600.0)
    kill(tmp_path / "out", replace(make_record(), run_id="completed"), seconds_ago=3600.0 + seconds_ago)
    assert recover("out") == 0
    assert load_run(tmp_path / "out").run_id == main_run
    assert ((tmp_path / "out" / "README.md").read_text() == good) == (main_run == "earlier")


def leave_job(folder: Path, run_id: str, status: Any, *ranks: int, name: str) -> None:
    """The record of a job of 16 processes whose other computers are not in it."""
    job = replace(node_record(ranks), run_id=run_id, status=status)
    (folder / "training_run").mkdir(parents=True, exist_ok=True)
    (folder / "training_run" / name).write_text(encode(merge_nodes(job, [])))


def test_an_interrupted_jobs_card_does_not_replace_a_completed_runs(tmp_path: Path) -> None:
    """Its computers are joined in its own record."""
    out = tmp_path / "out"
    good = leave_completed_run(out)
    leave_job(out, "job", "interrupted", *range(8), name="record-job.json")
    (out / "checkpoint-5").mkdir()
    (out / "checkpoint-5" / SUMMARY_NAME).write_bytes((out / "training_run" / "record-job.json").read_bytes())
    write_summary(out, summarize_node(node_record(range(8, 16))))
    assert recover("out") == 0
    assert (out / "README.md").read_text() == good
    assert load_run(out).run_id == "earlier"
    assert len(load_run(out / "training_run" / "record-job.json").nodes) == 2


def test_a_completed_jobs_card_does_not_replace_a_later_completed_runs(tmp_path: Path) -> None:
    """Its record was set aside by the later one; it is joined there."""
    out = tmp_path / "out"
    good = leave_completed_run(out)
    leave_job(out, "job", "completed", *range(8), name="record-job.json")
    write_summary(out, summarize_node(node_record(range(8, 16))))
    assert recover("out") == 0
    assert (out / "README.md").read_text() == good
    assert load_run(out).run_id == "earlier"


def test_a_picture_that_cannot_be_drawn_costs_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Whatever the drawing library raises: the record is there, and one line says what is not."""

    def break_down(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("matplotlib.backends.backend_agg.FigureCanvasAgg.draw", break_down)
    kill(tmp_path / "out", replace(make_record(), run_id="completed"))
    assert recover("out") == 0
    assert load_run(tmp_path / "out").recovered
    assert capsys.readouterr().err.count("\n") == 1
    assert journals_in(tmp_path / "out") == []


def with_job(record: RunRecord, job: str | None) -> RunRecord:
    """The record of a computer that could see its job's number."""
    return replace(record, nodes=(replace(record.nodes[0], job=job),))


def of_computer(ranks: range, run_id: str, *, job: str | None = None, **changes: Any) -> RunRecord:
    """A record in progress of one computer of a job."""
    record = with_job(node_record(ranks, **changes), job)
    session = replace(record.sessions[0], status="running")
    return replace(record, run_id=run_id, status="running", sessions=(session,))


@pytest.mark.parametrize("job", [None, "ab" * 16])
def test_an_old_journal_does_not_replace_a_newer_jobs_figures(tmp_path: Path, capsys: Any, job: str | None) -> None:
    """The other computer's last figures are joined; the killed job's journal stays, and the line says so."""
    here, there = tmp_path / "a", tmp_path / "b"
    leave_job(here, "new", "completed", *range(8), name="record.json")
    newer = with_job(node_record(range(8, 16)), job)
    (there / "_cardcallback").mkdir(parents=True)
    write_summary(there, summarize_node(newer, answers=job or ""))
    kill(there, of_computer(range(8, 16), "killed"))
    assert recover("a", "b") == 0
    assert "its journal stays" in capsys.readouterr().out
    assert load_run(here).energy.gpu.value == pytest.approx(2 * newer.energy.gpu.value)
    assert len(journals_in(there)) == 1


def test_figures_in_progress_of_the_same_job_are_replaced(tmp_path: Path) -> None:
    """Those of its last checkpoint, by those of its last second."""
    killed = of_computer(range(8, 16), "killed", job="ab" * 16)
    (tmp_path / "_cardcallback").mkdir(parents=True)
    write_summary(tmp_path, summarize_node(killed, answers="ab" * 16))
    kill(tmp_path, killed)
    assert recover(str(tmp_path)) == 0
    (summary,) = load_summaries(tmp_path)
    assert summary.status == "interrupted"
    assert summary.node.duration_seconds < 31.0


def test_figures_of_two_jobs_that_know_themselves_are_not_joined(tmp_path: Path, capsys: Any) -> None:
    """The same ranks of as many processes, but of another job."""
    out = tmp_path / "out"
    job = with_job(node_record(range(8)), "ab" * 16)
    (out / "training_run").mkdir(parents=True)
    (out / "training_run" / "record.json").write_text(encode(merge_nodes(job, [])))
    (out / "_cardcallback").mkdir()
    write_summary(out, summarize_node(node_record(range(8, 16)), answers="cd" * 16))
    assert recover("out") == 3
    assert capsys.readouterr().err.startswith("cardcallback: nothing to recover")
    assert len(load_run(out).nodes) == 1


def test_a_killed_jobs_computers_are_joined_before_the_next_begins(tmp_path: Path, settings: Settings) -> None:
    """On a shared disk, where the next job removes the figures of the others."""
    kill(tmp_path, of_computer(range(8), "first", job="ab" * 16))
    kill(tmp_path, of_computer(range(8, 16), "second", job="ab" * 16))
    recover_before(tmp_path, settings, clock=FakeClock())
    record = load_run(tmp_path)
    assert (record.run_id, record.recovered) == ("first", True)
    assert [node.ranks for node in record.nodes] == [tuple(range(8)), tuple(range(8, 16))]
    assert record.energy.partial_reason is None


def test_what_a_checkpoint_carries_is_not_said_not_to_have_been(tmp_path: Path, settings: Settings) -> None:
    """Killed just after a save, before its journal had as much: step and figures are those of the checkpoint."""
    made = running("killed")
    made = replace(made, sessions=(replace(made.sessions[0], session_id="first"),))
    kill(tmp_path, made)
    before = JournalledRun(made)
    before.clock.advance(40.0)
    saved = before.snapshot()
    (tmp_path / "checkpoint-32").mkdir()
    (tmp_path / "checkpoint-32" / SUMMARY_NAME).write_text(encode(saved.without_traces()))
    recover_before(tmp_path, settings)
    record = load_run(tmp_path)
    assert (record.status, record.recovered, record.sessions[-1].status) == ("interrupted", True, "interrupted")
    assert (record.sessions[-1].last_step, record.duration_seconds) == (saved.sessions[-1].last_step, 40.0)
    assert record.energy.gpu.value == saved.energy.gpu.value
    assert record.training.published_step == saved.sessions[-1].last_step
    assert [trace.quantity for trace in record.traces] == [trace.quantity for trace in made.traces]
    assert journals_in(tmp_path) == []
