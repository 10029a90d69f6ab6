"""``cardcallback recover``: what it writes of a killed run, and what it leaves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from folder_cards import HEADING, PERSONS_CARD, TRL_CARD, leave_completed_run, open_folder
from journalled import JournalledRun, copy_in, path_in
from msgspec.structs import replace

from cardcallback.cli import main
from cardcallback.guard import Guard
from cardcallback.journal import JournalKeeper, journal_path
from cardcallback.record import load_run
from cardcallback.render.card import ComposedCard
from cardcallback.testing import make_record

RUN_ID = make_record().run_id


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of this machine, and nothing in the working folder."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)


def run(*arguments: str | Path) -> int:
    """The exit code of the command."""
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return int(stop.value.code or 0)


def lived(folder: Path, seconds: float = 400.0, **settings: Any) -> JournalKeeper:
    """A keeper whose run has lived so long, and lives."""
    made = JournalledRun()
    keeper = made.keeper(folder, **settings)
    made.live(keeper, seconds)
    return keeper


def kill(folder: Path, seconds: float = 400.0, **settings: Any) -> None:
    """Leave the journal of a run that was killed long ago: nobody holds it."""
    lived(folder, seconds, **settings)._file.close()
    age(path_in(folder))


def leave_checkpoint(folder: Path, step: int, run_id: str) -> None:
    """A checkpoint with the record that is put into each."""
    record = make_record(status="running", run_id=run_id)
    checkpoint = folder / f"checkpoint-{step}"
    checkpoint.mkdir(parents=True)
    record = replace(record, sessions=(replace(record.sessions[0], last_step=step, status="running"),))
    open_folder(folder, run_id).write_summary(record, checkpoint, uploaded=False)


def age(journal: Path) -> None:
    """Date it back, so that nobody waits whether it is written again."""
    os.utime(journal, (0, 0))


def test_a_run_without_saved_weights_gets_a_record(tmp_path: Path, capsys: Any) -> None:
    """One line with time, energy, step and place; no card, as none of its weights are there; the journal goes."""
    kill(tmp_path / "out")
    assert run("recover", "out") == 0
    printed = capsys.readouterr().out
    assert printed.startswith(
        "out: at least 6 min 40 s, GPU at least 6.36 Wh, step 319 or soon after: record in out/training_run/record.json"
    )
    assert printed.endswith("record.json; no card: the run saved no weights\n")
    assert printed.count("\n") == 1
    record = load_run(tmp_path / "out")
    assert (record.status, record.recovered) == ("interrupted", True)
    assert not (tmp_path / "out" / "README.md").exists()
    assert not path_in(tmp_path / "out").exists()


def test_a_template_stays_where_no_weights_were_saved(tmp_path: Path, capsys: Any) -> None:
    """It waits for weights, and is of no others."""
    kill(tmp_path / "out")
    template = "# Mine\n\n- **Training time:** [X]\n"
    (tmp_path / "out" / "README.md").write_text(template)
    assert run("recover", "out") == 0
    assert "the card stays as it is: the run saved no weights" in capsys.readouterr().out
    assert (tmp_path / "out" / "README.md").read_text() == template


def test_the_card_of_saved_weights_is_completed(tmp_path: Path, capsys: Any) -> None:
    """A record in progress lies beside a checkpoint: the card there describes this run."""
    kill(tmp_path / "out")
    (tmp_path / "out" / "README.md").write_text(TRL_CARD)
    open_folder(tmp_path / "out", RUN_ID).write_record(make_record(status="running", duration_seconds=100.0))
    assert run("recover", "out") == 0
    assert "card out/README.md" in capsys.readouterr().out
    card = (tmp_path / "out" / "README.md").read_text()
    assert HEADING in card
    assert "interrupted at step 319 of 500, or soon after" in card
    assert "weights are from was not recorded" in card
    assert load_run(tmp_path / "out").card.body == "trainer"


def test_the_card_tells_the_last_checkpoint_that_lies_there(tmp_path: Path) -> None:
    """Whose weights it describes: those of this run's last checkpoint, and not of another run's."""
    kill(tmp_path / "out")
    for step, run_id in ((200, RUN_ID), (300, RUN_ID), (310, "another")):
        leave_checkpoint(tmp_path / "out", step, run_id)
    assert run("recover", "out") == 0
    card = (tmp_path / "out" / "README.md").read_text()
    assert (
        "The last checkpoint of this run is of step 300; whether weights were saved after it was not recorded." in card
    )
    training = load_run(tmp_path / "out").training
    assert (training.published_step, training.published_reason) == (300, "last checkpoint")


def test_the_card_of_a_completed_run_stays(tmp_path: Path) -> None:
    """Also where the killed run had saved a checkpoint: its record stands beside the completed one's."""
    good = leave_completed_run(tmp_path / "out")
    folder = open_folder(tmp_path / "out", RUN_ID)
    folder.write_record(make_record(status="running", duration_seconds=100.0))
    kill(tmp_path / "out")
    assert run("recover", "out") == 0
    assert (tmp_path / "out" / "README.md").read_text() == good
    assert load_run(tmp_path / "out").run_id == "earlier"
    beside = load_run(tmp_path / "out" / "training_run" / f"record-{RUN_ID}.json")
    assert (beside.run_id, beside.recovered) == (RUN_ID, True)


