"""Energies of all sessions together: each figure the sum of the sessions' own, or unknown with the reason."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cardcallback.record import (
    Consistency,
    Energy,
    Measurement,
    PhaseEnergy,
    Scope,
    Session,
    Window,
    energy_is_least,
    not_measured,
)
from cardcallback.record.sums import summed
from cardcallback.sessions.words import session_name, sessions_named
from cardcallback.units import first_upper, format_energy

_TRAINING = "training"
_UNLIKE_SCOPES = "sum of sessions whose sensors cover unlike parts of the machine"
_FIGURES = {
    "gpu": "GPU energy",
    "cpu": "CPU energy",
    "dram": "memory energy",
    "system": "whole-machine energy",
    "before_training": "GPU energy before training",
}
_PARTS = {
    "gpu_core": "the GPU's cores",
    "gpu_memory": "the GPU's memory",
    "cpu": "the CPU",
    "host_dram": "main memory",
    "network": "network",
    "regulators": "voltage regulators",
    "supply_loss": "losses of the power supply",
}


def joined_energy(sessions: Sequence[Session]) -> Energy:
    """The run's energy, without figures per step and token.

    A session whose figure is not known makes the run's unknown, and the reason names it.
    """
    if len(sessions) == 1:
        return sessions[0].energy
    energies = [session.energy for session in sessions]
    figures = {name: _over(sessions, name) for name in ("gpu_counter", "gpu_integrated", "cpu", "dram", "system")}
    gpu = _over(sessions, "gpu")
    if len(_gpu_scopes(sessions)) > 1:
        gpu = msgspec.structs.replace(gpu, covers=(*gpu.covers, _UNLIKE_SCOPES))
    return Energy(
        gpu=gpu,
        **figures,
        before_training=_before_training(sessions),
        phases=_phases(sessions),
        partial_reason=_partial_reason(sessions),
        consistency=_consistency(energies),
        others=_others(sessions),
    )


def energy_notes(sessions: Sequence[Session]) -> list[str]:
    """What the known sessions used where the sum is not known, and which parts each one's GPU energy is of."""
    notes = []
    for field, words in _FIGURES.items():
        figures = {place: getattr(session.energy, field) for place, session in enumerate(sessions)}
        known = {place: figure for place, figure in figures.items() if figure.value is not None}
        if known and len(known) < len(figures):
            is_least = any(energy_is_least(figure, [sessions[place]]) for place, figure in known.items())
            least = "at least " if is_least else ""
            joules = sum(figure.value for figure in known.values())
            notes.append(f"{first_upper(words)} of {sessions_named(known)} alone: {least}{format_energy(joules)}.")
    scopes = _gpu_scopes(sessions)
    if len(scopes) > 1:
        told = "; ".join(f"{sessions_named(places)}: {_scope_words(scope)}" for scope, places in scopes.items())
        notes.append(f"The sessions' GPU energies are of unlike parts of the machine ({told}): their sum has no scope.")
    return notes


def of_unknown_rest(energy: Energy) -> Energy:
    """An energy that was kept for the first part of a session only: no upper bound holds for the whole."""
    names = ("gpu", "gpu_counter", "gpu_integrated", "cpu", "dram", "system")
    phases = tuple(msgspec.structs.replace(phase, energy=without_bound(phase.energy)) for phase in energy.phases)
    return msgspec.structs.replace(
        energy,
        **{name: without_bound(getattr(energy, name)) for name in names},
        phases=phases,
        others=tuple(without_bound(other) for other in energy.others),
    )


def without_bound(figure: Measurement) -> Measurement:
    """The figure as the least that was used, over a part of a time whose length nobody knows."""
    return figure if figure.value is None else msgspec.structs.replace(figure, recording_high=None, coverage=None)


def over_sessions(
    figures: Sequence[Measurement], durations_seconds: Sequence[float], places: Sequence[int] | None = None
) -> Measurement:
    """The sum of one figure of several sessions; ``places`` are theirs in the run, from 0 on, if not all of it."""
    places = range(len(figures)) if places is None else places
    reasons: dict[str, list[int]] = {}
    for place, figure in zip(places, figures, strict=True):
        if figure.value is None:
            reasons.setdefault(figure.reason or "not measured", []).append(place)
    window = Window(name=_TRAINING)
    if reasons:
        everywhere = len(reasons) == 1 and len(next(iter(reasons.values()))) == len(figures)
        told = [reason if everywhere else f"{sessions_named(missing)}: {reason}" for reason, missing in reasons.items()]
        return not_measured(figures[0].unit, "; ".join(told), window=window)
    names = [session_name(place) for place in places]
    whole = summed(figures, "no session", weights=durations_seconds, names=names)
    return whole if len(figures) == 1 else msgspec.structs.replace(whole, window=window)


