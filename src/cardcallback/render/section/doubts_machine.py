"""Both doubts of what was measured beside the GPU, and second sensors that no figure holds."""

from __future__ import annotations

from cardcallback.record import FULL_COVERAGE, Measurement, RunRecord, Scope, is_unresolved
from cardcallback.render.energy_words import energy_noun, not_alike
from cardcallback.render.figures import (
    absent,
    accuracy_words,
    beside_accuracy,
    coverage_words,
    is_known,
    recording_error,
    run_energy,
    source_words,
    verb,
)
from cardcallback.render.section.doubts_energy import range_words
from cardcallback.render.section.result_machine import cpu_place
from cardcallback.render.text import escape_markdown, join_words
from cardcallback.units import first_upper, format_percent

# As far as two sensors of equal scope may be apart and still be called consistent.
_CONSISTENT_SHARE = 0.02


def system_doubts(record: RunRecord) -> str:
    """Recording error and accuracy of the whole machine's figure, where there is one."""
    system = record.energy.system
    if not is_known(system):
        return ""
    recording = f"Recording error {recording_error(system)}{range_words(system)}"
    return f"{recording}{beside_accuracy(system)}; {coverage_words(system)}."


def other_energy(record: RunRecord) -> str:
    """Processor and main memory, each with its doubts or its reason."""
    cpu, dram = record.energy.cpu, record.energy.dram
    inside = [name for name, found, held in _module_parts(record) if held == "yes" and not is_known(found)]
    if inside:
        return _other_than_the_modules(record, inside)
    if not is_known(cpu) and not is_known(dram) and cpu.reason == dram.reason:
        return f"CPU and memory were {absent(cpu)}."
    parts = [f"CPU {_figure(record, cpu)}" + (f": {cpu_place(record)}" if is_known(cpu) else "")]
    parts.append(f"main memory {_figure(record, dram)}")
    return f"{'; '.join(parts)}."


def _module_parts(record: RunRecord) -> list[tuple[str, Measurement, str]]:
    """Processor and main memory, with whether the GPU's figure, then a module's, holds them."""
    energy = record.energy
    scope = energy.gpu.scope if is_known(energy.gpu) and energy.gpu.scope is not None else Scope()
    return [("CPU", energy.cpu, scope.cpu), ("main memory", energy.dram, scope.host_dram)]


def _other_than_the_modules(record: RunRecord, inside: list[str]) -> str:
    held = join_words(inside)
    be, each = ("is", "by itself it was") if len(inside) == 1 else ("are", "by themselves they were")
    part = next(found for name, found, _ in _module_parts(record) if name in inside)
    parts = [f"{first_upper(held)} {be} in the {energy_noun(record)} figure; {each} {absent(part)}"]
    for name, found, _ in _module_parts(record):
        if name not in inside:
            place = f": {cpu_place(record)}" if name == "CPU" and is_known(found) else ""
            parts.append(f"{name} {_figure(record, found)}{place}")
    return f"{'; '.join(parts)}."


def second_sensors(record: RunRecord) -> str:
    """What overlaps the figures above: printed beside them, with a ratio only where both cover the same."""
    others = record.energy.others
    if not others:
        return ""
    sentences = [f"{_name(other)}: {_figure(record, other)}{_beside(record, other)}." for other in others]
    return " ".join([*sentences, "These overlap the figures above and are added to nothing."])


def _figure(record: RunRecord, measurement: Measurement) -> str:
    if not is_known(measurement):
        return absent(measurement)
    accuracy = accuracy_words(measurement.instrument_accuracy)
    gaps = "" if _is_whole(measurement) else f"; {coverage_words(measurement)}"
    return (
        f"{run_energy(record, measurement)} ({verb(measurement)}: {source_words(measurement)}; "
        f"recording error {recording_error(measurement)}, the sensor's own accuracy {accuracy}{gaps})"
    )


def _name(other: Measurement) -> str:
    words = escape_markdown(", ".join(other.covers)) or "A further sensor"
    return words[:1].upper() + words[1:]


def _beside(record: RunRecord, other: Measurement) -> str:
    """How it compares with the figure of the same parts, if there is one."""
    found = _counterpart(record, other)
    if found is None:
        return ""
    name, figure_above = found
    if other.scope is None or figure_above.scope is None or other.value is None or not figure_above.value:
        return ""
    why_not = _why_no_ratio(record, other, figure_above)
    if why_not:
        return f"; beside {name} without a ratio{why_not}"
    return _apart(other.value / figure_above.value - 1, name, spanned=_spans(figure_above, other.value))


def _why_no_ratio(record: RunRecord, other: Measurement, above: Measurement) -> str:
    """What forbids to compare two figures, to stand after "without a ratio"; empty where nothing does."""
    if other.scope is None or above.scope is None:
        return ""
    different = not_alike(other.scope, above.scope)
    if different:
        return f", since what they hold of {join_words(different)} differs or is not documented"
    if not _is_whole(other) or not _is_whole(above):
        return ", since the two did not watch the same time"
    if is_unresolved(other) or is_unresolved(above):
        return ", since not both are resolved"
    if above is record.energy.system and other.covers != above.covers:
        # Two meters of whole machines may meter unlike things: a strip feeds more than the plug in it.
        return f": {_covers(other)} may hold more or less than {_covers(above)}"
    return ""


def _apart(apart: float, name: str, *, spanned: bool) -> str:
    if abs(apart) <= _CONSISTENT_SHARE:
        return f"; consistent with {name} ({format_percent(abs(apart), 2)} apart), which proves neither"
    side = "more" if apart > 0 else "less"
    spans = ", whose recording interval spans both" if spanned else ""
    return f"; {format_percent(abs(apart), 2)} {side} than {name}{spans}, and which is right is not known"


def _covers(measurement: Measurement) -> str:
    return escape_markdown(", ".join(measurement.covers)) or "what it covers, which was not recorded,"


def _spans(measurement: Measurement, joules: float) -> bool:
    low, high = measurement.recording_low, measurement.recording_high
    return low is not None and low <= joules and (high is None or joules <= high)


def _counterpart(record: RunRecord, other: Measurement) -> tuple[str, Measurement] | None:
    """The figure above that the sensor may be a second opinion of: of the same larger parts, documented or not."""
    energy, scope = record.energy, other.scope
    above = ((f"the {energy_noun(record)} figure", energy.gpu), ("the whole machine's figure", energy.system))
    for name, found in above:
        if scope is None or found.scope is None or not is_known(found):
            continue
        if (scope.gpu_core, scope.cpu, scope.network) == (found.scope.gpu_core, found.scope.cpu, found.scope.network):
            return f"{name} of {run_energy(record, found)}", found
    return None


def _is_whole(measurement: Measurement) -> bool:
    return measurement.coverage is not None and measurement.coverage >= FULL_COVERAGE
