"""Both doubts of the energy figure, and what it covers and leaves out."""

from __future__ import annotations

from cardcallback.carbon import embodied_of
from cardcallback.record import Covered, Measurement, RunRecord
from cardcallback.render.energy_words import energy_noun, scope_parts
from cardcallback.render.figures import (
    SHORT_RUN_SECONDS,
    absent,
    accuracy_words,
    coverage_words,
    energy_range,
    is_known,
    recording_error,
)
from cardcallback.render.run_words import device_names, has_gb10
from cardcallback.render.section.references import POWER_SENSOR_STUDY, SPARK_POWER, References
from cardcallback.render.text import escape_markdown, join_words
from cardcallback.units import first_upper, format_emissions

_STATES: tuple[Covered, ...] = ("yes", "unknown", "no")
_NEVER_COVERED = ("storage", "building")
_AFTERWARDS = "merging and export afterwards"
_NVML = "nvml:"


def energy_doubts(record: RunRecord, references: References) -> str:
    """Recording error and the instrument's own accuracy, always in one breath."""
    gpu = record.energy.gpu
    if gpu.value is None:
        return f"GPU energy was {absent(gpu)}."
    recording = f"Recording error {recording_error(gpu)}{range_words(gpu)}: {coverage_words(gpu)}."
    sentences = [recording, _instrument(record, references)]
    verdict = _verdict(record)
    if verdict == "inconsistent":
        sentences.append("Counter and integrated power disagree; which is right is not known.")
    elif verdict == "consistent" and gpu.method != "integrated_power":
        sentences.append("That two readings agree does not prove them: they may share a sensor.")
    elif verdict == "not resolved" and gpu.method == "counter" and is_known(record.energy.gpu_integrated):
        sentences.append("Integrated power is too uncertain here, or the run too short, to confirm the counter.")
    return " ".join(sentences)


def _verdict(record: RunRecord) -> str | None:
    """Whether counter and integrated power agree; None where a long run's record, as of version 1, does not say."""
    if record.energy.consistency is not None:
        return record.energy.consistency.verdict
    return "not resolved" if record.duration_seconds < SHORT_RUN_SECONDS else None


def scope_lines(record: RunRecord) -> list[tuple[str, str]]:
    """What the GPU figure covers, what nobody documents, and what it leaves out."""
    gpu = record.energy.gpu
    making, made = _making(record)
    if gpu.value is None or gpu.scope is None:
        return []
    covered, unknown, missing = (scope_parts(gpu.scope, state) for state in _STATES)
    words = f"{join_words(covered) or 'not documented'}."
    differing = [part for part in unknown if part in _unlike_parts(record)]
    if unknown := [part for part in unknown if part not in differing]:
        named = ["LPDDR5X memory" if has_gb10(record) and part == "the GPU's memory" else part for part in unknown]
        words += f" Whether {join_words(named)} {_is(named)} included is not documented."
    if differing:
        words += (
            f" Whether {join_words(differing)} {_is(differing)} included is not the same in every session (see Notes)."
        )
    left_out = [*missing, *_NEVER_COVERED]
    outside = f"{first_upper(join_words(left_out))}; {_AFTERWARDS}; {making}."
    # Beside figures of other parts of the machine, what this one leaves out may well be measured.
    others = any(is_known(found) for found in (record.energy.cpu, record.energy.dram, record.energy.system))
    whose = f" by the {energy_noun(record)} figure" if others else ""
    return [(f"Covered{whose}", first_upper(words)), (f"Not covered{whose}", outside), *made]


def _making(record: RunRecord) -> tuple[str, list[tuple[str, str]]]:
    """How making the hardware is named among what is left out, and its own line where a figure is published."""
    if record.simulated:
        return "making the hardware", []
    share = embodied_of(record.hardware.accelerators, record.duration_seconds)
    if share.value is None:
        return "making the hardware (no figure published)", []
    grams = format_emissions(share.value)
    words = f"{grams} of CO2e, estimated and in no figure here: this run's hours out of {share.assumption}"
    whose = "Making the GPUs" if len(record.hardware.accelerators) > 1 else "Making the GPU"
    return "making the hardware", [(whose, f"{words} ({escape_markdown(share.source or '')}).")]


def _unlike_parts(record: RunRecord) -> set[str]:
    """The parts of which the sessions' own figures do not say the same."""
    scopes = {session.energy.gpu.scope for session in record.sessions} - {None}
    states = [{(part, state) for state in _STATES for part in scope_parts(scope, state)} for scope in scopes if scope]
    return {part for said in states for part, _ in said ^ states[0]}


def _is(parts: list[str]) -> str:
    return "is" if len(parts) == 1 else "are"


def range_words(gpu: Measurement) -> str:
    """The recording interval in brackets after a blank, where its ends print differently."""
    if gpu.recording_low is None or gpu.recording_high is None:
        return ""
    interval = energy_range(gpu.recording_low, gpu.recording_high, gpu.value)
    return f" ({interval})" if " to " in interval else ""


def _instrument(record: RunRecord, references: References) -> str:
    accuracy = record.energy.gpu.instrument_accuracy
    name = device_names(record)
    published = accuracy is not None and accuracy.relative is not None
    statement = accuracy_words(accuracy)
    on_device = f" on {name}" if name else ""
    if published or (accuracy is not None and accuracy.statement != "not published"):
        return f"The sensor's own accuracy{on_device}: {statement}."
    sentence = f"The sensor's own accuracy{on_device} is **not published**"
    gauge = record.energy.gpu_integrated
    if is_known(gauge) and gauge.instrument_accuracy is not None and gauge.instrument_accuracy.relative is not None:
        mark = references.cite(POWER_SENSOR_STUDY)
        return (
            f"{sentence} for the counter; for its power readings: {accuracy_words(gauge.instrument_accuracy)} {mark}."
        )
    if _NVML not in (record.energy.gpu.source or ""):
        return f"{sentence}."  # what was found of GPUs' own sensors says nothing of a board's
    sentence += f"; other NVIDIA GPUs read about 5 % off {references.cite(POWER_SENSOR_STUDY)}"
    if has_gb10(record):
        sentence += f", and a second sensor inside one Spark read about 20 % higher {references.cite(SPARK_POWER)}"
    return f"{sentence}."
