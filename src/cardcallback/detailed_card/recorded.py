"""What a run's record says of training, hyper-parameters and hardware, beside what the author states."""

from __future__ import annotations

import re

from cardcallback.detailed_card.fields import LONGEST_CELL
from cardcallback.detailed_card.prose import as_cell
from cardcallback.record import RunRecord, Scalar
from cardcallback.render.card.values import card_values
from cardcallback.render.section.evaluation import published_sentence
from cardcallback.render.section.headline import headline
from cardcallback.render.section.stages import stages_doubts, stages_table
from cardcallback.render.text import clean, escape_markdown
from cardcallback.units import format_count

_VALUE_ROWS = {
    "LoRA Rank": "lora_rank",
    "LoRA Alpha": "lora_alpha",
    "Learning Rate": "learning_rate",
    "Epochs": "epochs",
    "Batch Size": "batch_size",
    "Max Sequence Length": "max_length",
    "Optimizer": "optimizer",
    "Training Regime": "training_regime",
}
_SETTING_ROWS = {"Weight Decay": "weight_decay", "Max Gradient Norm": "max_grad_norm", "Seed": "seed"}
_PROCEDURE_LINES = {
    "Time and speed (measured)": "speeds_sizes_times",
    "Training loss (recorded)": "training_loss",
    "Validation loss (recorded)": "validation_loss",
    "Perplexity of the base model (recorded)": "perplexity_base",
    "Perplexity of this model (recorded)": "perplexity_tuned",
}
_HARDWARE_LINES = {
    "GPU": "hardware",
    "Machine": "compute_infrastructure",
    "Peak memory in use (measured; a peak observed, not a minimum required)": "peak_memory",
    "Software": "software",
}
# A paragraph, so that what follows does not join a list that the author's text ends with.
_RECORDED = "Recorded by the run:"
# Names that people give to what the record calls otherwise.
_SAME_NAMES = {
    "lorar": "lorarank",
    "lr": "learningrate",
    "maxlength": "maxsequencelength",
    "maxseqlength": "maxsequencelength",
    "numepochs": "epochs",
    "numtrainepochs": "epochs",
    "optim": "optimizer",
    "optimiser": "optimizer",
}
_WORDS = re.compile(r"[a-z]+|\d+(?:\.\d+)?")


def data_lines(record: RunRecord) -> list[str]:
    """The data set's name and sizes, as a paragraph."""
    data = record.training.dataset
    sizes = [
        f"{format_count(count)} {kind} examples"
        for count, kind in ((data.training_examples, "training"), (data.evaluation_examples, "held-out"))
        if count is not None
    ]
    name = [escape_markdown(data.name)] if data.name else []
    name += ["streamed"] if data.streamed else []
    return [f"{_RECORDED} {', '.join(name + sizes)}."] if name or sizes else []


def procedure_lines(record: RunRecord) -> list[str]:
    """What was trained, warnings that must be seen, times and losses as a list, and the stages before as a table."""
    lines = [*headline(record), "", *_lines(record, _PROCEDURE_LINES), "", published_sentence(record)]
    for part in (stages_table(record), [doubts] if (doubts := stages_doubts(record)) else []):
        lines += ["", *part] if part else []
    return lines


def hardware_lines(record: RunRecord) -> list[str]:
    """GPU, machine, memory and software, as a list."""
    lines = _lines(record, _HARDWARE_LINES)
    return [_RECORDED, "", *lines] if lines else []


def hyperparameter_rows(stated: dict[str, Scalar], record: RunRecord | None) -> list[tuple[str, str]]:
    """Name and value of each, as Markdown; where record and author differ, both are printed."""
    recorded = {} if record is None else _recorded_settings(record)
    names = {_key(name): name for name in recorded}
    rows = []
    for name, value in stated.items():
        text = setting_text(value)
        same = names.pop(_key(name), None)
        cell = as_cell(text) if same is None else _both(text, recorded[same])
        rows.append((as_cell(name), cell))
    return [*rows, *((name, f"{recorded[name]} (recorded)") for name in names.values())]


def setting_text(value: Scalar) -> str:
    """A setting as people write it."""
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _both(stated: str, recorded: str) -> str:
    if not stated or _agree(stated, recorded):
        return f"{recorded} (recorded)"
    return f"{recorded} (recorded; the author states {escape_markdown(stated, LONGEST_CELL)})"


def _agree(stated: str, recorded: str) -> bool:
    """Whether two ways to write a setting say the same: "2e-4" and "0.0002", "AdamW (paged 8-bit)" and its id."""
    try:
        return float(stated) == float(recorded.partition(", ")[0].replace(",", ""))
    except ValueError:
        if stated == recorded:
            return True
        words = sorted(_WORDS.findall(stated.lower()))
        return bool(words) and words == sorted(_WORDS.findall(recorded.lower()))


def _recorded_settings(record: RunRecord) -> dict[str, str]:
    values, settings = card_values(record), record.training.hyperparameters
    # The adapter's settings have rows of their own here.
    rows = {"Method": escape_markdown(record.training.method)} if record.training.method else {}
    rows |= {label: values[name] for label, name in _VALUE_ROWS.items() if name in values}
    rows |= _warmup(settings)
    found = {label: settings.get(name) for label, name in _SETTING_ROWS.items()}
    return rows | {label: escape_markdown(setting_text(value)) for label, value in found.items() if value is not None}


def _warmup(settings: dict[str, Scalar]) -> dict[str, str]:
    ratio, steps = settings.get("warmup_ratio"), settings.get("warmup_steps")
    # transformers 5 takes a share of the steps under the name of the count.
    if isinstance(steps, float) and 0 < steps < 1:
        ratio, steps = steps, None
    rows = {"Warmup Ratio": ratio, "Warmup Steps": steps}
    return {label: escape_markdown(setting_text(value)) for label, value in rows.items() if value}


def _lines(record: RunRecord, labels: dict[str, str]) -> list[str]:
    values = card_values(record)
    return [f"- {label}: {values[name]}" for label, name in labels.items() if name in values]


def _key(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "", clean(name).lower())
    return _SAME_NAMES.get(plain, plain)
