"""What the card says that earlier unfinished runs used: with its doubts, and nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from found_runs import WATT_HOUR, run_record
from msgspec.structs import replace
from session_records import session_record

from cardcallback.record import RunBrief, RunRecord, encode
from cardcallback.record.brief import read_brief
from cardcallback.render.unfinished import unfinished_runs_note
from cardcallback.sessions import joined_sessions

NARROW = WATT_HOUR * 0.001
ACCURACY = "beside the interval the sensor's own accuracy"


Brief = Callable[[RunRecord], RunBrief]


@pytest.fixture
def brief(tmp_path: Path) -> Brief:
    """What the folder's reader takes from a record's file."""

    def read(record: RunRecord) -> RunBrief:
        path = tmp_path / "record.json"
        path.write_text(encode(record))
        found = read_brief(path)
        assert found is not None
        return found

    return read


def stopped(number: int, joules: float | None = WATT_HOUR, **fields: object) -> RunRecord:
    """A run that was interrupted."""
    return run_record(number, joules, **({"status": "interrupted", "doubt": NARROW} | fields))


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (stopped(2), "2, 3 min 20 s, together 2.00 Wh of GPU energy."),
        (stopped(2, coverage=0.5), "2, 3 min 20 s, together at least 2.00 Wh of GPU energy."),
        (stopped(2, status="running"), "2, at least 3 min 20 s, together at least 2.00 Wh of GPU energy."),
        (stopped(2, None), "2, 3 min 20 s, together at least 1.00 Wh of GPU energy (not measured in 1)."),
        (
            stopped(2, doubt=WATT_HOUR / 2),
            f"2, 3 min 20 s, together 2.00 Wh (1.50 to 2.50 Wh) of GPU energy ({ACCURACY}: not published).",
        ),
    ],
)
def test_the_sum_is_no_surer_than_its_parts(brief: Brief, other: RunRecord, told: str) -> None:
    """An interval is carried along, and what is lacking makes it the least."""
    note = unfinished_runs_note([brief(stopped(1)), brief(other)])
    assert note == f"Earlier unfinished runs in this folder, in no figure here: {told}"


def test_what_was_nowhere_measured(brief: Brief) -> None:
    """No figure at all."""
    note = unfinished_runs_note([brief(stopped(1, None))])
    assert note is not None
    assert note.endswith("1, 1 min 40 s, GPU energy not measured.")


def test_shared_sessions_count_once_and_own_ones_not_at_all(brief: Brief) -> None:
    """Of two branches of one checkpoint the first part is one; where this run went on from it, it is in its figures."""
    first = stopped(1)
    branches = [
        replace(joined_sessions(first, session_record(WATT_HOUR, status="interrupted", session_id=name)), run_id=name)
        for name in ("left", "right")
    ]
    runs = [replace(brief(branch), status="interrupted") for branch in branches]
    shared, without = unfinished_runs_note(runs), unfinished_runs_note(runs, {"s1"})
    assert shared is not None
    assert without is not None
    assert "2, 5 min, together 3.00 Wh" in shared
    assert "2, 3 min 20 s, together 2.00 Wh" in without
    assert unfinished_runs_note(runs, {"s1", "left", "right"}) is None


def test_a_first_part_that_a_completed_run_has_was_not_without_result(brief: Brief) -> None:
    """Only what the unfinished branch did itself is counted."""
    first = stopped(1)
    done = joined_sessions(first, session_record(WATT_HOUR, session_id="done"))
    lost = joined_sessions(first, session_record(WATT_HOUR, status="interrupted", session_id="lost"))
    note = unfinished_runs_note([brief(done), replace(brief(lost), run_id="lost")])
    assert note is not None
    assert "1, 1 min 40 s, together 1.00 Wh" in note


def test_completed_runs_are_not_told(brief: Brief) -> None:
    """Their cards tell."""
    assert unfinished_runs_note([brief(run_record(1))]) is None
