"""What a run was and ran on, in words that several parts of the card share. All results are Markdown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from cardcallback.record import (
    Accelerator,
    EvaluationResult,
    Measurement,
    Quantization,
    RunRecord,
    Training,
    duration_is_least,
    session_is_least,
)
from cardcallback.render.text import TIMES, escape_markdown, join_words
from cardcallback.sessions import NAMED_SESSION, counted_steps
from cardcallback.units import format_duration

_GB10 = re.compile(r"\bGB10\b")
_SPARK = re.compile(r"\bDGX[ _]Spark\b", re.IGNORECASE)
_BASELINE_WORDS = {
    "training began": "when training began",
    "after training began": "when first read, after training began",
}
WHOLE_MACHINE = "whole machine"
_LIBRARIES = {
    "axolotl": "Axolotl", "llamafactory": "LLaMA-Factory", "peft": "PEFT", "setfit": "SetFit", "trl": "TRL",
    "sentence_transformers": "sentence-transformers", "transformers": "Transformers", "unsloth": "Unsloth",
}  # fmt: skip
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def devices(record: RunRecord) -> tuple[Accelerator, ...]:
    """The accelerators whose energy the section reports."""
    return record.hardware.accelerators


def device_numbers(found: Sequence[Accelerator]) -> list[int]:
    """The driver's number of each device, as in the record's notes; their places where one tells none of its own."""
    numbers = [device.number for device in found if device.number is not None]
    return numbers if len(set(numbers)) == len(found) else list(range(len(found)))


def had_all_devices(record: RunRecord) -> bool:
    """Whether every session had all of the devices: figures of devices that took turns have no sum at one time."""
    return all(len(session.hardware.accelerators) == len(devices(record)) for session in record.sessions)


def most_devices_at_once(record: RunRecord) -> int:
    """How many devices one session had: those of several sessions may have taken turns."""
    return max((len(session.hardware.accelerators) for session in record.sessions), default=len(devices(record)))


def _one_after_the_other(record: RunRecord, names: list[str]) -> str:
    return join_words(names) if had_all_devices(record) else ", then ".join(names)


def has_gb10(record: RunRecord) -> bool:
    """Whether the job's device is a GB10 (DGX Spark and its relatives)."""
    return any(_GB10.search(device.name) for device in devices(record))


def has_only_gb10(record: RunRecord) -> bool:
    """Whether all that it ran on, in every session, were GB10s: what holds for them then holds for its sums."""
    return has_gb10(record) and all(_GB10.search(device.name) for device in devices(record))


def has_unified_memory(record: RunRecord) -> bool:
    """Whether CPU and GPU share one memory, as far as the record knows."""
    known = record.hardware.machine.unified_memory
    return has_only_gb10(record) if known is None else known


def device_names(record: RunRecord) -> str:
    """The devices' names, several of a kind counted; empty without any."""
    return join_words(_counted_names(record))


def device_names_in_turn(record: RunRecord) -> str:
    """As ``device_names``, those of several sessions one after the other where not every session had all."""
    return _one_after_the_other(record, _counted_names(record))


def _counted_names(record: RunRecord) -> list[str]:
    counts = Counter(device.name for device in devices(record))
    return [
        escape_markdown(name) if count == 1 else f"{count} {TIMES} {escape_markdown(name)}"
        for name, count in counts.items()
    ]


def place_of_work(record: RunRecord) -> str:
    """What the run was "on": "one NVIDIA DGX Spark", "two NVIDIA H100", "one computer (AMD EPYC)"."""
    machine = record.hardware.machine
    counts = Counter(device.name for device in devices(record))
    if len(counts) == 1 and machine.name and _SPARK.search(machine.name) and sum(counts.values()) == 1:
        return f"one {escape_markdown(machine.name)}"
    if counts:
        return _one_after_the_other(
            record, [f"{spell(count)} {escape_markdown(name)}" for name, count in counts.items()]
        )
    # Not "on the CPU": an accelerator that no sensor of ours sees may have done the work.
    described = machine.name or machine.processor
    return f"one computer ({escape_markdown(described)})" if described else "one computer"


