"""Where a run's sessions were, as far as its record tells."""

from __future__ import annotations

import msgspec

from cardcallback.record import CarbonFactor, RunRecord, Session


def placed_sessions(record: RunRecord) -> tuple[Session, ...]:
    """The sessions, those without a place of their own in the one that the record was given for all of them.

    So older records tell it, and those that were rendered for a place afterwards.
    """
    carbon = record.carbon
    if carbon is None or carbon.shares:
        return record.sessions
    return tuple(with_place(session, carbon.factor, carbon.pue) for session in record.sessions)


def with_place(session: Session, factor: CarbonFactor | None, pue: float | None) -> Session:
    """The session with that place and building overhead, where none of its own is known."""
    if session.factor is not None or factor is None:
        return session
    return msgspec.structs.replace(session, factor=factor, pue=pue if session.pue is None else session.pue)
