"""Named values of what a run did: its method, data and settings, as one line of Markdown each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cardcallback.hub_id import is_hub_id
from cardcallback.record import RunRecord
from cardcallback.render.card.objectives import is_causal
from cardcallback.render.card.quantities import Value
from cardcallback.render.run_words import fine_tune, model_name, plural, quantization_words
from cardcallback.render.section.recipe_model import adapter_words, lora_words, method_words, own_parameters
from cardcallback.render.section.recipe_settings import BatchSettings, method_settings, optimiser_words
from cardcallback.render.text import TIMES, escape_markdown
from cardcallback.units import format_count, format_large, format_parameters, format_percent, format_setting

_MODEL_KINDS = {
    "masked language modelling": "Masked language model",
    "sequence-to-sequence": "Sequence-to-sequence language model",
    "speech-to-text": "Speech-to-text model",
    "image-to-text": "Image-to-text model",
    "reward modelling": "Reward model",
    "sentence embedding": "Sentence embedding model",
    "sparse embedding": "Sparse embedding model",
    "multi-vector embedding": "Multi-vector embedding model",
    "cross-encoder": "Cross-encoder",
    "image-text language modelling": "Image-text language model",
    "audio-text language modelling": "Audio-text language model",
}
# What stands before "model" as it is: "Object detection model".
_PURPOSES = ("classification", "regression", "detection", "segmentation", "recognition", "answering", "estimation")


def base_model_link(record: RunRecord) -> str | None:
    """The base model as a link to its page on the Hub."""
    name = published_base_model(record)
    return f"[{escape_markdown(name)}](https://huggingface.co/{name})" if name else None


def published_base_model(record: RunRecord) -> str | None:
    """The base model's Hub id; None where it is not known, and for anything that can only be a folder."""
    name = record.training.base_model
    return name if is_hub_id(name) else None


def _base_model(record: RunRecord) -> str | None:
    name = published_base_model(record)
    return escape_markdown(name) if name else None


def _model(record: RunRecord) -> str | None:
    """What the model is, in place of a name that nobody gave it."""
    if published_base_model(record) is None:
        return None
    how = fine_tune(record.training.method) if record.training.method else "fine-tune"
    return f"{how[:1].upper() + how[1:]} of {model_name(record.training)}"


def _model_type(record: RunRecord) -> str | None:
    training = record.training
    objective = training.objective or ""
    kind = "Causal language model" if is_causal(objective) else _MODEL_KINDS.get(objective)
    if kind is None and objective.endswith(_PURPOSES):
        kind = f"{escape_markdown(objective[:1].upper() + objective[1:])} model"
    architecture = escape_markdown(training.model_type) if training.model_type else None
    if kind is None:
        return architecture
    return f"{kind} (architecture {architecture})" if architecture else kind


def _architecture_and_objective(record: RunRecord) -> str | None:
    """What the model is, what of it learned and on what objective: the Hub's "Model Architecture and Objective"."""
    training, kind = record.training, _model_type(record)
    if kind is None:
        return None
    own, lora, method = own_parameters(training), lora_words(training), method_words(training)
    parts = (
        kind,
        f"{format_parameters(own)} parameters" if own else "",
        f"LoRA {lora}" if lora else adapter_words(training),
        f"objective: {method}" if method else "",
    )
    return "; ".join(part for part in parts if part)


def _method(record: RunRecord) -> Value | None:
    """With rank and alpha, so that a card without a line of its own for them has them too."""
    training = record.training
    if not training.method:
        return None
    method, lora = escape_markdown(training.method), training.lora
    return Value(text=f"{method} (r={lora.rank}, alpha={lora.alpha:g})" if lora else method, short=method)


def _objective(record: RunRecord) -> str | None:
    return escape_markdown(record.training.objective) if record.training.objective else None


def _stage_name(record: RunRecord) -> str | None:
    name = record.training.stage or record.training.objective
    return escape_markdown(name) if name else None


def _trainer(record: RunRecord) -> str | None:
    return escape_markdown(record.training.trainer) if record.training.trainer else None


def _precision(record: RunRecord) -> str | None:
    return escape_markdown(record.training.precision) if record.training.precision else None


def _training_regime(record: RunRecord) -> str | None:
    training = record.training
    parts = [escape_markdown(training.precision)] if training.precision else []
    if training.quantization is not None:
        parts.append(f"base weights {quantization_words(training.quantization)}")
    return "; ".join(parts) or None


def _quantization(record: RunRecord) -> Value | None:
    found = record.training.quantization
    if found is None:
        return None
    text = f"{quantization_words(found)}, of the base weights in training"
    return Value(text=text, amount=float(found.bits), kind="bits") if found.bits else Value(text=text)


def setting(record: RunRecord, *names: str) -> str | None:
    """The first of these hyper-parameters that the run had, as people write it."""
    settings = record.training.hyperparameters
    value = next((settings[name] for name in names if settings.get(name) is not None), None)
    if value is None:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format_setting(value) if isinstance(value, (int, float)) else escape_markdown(value)


def _setting(*names: str) -> Callable[[RunRecord], str | None]:
    return lambda record: setting(record, *names)


