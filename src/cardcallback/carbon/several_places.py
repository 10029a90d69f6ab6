"""CO2e of a run whose sessions may have been in different places: each one's energy times its own factor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from cardcallback.carbon.footprint import (
    NO_PLACE,
    NOT_APPLIED,
    PUE_SOURCE,
    Footprint,
    assess_footprint,
    best_energy,
    check_pue,
    grams_of,
)
from cardcallback.record import UNKNOWN_SCOPE, Carbon, CarbonFactor, CarbonShare, Measurement, RunRecord, Session
from cardcallback.units import format_number

SEVERAL_BOUNDARIES = "boundaries differ"
_UNLIKE_SUM = "the sessions' energies do not add up to the run's, so that no place can be given its own"
_NOT_ALL = "was given and not applied: the overhead of other sessions is not known"
# Joined sessions leave rounding between their energies and the run's.
_SAME_SUM = 1e-3


@dataclass(frozen=True, slots=True)
class _Stay:
    """Where a session ran, as far as it was told."""

    factor: CarbonFactor | None
    pue: float | None
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class _Part:
    """A session's stay and its energy."""

    stay: _Stay
    energy: Measurement

    @property
    def joules(self) -> float:
        return self.energy.value or 0.0


def assess_run(
    record: RunRecord,
    factor: CarbonFactor | None = None,
    pue: float | None = None,
    market: CarbonFactor | None = None,
) -> Footprint:
    """CO2e of a run by what is given now, else by what its record was given afterwards, else by its sessions' own.

    A ``factor`` and a ``pue`` that are given hold for all sessions, whatever was known in them. Without them each
    session's energy is multiplied by its own factor. One that told no place has no CO2e, unless all the others were
    in one place and one of them on hardware of the same kind: then it is taken to have been there too.

    Raises:
        CardCallbackError: ``pue`` is not a PUE.
    """
    check_pue(pue)
    known = record.carbon
    if known is not None:
        pue = _given_afterwards(known) if pue is None else pue
        market = market or known.market_factor
        factor = factor if factor is not None or known.shares else known.factor
    if factor is None:
        return _by_sessions(record, pue, market)
    own = {session.pue for session in record.sessions}
    if pue is None and len(own) == 1:
        pue = next(iter(own))
    return assess_footprint(record.energy, factor, pue, market)


def reassessed(record: RunRecord, known: Carbon | None) -> RunRecord:
    """``record`` with the CO2e of its energy by the factors and the overhead of ``known``, or by its sessions' own."""
    return msgspec.structs.replace(record, carbon=assess_run(msgspec.structs.replace(record, carbon=known)).carbon)


def overridden_places(record: RunRecord) -> tuple[CarbonFactor, ...]:
    """The factors of the sessions' own places, where they differ and one that was given later stands for all."""
    if record.carbon is None or record.carbon.shares:
        return ()
    own = tuple(dict.fromkeys(session.factor for session in record.sessions if session.factor is not None))
    return own if len(own) > 1 else ()


def _given_afterwards(known: Carbon) -> float | None:
    """The one overhead that a figure was calculated with; ``None`` where each session had its own."""
    if not known.shares:
        return known.pue
    overheads = {share.pue for share in known.shares if share.factor is not None}
    return next(iter(overheads)) if len(overheads) == 1 else None


def _by_sessions(record: RunRecord, pue: float | None, market: CarbonFactor | None) -> Footprint:
    stays = _stays(record.sessions)
    if all(stay.factor is None for stay in stays):
        return Footprint(reason=NO_PLACE)
    if pue is not None:
        stays = [replace(stay, pue=pue) for stay in stays]
    name, whole, reason = best_energy(record.energy)
    if whole is None or whole.value is None:
        return Footprint(reason=reason)
    if len({stay.factor for stay in stays}) == 1 and not any(stay.assumed for stay in stays):
        overheads = {stay.pue for stay in stays}
        if len(overheads) == 1:
            return assess_footprint(record.energy, stays[0].factor, stays[0].pue, market)
    parts = [_Part(stay, getattr(one.energy, name)) for stay, one in zip(stays, record.sessions, strict=True)]
    total = sum(part.joules for part in parts)
    if any(part.energy.value is None for part in parts) or not math.isclose(total, whole.value, rel_tol=_SAME_SUM):
        return Footprint(reason=_UNLIKE_SUM)
    told, applied = _overhead(parts, is_whole_machine=name == "system")
    if not applied:
        parts = [replace(part, stay=replace(part.stay, pue=None)) for part in parts]
    carbon = _sum(parts, whole, name, market)
    notes = (f"PUE {told}",) if told is not None and not applied else ()
    return Footprint(carbon=msgspec.structs.replace(carbon, pue_source=told), notes=notes)


def _stays(sessions: Sequence[Session]) -> list[_Stay]:
    told = [_Stay(session.factor, session.pue) for session in sessions]
    known = [place for place, stay in enumerate(told) if stay.factor is not None]
    if len({told[place].factor for place in known}) != 1:
        return told
    there = {_kind(sessions[place]): told[place] for place in known}
    there.pop(None, None)
    return [_assumed(stay, there.get(_kind(session))) for stay, session in zip(told, sessions, strict=True)]