def _over(sessions: Sequence[Session], name: str) -> Measurement:
    return over_sessions([getattr(session.energy, name) for session in sessions], _durations(sessions))


def _durations(sessions: Sequence[Session]) -> list[float]:
    return [session.duration_seconds for session in sessions]


def _before_training(sessions: Sequence[Session]) -> Measurement:
    figures = [session.energy.before_training for session in sessions]
    lengths = [_length(figure.window) for figure in figures]
    known = [length for length in lengths if length is not None]
    whole = over_sessions(figures, [length or 0.0 for length in lengths])
    begin = -sum(known) if len(known) == len(lengths) else None
    window = Window(name="before training", begin_seconds=begin, end_seconds=None if begin is None else 0.0)
    return msgspec.structs.replace(whole, window=window)


def _length(window: Window | None) -> float | None:
    if window is None or window.begin_seconds is None or window.end_seconds is None:
        return None
    return max(0.0, window.end_seconds - window.begin_seconds)


def _phases(sessions: Sequence[Session]) -> tuple[PhaseEnergy, ...]:
    if not any(session.energy.phases for session in sessions):
        return ()
    by_session = [_phases_of(session) for session in sessions]
    joined = []
    for name in dict.fromkeys(phase.phase for phases in by_session for phase in phases):
        found = {place: phase for place, phases in enumerate(by_session) for phase in phases if phase.phase == name}
        durations = [phase.duration_seconds for phase in found.values()]
        joined.append(
            PhaseEnergy(
                phase=name,
                duration_seconds=sum(durations),
                visits=sum(phase.visits for phase in found.values()),
                energy=over_sessions([phase.energy for phase in found.values()], durations, list(found)),
            )
        )
    return tuple(joined)


def _phases_of(session: Session) -> tuple[PhaseEnergy, ...]:
    # Where nothing else was marked, all of it was training.
    return session.energy.phases or (
        PhaseEnergy(phase=_TRAINING, duration_seconds=session.duration_seconds, visits=1, energy=session.energy.gpu),
    )


def _partial_reason(sessions: Sequence[Session]) -> str | None:
    reasons: dict[str, list[int]] = {}
    for place, session in enumerate(sessions):
        if session.energy.partial_reason is not None:
            reasons.setdefault(session.energy.partial_reason, []).append(place)
    return "; ".join(f"{sessions_named(places)}: {reason}" for reason, places in reasons.items()) or None


def _consistency(energies: Sequence[Energy]) -> Consistency | None:
    """What to say of all sessions' counters and integrals; ``None`` if one session's were not compared."""
    known = [energy.consistency for energy in energies if energy.consistency is not None]
    seconds = sum(one.compared_seconds for one in known)
    if len(known) < len(energies) or seconds <= 0:
        return None
    verdicts = {one.verdict for one in known}
    weighted = sum(one.relative_difference * one.compared_seconds for one in known)
    return Consistency(
        relative_difference=weighted / seconds,
        compared_seconds=seconds,
        verdict=next(one for one in ("inconsistent", "not resolved", "consistent") if one in verdicts),
    )


def _others(sessions: Sequence[Session]) -> tuple[Measurement, ...]:
    """Second sensors that every session read; each session keeps its own."""
    by_session = [{(figure.source, figure.covers): figure for figure in session.energy.others} for session in sessions]
    everywhere = [name for name in by_session[0] if all(name in figures for figures in by_session)]
    return tuple(over_sessions([figures[name] for figures in by_session], _durations(sessions)) for name in everywhere)


def _gpu_scopes(sessions: Sequence[Session]) -> dict[Scope | None, list[int]]:
    scopes: dict[Scope | None, list[int]] = {}
    for place, session in enumerate(sessions):
        if session.energy.gpu.value is not None:
            scopes.setdefault(session.energy.gpu.scope, []).append(place)
    return scopes


def _scope_words(scope: Scope | None) -> str:
    if scope is None:
        return "not known"
    held = [words for name, words in _PARTS.items() if getattr(scope, name) == "yes"]
    unknown = [words for name, words in _PARTS.items() if getattr(scope, name) == "unknown"]
    told = " and ".join(held) or "nothing that is documented"
    return told + (f", not documented whether {' or '.join(unknown)}" if unknown else "")
