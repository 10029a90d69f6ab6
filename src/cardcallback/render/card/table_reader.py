"""A table read row by row: what heads each cell's column, what its row begins with, and what stands over both."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cardcallback.render.card.inline_text import read_inline, visible_label
from cardcallback.render.card.table_rows import PART_COLUMNS, UNIT_COLUMNS, WHOLE, TableCell, label_column

# What a row of heads below another has in each column: words, and no placeholder.
_HEAD = re.compile(r"[^\W\d_][\w\s%()/.,&'\u00b2\u2082\u2191\u2193-]*")
_NO_HEAD = re.compile(r"(?:x+|n|n/?a|tbd|tba|todo|none|yes|no)", re.IGNORECASE)
_FEWEST_COLUMNS = 3
# Heads of a column that only numbers the rows, or has a sign for each.
_NUMBERS = frozenset(
    {
        "nr",
        "no",
        "#",
        "\u2116",
        "n\u00b0",
        "n\u00ba",
        "id",
        "lfd",
        "lfd. nr",
        "s.no",
        "\u5e8f\u53f7",
        "\u756a\u53f7",
        "symbol",
        "symbols",
        "s\u00edmbolo",
        "formelzeichen",
        "\u7b26\u53f7",
        "\u8bb0\u53f7",
    }
)
_OF_A_STEP = frozenset({"step", "epoch", "checkpoint", "iteration", "epoche", "schritt", "\u00e9poque", "\u00e9poca"})


@dataclass(frozen=True, kw_only=True, slots=True)
class CellText:
    """A cell's text and its place in the body; one that stands over several rows or columns holds no value."""

    text: str
    place: int
    is_single: bool = True


def _is_log(columns: Sequence[str]) -> bool:
    """Whether each row is of a step or epoch: its losses go together, and are none of the run's last ones."""
    names = [name.casefold() for name in columns]
    return not _OF_A_STEP.isdisjoint(names) and any("loss" in name for name in names)


class TableReader:
    """Reads tables one after another."""

    def __init__(self) -> None:
        self._tables = 0
        self._rows = self._row = 0
        self._heads: list[tuple[str, ...]] = []
        self._title = self._group = ""
        self._first = 0
        self._has_groups = False

    def open(self, rows: int, *, has_row_groups: bool = False) -> None:
        """Begin a table of so many rows without its heads; in ``has_row_groups`` the first column only groups them."""
        self._tables += 1
        self._rows, self._row, self._heads = rows, 0, []
        self._title = self._group = ""
        self._has_groups = has_row_groups
        self._first = int(has_row_groups)

    def number_rows(self) -> None:
        """The first column only numbers the rows."""
        self._first, self._has_groups = 1, False

    def title(self, text: str) -> None:
        """A row of one cell, which says what the rows below it are about."""
        self._row += 1
        self._title = visible_label(read_inline(text).text).rstrip(": ")

    def row(
        self, cells: Sequence[CellText], references: Mapping[str, Any], *, is_head: bool = False, is_html: bool = False
    ) -> Iterator[tuple[CellText, TableCell]]:
        """The cells of a row that may hold a value, each with what it is about."""
        labels = [visible_label(read_inline(cell.text, references).text) for cell in cells]
        if is_head:
            self._heads.append(tuple(labels))
            if len(labels) >= _FEWEST_COLUMNS and labels[0].casefold().strip(". ") in _NUMBERS:
                self.number_rows()
        elif self._is_second_head(labels):
            self._heads.append(tuple(labels))
            return
        self._row += not is_head
        columns, groups = self._columns(len(labels))
        # Where it is blank the group of the row above goes on.
        self._group = (labels[0] or self._group) if self._has_groups and labels and not is_head else ""
        if any(
            name.lower() in PART_COLUMNS and one.lower() not in WHOLE
            for name, one in zip(columns, labels, strict=False)
        ):
            return  # of a part of the data, which no run measured
        # Among others a row of blanks only parts them.
        if _is_log(columns) or (self._rows > 1 and not any(labels)):
            return
        first = self._first
        names = [f"{over} {own}".strip() for over, own in zip(groups, columns, strict=True)]
        for index, cell in enumerate(cells[first:]):
            # A head of two cells may be the first pair of a table that has no head.
            pair = label_column(names[first:], index) if index + first < len(names) else None
            is_pair = not is_head or (len(columns) == 2 and index)
            if pair is None or pair[0] + first >= len(labels) or not is_pair or not cell.is_single:
                continue
            yield (
                cell,
                TableCell(
                    table=self._tables,
                    index=index,
                    column="" if is_head else columns[index + first],
                    group="" if is_head else groups[index + first],
                    titles=tuple(name for name in (self._title, self._group) if name),
                    columns=pair[1],
                    row=self._row - 1,  # that of the head is none of those below it
                    rows=self._rows,
                    label=labels[pair[0] + first],
                    beside=tuple(text for at, text in enumerate(labels) if at != index + first and text),
                    unit=next(
                        (one for one, name in zip(labels, columns, strict=False) if name.lower() in UNIT_COLUMNS), None
                    ),
                    is_html=is_html,
                ),
            )

    def _columns(self, count: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The heading of each column, and that of the columns it is one of."""
        if not self._heads:
            return ("",) * count, ("",) * count
        above, lowest = self._heads[:-1], self._heads[-1]
        groups = tuple(
            " ".join(dict.fromkeys(head[index] for head in above if index < len(head) and head[index] not in {"", own}))
            for index, own in enumerate(lowest)
        )
        return lowest, groups

    def _is_second_head(self, labels: Sequence[str]) -> bool:
        """Whether a row in Markdown is the lower half of a head whose merged cells are written as blank ones.

        The upper half is then read as standing over the blank ones too.
        """
        head = self._heads[0] if len(self._heads) == 1 and not self._row else ()
        if len(head) < _FEWEST_COLUMNS or len(labels) != len(head) or head[0] or "" not in head[2:]:
            return False
        if not all(_HEAD.fullmatch(label) and not _NO_HEAD.fullmatch(label) for label in labels[1:]):
            return False
        carried = [""]
        for name in head[1:]:
            carried.append(name or carried[-1])
        self._heads[0] = tuple(carried)
        return any(carried)
