"""The last snapshot of a killed session brought up to its last second; nothing in it contradicts the newer energy."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cardcallback.carbon import reassessed
from cardcallback.journal.lines import Figure
from cardcallback.journal.progress import ENERGIES, accelerator_name, other_name
from cardcallback.ratios import mean_power, with_ratios
from cardcallback.record import (
    TOKEN_KINDS,
    Accelerator,
    Energy,
    Measurement,
    Node,
    RunRecord,
    Session,
    Tokens,
    Training,
    not_measured,
    with_stages,
)
from cardcallback.rest import with_rest_estimate
from cardcallback.sessions import NO_EMISSIONS, RECOVERED, counted_steps, with_sessions
from cardcallback.units import format_duration

_NOT_COUNTED = "the run was killed before all of them were counted"
_KILLED = "not known: the run was killed"
_NO_LONGER = "it was no longer measured when the run was killed"
# A gap that grew by more than a reading's distance may be the longest one.
_GAP_GREW_SECONDS = 1.0
replace = msgspec.structs.replace


class Newest(msgspec.Struct, frozen=True, kw_only=True):
    """What the lines after a snapshot say; each figure with the session's age at which it was written."""

    duration_seconds: float
    suspended_seconds: float | None
    last_step: int | None
    figures: dict[str, tuple[float, Figure | None]]


def interrupted_record(snapshot: RunRecord, newest: Newest, *, damaged_lines: int = 0) -> RunRecord:
    """The record of the killed run; of one that had ended by itself, when its record could not be written, that record.

    Energies, times and steps are the newest. What they are divided by, and what is calculated from them, is made
    anew or no longer told; the rest is the snapshot's, and a note says how old it is.
    """
    before = snapshot.sessions[-1]
    if snapshot.status != "running":
        notes = (*snapshot.notes, f"{RECOVERED}its record could not be written when the run ended.")
        return replace(snapshot, recovered=True, notes=notes)
    session = _session(before, newest)
    # Tokens and epochs are of the step that the description was brought up to, which may be before the snapshot's.
    went_on = session.last_step > min(before.last_step, snapshot.training.steps)
    training = _training(snapshot.training, session.last_step) if went_on else snapshot.training
    training = replace(training, published_step=None, published_reason=_KILLED)
    session = replace(session, energy=_with_ratios(session.energy, session, training, before.energy))
    if len(snapshot.sessions) > 1 and not went_on:
        # The tokens are the run's, and only the snapshot knows how many of them were this session's.
        session = replace(session, energy=replace(session.energy, per_token=before.energy.per_token))
    record = with_sessions(replace(snapshot, training=training), (*snapshot.sessions[:-1], session))
    behind_seconds = session.duration_seconds - before.duration_seconds
    record = replace(
        record,
        status="interrupted",
        recovered=True,
        energy=_with_phases_per_step(record.energy, snapshot.energy),
        nodes=_nodes(snapshot.nodes, session),
        notes=(*record.notes, *_notes(session.duration_seconds, behind_seconds, damaged_lines)),
    )
    if snapshot.energy.rest_estimate is not None:
        record = with_rest_estimate(record)
    record = reassessed(with_stages(record), snapshot.carbon)
    if record.carbon is None:
        return record
    # The snapshot's energy may have been of too little of the time until then.
    return replace(record, notes=tuple(note for note in record.notes if not note.startswith(NO_EMISSIONS)))


def _nodes(nodes: tuple[Node, ...], session: Session) -> tuple[Node, ...]:
    """The only computer that the session was measured on, as far as the session came; tokens are of before that."""
    known = tuple(
        replace(
            node,
            tokens={},
            token_reasons={},
            tokens_at_least=node.tokens_at_least | node.tokens,
            tokens_complete=False,
            batches=None,
        )
        for node in nodes
    )
    if len(known) != 1:
        return known
    return (replace(known[0], duration_seconds=session.duration_seconds).with_gpu_energy(session.energy.gpu),)


