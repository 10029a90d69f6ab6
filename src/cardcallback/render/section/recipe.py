"""The folded recipe: what a stranger needs to repeat the run."""

from __future__ import annotations

from cardcallback.record import Dataset, Machine, RunRecord, Training
from cardcallback.render.run_words import device_names_in_turn, has_unified_memory, quantization_words, software_words
from cardcallback.render.section.recipe_model import (
    adapter_words,
    lora_words,
    method_words,
    own_parameters,
    trained_parameters_words,
)
from cardcallback.render.section.recipe_settings import (
    BatchSettings,
    method_settings,
    optimiser_words,
    other_settings,
)
from cardcallback.render.section.stages import base_words, stages_table
from cardcallback.render.text import escape_markdown, join_words, public_reason, table_row
from cardcallback.units import format_bytes, format_count, format_parameters


def recipe(record: RunRecord) -> list[str]:
    """A table of the known parts, without what is not known except the base model; and one of the stages, if any."""
    training = record.training
    rows = {
        "Base model": _base_model(record),
        "Method": method_words(training),
        "Method settings": method_settings(training.hyperparameters),
        "LoRA": lora_words(training),
        "Adapter": adapter_words(training),
        "Trained parameters": "" if training.trains_adapter else trained_parameters_words(training),
        "Base weights": _base_weights(training),
        "Data": _data(record),
        "Batch": BatchSettings.of(record).words(),
        "Optimiser": optimiser_words(training.hyperparameters),
        "Other settings": other_settings(training.hyperparameters),
        "Hardware": _hardware(record),
        "Software": software_words(record.software),
    }
    lines = [table_row(label, text) for label, text in rows.items() if text]
    stages = stages_table(record)
    return ["| | |", "|---|---|", *lines, *(["", *stages] if stages else [])]


def _base_model(record: RunRecord) -> str:
    training = record.training
    if not training.base_model:
        if known := base_words(record):
            return known
        reason = public_reason(training.base_model_reason or "the trainer does not name it")
        return f"not known: {escape_markdown(reason)}"
    own = own_parameters(training)
    return escape_markdown(training.base_model) + (f", {format_parameters(own)} parameters" if own else "")


def _base_weights(training: Training) -> str:
    quantization = training.quantization
    if quantization is None:
        held = training.hyperparameters.get("weights_dtype")
        parts = [f"{escape_markdown(str(held))} weights"] if held else []
        parts += [f"{escape_markdown(training.precision)} training"] if training.precision else []
        return ", ".join(parts)
    return quantization_words(quantization)


def _data(record: RunRecord) -> str:
    data = record.training.dataset
    counts = [
        f"{format_count(count)} {words}"
        for count, words in (
            (data.training_examples, "training"),
            (data.evaluation_examples, "held-out"),
        )
        if count is not None
    ]
    if not counts and data.name is None and not data.training_sequences and not data.streamed:
        return ""
    sizes = f"{' and '.join(counts)} examples" if counts else "size not known"
    if data.streamed:
        sizes = "streamed, size not known" + (f"; {sizes}" if counts else "")
    return f"{escape_markdown(data.name or 'name not known')}, {sizes}{_packed(data)}{_evaluated_on(record)}"


def _packed(data: Dataset) -> str:
    if not data.training_sequences:
        return ""
    rows = f"packed into {format_count(data.training_sequences)} sequences"
    return f", {rows}" if data.training_examples is not None else f"; training data {rows}"


def _evaluated_on(record: RunRecord) -> str:
    """The sizes that were evaluated, where they are not that of the trainer's held-out set."""
    given = record.training.dataset.evaluation_examples
    results = (record.evaluation.before, record.evaluation.after)
    sizes = dict.fromkeys(result.examples for result in results if result is not None and result.examples)
    if given is None or set(sizes) <= {given}:
        return ""
    return f"; the evaluations above are of {join_words([format_count(size) for size in sizes if size])} examples"


def _hardware(record: RunRecord) -> str:
    machine = record.hardware.machine
    parts = [device_names_in_turn(record) or _no_accelerator(record), *_processor(machine)]
    if machine.memory_total_bytes:
        kind = "unified memory" if has_unified_memory(record) else "memory"
        parts.append(f"{format_bytes(machine.memory_total_bytes)} {kind}")
    if machine.operating_system:
        parts.append(escape_markdown(machine.operating_system))
    words = ", ".join(part for part in parts if part)
    return f"{escape_markdown(machine.name)}: {words}" if machine.name else words


def _no_accelerator(record: RunRecord) -> str:
    reason = record.hardware.accelerators_reason
    return f"no NVIDIA GPU measured ({escape_markdown(reason)})" if reason else ""


def _processor(machine: Machine) -> list[str]:
    if not machine.processor and not machine.processor_count:
        return []
    count = f"{machine.processor_count} CPU cores" if machine.processor_count else "CPU"
    return [f"{count} ({escape_markdown(machine.processor)})" if machine.processor else count]
