"""Rows of tables and items of lists that are only examples: which of the run's own stands in their place."""

from __future__ import annotations

from functools import cached_property

from cardcallback.record import RunRecord
from cardcallback.render.card.asking import Asking
from cardcallback.render.card.labelled import normalize_label
from cardcallback.render.card.labels import ItemRow, each
from cardcallback.render.card.part_rows import PartRows
from cardcallback.render.card.placeholders import Placeholder
from cardcallback.render.card.slots import Slot
from cardcallback.render.card.values_results import ITEMS


class ExampleRows:
    """Counts the example rows of each table as their cells come in order.

    Args:
        record: the run.
        asking: says which tables hold examples, and of what.
    """

    def __init__(self, record: RunRecord, asking: Asking) -> None:
        self._record = record
        self._asking = asking
        self._parts = PartRows(record, asking)
        self._row: tuple[int, int] | None = None
        self._numbers: dict[int, int] = {}

    def text(
        self, slot: Slot, headings: tuple[str, ...], found: tuple[Placeholder, ...], original: str
    ) -> tuple[bool, str | None]:
        """Whether the slot is part of an example, and its text, None where the run has nothing for it.

        Args:
            slot: a cell or list item.
            headings: those above it in their original words.
            found: the placeholders in it.
            original: what stands, or stood, in it.
        """
        is_placeholder = len(found) == 1 and found[0].is_whole and bool(original.strip())
        is_part, text = self._parts.text(slot, headings, found, original) if found else (False, None)
        if is_part:
            return True, text
        if slot.kind == "item":
            # A line below another, such as an answer below its question, is no item of its own.
            row = self._examples(slot, headings) if "\n" not in slot.passage.strip() else None
            return (False, None) if row is None or not is_placeholder else (True, self._part(row.items, slot.row, None))
        if slot.kind not in {"cell", "example"}:
            return False, None
        if slot.kind == "example":
            self._row = (slot.table, slot.row) if is_placeholder and slot.text.strip() else None
            if self._row is not None:
                self._numbers[slot.table] = self._numbers.get(slot.table, -1) + 1
        row = self._examples(slot, headings) if self._row == (slot.table, slot.row) else None
        if row is None:
            return False, None
        return True, self._part(row.items, self._numbers[slot.table], self._column(row, slot))

    def is_only_row(self, slot: Slot) -> bool:
        """Whether the slot, whose row was begun with a placeholder, is in the only row of its table."""
        return slot.kind in {"cell", "example"} and self._row == (slot.table, slot.row) and slot.rows == 1

    def _examples(self, slot: Slot, headings: tuple[str, ...]) -> ItemRow | None:
        """What the rows of this table, or the items of this list, are examples of."""
        # A list is introduced by the line or heading right above it, a table also by the section it is in.
        names = [
            name for name in (slot.label if slot.kind == "item" else None, *reversed(headings[slot.titles :])) if name
        ]
        above = [normalize_label(name) for name in names[: 1 if slot.kind == "item" else 2]]
        for name in above:
            for row in self._asking.index.labels.examples:
                if name in {normalize_label(heading) for heading in each(row.heading)} and self._holds(row, slot):
                    return row
        return None

    def _holds(self, row: ItemRow, slot: Slot) -> bool:
        return slot.kind == "item" or self._column(row, slot) is not None

    def _column(self, row: ItemRow, slot: Slot) -> str | None:
        """Which part of an item a column asks for."""
        column = normalize_label(slot.column or "")
        names = ((part, normalize_label(name)) for part, columns in row.columns.items() for name in each(columns))
        return next((part for part, name in names if name == column), None)

    @cached_property
    def _items(self) -> dict[str, list[dict[str, str]]]:
        return {name: make(self._record) for name, make in ITEMS.items()}

    def _part(self, items: str, number: int, part: str | None) -> str | None:
        found = self._items[items]
        if number >= len(found):
            return None
        item = found[number]
        return item.get(part) if part is not None else item.get("description") or item.get("name")
