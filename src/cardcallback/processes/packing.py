"""Measurements in few bytes: what several share stands once, numbers are rounded, what is absent is left out."""

from __future__ import annotations

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


class Unpacking:
    """Measurements of one file as plain data again.

    Args:
        shared: what several of them share.
    """

    def __init__(self, shared: list[Any]) -> None:
        self._shared = shared
        self._common: dict[int, dict[str, Any]] = {}

    def measurement(self, figure: list[Any]) -> dict[str, Any]:
        """The measurement that ``packed`` made this of."""
        place, *numbers = figure
        common = self._common.get(place)
        if common is None:
            common = self._common[place] = self._provenance(self._shared[place])
        return {**common, **dict(zip(_NUMBERS, numbers, strict=False))}

    def _provenance(self, told: list[Any]) -> dict[str, Any]:
        common = {name: part for name, part in zip(_SHARED, told, strict=False) if part is not None}
        parts = {name: self._shared[common[name]] for name in _PARTS & common.keys()}
        return {"value": None} | common | parts

    def whole(self, value: Any) -> Any:
        """What was made slim, with every measurement in it unpacked."""
        if isinstance(value, dict):
            if "of" in value:
                return self.measurement(value["of"])
            # Most of a file are numbers, which need no call each.
            return {key: self.whole(one) if isinstance(one, (dict, list)) else one for key, one in value.items()}
        if isinstance(value, list):
            return [self.whole(one) if isinstance(one, (dict, list)) else one for one in value]
        return value