def _schedule(record: RunRecord) -> str | None:
    found = setting(record, "lr_scheduler_type")
    return found.replace("\\_", " ").replace("_", " ") if found else None


def _learning_rate(record: RunRecord) -> Value | None:
    rate, schedule = setting(record, "learning_rate"), _schedule(record)
    if rate is None:
        return None
    return Value(text=f"{rate}, {schedule} schedule" if schedule else rate, short=rate)


def _warmup(record: RunRecord) -> Value | None:
    settings = record.training.hyperparameters
    steps, ratio = settings.get("warmup_steps"), settings.get("warmup_ratio")
    if isinstance(ratio, float) and ratio:
        text = f"{format_percent(ratio, 2).replace('.0 %', ' %')} of the steps"
        return Value(text=text, amount=ratio, kind="share", figures=2)
    if not isinstance(steps, int) or isinstance(steps, bool):
        return None
    return Value(text=plural(steps, "step"), amount=float(steps), kind="steps")


def _warmup_steps(record: RunRecord) -> str | None:
    steps = record.training.hyperparameters.get("warmup_steps")
    return format_count(steps) if isinstance(steps, int) and not isinstance(steps, bool) else None


def _batch_size(record: RunRecord) -> Value | None:
    """Per device, with what it is multiplied by to an optimiser step."""
    batch = BatchSettings.of(record)
    if batch.per_device is None:
        return None
    text, effective = str(batch.per_device), _effective(batch)
    if batch.accumulation > 1 or (batch.processes or 1) > 1:
        text += " per device"
        text += f" {TIMES} {batch.accumulation} accumulation steps" if batch.accumulation > 1 else ""
        text += f" {TIMES} {batch.processes} processes" if (batch.processes or 1) > 1 else ""
        text += f" = {effective}" if effective else ""
    return Value(text=text, short=str(batch.per_device), amount=float(batch.per_device), kind="sequences")


def _effective(batch: BatchSettings) -> int | None:
    product = (batch.per_device or 0) * batch.accumulation * (batch.processes or 0)
    return batch.effective or product or None


def _effective_batch_size(record: RunRecord) -> Value | None:
    batch = BatchSettings.of(record)
    effective = _effective(batch) if batch.per_device is not None else batch.effective
    return Value(text=format_count(effective), amount=float(effective), kind="sequences") if effective else None


def _hyperparameters(record: RunRecord) -> str | None:
    """Batch, length and optimiser in one line, as the section has them."""
    settings = record.training.hyperparameters
    batch = BatchSettings.of(record).words()
    parts = (f"batch of {batch}" if batch else "", optimiser_words(settings), method_settings(settings))
    return "; ".join(part for part in parts if part) or None


def _max_length(record: RunRecord) -> Value | None:
    longest = BatchSettings.of(record).longest
    # "2048" and not "2,048": a setting, as people write it in a script.
    return Value(text=str(longest), short=str(longest), amount=float(longest), kind="tokens") if longest else None


def _epochs(record: RunRecord) -> Value | None:
    epochs = record.training.epochs
    return None if epochs is None else Value(text=f"{epochs:.3g}", amount=epochs, kind="epochs")


def _steps(record: RunRecord) -> Value | None:
    steps = record.training.steps
    return Value(text=format_count(steps), amount=float(steps), kind="steps") if steps else None


def _tokens(record: RunRecord) -> Value | None:
    return _tokens_of(record.training.tokens.non_padding, "without padding")


def _tokens_processed(record: RunRecord) -> Value | None:
    return _tokens_of(record.training.tokens.processed, "with padding")


def _tokens_of(tokens: int | None, kind: str) -> Value | None:
    if not tokens:
        return None
    words = f"{format_large(tokens)} tokens"
    return Value(text=f"{words}, {kind}", short=words, amount=float(tokens), kind="tokens", note=kind)


def _date(record: RunRecord) -> str | None:
    return escape_markdown(record.sessions[-1].started_on) if record.sessions else None


def _date_of_training(record: RunRecord) -> str | None:
    date = _date(record)
    return f"{date} (date of training)" if date else None


RECIPE_VALUES: Mapping[str, Callable[[RunRecord], Value | str | None]] = {
    "architecture_and_objective": _architecture_and_objective,
    "base_model": _base_model,
    "base_model_link": base_model_link,
    "batch_size": _batch_size,
    "date": _date,
    "date_of_training": _date_of_training,
    "effective_batch_size": _effective_batch_size,
    "epochs": _epochs,
    "hyperparameters": _hyperparameters,
    "gradient_accumulation": _setting("gradient_accumulation_steps"),
    "learning_rate": _learning_rate,
    "max_length": _max_length,
    "method": _method,
    "model": _model,
    "model_type": _model_type,
    "objective": _objective,
    "optimizer": _setting("optim"),
    "precision": _precision,
    "quantization": _quantization,
    "schedule": _schedule,
    "seed": _setting("seed"),
    "stage": _stage_name,
    "steps": _steps,
    "tokens": _tokens,
    "tokens_processed": _tokens_processed,
    "trainer": _trainer,
    "training_regime": _training_regime,
    "warmup": _warmup,
    "warmup_steps": _warmup_steps,
    "weight_decay": _setting("weight_decay"),
}
