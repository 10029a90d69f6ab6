"""``cardcallback ls``: every run once, what they used in all, and nothing harmful from names or contents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from session_records import session_record

from cardcallback.cli import main
from cardcallback.record import RunRecord, Scope, Status, encode
from cardcallback.sessions import SUMMARY_NAME, joined_sessions

WATT_HOUR = 3600.0


def _run(number: int, joules: float | None = WATT_HOUR, *, date: str = "2026-03-02", **fields: Any) -> RunRecord:
    record = session_record(joules, session_id=f"s{number}", **fields)
    sessions = tuple(replace(session, started_on=date) for session in record.sessions)
    return replace(record, run_id=f"{number:032x}", sessions=sessions)


def _write(folder: Path, record: RunRecord, name: str = "record.json") -> None:
    place = folder / "training_run"
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_text(encode(record))


def _carried(checkpoint: Path, record: RunRecord) -> None:
    checkpoint.mkdir(parents=True)
    (checkpoint / SUMMARY_NAME).write_text(encode(record))


def _ls(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["ls", *map(str, arguments)])
    assert ended.value.code == code
    output = capsys.readouterr()
    return output.err if code else output.out


def _json(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    return json.loads(_ls(capsys, *arguments, "--json"))


def test_all_runs_and_their_sum(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By date, then by name, relative to what was asked; the interrupted ones count."""
    _write(tmp_path / "b" / "second", _run(2, 2 * WATT_HOUR))
    _write(tmp_path / "a", _run(1, date="2026-03-05", status="interrupted", seconds=60.0))
    _write(tmp_path / "b" / "first", _run(3, 3 * WATT_HOUR))
    lines = _ls(capsys, tmp_path).splitlines()
    assert [line.split()[1] for line in lines[1:4]] == ["b/first", "b/second", "a"]
    assert "interrupted" in lines[3]
    assert "1 min " in lines[3]
    assert lines[4].startswith("sum")
    assert lines[4].split()[1:3] == ["3", "runs"]
    assert lines[4].endswith("6.00 Wh")
    assert str(tmp_path) not in "".join(lines)


def test_a_resumed_run_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two sessions, one line, and both of its records' energy once."""
    first = _run(1, status="interrupted", steps=(0, 140))
    second = replace(_run(1, 2 * WATT_HOUR, steps=(100, 200)), run_id=first.run_id)
    second = replace(second, sessions=(replace(second.sessions[0], session_id="other"),))
    _write(tmp_path / "here", joined_sessions(first, second))
    _write(tmp_path / "there", first)
    (run,) = _json(capsys, tmp_path)["runs"]
    assert (run["folder"], run["sessions"]) == ("here", 2)
    assert run["gpu_energy_joules"] == pytest.approx(3 * WATT_HOUR)
    assert "completed (2 sessions)" in _ls(capsys, tmp_path)


