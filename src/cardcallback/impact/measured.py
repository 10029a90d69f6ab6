"""A run's measured energy and its CO2e, with the words that have to stand beside them."""

from __future__ import annotations

from dataclasses import dataclass

from cardcallback.carbon import NO_PLACE, Footprint, assess_run, grid_examples
from cardcallback.record import FULL_COVERAGE, Carbon, CarbonFactor, Energy, Measurement, RunRecord, is_unresolved
from cardcallback.render.energy_words import emissions_label
from cardcallback.render.figures import (
    AT_LEAST,
    absent,
    beside_accuracy,
    coverage_words,
    least_energy,
    looking_words,
    recording_error,
    source_words,
    spent_words,
    unresolved_reason,
    verb,
)
from cardcallback.render.text import escape_markdown
from cardcallback.units import JOULES_PER_KILOWATT_HOUR, format_number

NO_OVERHEAD = "not given: building overhead is not included"
SIMULATED = "simulated device"


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredEnergy:
    """The energy that stands for a run: ``words`` are Markdown, and say why where ``joules`` is ``None``.

    ``carbon_reason`` says why there is no ``carbon``, and ``overhead`` in words what became of the PUE.
    """

    joules: float | None
    words: str
    least: str
    carbon: Carbon | None
    carbon_reason: str | None
    overhead: str

    @property
    def least_carbon(self) -> str:
        """The words before a figure of the CO2e, which may also leave out sessions whose place nobody told."""
        leaves_out = self.carbon is not None and self.carbon.joules_without_place > 0
        return AT_LEAST if leaves_out else self.least


def measured_energy(record: RunRecord, factor: CarbonFactor | None, pue: float | None) -> MeasuredEnergy:
    """The whole machine's energy where it was measured over the run, else the GPU's, and the CO2e of it.

    A ``factor`` holds for all of the run; without one the record's own places do.

    Raises:
        CardCallbackError: ``pue`` is not a PUE.
    """
    earlier = record.carbon.pue if record.carbon is not None else None
    overhead = earlier if pue is None else pue
    has_place = factor is not None or record.carbon is not None
    # Any factor tells which energy counts; without one of its own there is no CO2e.
    footprint = assess_run(record, factor if has_place else grid_examples(1.0).clean.factor, pue)
    name = footprint.carbon.energy_name if footprint.carbon is not None else _known_part(record.energy)
    energy = record.energy.system if name == "system" else record.energy.gpu
    unresolved = is_unresolved(energy)
    reason = footprint.reason if footprint.carbon is None else None if has_place else NO_PLACE
    if unresolved:
        reason = f"energy {unresolved_reason(record.duration_seconds)}"
    return MeasuredEnergy(
        joules=None if unresolved else energy.value,
        words=_words(record, name),
        least=least_energy(record, energy),
        carbon=footprint.carbon if reason is None else None,
        carbon_reason=reason,
        overhead=_overhead(overhead, footprint),
    )


def kilowatt_hours(energy_kwh: float) -> str:
    """As people write them: three figures, and of the decimals beyond two no zeros at the end."""
    return trimmed(format_number(energy_kwh), 2)


def trimmed(number: str, decimals: int) -> str:
    """``number`` without the zeros at its end beyond that many decimals."""
    whole, point, fraction = number.partition(".")
    kept = fraction[:decimals] + fraction[decimals:].rstrip("0")
    return whole + point + kept if kept else whole


def _overhead(pue: float | None, footprint: Footprint) -> str:
    if pue is None:
        return NO_OVERHEAD
    if footprint.notes:
        return escape_markdown(footprint.notes[0])
    shown = trimmed(format_number(pue), 1)
    return f"{shown} ({'given' if footprint.carbon is not None else 'given, and there is no energy to apply it to'})"


def _known_part(energy: Energy) -> str:
    system = energy.system
    return "system" if energy.gpu.value is None and system.value is not None and system.method != "estimated" else "gpu"


def _words(record: RunRecord, name: str) -> str:
    energy = record.energy.system if name == "system" else record.energy.gpu
    if energy.value is None:
        return absent(energy)
    if is_unresolved(energy):
        figure = spent_words(record, energy)
    else:
        figure = f"{least_energy(record, energy)}{kilowatt_hours(energy.value / JOULES_PER_KILOWATT_HOUR)} kWh"
    parts = [
        f"{verb(energy)}, {_part(record, name)}: {source_words(energy)}",
        *([coverage_words(energy)] if _was_watched_in_part(energy) else []),
        _doubts(record, name),
        *([SIMULATED] if record.simulated else []),
    ]
    return f"{figure} ({'; '.join(parts)})"


def _was_watched_in_part(energy: Measurement) -> bool:
    return energy.coverage is None or energy.coverage < FULL_COVERAGE or looking_words(energy) is not None


def _part(record: RunRecord, name: str) -> str:
    part = emissions_label(record, name)
    return "GPU only" if part == "GPU part only" else part


def _doubts(record: RunRecord, name: str) -> str:
    energy = record.energy.system if name == "system" else record.energy.gpu
    # The recording's own error is never printed without the instrument's.
    return f"recording error {recording_error(energy)}{beside_accuracy(energy)}"
