"""``cardcallback ls`` of runs that went on twice from one checkpoint: a line each, and each session once in the sum."""

from __future__ import annotations

from pathlib import Path

import pytest
from found_runs import WATT_HOUR, carry, ls, ls_json, run_record, write_record
from msgspec.structs import replace
from session_records import session_record

from cardcallback.record import RunRecord
from cardcallback.sessions import joined_sessions


def _went_on(first: RunRecord, name: str, joules: float = WATT_HOUR, **fields: object) -> RunRecord:
    return joined_sessions(first, session_record(joules, steps=(100, 200), session_id=name, **fields))


def test_each_branch_has_a_line_and_the_sum_its_first_part_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Resumed twice from one checkpoint in two folders: three sessions were paid for, not four."""
    first = run_record(1, status="interrupted")
    write_record(tmp_path / "left", _went_on(first, "left"))
    write_record(tmp_path / "right", _went_on(first, "right", 5 * WATT_HOUR))
    document = ls_json(capsys, tmp_path)
    lines = [(run["folder"], run["branch"], run["sessions"], run["shared_sessions"]) for run in document["runs"]]
    assert lines == [("left", 1, 2, 1), ("right", 2, 2, 1)]
    assert [run["gpu_energy_joules"] for run in document["runs"]] == pytest.approx([2 * WATT_HOUR, 6 * WATT_HOUR])
    assert document["sum"]["gpu_energy_joules"] == pytest.approx(7 * WATT_HOUR)
    assert document["sum"]["duration_seconds"] == pytest.approx(300.0)
    text = ls(capsys, tmp_path)
    assert "right (00000000, branch 2)" in text
    assert "completed (2 sessions, 1 shared)" in text
    assert "2 runs went on from shared sessions: they are in each one's line and once in the sum" in text
    assert text.splitlines()[3].split()[:3] == ["sum", "2", "runs"]


def test_branches_in_one_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two jobs that went on from one checkpoint at once, neither of which knows the other's session."""
    first = run_record(1, status="interrupted")
    write_record(tmp_path / "out", _went_on(first, "left"))
    write_record(tmp_path / "out", _went_on(first, "right"), "record-right.json")
    document = ls_json(capsys, tmp_path)
    assert [run["branch"] for run in document["runs"]] == [1, 2]
    assert document["sum"]["gpu_energy_joules"] == pytest.approx(3 * WATT_HOUR)


def test_branches_with_run_ids_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is shared is told by the session, not by the run."""
    first = run_record(1, status="interrupted")
    write_record(tmp_path / "left", _went_on(first, "left"))
    write_record(tmp_path / "right", replace(_went_on(first, "right"), run_id="right"))
    document = ls_json(capsys, tmp_path)
    assert [run["shared_sessions"] for run in document["runs"]] == [1, 1]
    assert document["sum"]["gpu_energy_joules"] == pytest.approx(3 * WATT_HOUR)


def test_the_shared_part_is_counted_by_its_longest_account(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One branch knows it to its checkpoint only; the record of the session itself tells of all of it."""
    to_checkpoint = run_record(1, status="running", seconds=50.0)
    whole = run_record(1, 2 * WATT_HOUR, status="interrupted", seconds=100.0, steps=(0, 150))
    write_record(tmp_path / "left", _went_on(whole, "left"))
    write_record(tmp_path / "right", _went_on(to_checkpoint, "right"))
    document = ls_json(capsys, tmp_path)
    assert document["sum"]["duration_seconds"] == pytest.approx(300.0)
    assert document["sum"]["gpu_energy_joules"] == pytest.approx(4 * WATT_HOUR)
    assert not document["sum"]["gpu_energy_is_least"]
    assert document["runs"][1]["duration_seconds"] == pytest.approx(200.0)


def test_a_branch_that_left_only_a_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It was spent too; the checkpoints of the first part are nobody's branch."""
    first = run_record(1, status="interrupted")
    write_record(tmp_path / "left", _went_on(first, "left"))
    carry(tmp_path / "left" / "checkpoint-100", first)
    carry(tmp_path / "right" / "checkpoint-150", _went_on(first, "right", status="running"))
    runs = ls_json(capsys, tmp_path)["runs"]
    assert [(run["folder"], run["status"]) for run in runs] == [("left", "completed"), ("right", "running")]


def test_a_session_without_an_id_is_its_runs_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of older records two runs share nothing."""
    for number in (1, 2):
        write_record(tmp_path / str(number), run_record(number, session_id=None))
    document = ls_json(capsys, tmp_path)
    assert [run["shared_sessions"] for run in document["runs"]] == [0, 0]
    assert document["sum"]["gpu_energy_joules"] == pytest.approx(2 * WATT_HOUR)
