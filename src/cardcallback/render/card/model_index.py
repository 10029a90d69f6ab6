"""``model-index`` of a card: the held-out results of the published weights, in the Hub's schema."""

from __future__ import annotations

import math
import re
from typing import Any

from cardcallback.record import EvaluationResult, RunRecord
from cardcallback.render.card.objectives import is_causal
from cardcallback.render.card.values import published_base_model
from cardcallback.render.exported import Weights, export_sentence
from cardcallback.render.run_words import plural
from cardcallback.units import CARD_FIGURES

_TASKS = {
    "masked language modelling": "fill-mask",
    "sequence classification": "text-classification",
    "token classification": "token-classification",
    "question answering": "question-answering",
    "multiple choice": "multiple-choice",
    "image classification": "image-classification",
    "audio classification": "audio-classification",
    "speech recognition": "automatic-speech-recognition",
    "speech-to-text": "automatic-speech-recognition",
    "image-to-text": "image-to-text",
    "sentence embedding": "sentence-similarity",
    "cross-encoder": "text-ranking",
}
# Speeds are no results, and a loss beside the plain one is of another set.
_NO_METRIC = re.compile(r"eval_(?:.+_)?(?:loss|runtime|samples_per_second|steps_per_second)")


def model_index(
    record: RunRecord, present: dict[str, Any], weights: Weights | None = None
) -> tuple[list[dict[str, Any]] | None, str | None]:
    """The entry's value, or None and the reason why there is none.

    Args:
        record: the run.
        present: the card's front matter, which may name the model (``model_name``) and its task (``pipeline_tag``).
        weights: what lies beside the card, where that is not what training left there.
    """
    result = record.evaluation.after
    if export_sentence(record, weights) is not None:
        return None, "the held-out evaluation is of the weights before they were merged or converted"
    if result is None:
        return None, "no held-out evaluation was run"
    if result.step is None or result.step != record.training.published_step:
        return None, "the held-out evaluation is not known to be of the published weights"
    metrics = _metrics(result)
    if not metrics:
        return None, "the held-out evaluation has no figure"
    task = _task(record, present)
    if task is None:
        return None, "the model's task is not known: add pipeline_tag to the front matter"
    about = [plural(result.examples, "example")] if result.examples else []
    about += [result.covers] if result.covers else []
    dataset = {
        "name": ", ".join(["Held-out set of the training run", *about]),
        # Which data set of the Hub it may be part of is not known: the evaluation's own has no name.
        "type": "held-out-set",
    }
    entry = {"task": {"type": task}, "dataset": dataset, "metrics": metrics}
    return [{"name": _name(record, present), "results": [entry]}], None


def _metrics(result: EvaluationResult) -> list[dict[str, Any]]:
    figures = {"loss": result.loss, "perplexity": result.perplexity}
    for name, value in result.metrics.items():
        if name.startswith("eval_") and not _NO_METRIC.fullmatch(name):
            figures.setdefault(name.removeprefix("eval_"), value)
    return [
        {"type": name, "value": float(f"{value:.{CARD_FIGURES}g}"), "name": f"Held-out {name.replace('_', ' ')}"}
        for name, value in figures.items()
        if value is not None and math.isfinite(value)
    ]


def _task(record: RunRecord, present: dict[str, Any]) -> str | None:
    stated = present.get("pipeline_tag")
    if isinstance(stated, str) and stated:
        return str(stated)
    objective = record.training.objective or ""
    return "text-generation" if is_causal(objective) else _TASKS.get(objective)


def _name(record: RunRecord, present: dict[str, Any]) -> str:
    stated = present.get("model_name")
    if isinstance(stated, str) and stated:
        return str(stated)
    base = published_base_model(record)
    return f"{base.rpartition('/')[2]}, fine-tuned" if base else "fine-tuned model"
