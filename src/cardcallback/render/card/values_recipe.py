"""Named values of what a run did and how well: its recipe and its losses, as one line of Markdown each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cardcallback.record import TOKEN_CROSS_ENTROPY, RunRecord
from cardcallback.render.run_words import loss_ended_finite, plural, quantization_words, same_held_out_set
from cardcallback.render.text import escape_markdown
from cardcallback.units import format_count, format_number


def _method(record: RunRecord) -> str | None:
    training = record.training
    return escape_markdown(training.method) if training.method else None


def _training_regime(record: RunRecord) -> str | None:
    training = record.training
    parts = [escape_markdown(training.precision)] if training.precision else []
    if training.quantization is not None:
        parts.append(f"base weights {quantization_words(training.quantization)}")
    return "; ".join(parts) or None


def _lora_rank(record: RunRecord) -> str | None:
    return format_count(record.training.lora.rank) if record.training.lora else None


def _lora_alpha(record: RunRecord) -> str | None:
    return f"{record.training.lora.alpha:g}" if record.training.lora else None


def _hyperparameter(*names: str) -> Callable[[RunRecord], str | None]:
    def make(record: RunRecord) -> str | None:
        settings = record.training.hyperparameters
        value = next((settings[name] for name in names if settings.get(name) is not None), None)
        return None if value is None else escape_markdown(f"{value:g}" if isinstance(value, float) else str(value))

    return make


def _learning_rate(record: RunRecord) -> str | None:
    rate = _hyperparameter("learning_rate")(record)
    schedule = _hyperparameter("lr_scheduler_type")(record)
    return f"{rate}, {schedule} schedule" if rate and schedule else rate


def _batch_size(record: RunRecord) -> str | None:
    settings = record.training.hyperparameters
    size, accumulation = settings.get("per_device_train_batch_size"), settings.get("gradient_accumulation_steps")
    if not isinstance(size, int) or not isinstance(accumulation, int) or accumulation == 1:
        return str(size) if isinstance(size, int) else None
    return f"{size} per device × {accumulation} accumulation steps"


def _epochs(record: RunRecord) -> str | None:
    return None if record.training.epochs is None else f"{record.training.epochs:.3g}"


def _training_loss(record: RunRecord) -> str | None:
    points = record.curves.get("loss")
    if not points:
        return None
    ended = "" if loss_ended_finite(record) else "; it was not a finite number at other steps"
    return f"{format_number(points[-1][1])} (last logged, step {format_count(points[-1][0])}{ended})"


def _validation_loss(record: RunRecord) -> str | None:
    after = record.evaluation.after
    return None if after is None or after.loss is None else format_number(after.loss)


def _held_out_results(record: RunRecord) -> str | None:
    before, after = record.evaluation.before, record.evaluation.after
    if after is None or after.loss is None:
        return None
    words = f"Held-out loss {format_number(after.loss)}"
    about = [escape_markdown(after.kind)] if after.kind else []
    about += [plural(after.examples, "example")] if after.examples else []
    about += [escape_markdown(after.covers)] if after.covers else []
    words += f" ({', '.join(about)})" if about else ""
    if after.perplexity is not None and after.kind == TOKEN_CROSS_ENTROPY:
        words += f", perplexity {format_number(after.perplexity)}"
    if before is not None and before.loss is not None and same_held_out_set(before, after):
        words += f"; before training {format_number(before.loss)}"
    return words


def _perplexity(which: str) -> Callable[[RunRecord], str | None]:
    def make(record: RunRecord) -> str | None:
        result = getattr(record.evaluation, which)
        if result is None or result.perplexity is None or result.kind != TOKEN_CROSS_ENTROPY:
            return None
        about = [f"{escape_markdown(result.weights)} weights"] if result.weights else []
        before, after = record.evaluation.before, record.evaluation.after
        if before is not None and after is not None and not same_held_out_set(before, after):
            size = f"{plural(result.examples, 'example')}, " if result.examples else ""
            about.append(f"{size}another set than the other figure's")
        return format_number(result.perplexity) + (f" ({', '.join(about)})" if about else "")

    return make


def _examples(record: RunRecord) -> str | None:
    count = record.training.dataset.training_examples
    return f"{plural(count, 'example')}" if count else None


RECIPE_VALUES: Mapping[str, Callable[[RunRecord], str | None]] = {
    "batch_size": _batch_size,
    "epochs": _epochs,
    "held_out_results": _held_out_results,
    "learning_rate": _learning_rate,
    "lora_alpha": _lora_alpha,
    "lora_rank": _lora_rank,
    "max_length": _hyperparameter("max_length", "max_seq_length"),
    "method": _method,
    "optimizer": _hyperparameter("optim"),
    "perplexity_base": _perplexity("before"),
    "perplexity_tuned": _perplexity("after"),
    "training_examples": _examples,
    "training_loss": _training_loss,
    "training_regime": _training_regime,
    "validation_loss": _validation_loss,
}
