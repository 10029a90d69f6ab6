"""Rows about the machine beside its GPU: processor, whole machine, and the rest where an estimate was asked for."""

from __future__ import annotations

from cardcallback.record import Measurement, RunRecord, is_only_a_part
from cardcallback.render.energy_words import energy_noun, outside_words, scope_parts
from cardcallback.render.figures import (
    absent,
    cadence,
    coverage_words,
    energy_range,
    is_known,
    resolved_value,
    source_words,
    spent_words,
    verb,
)
from cardcallback.render.run_words import has_only_gb10
from cardcallback.render.section.references import SPARK_POWER, References
from cardcallback.render.section.result_energy import interval_words
from cardcallback.render.text import escape_markdown, join_words, public_reason
from cardcallback.units import format_energy, format_percent

Row = tuple[str, str, str]
REST_LABEL = "Rest of the machine (estimate)"


def cpu_rows(record: RunRecord) -> list[Row]:
    """The processor's energy, where it is known or nothing else is."""
    cpu = record.energy.cpu
    if is_known(cpu):
        words = spent_words(record, cpu)
        return [("CPU energy", words, f"{_measured(cpu)}; {cpu_place(record)}")]
    # Beside a GPU figure the processor's absence is a detail; without one it is the main thing missing.
    return [] if is_known(record.energy.gpu) else [("CPU energy", absent(cpu), "")]


def cpu_place(record: RunRecord) -> str:
    """Whether the processor's energy is in another figure of the table."""
    gpu, system = record.energy.gpu, record.energy.system
    holders = []
    if is_known(gpu) and gpu.scope is not None and gpu.scope.cpu == "yes":
        holders.append(f"the {energy_noun(record)} figure")
    if is_known(system) and system.scope is not None and system.scope.cpu == "yes":
        holders.append("the whole machine's figure")
    if holders:
        return f"a part of {join_words(holders)}, added to nothing"
    if is_known(gpu) and gpu.scope is not None and gpu.scope.cpu == "unknown":
        return f"whether the {energy_noun(record)} figure holds it is not documented, so it is added to nothing"
    rest = record.energy.rest_estimate
    if rest is not None and is_known(rest):
        return "in no other measured figure; the estimate of the rest overlaps it, and they are not added"
    return "in no other figure"


def system_row(record: RunRecord, references: References) -> Row:
    """The whole machine's energy and what it leaves out, or what to expect where it was not measured."""
    system = record.energy.system
    if is_known(system):
        how = "; ".join(part for part in (_measured(system), _leaves_out(system)) if part)
        return "Whole-machine energy", spent_words(record, system, "**"), how
    expect = ""
    if is_known(record.energy.gpu):
        expect = f"expect more than the {energy_noun(record)} figure{_left_out(record)}"
    if expect and has_only_gb10(record):
        mark = references.cite(SPARK_POWER)
        expect = f"expect more: on another Spark the whole machine drew about twice the GPU figure {mark}"
    return "Whole-machine energy", absent(system), expect


def rest_rows(record: RunRecord, references: References) -> list[Row]:
    """The estimate of the rest and its share, where it was asked for; never a part of any other row."""
    rest, gpu = record.energy.rest_estimate, record.energy.gpu
    if rest is None:
        return []
    if rest.value is None:
        return [(REST_LABEL, f"no estimate: {escape_markdown(public_reason(rest.reason or ''))}", "")]
    result = _estimated(rest, rest.value)
    if (joules := resolved_value(gpu)) is not None:
        upper = (rest.recording_high or rest.value) if _is_upper_figure(rest) else rest.value
        share = format_percent(upper / (upper + joules), 2)
        most = "at most " if _is_upper_figure(rest) else ""
        result += f"; {most}{share} of GPU and rest together"
    source = references.cite_text(rest.source or "")
    how = f"estimated, not measured, and {_rest_place(record)}: {escape_markdown(rest.assumption or '')} {source}"
    return [(REST_LABEL, result, how)]


def _rest_place(record: RunRecord) -> str:
    """What else of this record is of the same parts of the machine."""
    inside = (("CPU", record.energy.cpu), ("main memory", record.energy.dram))
    measured = [name for name, figure_of in inside if is_known(figure_of)]
    if not measured:
        return "in no other figure"
    return f"it overlaps the measured energy of {join_words(measured)}, to which it is not added"


def _is_upper_figure(rest: Measurement) -> bool:
    return rest.recording_low is None and rest.recording_high is not None


def _estimated(rest: Measurement, value: float) -> str:
    low, high = rest.recording_low, rest.recording_high
    if high is None:
        return f"about {format_energy(value)}"
    if value >= high:
        return f"at most {format_energy(high)}"
    if low is None:
        return f"at most {format_energy(value)} by the highest power seen, {format_energy(high)} by nameplate"
    return f"about {format_energy(value)} (published figures give {energy_range(low, high, value)})"


def _left_out(record: RunRecord) -> str:
    outside = outside_words(record.energy.gpu.scope)
    verb_words = "are" if " and " in outside else "is"
    return f": the {outside} {verb_words} not in it" if outside else ""


def _leaves_out(system: Measurement) -> str:
    scope = system.scope
    if scope is None:
        return "what it covers was not recorded"
    missing, unknown = scope_parts(scope, "no"), scope_parts(scope, "unknown")
    words = [f"leaves out {join_words(missing)}"] if missing else []
    if unknown:
        be = "is" if len(unknown) == 1 else "are"
        words.append(f"whether {join_words(unknown)} {be} in it is not documented")
    return "; ".join(words)


def _measured(measurement: Measurement) -> str:
    covers = f" ({escape_markdown(', '.join(measurement.covers))})" if measurement.covers else ""
    words = f"{verb(measurement)}: {source_words(measurement)}{_integrated(measurement)}{covers}"
    if interval := interval_words(measurement):
        words += f"; {interval}"
    return f"{words}; {coverage_words(measurement)}" if is_only_a_part(measurement) else words


def _integrated(measurement: Measurement) -> str:
    if measurement.method == "counter_bridged":
        return ", bridged with integrated power where the counter failed"
    if measurement.method != "integrated_power":
        return ""
    return f", {often}, integrated" if (often := cadence(measurement)) else ", integrated"
