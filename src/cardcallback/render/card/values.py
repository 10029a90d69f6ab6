"""Named values of a record that a card's placeholders ask for, as one line of Markdown each.

A name is absent where its value is not known: the placeholder then stays, which says just that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from cardcallback.record import RunRecord
from cardcallback.render.card.quantities import Value
from cardcallback.render.card.values_adapter import ADAPTER_VALUES
from cardcallback.render.card.values_carbon import CARBON_VALUES
from cardcallback.render.card.values_machine import MACHINE_VALUES, hardware_words
from cardcallback.render.card.values_ratios import RATIO_VALUES
from cardcallback.render.card.values_recipe import (
    RECIPE_VALUES,
    base_model_link,
    published_base_model,
    setting,
)
from cardcallback.render.card.values_results import RESULT_VALUES
from cardcallback.render.card.values_time_energy import TIME_AND_ENERGY_VALUES
from cardcallback.render.text import escape_markdown

__all__ = [
    "VALUE_NAMES",
    "base_model_link",
    "card_fields",
    "card_values",
    "hardware_words",
    "is_value_name",
    "published_base_model",
]

_MAKERS: Mapping[str, Callable[[RunRecord], Value | str | None]] = {
    **RECIPE_VALUES,
    **ADAPTER_VALUES,
    **RESULT_VALUES,
    **TIME_AND_ENERGY_VALUES,
    **CARBON_VALUES,
    **MACHINE_VALUES,
    **RATIO_VALUES,
}
VALUE_NAMES = frozenset(_MAKERS)
# Any hyper-parameter or library's version that the record has may be asked for by its own name.
_OPEN_NAME = re.compile(r"(?P<kind>setting|software)\.(?P<name>[A-Za-z_][\w.-]{0,59})")


def is_value_name(name: str) -> bool:
    """Whether a label map may ask for this."""
    return name in VALUE_NAMES or _OPEN_NAME.fullmatch(name) is not None


def card_fields(record: RunRecord) -> dict[str, Value]:
    """Every value of ``VALUE_NAMES`` that the record knows."""
    found = {name: _value(make(record)) for name, make in _MAKERS.items()}
    return {name: value for name, value in found.items() if value is not None}


def open_value(record: RunRecord, name: str) -> Value | None:
    """A value by a name such as ``setting.weight_decay`` or ``software.torch``."""
    found = _OPEN_NAME.fullmatch(name)
    if found is None:
        return None
    if found.group("kind") == "setting":
        return _value(setting(record, found.group("name")))
    version = record.software.get(found.group("name"))
    return _value(escape_markdown(version)) if version else None


def card_values(record: RunRecord) -> dict[str, str]:
    """Every value of ``VALUE_NAMES`` that the record knows, as Markdown without line breaks."""
    return {name: value.text for name, value in card_fields(record).items()}


def _value(found: Value | str | None) -> Value | None:
    if isinstance(found, Value):
        return found
    return Value(text=found) if found else None
