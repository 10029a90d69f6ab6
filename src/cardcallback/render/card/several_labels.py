"""Labels that ask for several values at once: "Train / val loss", "LoRA rank, alpha and dropout"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from cardcallback.render.card.asking import Asking
from cardcallback.render.card.label_rows import SIZES
from cardcallback.render.card.placeholders import Placeholder
from cardcallback.render.card.quantities import Unit, Value, is_unit, split_unit
from cardcallback.render.card.slots import Slot
from cardcallback.render.card.writing_in import Written, escaped, write_value

_BETWEEN = re.compile(
    r"\s*(?:/|&|\u00d7|(?<=\s)x(?=\s)|,\s*(?:and\b)?|\+|->|\u2192|\b(?:and|und|et|y|e)\b|\u3001|\u548c|\u3068)\s*"
)
# Between two placeholders: what stands between the labels, or an arrow's kin.
_BETWEEN_VALUES = re.compile(r"\s*(?:/|&|\u00d7|x|,|;|\||\+|->|\u2192|\b(?:and|und|et|y|e)\b|\u3001|\u548c|\u3068)\s*")
# What has its parts in brackets: Loss (train / eval).
_IN_BRACKETS = re.compile(r"(?P<bare>[^()]+?)\s*\((?P<parts>[^()]+)\):?")
_MOST = 4


class SeveralLabels:
    """Writes the values of such a label, all of them or none.

    Args:
        asking: finds the row of each.
        known: gives a value of the run by its name.
    """

    def __init__(self, asking: Asking, known: Callable[[str], Value | None]) -> None:
        self._asking, self._known = asking, known

    def text(self, slot: Slot, headings: tuple[str, ...], original: str, found: Sequence[Placeholder]) -> str | None:
        """What stands for ``original``, whose placeholders are ``found``; None where one of the values is not sure."""
        if slot.kind not in {"line", "cell"} or not slot.label or not found:
            return None
        # As it stands first: "Training time / GPU hours" is no "Training time / GPU" in hours.
        bare, shared = split_unit(slot.label)
        readings: list[tuple[list[str], Unit | None]] = [
            *((one, None) for one in _readings(slot.label)),
            *((one, shared) for one in _readings(bare)),
        ]
        for labels, unit in readings:
            if len({is_unit(one) and not self._asking.is_label(one) for one in labels}) > 1:
                continue  # "Tokens/J" is one rate
            asked = [self._asking.ask(replace(slot, label=one), headings, original) for one in labels]
            names = [one.row.value if one.row is not None and one.why is None else None for one in asked]
            if names[0] not in SIZES and not SIZES.isdisjoint(names):
                continue  # of "Peak RAM/VRAM" both are peaks
            if all(names) and len(set(names)) == len(names):
                values = [self._known(name or "") for name in names]
                units = [one.unit or unit for one in asked]
                return self._written(slot, original, found, [value for value in values if value], units)
        return None

    def _written(
        self,
        slot: Slot,
        original: str,
        found: Sequence[Placeholder],
        values: Sequence[Value],
        units: Sequence[Unit | None],
    ) -> str | None:
        count = len(units)
        if len(values) < count:
            return None
        if len(found) == 1 and found[0].is_whole:
            texts = [_short(value, unit) for value, unit in zip(values, units, strict=True)]
            return None if None in texts else escaped(slot, " / ".join(text for text in texts if text))
        if len(found) != count or found[0].before.strip():
            return None
        parts, end = [], 0
        for one, value, unit in zip(found, values, units, strict=True):
            is_other = unit is not None and value.kind not in unit.kinds
            written: Written | None = None if is_other else write_value(value, one, unit)
            if written is None or not _is_clear(one.after[written.unit_width :], is_last=one is found[-1]):
                return None
            behind, last = written.behind(original, one.end)
            remark = f" {escaped(slot, written.remark.strip())}" if written.remark else ""
            parts += [original[end : one.begin], escaped(slot, written.text), behind, remark]
            end = last
        return "".join([*parts, original[end:]])


def _readings(label: str) -> Iterator[list[str]]:
    """The labels that one may be made of: as they stand, with the last or first words of all."""
    if (in_brackets := _IN_BRACKETS.fullmatch(label)) is not None:
        inside = [part.strip() for part in _BETWEEN.split(in_brackets["parts"])]
        if 1 < len(inside) <= _MOST and all(inside):
            yield [f"{in_brackets['bare']} ({part})" for part in inside]
            yield [f"{part} {in_brackets['bare']}" for part in inside]
            yield [f"{in_brackets['bare']} {part}" for part in inside]
    parts = [part for part in _BETWEEN.split(label) if part]
    if not 1 < len(parts) <= _MOST:
        return
    yield parts
    first, last = parts[0].split(), parts[-1].split()
    for begin in range(1, len(last)):
        yield [*(f"{part} {' '.join(last[begin:])}" for part in parts[:-1]), parts[-1]]
    for end in range(len(first) - 1, 0, -1):
        yield [parts[0], *(f"{' '.join(first[:end])} {part}" for part in parts[1:])]


def _short(value: Value, unit: Unit | None) -> str | None:
    if unit is not None:
        return value.in_unit(unit, named=False) if value.kind in unit.kinds else None
    # How a batch is made up would read as several values.
    return (value.short or value.text) if value.kind == "sequences" else value.text


def _is_clear(behind: str, *, is_last: bool) -> bool:
    """Whether what stands behind a value only leads to the next one, or is nothing: no rate, and no other noun."""
    return re.search(r"\w", behind) is None if is_last else _BETWEEN_VALUES.fullmatch(behind) is not None