def spell(count: int) -> str:
    """Small counts as words."""
    return _NUMBERS[count] if 0 <= count < len(_NUMBERS) else f"{count:,}"


def plural(count: float, singular: str, several: str | None = None) -> str:
    """The count and its noun: "1 step", "500 steps"."""
    return f"{count:,} {singular if count == 1 else several or singular + 's'}"


def model_name(training: Training) -> str:
    """The base model's name without its owner, or what is known instead."""
    if training.base_model:
        return escape_markdown(training.base_model.rstrip("/").rsplit("/", 1)[-1])
    return "a model whose Hub id is not known"


def method_noun(training: Training) -> str:
    """What the run was, to stand before "of": "QLoRA fine-tune", "DPO (LoRA fine-tune)"."""
    if training.method is None:
        return "Training"
    noun = fine_tune(training.method)
    if training.objective and training.objective not in {"SFT", "language modelling"}:
        return f"{escape_markdown(training.objective)} ({noun})"
    return noun[:1].upper() + noun[1:]


def fine_tune(method: str) -> str:
    """What a method makes, as Markdown: "full fine-tune", "LoRA fine-tune", "fine-tune of part of the weights"."""
    for kind in ("full fine-tuning", "fine-tuning"):
        if method.lower().startswith(kind):
            return escape_markdown(kind.replace("tuning", "tune") + method[len(kind) :])
    return f"{escape_markdown(method)} fine-tune"


def quantization_words(quantization: Quantization) -> str:
    """How the base weights were held, as Markdown: "NF4, double quantisation, bfloat16 compute, by bitsandbytes"."""
    held = quantization.kind or (f"{quantization.bits}-bit" if quantization.bits else quantization.method)
    parts = [escape_markdown(held)]
    if quantization.double:
        parts.append("double quantisation")
    if quantization.compute_dtype:
        parts.append(f"{escape_markdown(quantization.compute_dtype)} compute")
    if quantization.kind or quantization.bits:
        parts.append(f"by {escape_markdown(quantization.method)}")
    if quantization.loaded_from:
        parts.append(f"loaded from {escape_markdown(quantization.loaded_from)}")
    return ", ".join(parts)


def not_finite_notes(record: RunRecord) -> tuple[str, ...]:
    """The record's sentences about a loss that was not a number, which a reader must not miss."""
    names = tuple(f"{name} was not a finite number" for name in ("loss", "eval_loss"))
    return tuple(note for note in record.notes if note.startswith(names))


def held_out_loss_was_no_number(record: RunRecord) -> bool:
    """Whether a held-out loss was NaN or infinite: where a result has none, this is why."""
    return any(note.startswith("eval_loss ") for note in not_finite_notes(record))


def loss_ended_finite(record: RunRecord) -> bool:
    """Whether the last logged training loss was a number."""
    return not any(note.startswith("loss ") for note in not_finite_notes(record))


def same_held_out_set(before: EvaluationResult, after: EvaluationResult) -> bool:
    """Whether two evaluations are of the same examples, tokens and metrics, as far as the record tells."""
    names, others = set(before.metrics), set(after.metrics)
    # A loss that bears its set's name tells which one it is of, also where an evaluation was too quick to be counted.
    named = before.loss is None and after.loss is None and bool(names) and names == others
    uncounted = named and None in {before.examples, after.examples}
    if before.covers != after.covers or (before.examples != after.examples and not uncounted):
        return False
    return not names or not others or names == others


def baseline_words(baseline: Measurement) -> str:
    """When the memory in use was read for the first time: it may have fallen since, even below this."""
    name = baseline.window.name if baseline.window is not None else None
    return _BASELINE_WORDS.get(name or "", "when the callback was made")


def session_of(peak: Measurement) -> str:
    """The session that a peak of several sessions was in, as in "session 2"; empty for a run of one."""
    found = NAMED_SESSION.search(peak.window.name) if peak.window is not None else None
    return found.group(1) if found else ""


