"""A killed session whose run went on without it: neither its figures nor those of the run are lost."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from folder_cards import open_folder
from msgspec.structs import replace
from node_records import node_record
from other_process import left_journal
from session_records import session_record

from cardcallback.carbon import assess_footprint, market_factor, reassessed, user_factor
from cardcallback.guard import Guard
from cardcallback.journal import JournalKeeper, journal_path, journals_in
from cardcallback.record import RunRecord, encode, load_run
from cardcallback.recovery import killed_accounts, recover_before
from cardcallback.sessions import SUMMARY_NAME, earlier_sessions, joined_sessions
from cardcallback.settings import Settings
from cardcallback.testing import FakeClock

RUN_ID = "0" * 32


def _first(**fields: Any) -> RunRecord:
    return session_record(session_id="first", seconds=10.0, steps=(0, 5), status="running", **fields)


def _later(name: str, first: RunRecord | None = None, status: Any = "completed") -> RunRecord:
    """The run after a session of 100 s that went on from the first one's checkpoint."""
    return joined_sessions(first or _first(), session_record(steps=(5, 100), session_id=name, status=status))


def _killed(folder: Path, record: RunRecord) -> None:
    """The journal of its last session, killed after 30 s."""
    os.utime(left_journal(folder, RUN_ID, record), (0, 0))


def _killed_as_it_is(folder: Path, record: RunRecord) -> None:
    """A journal with this record and nothing after it."""
    os.utime(_kept(folder, RUN_ID, record, "lost"), (0, 0))


def _kept(folder: Path, run_id: str, record: RunRecord, session_id: str = "first") -> Path:
    path = journal_path(folder, run_id, session_id)
    keeper = JournalKeeper(path, progress=lambda: None, snapshot=lambda: record, guard=Guard(), clock=FakeClock())
    keeper.write_due(FakeClock().elapsed_seconds())
    keeper.close(final=False)
    return path


def _sessions(folder: Path) -> list[tuple[str, dict[str | None, float]]]:
    """Every record's sessions with their length, in seconds."""
    records = [load_run(path) for path in sorted((folder / "training_run").glob("record*.json"))]
    return [
        (record.run_id, {one.session_id: round(one.duration_seconds) for one in record.sessions}) for record in records
    ]


def test_what_the_run_did_not_know_of_it_is_added(tmp_path: Path) -> None:
    """It went on from a checkpoint after 10 s; the killed session had lasted 30."""
    open_folder(tmp_path, RUN_ID).write_record(_later("second"))
    _killed(tmp_path, _first())
    recover_before(tmp_path, Settings())
    assert _sessions(tmp_path) == [(RUN_ID, {"first": 30, "second": 100})]
    record = load_run(tmp_path)
    assert (record.status, record.duration_seconds) == ("completed", pytest.approx(130.0, abs=1.1))
    assert journals_in(tmp_path) == []


def test_both_figures_of_co2e_follow_the_energy_that_was_added(tmp_path: Path) -> None:
    """The market-based one beside that of the grid, each by the factor that the record had."""
    later = _later("second")
    carbon = assess_footprint(later.sessions[-1].energy, user_factor(400.0), None, market_factor(20.0)).carbon
    open_folder(tmp_path, RUN_ID).write_record(replace(later, carbon=carbon))
    _killed(tmp_path, _first())
    recover_before(tmp_path, Settings())
    recovered = load_run(tmp_path)
    kilowatt_hours = (recovered.energy.gpu.value or 0.0) / 3.6e6
    assert carbon is not None
    assert recovered.carbon is not None
    assert recovered.carbon.energy_joules > carbon.energy_joules
    assert recovered.carbon.emissions_grams == pytest.approx(400.0 * kilowatt_hours)
    assert recovered.carbon.market_emissions_grams == pytest.approx(20.0 * kilowatt_hours)
    without = reassessed(recovered, None).carbon
    assert without is not None
    assert without.emissions_grams == pytest.approx(recovered.carbon.emissions_grams)  # by the session's own
    assert without.market_emissions_grams is None


