"""The GPU energy row: the figure, what it is of, and whether the second way of measuring agrees."""

from __future__ import annotations

import math

from cardcallback.record import FULL_COVERAGE, Consistency, Measurement, RunRecord, is_only_a_part, is_unresolved
from cardcallback.render.energy_words import energy_noun, energy_parts, used_by_job
from cardcallback.render.figures import (
    NARROW_SHARE,
    absent,
    beside_accuracy,
    cadence,
    coverage_words,
    energy_range,
    is_known,
    looking_words,
    relative_width,
    source_words,
    spent_words,
    total,
    verb,
)
from cardcallback.render.run_words import devices, had_all_devices, over_the_run, plural
from cardcallback.render.text import escape_markdown
from cardcallback.units import format_duration, format_multiple, format_percent, format_power

# A comparison of this share of the run is one of the run.
FULL_COMPARISON = 0.95
# Outside of this a ratio reads better as a multiple than as a percentage.
_LEAST_RATIO, _MOST_RATIO = 0.1, 2.0
_SEEN = "over the part it saw"
_SCOPE_SENTENCE = "The energy is the whole module's"


def gpu_energy_row(record: RunRecord) -> tuple[str, str, str]:
    """Label, result and how it is known, as Markdown."""
    gpu = record.energy.gpu
    if gpu.value is None:
        return _label(record), absent(gpu), ""
    mean = "" if is_unresolved(gpu) else _mean_power(record)
    result = spent_words(record, gpu, "**") + mean
    return _label(record), result, "; ".join(_how(record, gpu))


def interval_words(measurement: Measurement, beside_joules: float | None = None) -> str | None:
    """Both doubts of an energy in one phrase; ``None`` where its interval is narrow or no bound is known.

    The recording interval is never printed without the instrument's accuracy.
    """
    low, high, width = measurement.recording_low, measurement.recording_high, relative_width(measurement)
    if width is None or width <= NARROW_SHARE or low is None or high is None:
        return None
    interval = energy_range(low, high, measurement.value if beside_joules is None else beside_joules)
    return f"recording interval {interval}{beside_accuracy(measurement)}"


def _label(record: RunRecord) -> str:
    noun = energy_noun(record)
    label = f"{noun[0].upper()}{noun[1:]} energy{energy_parts(record)}"
    count = len(devices(record))
    if count < 2:
        return label
    return f"{label}, {count} devices{'' if had_all_devices(record) else ' in turn'}"


def _mean_power(record: RunRecord) -> str:
    watts = total([device.mean_power for device in devices(record)])
    if watts is None or not had_all_devices(record):
        return ""
    together = " together" if len(devices(record)) > 1 else ""
    seen = f" {_SEEN}" if is_only_a_part(record.energy.gpu) else ""
    return f" (mean {format_power(watts)}{together}{seen})"


def _how(record: RunRecord, gpu: Measurement) -> list[str]:
    parts = [_method_words(record, gpu)]
    if gpu.coverage is not None and (gpu.coverage < FULL_COVERAGE or looking_words(gpu)):
        parts.append(coverage_words(gpu))
    agreement = _agreement_words(record)
    interval = interval_words(gpu)
    return [*parts, *(words for words in (agreement, interval) if words), *_whose(record)]


def _method_words(record: RunRecord, gpu: Measurement) -> str:
    source = source_words(gpu)
    during = _during(record, gpu)
    if gpu.method == "integrated_power":
        read = f", {often}," if (often := cadence(gpu)) else ""
        counter = record.energy.gpu_counter
        why = f"; {_without(counter.reason)}" if not is_known(counter) else ""
        return f"measured: {source}{read} integrated {during}{why}"
    if gpu.method == "counter_bridged":
        return f"measured: {source}, bridged with integrated power where the counter failed, {during}"
    if gpu.method == "counter":
        return f"measured: {source} {during}"
    if gpu.method == "calculated" and len(devices(record)) > 1:
        return f"measured: {source}, each device by its own, and summed, {during}"
    return f"{verb(gpu)}: {source}"


def _during(record: RunRecord, gpu: Measurement) -> str:
    if not is_only_a_part(gpu):
        return over_the_run(record)
    return _SEEN if gpu.recording_high is not None else f"{_SEEN} (the rest is not known)"


def _without(reason: str | None) -> str:
    why = escape_markdown(reason or "")
    return why if "energy counter" in why else f"no energy counter: {why}"


def _agreement_words(record: RunRecord) -> str | None:
    energy = record.energy
    if energy.gpu.method == "integrated_power":
        return None
    if not is_known(energy.gpu_integrated):
        return f"integrated power {absent(energy.gpu_integrated)}"
    verdict = energy.consistency
    if verdict is None or verdict.verdict == "not resolved":
        return None
    apart = verdict.relative_difference
    if verdict.verdict == "consistent":
        return f"integrated power is consistent ({_apart(apart)} apart)"
    return f"integrated power gives {_how_much(apart)} over {_compared(record, verdict)}"


def _how_much(difference: float) -> str:
    if _LEAST_RATIO < 1 + difference < _MOST_RATIO:
        return f"{format_percent(abs(difference), 2)} {'more' if difference > 0 else 'less'}"
    if difference <= -1:
        return "nothing"
    return format_multiple(1 + difference) if math.isfinite(difference) else "another amount"


def _compared(record: RunRecord, verdict: Consistency) -> str:
    if verdict.compared_seconds >= FULL_COMPARISON * record.duration_seconds:
        return "the same time"
    return f"the {format_duration(verdict.compared_seconds)} that both watched"


def _apart(share: float) -> str:
    return "less than 0.1 %" if abs(share) < 0.001 else format_percent(abs(share), 1)


def _whose(record: RunRecord) -> list[str]:
    names = [device.name for device in devices(record)]
    covers = record.energy.gpu.covers
    words = [_inside(part) for part in covers if not any(name in part for name in names) and not _is_of_scope(part)]
    others = sum(device.other_processes or 0 for device in devices(record))
    noun = energy_noun(record)
    if others and used_by_job(record):
        words.append(f"the whole {noun}'s, shared with {plural(others, 'other process', 'other processes')}")
    if not used_by_job(record):
        nouns = noun if len(devices(record)) == 1 else f"{noun}s"
        words.append(f"this job did not use CUDA: it is what the {nouns} drew meanwhile")
    return words


def _is_of_scope(words: str) -> bool:
    # The label says it from the scope set, more exactly than the driver's sentence.
    return words.startswith(_SCOPE_SENTENCE)


def _inside(sentence: str) -> str:
    """A sentence of its own as a part of a longer one."""
    text = escape_markdown(sentence).rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
