"""A value put into the words of a placeholder: in the unit that is asked for, inside what stands around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from cardcallback.render.card.forms import asks_for_form, in_form
from cardcallback.render.card.html_tables import as_html
from cardcallback.render.card.placeholders import Placeholder
from cardcallback.render.card.quantities import (
    COUNTED,
    LARGE_COUNTS,
    Unit,
    Value,
    hinted_unit,
    unit_at,
    unit_behind_in,
    unit_in,
)
from cardcallback.render.card.slots import Slot
from cardcallback.units import SECONDS_PER_MINUTE, format_number

_ABOUT = re.compile(
    r"(?:[~\u2248<>\u7d04\u7ea6]|approximately|approx\.?|about|around|ca\.?|roughly|circa)\s*$", re.IGNORECASE
)
_ENDS = re.compile(r"\s*(?:$|[.,;:)(\]/|\u00b7\u00d7x=+]|(?:and|with|on|for|per|at|in|of|using|over|by|from|\u00b1)\b)")
_DEVICES = re.compile(r"\s*(?:GPUs|accelerators|devices)\b")
_PLURAL = re.compile(r"(?:[^\W\d_]+ )*[^\W\d_]{2,}s")
# Before a quantity that is said again in another unit, not continued: "[X] hours ([Y] minutes)".
_SAID_AGAIN = re.compile(r"[(/=\u2248~]|\bor\b", re.IGNORECASE)
_UNIT_IN_BRACKETS = re.compile(r"\s*\(([^()]+)\)")
_MINUTES = re.compile(r"\s*(?P<m>m)(?!\w)")
_OUT_OF = frozenset({"/", "of", "out of"})
# Outside this a figure in an example's unit would be a string of zeros.
_READABLE = (0.1, 10_000.0)
# So small a part of a unit was hardly meant: "Sequence length (T)" is a symbol, not trillions.
_SMALLEST_COUNT = 1e-5
# Fewer of the smallest unit than this are written with a fraction.
_FEW = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """The text for a placeholder, and how much of what stands around it is replaced with it.

    ``unit_width`` letters behind the placeholder are the unit that the text is in, which in the card reads ``unit``;
    ``remark`` is to be said behind that. ``is_one``: there is only one of what the unit names.
    """

    text: str
    more_before: int = 0
    unit_width: int = 0
    unit: str = ""
    remark: str = ""
    is_one: bool = False

    def behind(self, source: str, end: int) -> tuple[str, int]:
        """The unit as it is to stand in ``source``, where the placeholder ends at ``end``, and where the unit ends.

        Between the two there may be the end of bold.
        """
        unit = _singular(self.unit) if self.is_one or self.text == "1" else self.unit
        at = source.find(self.unit, end) if self.unit and (self.remark or unit != self.unit) else -1
        return ("", end) if at < 0 else (source[end:at] + unit, at + len(self.unit))


def write_value(value: Value, placeholder: Placeholder, label_unit: Unit | None) -> Written | None:
    """The value as this placeholder asks for it; None where it asks for it in a unit that the value is not in."""
    if placeholder.is_whole:
        text = _whole(value, placeholder, label_unit)
        return None if text is None else Written(text=text)
    return _inside(value, placeholder, label_unit)


def write_divided(value: Value, placeholders: Sequence[Placeholder]) -> list[Written] | None:
    """A quantity over several placeholders, each before a smaller unit ("[X] h [Y] min"); None where it is not."""
    units = [_of_clock(value, one.after) or unit_at(one.after) for one in placeholders]
    known = [unit for unit in units if unit is not None and _is_of(value, unit) and value.kind not in COUNTED]
    factors = [unit.factor for unit in known]
    if len(known) < 2 or len(known) < len(units) or factors != sorted(set(factors), reverse=True):
        return None
    if any(_SAID_AGAIN.search(one.after) for one in placeholders[:-1]):
        return None
    exact = (value.amount or 0.0) / factors[-1]
    left = round(exact)
    # Of a few of the smallest unit, whole numbers would be far off, and fewer than half of one would be none.
    few = format_number(exact) if left < _FEW else None
    written: list[Written] = []
    for factor in factors:
        count, left = divmod(left, round(factor / factors[-1]))
        one = placeholders[len(written)]
        number = few if few is not None and factor == factors[-1] else f"{count:,}"
        text = f"{'' if written else value.least}{number}"
        width = _width(one, known[len(written)])
        written.append(Written(text=text, unit_width=width, unit=one.after[:width].strip()))
    return written


def _of_clock(value: Value, after: str) -> Unit | None:
    """Minutes as "m", which alone is a metre or a million: "[X]h [X]m"."""
    found = _MINUTES.match(after) if value.kind == "time" else None
    return None if found is None else Unit(word=found["m"], kinds=frozenset({"time"}), factor=SECONDS_PER_MINUTE)


def write_pairs(
    names: Sequence[str | None],
    values: Sequence[Value | None],
    found: Sequence[Placeholder],
    written: Sequence[Written | None],
) -> list[Written | None]:
    """What placeholders say together: "1 NVIDIA GB10 GPU", what is simulated said once, and "1 hour 52 minutes"."""
    result = list(written)
    for _, group in groupby(range(len(names)), key=names.__getitem__):
        first, *others = group
        value, end = values[first], first + 1 + len(others)
        divided = write_divided(value, found[first:end]) if value is not None and others else None
        result[first:end] = divided or result[first:end]
    for at, pair in enumerate(pairwise(names)):
        value, name = values[at], result[at + 1] if at + 1 < len(result) else None
        if pair != ("gpu_count", "gpu_name") or value is None or name is None:
            continue
        result[at] = Written(text=value.short or value.text)
        noun = _DEVICES.match(found[at + 1].after)
        if noun is not None and value.amount == 1:
            result[at + 1] = replace(name, unit=noun.group().strip(), is_one=True)
    return result


def escaped(slot: Slot, text: str) -> str:
    """A value as it is written where the slot stands: in HTML, or in a cell, whose bars would end it."""
    if slot.is_html:
        return as_html(text)
    # What a table cell cannot hold is escaped already where it comes from outside.
    return re.sub(r"(?<!\\)\|", r"\\|", text) if slot.kind in {"cell", "example"} else text


def counted_by(slot: Slot, value: Value) -> Unit | None:
    """The noun of what is counted, where label or column has it already: "Number of training examples"."""
    # Millions of tokens and parameters are told in words of their own.
    if value.kind not in COUNTED or value.kind in LARGE_COUNTS:
        return None
    units = [unit_at(re.split(r"[\s_]+", name)[-1]) for name in (slot.label, slot.column) if name]
    return next((unit for unit in units if unit is not None and value.kind in unit.kinds), None)


def shared_unit(placeholders: Sequence[Placeholder]) -> Unit | None:
    """The unit behind the last of several that only a sign of division stands between: "[X] / [X] GB"."""
    between = [one.after.strip().casefold() for one in placeholders[:-1]]
    return unit_at(placeholders[-1].after) if between and set(between) <= _OUT_OF else None


def _whole(value: Value, placeholder: Placeholder, label_unit: Unit | None) -> str | None:
    if asks_for_form(placeholder.hint) and not placeholder.is_example:
        return in_form(value, placeholder.hint)
    if label_unit is not None:
        # The label names the unit already; a count is no clearer with its noun twice.
        return value.in_unit(label_unit, named=False) if _is_of(value, label_unit) else None
    hinted = hinted_unit(placeholder.hint) or unit_behind_in(placeholder.hint)
    if hinted is None:
        return value.text
    if not _is_of(value, hinted):
        # An example in words of another kind shows a style; a unit on its own asks for that quantity.
        is_name = value.amount is None and hinted.kinds == {"devices"}  # "[GPU]"
        return value.text if is_name or (placeholder.is_example and value.amount is None) else None
    return value.text if _is_better_as_it_is(value, placeholder, hinted) else value.in_unit(hinted, named=True)


def _is_better_as_it_is(value: Value, placeholder: Placeholder, hinted: Unit) -> bool:
    low, high = _READABLE
    readable = low <= abs(value.amount or 0.0) / hinted.factor < high
    return value.kind in COUNTED or (placeholder.is_example and not readable)


def _inside(value: Value, placeholder: Placeholder, label_unit: Unit | None) -> Written | None:
    following, bracket = unit_at(placeholder.after), _UNIT_IN_BRACKETS.match(placeholder.after)
    in_bracket = unit_in(bracket.group(1)) if bracket is not None else None
    if following is not None and _is_of(value, following):
        return _before_unit(value, placeholder, following, _width(placeholder, following))
    if bracket is not None and in_bracket is not None and _is_of(value, in_bracket):
        return _before_unit(value, placeholder, in_bracket, bracket.end())
    plain = value.short if value.short is not None else value.text
    if value.amount is None:
        return None if following is not None and value.short is None else Written(text=plain)
    unit = label_unit or hinted_unit(placeholder.hint) or unit_behind_in(placeholder.hint)
    if _ENDS.match(placeholder.after) is None or (unit is not None and not _is_of(value, unit)):
        return None
    if unit is None or (label_unit is None and value.kind in COUNTED):
        return Written(text=f"{plain}{value.remark}")
    return Written(text=value.in_unit(unit, named=label_unit is None))


def _before_unit(value: Value, placeholder: Placeholder, unit: Unit, width: int) -> Written:
    """The figure before a unit that the card has; what has to be said of it stands behind that."""
    figure, before = value.figure(unit), _about_before(placeholder) if value.least else 0
    word = placeholder.after[:width].strip()
    remark = value.remark_on(figure, word)
    return Written(text=value.least + figure, more_before=before, unit_width=width, unit=word, remark=remark)


def _singular(word: str) -> str:
    """The unit of one: "1 epoch", "1 GPU", where "epochs" and "GPUs" stood."""
    return word[:-1] if _PLURAL.fullmatch(word) else word


def _width(placeholder: Placeholder, unit: Unit) -> int:
    return len(placeholder.after) - len(placeholder.after.lstrip()) + len(unit.word)


def _is_of(value: Value, unit: Unit) -> bool:
    if value.amount is None or value.kind not in unit.kinds:
        return False
    return value.kind not in COUNTED or abs(value.amount) >= _SMALLEST_COUNT * unit.factor


def _about_before(placeholder: Placeholder) -> int:
    found = _ABOUT.search(placeholder.before)
    return len(found.group()) if found else 0