def _assumed(stay: _Stay, alike: _Stay | None) -> _Stay:
    if stay.factor is not None or alike is None:
        return stay
    return _Stay(alike.factor, alike.pue if stay.pue is None else stay.pue, assumed=True)


def _kind(session: Session) -> tuple[object, ...] | None:
    """What tells one kind of hardware from another; ``None`` where nothing of it is known."""
    machine = session.hardware.machine
    named = (*sorted(device.name for device in session.hardware.accelerators), machine.name, machine.processor)
    return (*named, machine.processor_count, machine.memory_total_bytes) if any(named) else None


def _overhead(parts: Sequence[_Part], *, is_whole_machine: bool) -> tuple[str | None, bool]:
    """What to say of the building overheads that were given, and whether they are applied."""
    overheads = [part.stay.pue for part in parts if part.stay.factor is not None]
    given = list(dict.fromkeys(one for one in overheads if one is not None))
    words = " and ".join(format_number(one) for one in given)
    if not given:
        return None, False
    if not is_whole_machine:
        return f"{words} {NOT_APPLIED}", False
    if None in overheads:  # energy with a building's share and energy without it would be added
        return f"{words} {_NOT_ALL}", False
    return PUE_SOURCE if len(given) == 1 else f"{PUE_SOURCE}, by session: {words}", True


def _sum(parts: Sequence[_Part], whole: Measurement, name: str, market: CarbonFactor | None) -> Carbon:
    placed = [part for part in parts if part.stay.factor is not None]
    groups: dict[_Stay, list[int]] = {}
    for place, part in enumerate(parts):
        groups.setdefault(part.stay, []).append(place)
    joules = sum(part.joules for part in placed)
    with_overhead = sum(part.joules * (part.stay.pue or 1.0) for part in placed)
    shares = tuple(_share(stay, places, parts) for stay, places in groups.items())
    grams = sum(share.emissions_grams or 0.0 for share in shares)
    low, high = (_bound(placed, bound) for bound in ("recording_low", "recording_high"))
    pue = None
    if placed[0].stay.pue is not None:
        pue = with_overhead / joules if joules else placed[0].stay.pue
    market_grams = None if market is None else grams_of(with_overhead, market, None)
    return Carbon(
        emissions_grams=grams,
        factor=_mean_factor(placed),
        scope=whole.scope or UNKNOWN_SCOPE,
        energy_joules=joules,
        energy_name=name,
        pue=pue,
        market_factor=market,
        market_emissions_grams=market_grams,
        recording_low_grams=low,
        # What was used where nobody knows has no upper bound of emissions.
        recording_high_grams=high if len(placed) == len(parts) else None,
        shares=shares,
    )


def _share(stay: _Stay, places: Sequence[int], parts: Sequence[_Part]) -> CarbonShare:
    joules = sum(parts[place].joules for place in places)
    return CarbonShare(
        sessions=tuple(places),
        factor=stay.factor,
        energy_joules=joules,
        emissions_grams=None if stay.factor is None else grams_of(joules, stay.factor, stay.pue),
        pue=None if stay.factor is None else stay.pue,
        assumed=stay.assumed,
    )


def _bound(placed: Sequence[_Part], bound: str) -> float | None:
    bounds = [(getattr(part.energy, bound), part.stay) for part in placed]
    if any(joules is None for joules, _ in bounds):
        return None
    return sum(grams_of(joules, stay.factor, stay.pue) for joules, stay in bounds if stay.factor is not None)


def _mean_factor(placed: Sequence[_Part]) -> CarbonFactor:
    """The one factor of all of them, or the mean of several by energy, which bears their names."""
    weights: dict[CarbonFactor, float] = {}
    for part in placed:
        if part.stay.factor is not None:
            joules = part.joules * (part.stay.pue or 1.0)
            weights[part.stay.factor] = weights.get(part.stay.factor, 0.0) + joules
    factors = list(weights)
    if len(factors) == 1:
        return factors[0]
    total = sum(weights.values())
    # Without any energy each counts alike.
    shares = [weight / total if total else 1 / len(factors) for weight in weights.values()]
    boundaries = sorted({factor.boundary for factor in factors})
    years = {factor.year for factor in factors}
    sources = dict.fromkeys(factor.source for factor in factors)
    licences = dict.fromkeys(factor.licence for factor in factors if factor.licence)
    return CarbonFactor(
        grams_per_kwh=sum(factor.grams_per_kwh * share for factor, share in zip(factors, shares, strict=True)),
        place=" and ".join(dict.fromkeys(factor.place for factor in factors)),
        year=next(iter(years)) if len(years) == 1 else None,
        boundary=boundaries[0] if len(boundaries) == 1 else f"{SEVERAL_BOUNDARIES}: {', '.join(boundaries)}",
        source=f"mean of the sessions' own by energy: {'; '.join(sources)}",
        licence="; ".join(licences) or None,
    )
