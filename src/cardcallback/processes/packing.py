"""Measurements in few bytes: what several share stands once, numbers are rounded, what is absent is left out."""

from __future__ import annotations

import math
from typing import Any

_FIGURES = 7  # significant, farther than any sensor goes
# A measurement's own numbers, and what is told once for all that share it, each in the order of the file.
_NUMBERS = ("value", "recording_low", "recording_high", "coverage", "longest_gap_seconds")
_SHARED = (
    *("unit", "source", "method", "scope", "instrument_accuracy", "window", "covers", "sampling_interval_seconds"),
    *("reason", "observed", "assumption"),
)
_PARTS = frozenset({"scope", "instrument_accuracy", "window"})


def slim(value: Any, shared: list[Any]) -> Any:
    """Without what is absent, with rounded numbers; a measurement packed."""
    if isinstance(value, float):
        return float(f"{value:.{_FIGURES}g}")
    if isinstance(value, (list, tuple)):
        return [slim(one, shared) for one in value]
    if not isinstance(value, dict):
        return value
    if "unit" in value:
        return {"of": packed(value, shared)}
    return {key: slim(one, shared) for key, one in value.items() if one is not None and one != ()}


def packed(measurement: dict[str, Any], shared: list[Any]) -> list[Any]:
    """Where its provenance stands in ``shared``, and its numbers."""
    common = []
    for name in _SHARED:
        part = slim(measurement[name], shared)
        if name == "covers":
            part = list(dict.fromkeys(part)) or None
        elif name in _PARTS and part is not None:
            # A scope says "no" of what it does not name.
            part = place_in(shared, {key: one for key, one in part.items() if one != "no"})
        common.append(part)
    numbers = [slim(measurement[name], shared) for name in _NUMBERS]
    return [place_in(shared, _trimmed(common)), *_trimmed(numbers)]


def packed_or_none(measurement: dict[str, Any] | None, shared: list[Any]) -> list[Any] | None:
    """``None`` also of one without a value: why is told by the computer's own record."""
    return None if measurement is None or measurement["value"] is None else packed(measurement, shared)


def _trimmed(values: list[Any]) -> list[Any]:
    while values and values[-1] is None:
        values.pop()
    return values


def place_in(shared: list[Any], part: Any) -> int:
    """Where ``part`` stands in ``shared``; it is added where it does not yet."""
    if part not in shared:
        shared.append(part)
    return shared.index(part)


def unpacked(figure: list[Any], shared: list[Any]) -> dict[str, Any]:
    """The measurement again, as plain data."""
    place, *numbers = figure
    common = {name: part for name, part in zip(_SHARED, shared[place], strict=False) if part is not None}
    parts = {name: shared[common[name]] for name in _PARTS & common.keys()}
    return {"value": None} | common | parts | dict(zip(_NUMBERS, numbers, strict=False))


def whole(value: Any, shared: list[Any]) -> Any:
    """What was made slim, with every measurement in it unpacked."""
    if isinstance(value, list):
        return [whole(one, shared) for one in value]
    if not isinstance(value, dict):
        return value
    if "of" in value:
        return unpacked(value["of"], shared)
    return {key: whole(one, shared) for key, one in value.items()}


def finite(text: str) -> float:
    """A number of a file.

    Raises:
        ValueError: it is none, or infinite.
    """
    number = float(text)
    if not math.isfinite(number):
        msg = "a number that is none"
        raise ValueError(msg)
    return number
