"""``cardcallback ls``: every run once, what they used in all, and nothing harmful from names or contents."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from found_runs import WATT_HOUR, carry, ls, ls_json, run_record, write_record
from msgspec.structs import replace

from cardcallback.record import Scope, Status
from cardcallback.sessions import joined_sessions


def test_all_runs_and_their_sum(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By date, then by name, relative to what was asked; the interrupted ones count."""
    write_record(tmp_path / "b" / "second", run_record(2, 2 * WATT_HOUR))
    write_record(tmp_path / "a", run_record(1, date="2026-03-05", status="interrupted", seconds=60.0))
    write_record(tmp_path / "b" / "first", run_record(3, 3 * WATT_HOUR))
    lines = ls(capsys, tmp_path).splitlines()
    assert [line.split()[1] for line in lines[1:4]] == ["b/first", "b/second", "a"]
    assert "interrupted" in lines[3]
    assert "1 min " in lines[3]
    assert lines[4].startswith("sum")
    assert lines[4].split()[1:3] == ["3", "runs"]
    assert lines[4].endswith("6.00 Wh")
    assert str(tmp_path) not in "".join(lines)


@pytest.mark.parametrize("asked", [".", "..", "the whole path"])
def test_a_run_in_the_folder_itself_has_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    """However it was given; in the data it stays relative to that."""
    write_record(tmp_path / "my-model", run_record(1))
    (tmp_path / "my-model" / "checkpoint-10").mkdir()
    monkeypatch.chdir(tmp_path / "my-model" / ("checkpoint-10" if asked == ".." else ""))
    folder = tmp_path / "my-model" if asked == "the whole path" else Path(asked)
    assert ls(capsys, folder).splitlines()[1].split()[1] == "my-model"
    assert ls_json(capsys, folder)["runs"][0]["folder"] == "."


def test_a_resumed_run_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two sessions, one line, and both of its records' energy once."""
    first = run_record(1, status="interrupted", steps=(0, 140))
    second = replace(run_record(1, 2 * WATT_HOUR, steps=(100, 200)), run_id=first.run_id)
    second = replace(second, sessions=(replace(second.sessions[0], session_id="other"),))
    write_record(tmp_path / "here", joined_sessions(first, second))
    write_record(tmp_path / "there", first)
    (run,) = ls_json(capsys, tmp_path)["runs"]
    assert (run["folder"], run["sessions"]) == ("here", 2)
    assert run["gpu_energy_joules"] == pytest.approx(3 * WATT_HOUR)
    assert "completed (2 sessions)" in ls(capsys, tmp_path)


def test_a_run_that_left_only_checkpoints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Killed before any record: its last checkpoint tells the least it used."""
    for step in (10, 20):
        running = run_record(1, step * WATT_HOUR, seconds=step, steps=(0, step), status="running")
        carry(tmp_path / "job" / f"checkpoint-{step}", running)
    (run,) = ls_json(capsys, tmp_path)["runs"]
    assert (run["folder"], run["steps"], run["gpu_energy_is_least"]) == ("job", 20, True)
    text = ls(capsys, tmp_path)
    assert "unfinished" in text
    assert "at least 20.0 Wh" in text


def test_a_checkpoint_says_nothing_beside_a_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The record is of all of it."""
    write_record(tmp_path, run_record(1, 2 * WATT_HOUR))
    carry(tmp_path / "checkpoint-50", run_record(1, WATT_HOUR, status="running"))
    (run,) = ls_json(capsys, tmp_path)["runs"]
    assert run["gpu_energy_joules"] == pytest.approx(2 * WATT_HOUR)
    assert run["status"] == "completed"


def test_records_kept_private_and_set_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of earlier runs in a folder, and of a run that publishes none, belong to the output folder."""
    write_record(tmp_path / "out", run_record(1))
    write_record(tmp_path / "out", run_record(2), name="record-2.json")
    write_record(tmp_path / "out" / "_cardcallback", run_record(3))
    runs = ls_json(capsys, tmp_path)["runs"]
    assert [run["folder"] for run in runs] == ["out"] * 3
    # Three runs of one folder have to be told apart.
    assert "out (00000000)" in ls(capsys, tmp_path)


def test_energy_that_was_not_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not a zero, and the sum says what it lacks."""
    write_record(tmp_path / "a", run_record(1, None))
    write_record(tmp_path / "b", run_record(2, WATT_HOUR))
    text = ls(capsys, tmp_path)
    assert "not measured" in text
    assert "at least 1.00 Wh" in text.splitlines()[3]
    assert "the sum lacks the energy of 1 run" in text