def test_what_may_not_be_published_stays_apart(tmp_path: Path) -> None:
    """The run's own settings hold, also the card's name."""
    kill(tmp_path / "out", card="CARD.md", publish="card")
    open_folder(tmp_path / "out", RUN_ID, card="CARD.md", publish="card").write_record(
        make_record(status="running", duration_seconds=100.0)
    )
    assert run("recover", "out") == 0
    assert HEADING in (tmp_path / "out" / "CARD.md").read_text()
    assert not (tmp_path / "out" / "training_run").exists()
    assert load_run(tmp_path / "out").recovered


def test_settings_in_a_hostile_journal_are_not_believed(tmp_path: Path) -> None:
    """A card outside the folder is not written: the usual name is used."""
    kill(tmp_path / "out", card="../outside.md", publish="everything")
    open_folder(tmp_path / "out", RUN_ID).write_record(make_record(status="running", duration_seconds=100.0))
    assert run("recover", "out") == 0
    assert not (tmp_path / "outside.md").exists()
    assert HEADING in (tmp_path / "out" / "README.md").read_text()


def test_a_run_that_lives_is_refused(tmp_path: Path, capsys: Any) -> None:
    """One line, nothing is changed; a killed one beside it is recovered all the same."""
    keeper = lived(tmp_path / "alive")
    kill(tmp_path / "out")
    before = path_in(tmp_path / "alive").read_bytes()
    assert run("recover", "alive", "out") == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("cardcallback: a run in alive is still alive")
    assert printed.err.count("\n") == 1
    assert path_in(tmp_path / "alive").read_bytes() == before
    assert load_run(tmp_path / "out").recovered
    keeper.close(final=True)


@pytest.mark.parametrize(
    ("folder", "why"),
    [("missing", "there is no folder missing; give the run"), ("empty", "no journal of a killed run lies")],
)
def test_nothing_to_recover_is_one_line(tmp_path: Path, capsys: Any, folder: str, why: str) -> None:
    """Exit code 3; a folder that is not there is not one without a journal."""
    (tmp_path / "empty").mkdir()
    assert run("recover", folder) == 3
    told = capsys.readouterr().err
    assert told.startswith(f"cardcallback: nothing to recover in {folder}: {why}")
    assert told.count("\n") == 1


def test_a_second_time_there_is_nothing(tmp_path: Path) -> None:
    """The first time left no journal."""
    kill(tmp_path / "out")
    assert run("recover", "out") == 0
    assert run("recover", "out") == 3


def test_a_record_that_is_complete_stays(tmp_path: Path) -> None:
    """Killed between its record and the removal of its journal: only the journal goes."""
    kill(tmp_path / "out")
    folder = open_folder(tmp_path / "out", RUN_ID)

    def record_first(composed: ComposedCard) -> None:
        folder.write_record(replace(make_record(), card=composed.card))

    folder.write_card(make_record(), pictures=False, before=record_first)
    before = (tmp_path / "out" / "training_run" / "record.json").read_bytes()
    assert run("recover", "out") == 0
    assert (tmp_path / "out" / "training_run" / "record.json").read_bytes() == before
    assert not path_in(tmp_path / "out").exists()


