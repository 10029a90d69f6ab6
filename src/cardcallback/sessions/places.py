"""Where a run's sessions were, as far as its record tells."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from cardcallback.record import CarbonFactor, RunRecord, Session

_GIVEN_UP = (
    "Before this run was resumed a place was given for all its sessions, {place}: from then on it stands only for "
    "those that were told none of their own, unless it is given again."
)


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


def given_up_places(records: Iterable[RunRecord]) -> tuple[str, ...]:
    """What is said where a run goes on of whose sessions one place was given for all, also for those with their own."""
    given = (carbon.factor for record in records if (carbon := record.carbon) is not None and _stands_for_all(record))
    return tuple(_GIVEN_UP.format(place=place) for place in dict.fromkeys(factor.place for factor in given))


def _stands_for_all(record: RunRecord) -> bool:
    own = {session.factor for session in record.sessions if session.factor is not None}
    return record.carbon is not None and not record.carbon.shares and bool(own - {record.carbon.factor})