def _session(before: Session, newest: Newest) -> Session:
    hardware = before.hardware
    alone = len(hardware.accelerators) == 1
    names = ["gpu" if alone else accelerator_name(place) for place in range(len(hardware.accelerators))]
    devices = tuple(
        _device(device, newest.figures.get(name)) for device, name in zip(hardware.accelerators, names, strict=True)
    )
    suspended, step = newest.suspended_seconds, newest.last_step
    return replace(
        before,
        duration_seconds=newest.duration_seconds,
        suspended_seconds=before.suspended_seconds if suspended is None else max(suspended, before.suspended_seconds),
        last_step=before.last_step if step is None else max(step, before.last_step),
        status="interrupted",
        killed=True,
        hardware=replace(hardware, accelerators=devices),
        energy=_energy(before.energy, newest.figures),
    )


def _energy(before: Energy, figures: Mapping[str, tuple[float, Figure | None]]) -> Energy:
    others = tuple(_brought_up(one, figures.get(other_name(place))) for place, one in enumerate(before.others))
    named = {name: _brought_up(getattr(before, name), figures.get(name)) for name in ENERGIES}
    return replace(before, others=tuple(one for one in others if one.value is not None), **named)


def _device(device: Accelerator, written: tuple[float, Figure | None] | None) -> Accelerator:
    if written is None:
        return device
    energy = _brought_up(device.energy, written)
    power = device.mean_power if device.mean_power is None else mean_power(energy, written[0])
    return replace(device, energy=energy, mean_power=power)


def _brought_up(before: Measurement, written: tuple[float, Figure | None] | None) -> Measurement:
    """The figure as it was written last; its source and scope are only in the snapshot, so that it must be in both."""
    if written is None or before.value is None:
        return before
    at_seconds, figure = written
    window = None if before.window is None else replace(before.window, end_seconds=at_seconds)
    if figure is None:
        return not_measured(before.unit, _NO_LONGER, window=window)
    value, low, high, coverage = figure
    changes = {"value": value, "recording_low": low, "recording_high": high, "coverage": coverage, "window": window}
    if _missing_seconds(coverage, at_seconds) > _missing_of(before) + _GAP_GREW_SECONDS:
        changes["longest_gap_seconds"] = None
    return replace(before, **changes)


def _missing_of(measurement: Measurement) -> float:
    end_seconds = None if measurement.window is None else measurement.window.end_seconds
    return _missing_seconds(measurement.coverage, end_seconds or 0.0)


def _missing_seconds(coverage: float | None, seconds: float) -> float:
    return 0.0 if coverage is None else (1 - coverage) * seconds


def _training(training: Training, last_step: int) -> Training:
    """Steps are known to the end, what else was counted is not."""
    known = training.tokens
    training = replace(training, steps=max(last_step, training.steps), epochs=None)
    counted = {kind: count for kind in TOKEN_KINDS if (count := getattr(known, kind)) is not None}
    if not counted:
        return training
    tokens = Tokens(reason=_NOT_COUNTED, at_least=known.at_least | counted)
    return replace(training, tokens=tokens)


def _with_ratios(energy: Energy, session: Session, training: Training, before: Energy) -> Energy:
    made = with_ratios(energy, steps=counted_steps((session,)), training=training)
    return _with_phases_per_step(made, before)


def _with_phases_per_step(energy: Energy, before: Energy) -> Energy:
    """A phase is known to the snapshot only, and so are the steps that its energy may be divided by."""
    resolved = any(phase.phase == "training" and phase.energy.value is not None for phase in energy.phases)
    return replace(energy, per_step=before.per_step) if resolved else energy


def _notes(seconds: float, behind_seconds: float, damaged_lines: int) -> tuple[str, ...]:
    if seconds <= 0:
        return (f"{RECOVERED}the run was killed as it began, before anything was measured.",)
    reach = "energy and time reach to its last line, a second or so before the run was killed"
    if behind_seconds >= 1:
        reach += f"; curves, memory and phases to {format_duration(behind_seconds)} before that line"
    damaged = f"{damaged_lines} damaged line{'s' if damaged_lines > 1 else ''} of the journal left out."
    return (f"{RECOVERED}{reach}.", *((damaged,) if damaged_lines else ()))
