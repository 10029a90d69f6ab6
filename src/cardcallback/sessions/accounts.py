"""What a session used after the checkpoint that another one went on from."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cardcallback.record import Memory, RunRecord, Session, Tokens
from cardcallback.record.spent import fullness
from cardcallback.sessions.memory import joined_memory, with_unknown_waiting, with_waiting
from cardcallback.sessions.notes import session_notes, unique
from cardcallback.sessions.places import placed_sessions, with_place
from cardcallback.sessions.totals import moved, named_memory, with_sessions

_NO_TOKENS = Tokens(processed=0, non_padding=0, in_loss=0)
_WAITING_NOT_APART = "it was not kept for each session, and one of them went on after the other's account ended"


def with_longer_accounts(record: RunRecord, others: Sequence[RunRecord], *, all_sessions: bool) -> RunRecord:
    """``record``, as of a checkpoint, with what its sessions spent after it as other records of the run tell.

    What counts as work (tokens, curves, evaluations) stays as of the checkpoint.

    Args:
        record: the record that a checkpoint carries.
        others: records of the same run, in any order.
        all_sessions: whether a session that ``record`` does not know is one of its run too: true for those of
            the same folder, whose work was lost; a session elsewhere may be that of another branch.
    """
    for other in others:
        record = _with_account(record, other, all_sessions=all_sessions)
    return record


def discarded(attempt: RunRecord, counts: RunRecord | None) -> RunRecord:
    """``attempt`` as spent without result: work counts up to ``counts``, the record it had begun from, if any."""
    after = None if counts is None else counts.evaluation.after
    tokens = _NO_TOKENS if counts is None else counts.training.tokens
    return msgspec.structs.replace(
        attempt,
        training=msgspec.structs.replace(attempt.training, tokens=tokens),
        curves={} if counts is None else counts.curves,
        evaluation=msgspec.structs.replace(attempt.evaluation, after=after),
    )


def _with_account(record: RunRecord, other: RunRecord, *, all_sessions: bool) -> RunRecord:
    other = msgspec.structs.replace(other, sessions=placed_sessions(other))
    before = placed_sessions(record)
    known = {session.session_id: session for session in other.sessions if session.session_id is not None}
    own = {session.session_id for session in before}
    kept = tuple(_longer(session, known.get(session.session_id or "")) for session in before)
    more = [one for name, one in known.items() if name not in own] if all_sessions else []
    sessions = (*kept, *more)
    if sessions == before:
        return record
    places = {session.session_id: place for place, session in enumerate(sessions)}
    # Their places in the other record, and in this one.
    moves = {
        there: places[session.session_id]
        for there, session in enumerate(other.sessions)
        if session.session_id is not None and session.session_id in places
    }
    traced = {trace.session for trace in record.traces}
    untraced = {there: here for there, here in moves.items() if here not in traced}
    grown = msgspec.structs.replace(
        record,
        memory=_memory(record, other, sessions, moves.get(0, 0)),
        traces=(*record.traces, *moved(other.traces, untraced)),
        phase_spans=(*record.phase_spans, *moved(other.phase_spans, untraced)),
        notes=unique((*record.notes, *(note for note in other.notes if note not in session_notes(other.sessions)))),
    )
    return with_sessions(grown, sessions)


def _memory(record: RunRecord, other: RunRecord, sessions: Sequence[Session], other_place: int) -> Memory:
    """The highest peaks, and the times of waiting once for each session that both tell of."""
    joined = joined_memory(named_memory(record, 0), named_memory(other, other_place))
    if all(session in other.sessions for session in sessions) and len(sessions) == len(other.sessions):
        return with_waiting(joined, other.memory)
    if len(sessions) == len(record.sessions) + len(other.sessions):
        return joined  # none of them is told twice
    return with_unknown_waiting(joined, _WAITING_NOT_APART)


def _longer(session: Session, other: Session | None) -> Session:
    if other is None:
        return session
    longer = max(session, other, key=fullness)
    shorter = other if longer is session else session
    return with_place(longer, shorter.factor, shorter.pue)