@pytest.mark.parametrize("before", [PERSONS_CARD, TRL_CARD, None])
def test_a_card_that_was_about_to_be_written_is(tmp_path: Path, before: str | None) -> None:
    """Killed between the record, which holds what is to be filled in, and the card; one without our section stays."""
    out = tmp_path / "out"
    kill(out)
    card = out / "README.md"
    if before is not None:
        card.write_text(before)
    folder = open_folder(out, RUN_ID)
    filled = folder.write_card(make_record(), pictures=False).card
    (out / "_cardcallback" / "card.json").unlink()
    folder.write_record(replace(make_record(), card=filled))
    card.unlink() if before is None else card.write_text(before)
    assert run("recover", "out") == 0
    assert HEADING in card.read_text()
    kill(out)
    card.write_text("# Without it\n")  # a person took the section out
    assert run("recover", "out") == 0
    assert card.read_text() == "# Without it\n"


def test_a_journal_stays_where_no_record_can_be_written(tmp_path: Path, capsys: Any) -> None:
    """A file in the folder's place: one line, and nothing is lost."""
    kill(tmp_path / "out")
    (tmp_path / "out" / "training_run").touch()
    assert run("recover", "out") == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert path_in(tmp_path / "out").exists()


def test_a_damaged_journal_stays(tmp_path: Path, capsys: Any) -> None:
    """Nothing whole is in it: it is said, and nothing is invented."""
    kill(tmp_path / "out")
    path_in(tmp_path / "out").write_bytes(b"no line of ours\n")
    age(path_in(tmp_path / "out"))
    assert run("recover", "out") == 3
    assert "holds no whole snapshot" in capsys.readouterr().err
    assert path_in(tmp_path / "out").exists()


def test_a_journal_on_the_nodes_own_disk_is_newer_than_its_copy(tmp_path: Path, monkeypatch: Any) -> None:
    """With the node's disk at hand the last second is recovered, and both go."""
    node = tmp_path / "node"
    node.mkdir()
    made = JournalledRun()
    copy, local = copy_in(tmp_path / "out"), path_in(node)
    keeper = made.keeper(node, copy=copy)
    made.live(keeper, 200.0)
    keeper._file.close()
    age(copy)
    age(local)
    monkeypatch.setenv("CARDCALLBACK_JOURNAL_DIRECTORY", str(node))
    assert run("recover", "out") == 0
    assert load_run(tmp_path / "out").duration_seconds > 198.0
    assert not copy.exists()
    assert not local.exists()


def test_two_runs_in_one_folder_are_both_recovered(tmp_path: Path, capsys: Any) -> None:
    """A line and a record each."""
    kill(tmp_path / "out")
    second = JournalledRun(replace(make_record(status="running"), run_id="second"))
    keeper = JournalKeeper(
        journal_path(tmp_path / "out", "second", "first"),
        progress=second.progress,
        snapshot=second.snapshot,
        guard=Guard(),
        clock=second.clock,
    )
    second.live(keeper, 30.0)
    keeper._file.close()
    age(journal_path(tmp_path / "out", "second", "first"))
    assert run("recover", "out") == 0
    assert capsys.readouterr().out.count("\n") == 2
    names = {load_run(path).run_id for path in (tmp_path / "out" / "training_run").glob("record*.json")}
    assert names == {RUN_ID, "second"}


@pytest.mark.parametrize("folders", [("out", "node"), ("node", "out"), ("out", "./out")])
@pytest.mark.parametrize("told", [True, False])
def test_a_run_is_recovered_once_wherever_its_journals_lie(
    tmp_path: Path, monkeypatch: Any, capsys: Any, folders: tuple[str, ...], *, told: bool
) -> None:
    """A journal on the node's disk and its copy are one run, whose record belongs beside the copy."""
    made = JournalledRun()
    keeper = made.keeper(tmp_path / "node", copy=copy_in(tmp_path / "out"))
    (tmp_path / "node").mkdir()
    made.live(keeper, 200.0)
    keeper._file.close()
    keeper._copy._file.close()
    age(copy_in(tmp_path / "out"))
    age(path_in(tmp_path / "node"))
    if told:
        monkeypatch.setenv("CARDCALLBACK_JOURNAL_DIRECTORY", str(tmp_path / "node"))
    assert run("recover", *folders) == 0
    assert capsys.readouterr().out.count("\n") == 1
    whole = told or "node" in folders
    assert (load_run(tmp_path / "out").duration_seconds > 198.0) == whole
    assert not (tmp_path / "node" / "training_run").exists()
    assert path_in(tmp_path / "node").exists() != whole
    assert not copy_in(tmp_path / "out").exists()
