"""Several runs in one output folder: whose record and card stand, and that no record is ever lost."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from pathlib import Path

import pytest
from folder_cards import PERSONS_CARD, TRL_CARD, leave_completed_run, open_folder, record_of
from msgspec.structs import replace

from cardcallback.errors import CardCallbackError
from cardcallback.record import briefs_in, encode, load_run, read_brief
from cardcallback.run_folder import RunFolder
from cardcallback.sessions.lineage import SUMMARY_NAME, earlier_sessions, records_of_run
from cardcallback.testing import make_record


@pytest.fixture
def stopped(tmp_path: Path) -> RunFolder:
    """A run that was stopped after a checkpoint; in its folder another one completed since."""
    folder = open_folder(tmp_path, "stopped")
    folder.write_card(record_of("stopped", status="interrupted"), pictures=False)
    folder.write_record(record_of("stopped", status="interrupted"))
    leave_completed_run(tmp_path)
    return folder


def test_a_stopped_run_leaves_a_newer_ones_record_and_card(tmp_path: Path, stopped: RunFolder) -> None:
    """An evaluation after its end goes into its own record, beside the newer one's."""
    assert stopped.keeps_earlier_card
    stopped.write_record(record_of("stopped", status="interrupted", notes=("evaluated later",)))
    assert load_run(tmp_path).run_id == "earlier"
    assert load_run(tmp_path / "training_run" / "record-stopped.json").notes == ("evaluated later",)


def test_a_tool_that_rewrites_a_newer_runs_card_is_undone(tmp_path: Path, stopped: RunFolder) -> None:
    """The stopped run's trainer writes its own card over it."""
    card = tmp_path / "README.md"
    newer = card.read_text()
    stopped.notice_edits()
    card.write_text(TRL_CARD)
    stopped.restore_earlier_card()
    assert card.read_text() == newer


def test_a_push_of_the_stopped_run_takes_the_place(tmp_path: Path, stopped: RunFolder) -> None:
    """Its weights are uploaded, so record and card are its own; the newer one's record is kept."""
    stopped.weights_are_ours()
    assert not stopped.keeps_earlier_card
    stopped.write_record(record_of("stopped", status="interrupted"))
    assert load_run(tmp_path).run_id == "stopped"
    assert load_run(tmp_path / "training_run" / "record-earlier.json").status == "completed"


def test_a_run_that_another_overtook_before_its_first_record_stands_beside(tmp_path: Path) -> None:
    """Two trainings in one folder at once: the one that is stopped later does not replace the completed one."""
    folder = open_folder(tmp_path, "stopped")
    leave_completed_run(tmp_path)
    folder.write_record(record_of("stopped", status="interrupted"))
    assert load_run(tmp_path).run_id == "earlier"


@pytest.mark.parametrize("run_id", ["earlier", "second"])
def test_a_disk_that_is_full_costs_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_id: str) -> None:
    """A run resumed in its own completed folder, or a new one there: the old record is whole where it was."""
    leave_completed_run(tmp_path)
    folder = open_folder(tmp_path, run_id)
    folder.weights_are_ours()
    before = (tmp_path / "training_run" / "record.json").read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CardCallbackError, match="no space left"):
        folder.write_record(record_of(run_id, notes=("Something new.",)))
    assert (tmp_path / "training_run" / "record.json").read_bytes() == before


def test_a_save_waits_for_the_record_alone_to_be_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the record remembers what was filled into the card; a summary is as safe as the weights beside it."""
    waited: list[int] = []
    monkeypatch.setattr(os, "fsync", waited.append)
    folder = open_folder(tmp_path)
    checkpoint = tmp_path / "checkpoint-10"
    checkpoint.mkdir()
    folder.write_record(record_of("first", status="running"))
    assert len(waited) == 1
    folder.write_summary(record_of("first", status="running"), checkpoint, uploaded=False)
    assert (checkpoint / SUMMARY_NAME).exists()
    assert len(waited) == 1


def test_the_begin_waits_for_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy of a person's card is brought onto it in a thread of its own: a slow one takes seconds for that."""
    waiting: list[str] = []
    waited = threading.Event()

    def sync(_: int) -> None:
        waiting.append(threading.current_thread().name)
        waited.set()

    monkeypatch.setattr(os, "fsync", sync)
    (tmp_path / "README.md").write_text("# Mine\n")
    open_folder(tmp_path)
    assert (tmp_path / "_cardcallback" / "original_card.md").read_text() == "# Mine\n"
    assert waited.wait(60)
    assert waiting == ["cardcallback-sync"]


