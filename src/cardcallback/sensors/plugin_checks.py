"""What is refused of a plugin's sensors: a spec that no figure can be made from, or only a wrong one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, get_args

from cardcallback.record import InstrumentAccuracy, Scope
from cardcallback.sensors.base import Kind, Quantity, Sensor, SensorSpec, Unit

_KNOWN: Mapping[str, tuple[Any, ...]] = {"quantity": get_args(Quantity), "kind": get_args(Kind), "unit": get_args(Unit)}
_WORDS = ("source", "covers")
_POSITIVE = ("interval_seconds",)
_POSITIVE_OR_NONE = ("wraps_at", "longest_interval_seconds", "highest_watts")
_NOT_NEGATIVE_OR_NONE = ("averaging_seconds", "refresh_seconds", "resolution")
_MEMORY = ("memory", "memory_total", "limit", "used", "rss", "allocated", "reserved", "now")
# By the end of a quantity's name: what it is measured in, so that no power is taken for an energy.
_UNITS: Mapping[str, tuple[Unit, ...]] = {
    "energy": ("joules",),
    "power": ("watts",),
    **dict.fromkeys(_MEMORY, ("bytes",)),
}


def fault_of(sensor: object) -> str | None:
    """Why a plugin's sensor cannot be used, without its own words; ``None`` for a good one."""
    if not isinstance(sensor, Sensor):
        return "it is not a sensor"
    spec = sensor.spec
    if not isinstance(spec, SensorSpec):
        return "its spec is not a SensorSpec"
    return _wrong_kind(spec) or _wrong_words(spec) or _wrong_number(spec)


def _wrong_kind(spec: SensorSpec) -> str | None:
    for name, known in _KNOWN.items():
        given = getattr(spec, name)
        if not isinstance(given, str) or given not in known:
            return f"its {name} is not a known one"
    ends = (units for end, units in _UNITS.items() if spec.quantity.endswith(f"_{end}"))
    units = next(ends, None)
    if units is not None and spec.unit not in units:
        return f"{spec.quantity} is measured in {units[0]}"
    counts = spec.quantity.endswith("_energy")
    if (counts or spec.quantity.endswith("_power")) and (spec.kind == "counter") != counts:
        return f"{spec.quantity} is a {'counter' if counts else 'gauge'}"
    return None


def _wrong_words(spec: SensorSpec) -> str | None:
    for name in _WORDS:
        given = getattr(spec, name)
        if not isinstance(given, str) or not given:
            return f"its {name} is not a text"
    if not isinstance(spec.scope, Scope):
        return "its scope is not a Scope"
    if not isinstance(spec.accuracy, InstrumentAccuracy):
        return "its accuracy is not an InstrumentAccuracy"
    device = spec.device
    wrong = device is not None and (isinstance(device, bool) or not isinstance(device, int) or device < 0)
    return "its device is not a place in the job's list" if wrong else None


def _wrong_number(spec: SensorSpec) -> str | None:
    for name in (*_POSITIVE, *_POSITIVE_OR_NONE):
        given = getattr(spec, name)
        if not (given is None and name in _POSITIVE_OR_NONE) and not (_is_finite(given) and given > 0):
            return f"its {name} is not a positive number"
    for name in _NOT_NEGATIVE_OR_NONE:
        given = getattr(spec, name)
        if given is not None and not (_is_finite(given) and given >= 0):
            return f"its {name} is not a number from 0 on"
    return None


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