_PARTS_OF_A_MACHINE = ("this container", "this WSL2 guest")


def memory_owner(record: RunRecord) -> str:
    """Whose the memory in use is: a container or a guest may be shown only its own."""
    covers = " ".join(record.memory.system_peak.covers)
    return next((owner for owner in _PARTS_OF_A_MACHINE if owner in covers), WHOLE_MACHINE)


def whose_peak(peak: Measurement) -> str:
    """Which of several sessions, processes or computers had it, to stand in a list; empty where there was only one."""
    session = session_of(peak)
    of_sessions = (f"the highest of all sessions, in {session}",) if session else ()
    return "; ".join(part for part in (*of_sessions, whose_peak_within(peak)) if part)


def whose_peak_within(peak: Measurement) -> str:
    """Which process or computer had it, where its session is told already."""
    return "; ".join(words for words in peak.covers if "the highest of" in words)


def recorded_steps(record: RunRecord) -> int:
    """Optimiser steps taken while this record measured, each once; without earlier records fewer than all."""
    return counted_steps(record.sessions)


def least_time(record: RunRecord) -> str:
    """The words to stand before the run's time, or what is calculated from it; empty where its end is known."""
    return "at least " if any(session_is_least(session) for session in record.sessions) else ""


def most_speed(record: RunRecord) -> str:
    """The words to stand before a speed: what took longer than is known was slower."""
    return "at most " if duration_is_least(record) else ""


def least_time_each(record: RunRecord) -> str:
    """The words to stand before the time a step took, or an epoch; empty too where only a last second is not known.

    The steps of that second are as little known as its length.
    """
    return "at least " if duration_is_least(record) else ""


def duration_words(record: RunRecord) -> str:
    """How long the run took, as a card prints it anywhere: "1 h 52 min", "at least 1 h 52 min"."""
    return f"{least_time(record)}{format_duration(record.duration_seconds)}"


def steps_of_spending(record: RunRecord) -> str:
    """Which steps time and energy are for, as a sentence: "all" only where the sessions hold every one of them."""
    steps = plural(record.training.steps, "step")
    if covers_every_step(record):
        return f"Time and energy are for {'all ' if record.training.steps > 1 else ''}{steps}."
    return f"Time and energy are for {recorded_steps(record):,} of {steps}."


def covers_every_step(record: RunRecord) -> bool:
    """Whether time and energy belong to all the steps the weights have seen."""
    return recorded_steps(record) >= record.training.steps


def over_the_run(record: RunRecord) -> str:
    """Over what of the run a figure goes that was kept from its begin."""
    if record.status == "running":
        return "so far"
    return "until it was interrupted" if record.status == "interrupted" else "over the whole run"


def status_words(record: RunRecord) -> str:
    """How the run went: "uninterrupted", "in 3 sessions", "interrupted at step 300 of 500"; empty if not known."""
    training = record.training
    planned = training.planned_steps
    of_planned = f" of {planned:,}" if planned and planned > training.steps else ""
    if record.status == "interrupted":
        # A journal's last line is of up to a second before the kill.
        later = ", or soon after" if record.recovered else ""
        return f"interrupted at step {training.steps:,}{of_planned}{later}"
    if record.status == "running":
        return f"still running when this was written, at step {training.steps:,}{of_planned}"
    if len(record.sessions) > 1:
        return f"in {len(record.sessions)} sessions"
    if of_planned:
        return f"stopped before the planned {planned:,}"
    return "uninterrupted" if covers_every_step(record) else ""


def library_name(library: str) -> str:
    """A training library as its makers write it, by the name that it is imported or installed by."""
    return _LIBRARIES.get(library.replace("-", "_")) or escape_markdown(library)


def software_words(software: Mapping[str, str]) -> str:
    """Every library and its version, by the names that people know them by."""
    names = {"driver": "NVIDIA driver", "python": "Python", "cuda": "CUDA"}
    return ", ".join(
        f"{names.get(name, escape_markdown(name, 60))} {escape_markdown(version, 60)}"
        for name, version in software.items()
    )