def test_a_resumed_runs_two_records_become_one(tmp_path: Path) -> None:
    """What it wrote beside its own completed record goes once its weights are saved again."""
    leave_completed_run(tmp_path)
    folder = open_folder(tmp_path, "earlier")
    beside = folder.write_record(record_of("earlier", status="running"))
    folder.weights_are_ours()
    main = folder.write_record(record_of("earlier", notes=("resumed",)))
    assert load_run(main).notes == ("resumed",)
    assert [path.name for path in beside.parent.iterdir()] == ["record.json"]


def test_a_record_that_cannot_be_written_as_json_displaces_none(tmp_path: Path) -> None:
    """A number without a limit is found before anything in the folder is moved."""
    leave_completed_run(tmp_path)
    folder = open_folder(tmp_path, "second")
    folder.weights_are_ours()
    with pytest.raises(ValueError, match="inf"):
        folder.write_record(record_of("second", duration_seconds=float("inf")))
    assert load_run(tmp_path).run_id == "earlier"


def test_each_damaged_record_is_kept(tmp_path: Path) -> None:
    """A second one does not replace the first."""
    for number in (1, 2, 3):
        folder = open_folder(tmp_path, f"run-{number}")
        (tmp_path / "training_run").mkdir(exist_ok=True)
        (tmp_path / "training_run" / "record.json").write_text(f"damaged {number}")
        folder.write_record(record_of(f"run-{number}"))
    kept = {path.read_text() for path in (tmp_path / "training_run").glob("record-damaged*.json")}
    assert kept == {"damaged 1", "damaged 2", "damaged 3"}


def test_a_run_id_of_any_writer_of_ours_names_its_record(tmp_path: Path) -> None:
    """What a checkpoint may carry, an underscore too, is no damage."""
    open_folder(tmp_path, "first_run").write_record(record_of("first_run"))
    folder = open_folder(tmp_path, "second")
    folder.write_record(record_of("second"))
    assert load_run(tmp_path / "training_run" / "record-first_run.json").run_id == "first_run"


def test_what_tells_runs_apart_is_read_alone(tmp_path: Path) -> None:
    """The same figures as the whole record's; of one that is not wanted whole, no other part is looked at."""
    record = make_record()
    path = tmp_path / "training_run" / "record.json"
    path.parent.mkdir()
    # A curve that is none: whoever read it would refuse the file.
    path.write_text(encode(record).replace('"curves": {', '"curves": {"loss": 7, ', 1))
    brief = briefs_in(tmp_path)[record.run_id]
    assert (brief.status, brief.duration_seconds) == (record.status, record.duration_seconds)
    assert brief.gpu_energy_joules == record.energy.gpu.value


@pytest.mark.parametrize("change", [{"schema_version": 99}, {"duration_seconds": -1.0}])
def test_what_no_record_can_be_is_not_read(tmp_path: Path, change: dict[str, float]) -> None:
    """Newer than this version, or of negative length."""
    path = tmp_path / "record.json"
    path.write_text(encode(replace(make_record(), **change)))
    assert read_brief(path) is None


def test_no_pipe_is_waited_for(tmp_path: Path) -> None:
    """Something else than a file in the record's place."""
    os.mkfifo(tmp_path / "record.json")
    assert read_brief(tmp_path / "record.json") is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize(
    "place", ["training_run/record.json", "_cardcallback/card.json", "_cardcallback/original_card.md", "README.md"]
)
def test_a_run_begins_beside_a_pipe(tmp_path: Path, place: str) -> None:
    """In the place of any file of ours: a script that waits for it would never train."""
    pipe = tmp_path / place
    pipe.parent.mkdir(exist_ok=True)
    if place != "README.md":
        (tmp_path / "README.md").write_text(PERSONS_CARD)
    os.mkfifo(pipe)
    assert earlier_sessions(tmp_path / "checkpoint-1", tmp_path).record is None
    assert list(records_of_run(tmp_path, "first")) == []
    with contextlib.suppress(CardCallbackError):  # a card that cannot be read is told of
        open_folder(tmp_path, "first").write_card(record_of("first"), pictures=False)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_no_record(tmp_path: Path) -> None:
    """Whoever gives one to a command is told so."""
    os.mkfifo(tmp_path / "record.json")
    with pytest.raises(CardCallbackError, match="no ordinary file") as raised:
        load_run(tmp_path / "record.json")
    assert raised.value.exit_code == 3


def test_a_persons_card_is_kept_without_a_newer_run(tmp_path: Path) -> None:
    """What a person writes after the end is theirs, as before."""
    folder = open_folder(tmp_path)
    folder.write_record(make_record())
    (tmp_path / "README.md").write_text(PERSONS_CARD)
    folder.notice_edits()
    assert (tmp_path / "_cardcallback" / "original_card.md").read_text() == PERSONS_CARD
