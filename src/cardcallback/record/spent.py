"""What several sessions used together, each counted once, with what is not known of it carried along."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from cardcallback.record.brief import SessionBrief
from cardcallback.record.measurement import InstrumentAccuracy, Measurement, is_only_a_part
from cardcallback.record.run import RunRecord, Session
from cardcallback.record.sums import sum_or_none

# What one record tells of a session.
Account = Session | SessionBrief
AnyAccount = TypeVar("AnyAccount", bound="Session | SessionBrief")


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """Time and GPU energy of some sessions together.

    ``joules`` is the sum of the known ones, None where none is; ``unknown`` counts the others. The bounds are the
    recording's, ``None`` where one session's are not known. ``is_least``: more was used than the figure says, since a
    part of it is lacking; ``is_least_time`` says so of ``seconds``. ``accuracies`` are the instruments' own.
    """

    seconds: float
    is_least_time: bool
    joules: float | None
    low_joules: float | None
    high_joules: float | None
    is_least: bool
    unknown: int
    accuracies: tuple[InstrumentAccuracy | None, ...]


def named_sessions(run_id: str, sessions: Sequence[AnyAccount]) -> dict[str, AnyAccount]:
    """A run's sessions by what tells them from all others: their random id, else their place in the run."""
    return {session.session_id or f"{run_id}/{place}": session for place, session in enumerate(sessions)}


def each_once(runs: Iterable[Mapping[str, AnyAccount]]) -> dict[str, AnyAccount]:
    """The sessions of several runs, of which some may share their first ones: each by its longest account."""
    known: dict[str, AnyAccount] = {}
    for run in runs:
        for name, session in run.items():
            known[name] = max(known.get(name, session), session, key=fullness)
    return known


def fullness(account: Account) -> tuple[bool, float]:
    """How much is told of a session: to its end, or how far."""
    return account.status != "running" and not account.rest_unknown, account.duration_seconds


def duration_is_least(record: RunRecord) -> bool:
    """Whether the run took so much longer than ``duration_seconds`` that nothing can be calculated from that."""
    return any(session.rest_unknown for session in record.sessions)


def session_is_least(session: Session) -> bool:
    """Whether a session took longer than its ``duration_seconds``, be it by the second between two lines."""
    return session.rest_unknown or session.killed


def energy_is_least(energy: Measurement, sessions: Iterable[Session]) -> bool:
    """Whether these sessions used more than their energy says: nothing read a part of it, or an end is not known."""
    return energy.value is not None and (is_only_a_part(energy) or any(map(session_is_least, sessions)))


def spent_together(sessions: Iterable[Account]) -> Spent:
    """What ``sessions`` used; without any, nothing in no time, and no energy is known."""
    parts = list(sessions)
    figures = [part.energy.gpu for part in parts]
    known = [figure for figure in figures if figure.value is not None]
    open_ended = any(_is_open_ended(part) for part in parts)
    lacking = any(is_only_a_part(figure) for figure in known) or any(part.energy.partial_reason for part in parts)
    return Spent(
        seconds=sum(part.duration_seconds for part in parts),
        is_least_time=open_ended,
        joules=sum(figure.value or 0.0 for figure in known) if known else None,
        low_joules=sum_or_none([figure.recording_low for figure in known]) if known else None,
        high_joules=sum_or_none([figure.recording_high for figure in known]) if known else None,
        is_least=bool(known) and (open_ended or lacking or len(known) < len(parts)),
        unknown=len(parts) - len(known),
        accuracies=tuple(dict.fromkeys(figure.instrument_accuracy for figure in known)),
    )


def _is_open_ended(account: Account) -> bool:
    # One whose end nobody wrote down took longer, and used more, than is known of it.
    return account.status == "running" or account.rest_unknown or account.killed
