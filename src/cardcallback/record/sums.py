"""The sum of several measurements, with everything that has to be said about it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cardcallback.record.measurement import InstrumentAccuracy, Measurement, Scope, not_measured


def summed(
    parts: Sequence[Measurement],
    reason: str,
    *,
    weights: Sequence[float] | None = None,
    names: Sequence[str] | None = None,
    named: str = "session",
) -> Measurement:
    """The sum of ``parts``; without a value if one of them has none, or there is none at all.

    Bounds add, and one that is not known makes the sum's unknown. What the parts' scopes differ in is "unknown".

    Args:
        parts: figures of one unit: of several devices at once, or of several sessions one after another.
        reason: why there is no figure, where no part says it.
        weights: how long each part lasted, in seconds; without them all lasted alike. Shares of time are
            weighted by it.
        names: what each part is called beside its own accuracy, where the accuracies differ; else its devices.
        named: what the parts are that have names.
    """
    if not parts:
        return not_measured("joules", reason)
    if len(parts) == 1:
        return parts[0]
    missing = next((part for part in parts if part.value is None), None)
    if missing is not None:
        return not_measured(missing.unit, missing.reason or reason, window=missing.window)
    first = parts[0]
    return msgspec.structs.replace(
        first,
        value=sum(part.value or 0.0 for part in parts),
        recording_low=sum_or_none([part.recording_low for part in parts]),
        recording_high=sum_or_none([part.recording_high for part in parts]),
        instrument_accuracy=_joined_accuracy(parts, names, named),
        source=_joined_source(parts),
        scope=_common_scope([part.scope for part in parts]),
        covers=tuple(dict.fromkeys(name for part in parts for name in part.covers)),
        method=first.method if len({part.method for part in parts}) == 1 else "calculated",
        coverage=_mean_or_none([part.coverage for part in parts], weights),
        observed=_mean_or_none([part.observed for part in parts], weights),
        longest_gap_seconds=_largest_or_none([part.longest_gap_seconds for part in parts]),
        sampling_interval_seconds=max(
            (part.sampling_interval_seconds for part in parts if part.sampling_interval_seconds is not None),
            default=None,
        ),
    )


def sum_or_none(values: Sequence[float | None]) -> float | None:
    """The sum, or ``None`` where one of the values is not known."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _largest_or_none(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return max(known) if len(known) == len(values) else None


def _joined_source(parts: Sequence[Measurement]) -> str:
    sources = (name for part in parts for name in (part.source or "").split(" + "))
    return " + ".join(dict.fromkeys(sources))


def _mean_or_none(values: Sequence[float | None], weights: Sequence[float] | None) -> float | None:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    if weights is None or sum(weights) <= 0:
        return sum(known) / len(known)
    mean = sum(value * weight for value, weight in zip(known, weights, strict=True)) / sum(weights)
    # Rounding must not make a share of the time that nothing has, such as more than all of it.
    return min(max(mean, min(known)), max(known))


def _joined_accuracy(
    parts: Sequence[Measurement], names: Sequence[str] | None, named: str
) -> InstrumentAccuracy | None:
    """Their common accuracy; else every part's own in words, and the widest where each has a published one."""
    told: dict[InstrumentAccuracy | None, list[str]] = {}
    for place, part in enumerate(parts):
        told.setdefault(part.instrument_accuracy, []).extend(part.covers if names is None else [names[place]])
    if len(told) == 1:
        return parts[0].instrument_accuracy
    relative = [one.relative if one is not None else None for one in told]
    known = [share for share in relative if share is not None]
    words = (f"{', '.join(dict.fromkeys(covers))}: {_accuracy_words(one)}" for one, covers in told.items())
    return InstrumentAccuracy(
        statement=f"differs by {'device' if names is None else named} ({'; '.join(words)})",
        # What one part's maker is silent about bounds no sum that holds it.
        relative=max(known) if len(known) == len(relative) else None,
    )


def _accuracy_words(accuracy: InstrumentAccuracy | None) -> str:
    if accuracy is None:
        return "not published"
    return f"{accuracy.statement}, {accuracy.source}" if accuracy.source else accuracy.statement


def _common_scope(scopes: Sequence[Scope | None]) -> Scope | None:
    first = scopes[0]
    if first is None or any(scope is None for scope in scopes):
        return None
    names = Scope.__struct_fields__
    same = {name for name in names if len({getattr(scope, name) for scope in scopes}) == 1}
    return Scope(**{name: getattr(first, name) if name in same else "unknown" for name in names})
