"""Named values of an adapter and of how much of the model it trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cardcallback.record import RunRecord
from cardcallback.render.card.quantities import Value
from cardcallback.render.text import escape_markdown
from cardcallback.units import format_count, format_parameters, format_percent

_MOST_TARGETS = 8


def _lora_rank(record: RunRecord) -> str | None:
    return format_count(record.training.lora.rank) if record.training.lora else None


def _lora_alpha(record: RunRecord) -> str | None:
    return f"{record.training.lora.alpha:g}" if record.training.lora else None


def _lora_dropout(record: RunRecord) -> str | None:
    lora = record.training.lora
    return None if lora is None or lora.dropout is None else f"{lora.dropout:g}"


def _lora_bias(record: RunRecord) -> str | None:
    lora = record.training.lora
    return escape_markdown(lora.bias) if lora is not None and lora.bias else None


def _target_modules(record: RunRecord) -> str | None:
    lora = record.training.lora
    if lora is None:
        return None
    if lora.all_linear:
        return "all linear layers"
    shown = [escape_markdown(name, 60) for name in lora.target_modules[:_MOST_TARGETS]]
    more = len(lora.target_modules) - len(shown)
    return (", ".join(shown) + (f" and {more} more" if more else "")) or None


def _lora_configuration(record: RunRecord) -> str | None:
    lora = record.training.lora
    if lora is None:
        return None
    dropout, targets = _lora_dropout(record), _target_modules(record)
    parts = [f"r={lora.rank}", f"alpha={lora.alpha:g}", *([f"dropout={dropout}"] if dropout else [])]
    return ", ".join([*parts, *([targets] if targets else [])])


def _trainable_parameters(record: RunRecord) -> Value | None:
    trained, total = record.training.trainable_parameters, record.training.total_parameters
    if not trained:
        return None
    share = f"{format_percent(trained / total, 2)} of {format_parameters(total)}" if total and trained <= total else ""
    text = format_parameters(trained) + (f" ({share})" if share else "")
    return Value(text=text, short=format_parameters(trained), amount=float(trained), kind="parameters")


def _trainable_share(record: RunRecord) -> Value | None:
    trained, total = record.training.trainable_parameters, record.training.total_parameters
    if not trained or not total or trained > total:
        return None
    return Value(text=format_percent(trained / total, 2), amount=trained / total, kind="share", figures=2)


def _total_parameters(record: RunRecord) -> Value | None:
    total = record.training.total_parameters
    return Value(text=format_parameters(total), amount=float(total), kind="parameters") if total else None


ADAPTER_VALUES: Mapping[str, Callable[[RunRecord], Value | str | None]] = {
    "lora_alpha": _lora_alpha,
    "lora_bias": _lora_bias,
    "lora_configuration": _lora_configuration,
    "lora_dropout": _lora_dropout,
    "lora_rank": _lora_rank,
    "target_modules": _target_modules,
    "total_parameters": _total_parameters,
    "trainable_parameters": _trainable_parameters,
    "trainable_share": _trainable_share,
}