def test_what_was_simulated_is_added_to_nothing_real(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is listed and marked."""
    write_record(tmp_path / "real", run_record(1, WATT_HOUR))
    write_record(tmp_path / "simulated", replace(run_record(2, WATT_HOUR), simulated=True))
    document = ls_json(capsys, tmp_path)
    assert document["sum"]["gpu_energy_joules"] == pytest.approx(WATT_HOUR)
    assert "completed (simulated)" in ls(capsys, tmp_path)


def test_a_sum_over_unlike_scopes_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A GB10's cores and an H100 with its memory."""
    write_record(tmp_path / "a", run_record(1))
    write_record(tmp_path / "b", run_record(2, scope=Scope(gpu_core="yes", gpu_memory="yes")))
    assert "unlike scopes" in ls(capsys, tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", '{"schema_version": 99}', ""])
def test_damaged_records_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    """Beside the others, and none is raised."""
    write_record(tmp_path / "good", run_record(1))
    write_record(tmp_path / "bad", run_record(2))
    (tmp_path / "bad" / "training_run" / "record.json").write_text(content)
    text = ls(capsys, tmp_path)
    assert "bad/training_run/record.json" in text
    assert "1 run" in text
    assert len(ls_json(capsys, tmp_path)["damaged"]) == 1


def test_a_number_without_a_limit_is_damage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1e999 is valid JSON, and no duration."""
    write_record(tmp_path, run_record(1, seconds=12345.0))
    path = tmp_path / "training_run" / "record.json"
    path.write_text(path.read_text().replace("12345.0", "1e999"))
    assert "damaged" in ls(capsys, tmp_path)
    assert ls_json(capsys, tmp_path)["sum"]["runs"] == 0


@pytest.mark.parametrize("name", ["\x1b[31mred", "[bold]x[/bold]", "a\nsum  9 runs", "\u202egpj", "x" * 200])
def test_hostile_names_are_harmless(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Nothing that steers a terminal, no line of its own, no markup; one that is too long is cut."""
    write_record(tmp_path / name, replace(run_record(1), run_id="\x1b]0;title\x07"))
    text = ls(capsys, tmp_path)
    assert len(text.splitlines()) == 3
    assert all(character.isprintable() for character in text.replace("\n", ""))
    assert max(len(line) for line in text.splitlines()) < 160
    assert ("[bold]x" in text) == name.startswith("[bold]")


@pytest.mark.parametrize("status", ["completed", "interrupted", "running"])
def test_hostile_contents_are_harmless(tmp_path: Path, capsys: pytest.CaptureFixture[str], status: Status) -> None:
    """A date that is none comes out as text."""
    write_record(tmp_path, run_record(1, date="\x1b[2J\nsum", status=status))
    text = ls(capsys, tmp_path)
    assert "\x1b" not in text
    assert len(text.splitlines()) == 3


def test_links_are_not_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run elsewhere is not below."""
    write_record(tmp_path / "elsewhere", run_record(1))
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "elsewhere")
    assert "no run below" in ls(capsys, tmp_path / "here", code=3)


@pytest.mark.parametrize("folder", [".", "missing"])
def test_nothing_found_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str) -> None:
    """Exit code 3, with what to do."""
    error = ls(capsys, tmp_path / folder, code=3)
    assert len(error.splitlines()) == 1
    assert "give " in error


def test_several_folders_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And one within another is searched once."""
    write_record(tmp_path / "a" / "run", run_record(1))
    write_record(tmp_path / "b" / "run", run_record(2))
    folders = (tmp_path / "a", tmp_path / "b", tmp_path / "b" / "run")
    runs = ls_json(capsys, *folders)["runs"]
    assert [run["folder"] for run in runs] == [str(tmp_path / name / "run") for name in ("a", "b")]


@pytest.mark.parametrize("entry", ["folder", "file"])
def test_what_cannot_be_read_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    """The others are listed; what is left out of the sum does not pass in silence."""
    write_record(tmp_path / "good", run_record(1))
    write_record(tmp_path / "closed", run_record(2))
    closed = tmp_path / "closed" / ("training_run/record.json" if entry == "file" else "")
    lstat, scan = Path.lstat, os.scandir

    def refuse(path: Path) -> None:
        if Path(path) == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

    def refusing_lstat(path: Path) -> os.stat_result:
        refuse(path)
        return lstat(path)

    def refusing_scan(path: str) -> Any:
        refuse(Path(path))
        return scan(path)

    monkeypatch.setattr(Path, "lstat", refusing_lstat)
    monkeypatch.setattr(os, "scandir", refusing_scan)
    document = ls_json(capsys, tmp_path)
    assert [run["folder"] for run in document["runs"]] == ["good"]
    assert document["damaged"] == [{"file": str(closed.relative_to(tmp_path)), "problem": "cannot be read"}]


def test_a_checkpoint_that_goes_meanwhile_is_no_damage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that lives removes its old ones."""
    write_record(tmp_path, run_record(1))
    carry(tmp_path / "checkpoint-10", run_record(1, status="running"))
    lstat = Path.lstat

    def removing(path: Path) -> os.stat_result:
        if path.parent.name == "checkpoint-10":
            path.unlink()
        return lstat(path)

    monkeypatch.setattr(Path, "lstat", removing)
    assert ls_json(capsys, tmp_path)["damaged"] == []


def test_loops_of_links_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that holds a link to itself, and a record that is a link to itself."""
    write_record(tmp_path / "run", run_record(1))
    (tmp_path / "run" / "again").symlink_to(tmp_path)
    (tmp_path / "run" / "training_run" / "record-loop.json").symlink_to("record-loop.json")
    document = ls_json(capsys, tmp_path)
    assert len(document["runs"]) == 1
    assert document["damaged"] == []


def test_a_newer_record_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its figures may mean something else: none is taken from it."""
    write_record(tmp_path, replace(run_record(1), schema_version=2))
    (damaged,) = ls_json(capsys, tmp_path)["damaged"]
    assert damaged["problem"] == "record.json has schema version 2, newer than 1"


def test_a_record_that_is_being_written_counts_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The half-written file beside it is nothing."""
    write_record(tmp_path, run_record(1))
    text = (tmp_path / "training_run" / "record.json").read_text()
    (tmp_path / "training_run" / "_cardcallback-0123.tmp").write_text(text[: len(text) // 2])
    document = ls_json(capsys, tmp_path)
    assert (len(document["runs"]), document["damaged"]) == (1, [])