def test_branches_of_one_run_share_their_first_session(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Resumed twice from one checkpoint in two folders: three sessions were paid for, not four."""
    first = _run(1, status="interrupted")
    for name in ("left", "right"):
        branch = session_record(WATT_HOUR, steps=(100, 200), session_id=name)
        _write(tmp_path / name, joined_sessions(first, branch))
    (run,) = _json(capsys, tmp_path)["runs"]
    assert run["sessions"] == 3
    assert run["gpu_energy_joules"] == pytest.approx(3 * WATT_HOUR)


def test_a_run_that_left_only_checkpoints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Killed before any record: its last checkpoint tells the least it used."""
    for step in (10, 20):
        running = _run(1, step * WATT_HOUR, seconds=step, steps=(0, step), status="running")
        _carried(tmp_path / "job" / f"checkpoint-{step}", running)
    (run,) = _json(capsys, tmp_path)["runs"]
    assert (run["folder"], run["steps"], run["gpu_energy_is_least"]) == ("job", 20, True)
    text = _ls(capsys, tmp_path)
    assert "unfinished" in text
    assert "at least 20.0 Wh" in text


def test_a_checkpoint_says_nothing_beside_a_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The record is of all of it."""
    _write(tmp_path, _run(1, 2 * WATT_HOUR))
    _carried(tmp_path / "checkpoint-50", _run(1, WATT_HOUR, status="running"))
    (run,) = _json(capsys, tmp_path)["runs"]
    assert run["gpu_energy_joules"] == pytest.approx(2 * WATT_HOUR)
    assert run["status"] == "completed"


def test_records_kept_private_and_set_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of earlier runs in a folder, and of a run that publishes none, belong to the output folder."""
    _write(tmp_path / "out", _run(1))
    _write(tmp_path / "out", _run(2), name="record-2.json")
    _write(tmp_path / "out" / "_cardcallback", _run(3))
    runs = _json(capsys, tmp_path)["runs"]
    assert [run["folder"] for run in runs] == ["out"] * 3
    # Three runs of one folder have to be told apart.
    assert "out (00000000)" in _ls(capsys, tmp_path)


def test_energy_that_was_not_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not a zero, and the sum says what it lacks."""
    _write(tmp_path / "a", _run(1, None))
    _write(tmp_path / "b", _run(2, WATT_HOUR))
    text = _ls(capsys, tmp_path)
    assert "not measured" in text
    assert "at least 1.00 Wh" in text.splitlines()[3]
    assert "the sum lacks the energy of 1 run" in text


@pytest.mark.parametrize("arguments", [[], ["--price", "0.40"]])
def test_cost_only_with_a_price(tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """In the person's own currency, so without a sign of one."""
    _write(tmp_path, _run(1, 5000 * WATT_HOUR))
    assert ("2.00" in _ls(capsys, tmp_path, *arguments)) == bool(arguments)
    assert _json(capsys, tmp_path, *arguments)["sum"]["cost"] == (pytest.approx(2.0) if arguments else None)


def test_what_was_simulated_is_added_to_nothing_real(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is listed and marked."""
    _write(tmp_path / "real", _run(1, WATT_HOUR))
    _write(tmp_path / "simulated", replace(_run(2, WATT_HOUR), simulated=True))
    document = _json(capsys, tmp_path)
    assert document["sum"]["gpu_energy_joules"] == pytest.approx(WATT_HOUR)
    assert "completed (simulated)" in _ls(capsys, tmp_path)


def test_a_sum_over_unlike_scopes_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A GB10's cores and an H100 with its memory."""
    _write(tmp_path / "a", _run(1))
    _write(tmp_path / "b", _run(2, scope=Scope(gpu_core="yes", gpu_memory="yes")))
    assert "unlike scopes" in _ls(capsys, tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", '{"schema_version": 99}', ""])
def test_damaged_records_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    """Beside the others, and none is raised."""
    _write(tmp_path / "good", _run(1))
    _write(tmp_path / "bad", _run(2))
    (tmp_path / "bad" / "training_run" / "record.json").write_text(content)
    text = _ls(capsys, tmp_path)
    assert "bad/training_run/record.json" in text
    assert "1 run" in text
    assert len(_json(capsys, tmp_path)["damaged"]) == 1


def test_a_number_without_a_limit_is_damage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1e999 is valid JSON, and no duration."""
    _write(tmp_path, _run(1, seconds=12345.0))
    path = tmp_path / "training_run" / "record.json"
    path.write_text(path.read_text().replace("12345.0", "1e999"))
    assert "damaged" in _ls(capsys, tmp_path)
    assert _json(capsys, tmp_path)["sum"]["runs"] == 0


@pytest.mark.parametrize("name", ["\x1b[31mred", "[bold]x[/bold]", "a\nsum  9 runs", "\u202egpj", "x" * 200])
def test_hostile_names_are_harmless(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Nothing that steers a terminal, no line of its own, no markup; one that is too long is cut."""
    _write(tmp_path / name, replace(_run(1), run_id="\x1b]0;title\x07"))
    text = _ls(capsys, tmp_path)
    assert len(text.splitlines()) == 3
    assert all(character.isprintable() for character in text.replace("\n", ""))
    assert max(len(line) for line in text.splitlines()) < 160
    assert ("[bold]x" in text) == name.startswith("[bold]")


@pytest.mark.parametrize("status", ["completed", "interrupted", "running"])
def test_hostile_contents_are_harmless(tmp_path: Path, capsys: pytest.CaptureFixture[str], status: Status) -> None:
    """A date that is none comes out as text."""
    _write(tmp_path, _run(1, date="\x1b[2J\nsum", status=status))
    text = _ls(capsys, tmp_path)
    assert "\x1b" not in text
    assert len(text.splitlines()) == 3


def test_links_are_not_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run elsewhere is not below."""
    _write(tmp_path / "elsewhere", _run(1))
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "elsewhere")
    assert "no run below" in _ls(capsys, tmp_path / "here", code=3)


@pytest.mark.parametrize("folder", [".", "missing"])
def test_nothing_found_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str) -> None:
    """Exit code 3, with what to do."""
    error = _ls(capsys, tmp_path / folder, code=3)
    assert len(error.splitlines()) == 1
    assert "give " in error


def test_several_folders_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And one within another is searched once."""
    _write(tmp_path / "a" / "run", _run(1))
    _write(tmp_path / "b" / "run", _run(2))
    folders = (tmp_path / "a", tmp_path / "b", tmp_path / "b" / "run")
    runs = _json(capsys, *folders)["runs"]
    assert [run["folder"] for run in runs] == [str(tmp_path / name / "run") for name in ("a", "b")]