def test_another_branch_is_a_run_of_its_own(tmp_path: Path) -> None:
    """Two sessions went on from one checkpoint, and one of them was killed unseen."""
    open_folder(tmp_path, RUN_ID).write_record(_later("second"))
    _killed_as_it_is(tmp_path, _later("lost", status="running"))
    recover_before(tmp_path, Settings())
    assert sorted(_sessions(tmp_path), reverse=True) == [
        ("lost", {"first": 10, "lost": 100}),
        (RUN_ID, {"first": 10, "second": 100}),
    ]


def test_one_whose_run_goes_on_waits(tmp_path: Path) -> None:
    """The record in progress would be written over what is added to it."""
    open_folder(tmp_path, RUN_ID).write_record(_later("second", status="running"))
    _killed(tmp_path, _first())
    recover_before(tmp_path, Settings())
    assert len(journals_in(tmp_path)) == 1
    open_folder(tmp_path, RUN_ID).write_record(_later("second"))
    recover_before(tmp_path, Settings())
    assert _sessions(tmp_path) == [(RUN_ID, {"first": 30, "second": 100})]


def test_one_that_is_known_whole_only_goes(tmp_path: Path) -> None:
    """Killed between its record and the removal of its journal."""
    whole = replace(_first(), status="interrupted")
    whole = replace(whole, sessions=(replace(whole.sessions[0], status="interrupted", duration_seconds=31.0),))
    open_folder(tmp_path, RUN_ID).write_record(_later("second", whole))
    _killed(tmp_path, _first())
    recover_before(tmp_path, Settings())
    assert _sessions(tmp_path) == [(RUN_ID, {"first": 31, "second": 100})]
    assert journals_in(tmp_path) == []


def _goes_on_elsewhere(first: Path, record: RunRecord, into: Path) -> RunRecord:
    """The record of the sessions before, for one that goes on in another folder from a checkpoint after 10 s."""
    checkpoint = first / "checkpoint-5"
    checkpoint.mkdir()
    (checkpoint / SUMMARY_NAME).write_text(encode(replace(record, run_id=RUN_ID)))
    lineage = earlier_sessions(
        checkpoint, into, step=5, killed=lambda folder, run_id: killed_accounts(folder, run_id, None)
    )
    assert lineage.record is not None
    assert lineage.counts is not None
    assert lineage.counts.duration_seconds == 10.0
    return lineage.record


def test_what_goes_on_elsewhere_knows_what_was_spent_after_its_checkpoint(tmp_path: Path) -> None:
    """The journal of the killed session lies beside the checkpoint: it is read, and stays where it is."""
    first, second = tmp_path / "first", tmp_path / "second"
    _killed(first, _first())
    left_journal(first, "1" * 32)  # another run's, which has no say in this one
    before = {path: path.read_bytes() for path in journals_in(first)}
    record = _goes_on_elsewhere(first, _first(), second)
    assert [(one.session_id, one.killed) for one in record.sessions] == [("first", True)]
    assert record.sessions[0].duration_seconds == pytest.approx(30.0, abs=1.1)
    assert {path: path.read_bytes() for path in journals_in(first)} == before
    assert not second.exists()


def test_what_goes_on_elsewhere_knows_what_other_computers_spent(tmp_path: Path) -> None:
    """Each computer of the job that was killed left a journal of its own in the folder that they shared."""
    first, parts = tmp_path / "first", []
    for ranks in (range(8), range(8, 16)):
        record = node_record(ranks, seconds=30.0, joules=700.0 * 30.0)
        session = replace(record.sessions[0], session_id="first", status="running", last_step=5)
        nodes = tuple(replace(node, job="a" * 32) for node in record.nodes)
        parts.append(replace(record, run_id=RUN_ID, status="running", sessions=(session,), nodes=nodes))
    _kept(first, RUN_ID, parts[0])
    _kept(first, "2" * 32, parts[1])
    (alone,) = parts[0].sessions
    known = replace(parts[0], sessions=(replace(alone, duration_seconds=10.0),), duration_seconds=10.0)
    record = _goes_on_elsewhere(first, known, tmp_path / "second")
    assert record.energy.gpu.value == pytest.approx(16 * 700.0 * 30.0)
