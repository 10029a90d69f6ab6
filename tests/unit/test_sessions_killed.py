"""What is told of a session that was killed, once its run went on."""

from __future__ import annotations

import functools
from typing import Any

from msgspec.structs import replace
from session_records import session_record

from cardcallback.record import RunRecord
from cardcallback.render.section import render_section
from cardcallback.sessions import joined_sessions


def killed_record(**fields: Any) -> RunRecord:
    """A session that was killed, as its journal tells it."""
    record = session_record(status="interrupted", **fields)
    return replace(record, sessions=(replace(record.sessions[0], killed=True),), recovered=True)


def test_steps_that_a_killed_session_took_are_the_least() -> None:
    """How many it took in its last second nobody knows: steps and time are told as "at least"."""
    joined = joined_sessions(killed_record(steps=(0, 140)), session_record(steps=(100, 200)))
    text = render_section(joined)
    assert "At least 40 steps were done again" in text
    assert "Session 1 was killed: what it did after its journal's last line" in text
    assert "steps 0 to 140, at least 1 min 40 s" in text
    assert "steps 100 to 200, 1 min 40 s" in text


def test_notes_of_an_earlier_sessions_end_name_it() -> None:
    """On the card of the run that went on and completed nothing was killed at the end of "the run"."""
    earlier = (
        "Rank 1 was killed or ended by itself before the run did, in its step 5 or later.",
        "Recovered from the journal: energy and time reach to its last line, a second or so before the run was killed.",
        "1 damaged line of the journal left out.",
        "The person's own words.",
    )
    first = replace(killed_record(), notes=earlier)
    second = replace(session_record(steps=(100, 150), status="interrupted"), notes=(earlier[0],))
    joined = functools.reduce(joined_sessions, [first, second, session_record(steps=(150, 200))])
    assert [note for note in joined.notes if note.startswith(("Rank", "Recovered", "1 damaged"))] == []
    for named in (
        "Session 1: rank 1 was killed or ended by itself before that session did, in its step 5 or later.",
        "Session 2: rank 1 was killed or ended by itself before that session did, in its step 5 or later.",
        "Session 1: 1 damaged line of the journal left out.",
        "The person's own words.",
    ):
        assert joined.notes.count(named) == 1
    assert [note for note in joined.notes if "a second or so before" in note] == []
