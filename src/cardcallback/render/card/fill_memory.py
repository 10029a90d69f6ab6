"""Which texts of a card an earlier run of ours put there, and what stood there before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from cardcallback.record import Fill
from cardcallback.render.card.inline_text import read_inline, visible_label
from cardcallback.render.card.slots import Slot


class FillMemory:
    """The fills that a record remembers, found again by heading, label and text.

    Args:
        known: the fills.
        slots: those of the card; a heading that was filled itself goes by its original words.
    """

    def __init__(self, known: Sequence[Fill], slots: Sequence[Slot]) -> None:
        self._placeholders: dict[tuple[str, str, str], list[str]] = {}
        for fill in known:
            self._placeholders.setdefault((fill.heading, fill.label, _lines(fill.text)), []).append(fill.placeholder)
        self._found: dict[tuple[int, str], str | None] = {}
        self._headings: dict[str, str] = {}
        self._row_labels: dict[tuple[int, int], str] = {}
        self._columns: dict[tuple[int, str], str] = {}
        for slot in slots if known else ():
            # A table's first row may be a pair of label and value, and then heads the column too.
            if slot.kind in {"heading", "example"} or (slot.kind == "cell" and not slot.column):
                self._note(slot)

    def headings(self, slot: Slot) -> tuple[str, ...]:
        """The headings above a slot in their original words."""
        return tuple(self._headings.get(heading, heading) for heading in slot.headings)

    def with_column(self, slot: Slot) -> Slot:
        """The slot with what heads its column in its original words."""
        original = self._columns.get((slot.table, slot.column or ""))
        return slot if original is None or slot.kind != "cell" else replace(slot, column=original)

    def heading(self, slot: Slot) -> str:
        """The nearest of them, which a fill is remembered by."""
        return nearest_heading(self.headings(slot))

    def placeholder(self, slot: Slot) -> str | None:
        """What stood where this slot's text is ours; None where it is not.

        Of several places with the same heading, label and text each has its own, in order.
        """
        key = (slot.begin, slot.kind)
        if key not in self._found:
            names = (self.label(slot), self._row_label(slot))  # the second in records of earlier versions
            keys = [(self.heading(slot), name, _lines(slot.text)) for name in names if name is not None]
            left = next((found for one in keys if (found := self._placeholders.get(one))), [])
            self._found[key] = left.pop(0) if left else None
        return self._found[key]

    def label(self, slot: Slot) -> str:
        """The label that a fill is remembered by: that beside it in its original words, or the heading above it.

        Of a row with several values each is remembered by its column too.
        """
        label = self._row_label(slot)
        if label is None:
            return self.heading(slot)
        return with_column(label, slot)

    def _row_label(self, slot: Slot) -> str | None:
        if slot.label is None:
            return None
        label = self._row_labels.get((slot.table, slot.row), slot.label) if slot.kind == "cell" else slot.label
        return re.sub(r"[ \t]*:[ \t]*$", "", label)

    def _note(self, slot: Slot) -> None:
        """Where a heading, or what a table's row begins with, is ours: what it was."""
        before = self.placeholder(slot)
        begin = slot.passage.rfind(slot.text)
        if before is None or begin < 0:
            return
        original = slot.passage[:begin] + before + slot.passage[begin + len(slot.text) :]
        if slot.kind == "cell":
            now, then = (visible_label(read_inline(text, slot.references).text) for text in (slot.passage, original))
            self._columns[slot.table, now] = then
        elif slot.kind == "heading":
            self._headings[" ".join(slot.passage.split())] = " ".join(original.split())
        else:
            self._row_labels[slot.table, slot.row] = visible_label(read_inline(original, slot.references).text)


def with_column(label: str, slot: Slot) -> str:
    """The label of a value, and what heads its column where the table has several."""
    if slot.kind != "cell" or slot.only_column or not slot.column:
        return label
    return " / ".join(name for name in (label, slot.group, slot.column) if name)


def nearest_heading(headings: Sequence[str]) -> str:
    """The heading right above, or nothing."""
    return headings[-1] if headings else ""


def _lines(text: str) -> str:
    """A text of several lines whatever its line ends and indentation, and whatever quotation it stands in."""
    first, *further = (line.strip() for line in re.split(r"\r\n|\r|\n", text))
    # Before the first line a sign is a person's: "> 24 h".
    return "\n".join([first, *(line.lstrip("> \t") for line in further)])
