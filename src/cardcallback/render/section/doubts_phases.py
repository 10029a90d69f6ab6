"""What each phase of the training took, what a step took, and what is outside all of them."""

from __future__ import annotations

from collections.abc import Sequence

from cardcallback.record import Measurement, PhaseEnergy, RunRecord, is_unresolved
from cardcallback.render.energy_words import energy_noun, ratio_words
from cardcallback.render.figures import (
    NARROW_SHARE,
    absent,
    accuracy_words,
    at_least,
    energy_range,
    is_known,
    relative_width,
    resolved_value,
    run_energy,
)
from cardcallback.render.run_words import plural
from cardcallback.render.text import escape_markdown, join_words
from cardcallback.units import format_duration, format_energy

_WHOLE_RUN = "training"


def phase_doubts(record: RunRecord) -> str:
    """One paragraph of Markdown; empty where neither phases nor steps have a figure."""
    energies = [*(phase.energy for phase in record.energy.phases), *_shown(record.energy.per_step)]
    return " ".join(words for words in (_phases(record), _per_step(record), _instrument(energies)) if words)


def _shown(ratio: Measurement | None) -> list[Measurement]:
    return [] if ratio is None or resolved_value(ratio) is None else [ratio]


def _phases(record: RunRecord) -> str:
    phases = record.energy.phases
    if not phases:
        return ""
    if not is_known(record.energy.gpu):
        return f"Of the time: {'; '.join(f'{escape_markdown(phase.phase)} {_time(phase)}' for phase in phases)}."
    whole = record.energy.gpu.value
    shares = [
        f"{escape_markdown(phase.phase)} {run_energy(record, phase.energy, whole)} ({_visits(phase, whole)})"
        for phase in phases
        if phase.energy.value is not None
    ]
    known = [f"Of the {energy_noun(record)} energy: {'; '.join(shares)}."] if shares else []
    reasons = dict.fromkeys(absent(phase.energy) for phase in phases if phase.energy.value is None)
    missing = [f"Energy of {_without_energy(phases, reason)} {reason}." for reason in reasons]
    return " ".join([*known, *missing])


def _per_step(record: RunRecord) -> str:
    per_step = record.energy.per_step
    joules = resolved_value(per_step)
    if per_step is None or joules is None:
        return ""
    words = ratio_words(record, at_least(per_step) + format_energy(joules), "optimiser step")
    window = per_step.window.name if per_step.window is not None else _WHOLE_RUN
    basis = "" if window == _WHOLE_RUN else escape_markdown(window)
    told = "".join(f"; {part}" for part in (basis, _range(per_step)) if part)
    return f"{words[0].upper()}{words[1:]}{told}."


def _range(energy: Measurement, beside_joules: float | None = None) -> str:
    """The recording interval where it is not narrow."""
    low, high, width = energy.recording_low, energy.recording_high, relative_width(energy)
    if width is None or width <= NARROW_SHARE or low is None or high is None:
        return ""
    return f"recording interval {energy_range(low, high, energy.value if beside_joules is None else beside_joules)}"


def _instrument(energies: Sequence[Measurement | None]) -> str:
    # A recording interval is never printed without the instrument's own accuracy.
    shown = [energy for energy in energies if energy is not None and energy.value is not None and _range(energy)]
    if not shown:
        return ""
    accuracy = accuracy_words(shown[0].instrument_accuracy)
    return f"Beside the recording interval stands the sensor's own accuracy: {accuracy}."


def _without_energy(phases: Sequence[PhaseEnergy], reason: str) -> str:
    """Phases with their time whose energy is missing for one reason, and the verb after them."""
    names = [
        f"{escape_markdown(phase.phase)} ({_time(phase)})"
        for phase in phases
        if phase.energy.value is None and absent(phase.energy) == reason
    ]
    return f"{join_words(names)} was"


def _visits(phase: PhaseEnergy, beside_joules: float | None) -> str:
    # An interval that stands in place of the figure is not told again.
    interval = "" if is_unresolved(phase.energy) else _range(phase.energy, beside_joules)
    return ", ".join(part for part in (_time(phase), interval) if part)


def _time(phase: PhaseEnergy) -> str:
    return f"{format_duration(phase.duration_seconds)} in {plural(phase.visits, 'visit')}"
