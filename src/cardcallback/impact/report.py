"""The report of an impact as Markdown, in the structure that the lab notebook's readers know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cardcallback.carbon import NO_PLACE
from cardcallback.impact.constants import Equivalent
from cardcallback.impact.measured import NO_OVERHEAD, SIMULATED, MeasuredEnergy, kilowatt_hours, trimmed
from cardcallback.record import CarbonFactor, RunRecord
from cardcallback.render.card.values import hardware_words
from cardcallback.render.run_words import least_time, status_words
from cardcallback.render.section.headline import headline
from cardcallback.render.text import PLACEHOLDER, TIMES, escape_line, escape_markdown, public_reason, table_row
from cardcallback.units import (
    EMISSIONS_FIGURES,
    JOULES_PER_KILOWATT_HOUR,
    SECONDS_PER_HOUR,
    format_count,
    format_number,
)

if TYPE_CHECKING:
    from cardcallback.impact.calculator import EnvironmentalImpact

TITLE = "## Environmental Impact"
_LONGEST_MEASURE = 1000
_NO_ENERGY = "not calculated: no energy"
_ESTIMATE_NOTE = (
    "Nothing here was measured: every figure is an estimate from the hours and watts given. A GPU rarely draws its TDP "
    "all the time; processor, memory, network and the rest of the machine are not in it, nor is making the hardware."
)
_MEASURED_NOTE = (
    "Time and energy are from the run's record. CO2e is that energy times one factor; what the figure's part of the "
    "machine leaves out, and making the hardware, are not in it."
)
_EQUIVALENTS_NOTE = "Equivalents are estimates that make the figures easier to picture."


def impact_report(impact: EnvironmentalImpact, *, equivalents: bool = True) -> str:
    """The report, from its heading to its last line, with a final newline.

    Args:
        impact: what to report.
        equivalents: whether trees, kilometres and telephone charges are in it.

    Raises:
        CardCallbackError: a field was set to what cannot be true.
    """
    impact.check()
    blocks = [
        [TITLE],
        ["### Training Configuration"],
        _table("Metric", _configuration(impact)),
        ["### Energy Consumption"],
        _table("Metric", [("Total Energy", _energy(impact)), ("CO2 Emissions", _carbon(impact))]),
        *([["### Equivalents"], _table("Comparison", _equivalents(impact))] if equivalents else []),
        ["### Carbon Reduction Measures"],
        _measures(impact.carbon_reduction_measures),
        ["### Note"],
        [" ".join(_note(impact, equivalents=equivalents))],
    ]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _configuration(impact: EnvironmentalImpact) -> list[tuple[str, str]]:
    return [
        ("Training Duration", _duration(impact)),
        ("GPU(s) Used", _devices(impact)),
        ("GPU TDP", _watts(impact)),
        ("Data Center PUE", _overhead(impact)),
        ("Grid Carbon Intensity", _grid(impact)),
    ]


def _duration(impact: EnvironmentalImpact) -> str:
    if impact.record is None:
        return f"{_hours(impact.training_hours)} hours (given)"
    words = _record_status(impact.record)
    hours = _hours(impact.record.duration_seconds / SECONDS_PER_HOUR)
    return f"{least_time(impact.record)}{hours} hours (measured{words})"


def _record_status(record: RunRecord) -> str:
    words = status_words(record)
    return f"; {words}" if words else ""


def _devices(impact: EnvironmentalImpact) -> str:
    if impact.record is not None:
        return hardware_words(impact.record) or PLACEHOLDER
    name = escape_markdown(impact.gpu_model) or PLACEHOLDER
    return f"{format_count(impact.gpu_count)}x {name}"


def _watts(impact: EnvironmentalImpact) -> str:
    if impact.record is not None or impact.gpu_tdp_watts is None:
        return "not used: no figure here rests on it"
    return f"{format_number(impact.gpu_tdp_watts)} W (given for one GPU, taken as its draw all the time)"


def _overhead(impact: EnvironmentalImpact) -> str:
    measured = impact.measured
    if measured is not None:
        return measured.overhead
    return NO_OVERHEAD if impact.pue is None else f"{_pue(impact.pue)} (given)"


def _grid(impact: EnvironmentalImpact) -> str:
    factor = impact.factor
    if factor is None:
        return f"not known: {NO_PLACE}"
    return f"{format_number(factor.grams_per_kwh)} gCO2/kWh ({_factor_words(impact, factor)})"


def _factor_words(impact: EnvironmentalImpact, factor: CarbonFactor) -> str:
    measured = impact.measured
    carbon = None if measured is None else measured.carbon
    several = carbon.places if carbon is not None and carbon.shares else None
    place = several or (factor.place if factor.place_code else "")
    parts = (place, str(factor.year or ""), factor.boundary, factor.source)
    return ", ".join(escape_markdown(part) for part in parts if part)


def _energy(impact: EnvironmentalImpact) -> str:
    measured, energy_kwh = impact.measured, impact.calculate_energy_kwh()
    if measured is not None:
        return measured.words
    if energy_kwh is None or impact.gpu_tdp_watts is None:
        return PLACEHOLDER
    gpus = f"{format_count(impact.gpu_count)} GPU{'' if impact.gpu_count == 1 else 's'}"
    formula = f"{_hours(impact.training_hours)} h {TIMES} {gpus} {TIMES} {format_number(impact.gpu_tdp_watts)} W"
    formula += f" {TIMES} PUE {_pue(impact.pue)}" if impact.pue is not None else ""
    return f"{kilowatt_hours(energy_kwh)} kWh (estimate: {formula})"


def _carbon(impact: EnvironmentalImpact) -> str:
    kilograms, factor, energy_kwh = impact.carbon_kilograms, impact.factor, impact.calculate_energy_kwh()
    if kilograms is None or factor is None or energy_kwh is None:
        return _no_carbon(impact)
    measured = impact.measured
    least = "" if measured is None else measured.least_carbon
    if measured is not None and measured.carbon is not None:
        energy_kwh = measured.carbon.energy_joules / JOULES_PER_KILOWATT_HOUR
    how, pue = ("estimate", None) if measured is None else ("calculated from the energy above", _applied(measured))
    formula = f"{kilowatt_hours(energy_kwh)} kWh {TIMES} {format_number(factor.grams_per_kwh)} g/kWh"
    formula += f" {TIMES} PUE {_pue(pue)}" if pue is not None else ""
    simulated = f"; {SIMULATED}" if impact.record is not None and impact.record.simulated else ""
    return f"{least}{_few(kilograms)} kg CO2e ({how}: {formula}; {_factor_words(impact, factor)}{simulated})"


def _applied(measured: MeasuredEnergy) -> float | None:
    return measured.carbon.pue if measured.carbon is not None else None


def _no_carbon(impact: EnvironmentalImpact) -> str:
    measured = impact.measured
    reason = NO_PLACE if impact.factor is None else measured.carbon_reason if measured is not None else None
    return f"not calculated: {escape_markdown(public_reason(reason))}" if reason else _NO_ENERGY


def _equivalents(impact: EnvironmentalImpact) -> list[tuple[str, str]]:
    rates = impact.equivalents
    trees, driving = impact.calculate_tree_offset(), impact.calculate_driving_equivalent()
    charges = impact.calculate_phone_charges()
    missing = _no_carbon(impact)
    least, of_carbon = ("", "") if impact.measured is None else (impact.measured.least, impact.measured.least_carbon)
    return [
        ("Trees to offset (1 year)", _equivalent(of_carbon, trees, "trees", rates.tree_kilograms_per_year) or missing),
        ("Equivalent driving", _equivalent(of_carbon, driving, "km", rates.car_grams_per_kilometre) or missing),
        ("Smartphone charges", _equivalent(least, charges, "charges", rates.phone_charge_watt_hours) or _NO_ENERGY),
    ]


def _equivalent(least: str, value: float | None, unit: str, rate: Equivalent) -> str:
    if value is None:
        return ""
    each = f"{trimmed(format_number(rate.value), 0)} {escape_markdown(rate.unit)} each"
    return f"{least}{_few(value)} {unit} (estimate: {each}; {escape_markdown(rate.source)})"


def _measures(measures: Sequence[str]) -> list[str]:
    return [f"- {escape_line(measure, _LONGEST_MEASURE)}" for measure in measures if measure.strip()] or [PLACEHOLDER]


def _note(impact: EnvironmentalImpact, *, equivalents: bool) -> list[str]:
    record = impact.record
    # After its first line a headline has only warnings, which nobody must miss.
    about = [_ESTIMATE_NOTE] if record is None else [*headline(record)[1:], _MEASURED_NOTE]
    return [*about, *([_EQUIVALENTS_NOTE] if equivalents else [])]


def _table(first: str, rows: list[tuple[str, str]]) -> list[str]:
    dashes = "-" * len(first)
    return [f"| {first} | Value |", f"|-{dashes}-|-------|", *(table_row(*row) for row in rows)]


def _hours(hours: float) -> str:
    return trimmed(format_number(hours), 1)


def _pue(pue: float) -> str:
    return trimmed(format_number(pue), 1)


def _few(value: float) -> str:
    return format_number(value, EMISSIONS_FIGURES)
