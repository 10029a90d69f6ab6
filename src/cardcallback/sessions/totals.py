"""Every figure of a record that is a sum over its sessions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from cardcallback.ratios import with_ratios
from cardcallback.record import Memory, PhaseSpan, RunRecord, Session, Trace, with_stages
from cardcallback.sessions.energies import joined_energy
from cardcallback.sessions.hardware import joined_hardware, joined_software
from cardcallback.sessions.memory import of_session
from cardcallback.sessions.notes import session_notes, unique
from cardcallback.sessions.steps import counted_steps

_InSession = TypeVar("_InSession", Trace, PhaseSpan)


def with_sessions(record: RunRecord, sessions: tuple[Session, ...]) -> RunRecord:
    """``record`` with these sessions, and every sum over them; its training's tokens stay.

    There is no CO2e in it any more: that is calculated from the sums.
    """
    energy = with_ratios(joined_energy(sessions), steps=counted_steps(sessions), training=record.training)
    duration = sum(session.duration_seconds for session in sessions)
    told = session_notes(record.sessions)
    kept = [note for note in record.notes if note not in told]
    whole = msgspec.structs.replace(
        record,
        sessions=sessions,
        duration_seconds=duration,
        suspended_seconds=sum(session.suspended_seconds for session in sessions),
        stopped_seconds=sum(session.stopped_seconds for session in sessions),
        hardware=joined_hardware(sessions),
        software=joined_software(sessions),
        energy=energy,
        carbon=None,
        notes=unique((*kept, *session_notes(sessions))),
    )
    return with_stages(whole)


def named_memory(record: RunRecord, place: int) -> Memory:
    """The record's memory with sessions named; ``place`` is that of its only session in the run."""
    return record.memory if len(record.sessions) > 1 else of_session(record.memory, place)


def moved(items: Iterable[_InSession], places: Mapping[int, int]) -> list[_InSession]:
    """Traces or spans with their sessions' new places; those of other sessions are left out."""
    return [msgspec.structs.replace(item, session=places[item.session]) for item in items if item.session in places]
