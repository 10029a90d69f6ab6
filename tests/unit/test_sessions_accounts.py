"""What a session did after its checkpoint, of which several records tell: nothing is counted twice."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from session_records import session_record

from cardcallback.record import Measurement, RunRecord
from cardcallback.sessions import joined_sessions, with_longer_accounts


def waited(seconds: float, session_id: str = "a", **fields: Any) -> RunRecord:
    """A session so long, whose work waited for memory for a fifth of it."""
    record = session_record(
        10 * seconds, seconds=seconds, steps=(0, int(seconds / 10)), session_id=session_id, **fields
    )
    figure = Measurement(
        value=seconds / 5,
        unit="seconds",
        source="proc:pressure/memory",
        method="counter",
    )
    return replace(record, memory=replace(record.memory, stalled_some=figure, stalled_all=None))


def waiting_seconds(record: RunRecord) -> float | None:
    """How long its work waited for memory in all."""
    assert record.memory.stalled_some is not None
    return record.memory.stalled_some.value


@pytest.mark.parametrize("others", [[60], [60, 10, 30], [10, 20, 30, 40, 50, 60], [60, 60]])
def test_the_same_session_told_again_waited_once(others: list[int]) -> None:
    """However many checkpoints and records tell of it: the longest account's time."""
    accounts = [waited(float(seconds), status="interrupted" if seconds == 60 else "running") for seconds in others]
    grown = with_longer_accounts(waited(50.0, status="running"), accounts, all_sessions=True)
    assert waiting_seconds(grown) == pytest.approx(12.0)
    assert grown.memory.stalled_all is None


def test_a_lost_session_adds_what_it_waited() -> None:
    """Told together with the session that the checkpoint is of, or alone."""
    ended, lost = waited(60.0, status="interrupted"), waited(20.0, "b", status="interrupted")
    for others in ([joined_sessions(ended, lost)], [ended, lost], [lost, joined_sessions(ended, lost)]):
        grown = with_longer_accounts(waited(50.0, status="running"), others, all_sessions=True)
        assert [session.session_id for session in grown.sessions] == ["a", "b"]
        assert waiting_seconds(grown) == pytest.approx(16.0)


def test_a_time_that_also_holds_another_branch_is_not_known() -> None:
    """The other folder's record tells of both sessions together; the second is not this run's."""
    branch = joined_sessions(waited(60.0, status="interrupted"), waited(20.0, "b"))
    grown = with_longer_accounts(waited(50.0, status="running"), [branch], all_sessions=False)
    assert [session.duration_seconds for session in grown.sessions] == [60.0]
    assert waiting_seconds(grown) is None
