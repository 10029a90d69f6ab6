"""Words for what is trained: the method, the adapter and how many of the parameters learn."""

from __future__ import annotations

from collections.abc import Sequence

from cardcallback.record import CUSTOM_LOSS, Training
from cardcallback.render.run_words import library_name
from cardcallback.render.section.recipe_settings import scalar_words
from cardcallback.render.text import escape_markdown, join_words
from cardcallback.units import format_parameters, format_percent

_MOST_TARGETS = 8


def own_parameters(training: Training) -> int | None:
    """The base model's: what is counted in the trained model holds the adapter too."""
    trained, total = training.trainable_parameters, training.total_parameters
    if not training.trains_adapter or total is None:
        return total
    return None if trained is None or trained >= total else total - trained


def method_words(training: Training) -> str:
    """Objective and method, whose trainer, and which tokens the loss covers; empty where none is known."""
    names = [escape_markdown(name) for name in (training.objective, training.method) if name]
    words = " with ".join(names)
    if training.trainer:
        owner = f"{library_name(training.trainer_library)} " if training.trainer_library else ""
        words += f" ({owner}{escape_markdown(training.trainer)})"
    if training.stage:
        words += f", stage {escape_markdown(training.stage)}"
    if training.loss_covers:
        words += f", loss on {escape_markdown(training.loss_covers)}"
    if training.loss_kind == CUSTOM_LOSS:
        words += ", loss computed by code of its own"
    return words.strip(" ,")


def lora_words(training: Training) -> str:
    """Rank, alpha, layers and trained parameters of LoRA and its kin; empty for any other training."""
    lora = training.lora
    if lora is None:
        return ""
    parts = [f"r {lora.rank}", f"alpha {lora.alpha:g}"]
    if lora.dropout:
        parts.append(f"dropout {lora.dropout:g}")
    if lora.all_linear:
        parts.append("all linear layers")
    else:
        parts += _targets(lora.target_modules)
    if lora.bias and lora.bias != "none":
        parts.append(f"bias {escape_markdown(lora.bias)}")
    parts += [escape_markdown(variant) for variant in lora.variants]
    return ", ".join([*parts, *_also_trained(lora.also_trained)]) + _of_all(training)


def adapter_words(training: Training) -> str:
    """Kind, settings and trained parameters of an adapter that is no LoRA; empty for any other training."""
    adapter = training.adapter
    if adapter is None:
        return ""
    settings = [f"{escape_markdown(name, 60)} {scalar_words(value)}" for name, value in adapter.settings.items()]
    parts = [escape_markdown(adapter.kind), *settings, *_targets(adapter.target_modules)]
    return ", ".join([*parts, *_also_trained(adapter.also_trained)]) + _of_all(training)


def _targets(names: Sequence[str]) -> list[str]:
    shown = [escape_markdown(name, 60) for name in names[:_MOST_TARGETS]]
    more = len(names) - len(shown)
    return [f"layers {' '.join(shown)}" + (f" and {more} more" if more else "")] if shown else []


def _also_trained(names: Sequence[str]) -> list[str]:
    return [f"also trained: {join_words([escape_markdown(name, 60) for name in names])}"] if names else []


def _of_all(training: Training) -> str:
    trained = trained_parameters_words(training)
    return f"; {trained}" if trained else ""


def trained_parameters_words(training: Training) -> str:
    """How many parameters learn, and which share of all; empty where they were not counted."""
    trained, total = training.trainable_parameters, training.total_parameters
    if trained is None:
        return ""
    words = f"{format_parameters(trained)} trainable parameters"
    return f"{words} ({format_percent(trained / total, 2)})" if total and trained <= total else words
