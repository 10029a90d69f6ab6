"""One run's record out of the records of its sessions; pure, no files and no clock."""

from __future__ import annotations

import msgspec

from cardcallback.curves import is_history_note, thin
from cardcallback.record import TOKEN_KINDS, Evaluation, Point, RunRecord, Session, Stage, Tokens, Trace
from cardcallback.record.sums import sum_or_none
from cardcallback.sessions.energies import of_unknown_rest, without_bound
from cardcallback.sessions.memory import joined_memory
from cardcallback.sessions.notes import (
    EARLIER_RUNS,
    NO_EMISSIONS,
    OTHER_WEIGHTS,
    RECOVERED,
    STAGES_UNREAD,
    named_ending,
    session_notes,
    unique,
)
from cardcallback.sessions.places import placed_sessions
from cardcallback.sessions.totals import moved, named_memory, with_sessions

# Each session draws up to a thousand points of each sensor; a picture cannot show more sessions than this.
_MOST_TRACED_SESSIONS = 8


def joined_sessions(earlier: RunRecord, now: RunRecord) -> RunRecord:
    """The record of a run whose sessions before are in ``earlier`` and whose session now is in ``now``.

    Times and energies are sums over the sessions; of memory the highest peak is kept, with its session. Steps
    that were done again count once as work and each time as spent. What a session used that did not end in
    ``earlier`` (its status is still "running") is known until then only: it has no upper bound.

    Args:
        earlier: one or more sessions, as of the checkpoint that ``now`` went on from: its tokens and curves end
            there. Its sessions may have gone on after it.
        now: the record of the session that runs now.
    """
    before = tuple(_settled(session) for session in placed_sessions(earlier))
    sessions = (*before, *now.sessions)
    first_step = now.sessions[0].first_step
    places = {place: place + len(before) for place in range(len(now.sessions))}
    record = msgspec.structs.replace(
        now,
        run_id=earlier.run_id,
        simulated=earlier.simulated or now.simulated,
        recovered=earlier.recovered or now.recovered,
        training=msgspec.structs.replace(now.training, tokens=_tokens(earlier, now)),
        evaluation=Evaluation(
            before=earlier.evaluation.before or now.evaluation.before,
            after=now.evaluation.after or earlier.evaluation.after,
        ),
        curves=_curves(earlier.curves, now.curves, first_step),
        memory=joined_memory(named_memory(earlier, 0), named_memory(now, len(before))),
        stages=(*_stages_before(earlier, now), *now.stages[-1:]),
        traces=_latest((*earlier.traces, *moved(now.traces, places)), len(sessions)),
        phase_spans=(*earlier.phase_spans, *moved(now.phase_spans, places)),
        notes=unique((*_lasting_notes(earlier), *_changed_settings(earlier, now), *now.notes)),
    )
    return with_sessions(record, sessions)


def _stages_before(earlier: RunRecord, now: RunRecord) -> tuple[Stage, ...]:
    """Those of the run's begin, unless more of them were found now."""
    begun, found = earlier.stages[:-1], now.stages[:-1]
    return found if _recorded(found) > _recorded(begun) else begun or found


def _recorded(stages: tuple[Stage, ...]) -> int:
    return sum(stage.reason is None for stage in stages)


def _settled(session: Session) -> Session:
    """An earlier session: one that never ended was interrupted, and what it did since is not known."""
    if session.status != "running":
        return session
    accelerators = tuple(
        msgspec.structs.replace(device, energy=without_bound(device.energy)) for device in session.hardware.accelerators
    )
    hardware = msgspec.structs.replace(session.hardware, accelerators=accelerators)
    energy = of_unknown_rest(session.energy)
    return msgspec.structs.replace(session, status="interrupted", rest_unknown=True, energy=energy, hardware=hardware)


def _tokens(earlier: RunRecord, now: RunRecord) -> Tokens:
    """Kinds that every session counted, added; one that found all steps done had nothing to count."""
    did_none = all(
        session.status == "completed" and session.last_step == session.first_step for session in now.sessions
    )
    return earlier.training.tokens if did_none else _added(earlier.training.tokens, now.training.tokens)


def _added(earlier: Tokens, now: Tokens) -> Tokens:
    kinds = {name: sum_or_none([getattr(earlier, name), getattr(now, name)]) for name in TOKEN_KINDS}
    lost = any(kinds[name] is None and getattr(now, name) is not None for name in TOKEN_KINDS)
    reasons = [now.reason, "tokens of earlier sessions were not all counted" if lost else None]
    sources = [part for one in (earlier, now) for part in (one.source or "").split(", ") if part]
    return Tokens(
        **{name: None if count is None else int(count) for name, count in kinds.items()},
        source=", ".join(dict.fromkeys(sources)) or None,
        reason="; ".join(reason for reason in reasons if reason) or None,
        disagreement=now.disagreement,
        at_least={name: count for name in TOKEN_KINDS if kinds[name] is None and (count := _least(earlier, now, name))},
    )


def _least(earlier: Tokens, now: Tokens, kind: str) -> int:
    told = [one.at_least.get(kind) if (count := getattr(one, kind)) is None else count for one in (earlier, now)]
    return sum(count for count in told if count is not None)


def _curves(
    earlier: dict[str, tuple[Point, ...]], now: dict[str, tuple[Point, ...]], first_step: int
) -> dict[str, tuple[Point, ...]]:
    """What was logged up to the resume, then what this session logged: of a step done again the later value."""
    joined = {}
    for name in dict.fromkeys((*now, *earlier)):
        before = [point for point in earlier.get(name, ()) if point[0] <= first_step]
        last = before[-1][0] if before else -1.0
        points = thin([*before, *(point for point in now.get(name, ()) if point[0] > last)])
        if points:
            joined[name] = points
    return joined


def _latest(traces: tuple[Trace, ...], session_count: int) -> tuple[Trace, ...]:
    return tuple(trace for trace in traces if trace.session >= session_count - _MOST_TRACED_SESSIONS)


def _lasting_notes(record: RunRecord) -> list[str]:
    """The notes that neither a later session nor its sums tell anew, with the session where they speak of its end."""
    anew: tuple[str, ...] = (EARLIER_RUNS, NO_EMISSIONS, STAGES_UNREAD, OTHER_WEIGHTS)
    if record.sessions[-1].killed:
        anew = (*anew, RECOVERED)
    told = session_notes(record.sessions)
    kept = [note for note in record.notes if not (note.startswith(anew) or is_history_note(note) or note in told)]
    # What was told of a session before the last one has its name already.
    return [named_ending(note, len(record.sessions) - 1) for note in kept]


def _changed_settings(earlier: RunRecord, now: RunRecord) -> list[str]:
    before, after = earlier.training.hyperparameters, now.training.hyperparameters
    changed = [name for name, value in after.items() if name in before and before[name] != value]
    if not changed:
        return []
    told = ", ".join(f"{name} {before[name]}, then {after[name]}" for name in changed)
    return [f"Settings changed at step {now.sessions[0].first_step:,}: {told}."]
