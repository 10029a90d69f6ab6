"""One evaluation of the held-out set, and its perplexity where the loss allows one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import reduce
from typing import Any

import msgspec

from cardcallback.curves import log_entries, publishable_name
from cardcallback.observe.plain import number
from cardcallback.observe.progress import LAST_STEP
from cardcallback.record import TOKEN_CROSS_ENTROPY, EvaluationResult, Training

# exp() of more is not a number a float holds; such a model predicts nothing anyway.
_LARGEST_LOSS = 700.0
_SETFIT_LOSS = "eval_embedding_loss"
_RUNTIME = re.compile(r"(.+)_runtime")
_NOT_RESULTS = re.compile(
    r"epoch|step|.*_(runtime|samples_per_second|steps_per_second|model_preparation_time|jit_compilation_time"
    r"|num_tokens|num_input_tokens_seen)|num_input_tokens_seen|train_.*"
)
LOSS_IS_MEAN_OF_BATCHES = (
    "The held-out loss is the trainer's: the mean over examples of their batch's mean loss per token, "
    "so tokens of short batches weigh more."
)


def perplexity(loss: float | None, kind: str | None) -> float | None:
    """exp(loss) where ``kind`` is a plain token cross-entropy and the result is finite; else ``None``."""
    if loss is None or kind != TOKEN_CROSS_ENTROPY or not 0 <= loss <= _LARGEST_LOSS:
        return None
    return math.exp(loss)


def evaluation_result(metrics: Mapping[str, Any], training: Training, *, step: int | None) -> EvaluationResult:
    """The result of one ``evaluate()`` call from the metrics its event carries.

    Args:
        metrics: as ``on_evaluate`` gets them ("eval_loss", "eval_runtime", ...). One of several held-out
            sets has its name in every key and no plain "eval_loss": its loss stays under ``metrics``.
        training: what the loss is and what held the weights.
        step: the global step; after training the restored best checkpoint's step is taken instead.
    """
    loss = number(metrics.get("eval_loss", metrics.get(_SETFIT_LOSS)))
    kind = training.loss_kind
    return EvaluationResult(
        loss=None if loss is None else float(loss),
        kind=kind,
        perplexity=perplexity(loss, kind),
        step=_step_of_weights(training, step),
        examples=_examples(metrics, training),
        covers=training.loss_covers,
        weights=_weights(training),
        metrics=_results(metrics),
    )


def evaluation_of_published(log_history: object, training: Training) -> EvaluationResult | None:
    """What the Trainer logged of the weights it went back to, which later evaluations were not of.

    None where the weights are the last step's, or no evaluation at their step was logged.
    """
    step = training.published_step
    if step is None or training.published_reason == LAST_STEP:
        return None
    logged = [
        evaluation_result(entry, training, step=step)
        for entry in log_entries(log_history)
        if number(entry.get("step")) == step and any(str(name).startswith("eval_") for name in entry)
    ]
    return reduce(lambda known, new: joined_results(known, new, keep_first=False), logged) if logged else None


def _step_of_weights(training: Training, step: int | None) -> int | None:
    restored = training.published_step is not None and training.published_reason != LAST_STEP
    return training.published_step if restored and step == training.steps else step


def _examples(metrics: Mapping[str, Any], training: Training) -> int | None:
    """The held-out set's size, unless the evaluation's own speed says that it was another set; one for several sets."""
    size = training.dataset.evaluation_examples
    # One call evaluates each of several sets, and gives all of their figures together.
    prefixes = [m.group(1) for name in metrics if (m := _RUNTIME.fullmatch(str(name)))]
    sizes = {_examples_of(prefix, metrics, size) for prefix in prefixes or ["eval"]}
    return sizes.pop() if len(sizes) == 1 else None


def _examples_of(prefix: str, metrics: Mapping[str, Any], size: int | None) -> int | None:
    seconds = number(metrics.get(f"{prefix}_runtime"))
    per_second = number(metrics.get(f"{prefix}_samples_per_second"))
    if not seconds or not per_second:
        return size
    counted = seconds * per_second
    # The Trainer rounds to 1e-4 seconds and 1e-3 samples per second.
    doubt = per_second * 0.5e-4 + seconds * 0.5e-3 + 1e-6 * counted
    if size is not None and abs(size - counted) <= doubt + 0.5:
        return size
    return round(counted) if doubt < 0.5 else None


def _weights(training: Training) -> str | None:
    if training.quantization is not None:
        return training.quantization.kind or training.quantization.method
    held = training.hyperparameters.get("weights_dtype")
    return held if isinstance(held, str) else None


def _results(metrics: Mapping[str, Any]) -> dict[str, float]:
    found = {}
    for name, value in metrics.items():
        figure = number(value)
        if figure is not None and publishable_name(name) and not _NOT_RESULTS.fullmatch(name):
            found[name] = float(figure)
    return found


def joined_results(known: EvaluationResult | None, new: EvaluationResult, *, keep_first: bool) -> EvaluationResult:
    """Results of several held-out sets at one step are one result; of the same set again, the first or newest."""
    if known is None:
        return new
    if known.step != new.step or not set(known.metrics).isdisjoint(new.metrics):
        return known if keep_first else new
    best = known if known.loss is not None else new
    size = known.examples if known.examples == new.examples else None
    return msgspec.structs.replace(best, metrics={**known.metrics, **new.metrics}, examples=size)
