"""The cells of a table's row, with their places in the line."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

_QUOTATION = re.compile(r"[ \t]*(?:>[ \t]?)*")


@dataclass(frozen=True, kw_only=True, slots=True)
class TableCell:
    """Where a cell stands in its table: ``index`` is its column's number, ``label`` what the row begins with.

    ``table`` numbers the tables; ``columns`` and ``rows`` count those of the table below its head. ``unit`` is what
    the row has in a column of units.
    """

    table: int
    index: int
    column: str
    columns: int
    row: int
    rows: int
    label: str
    unit: str | None = None


def split_row(line: str, begin: int = 0) -> list[tuple[int, int]]:
    """The spans of a row's cells, without the blanks around them; a ``|`` after a backslash is text.

    Args:
        line: the whole line.
        begin: where the row begins in it, behind the marks of what it is nested in.
    """
    text = line.rstrip()
    quotation = _QUOTATION.match(text, begin)
    begin = quotation.end() if quotation else begin
    bars = [match.start() for match in re.finditer(r"(?<!\\)\|", text) if match.start() >= begin]
    edges = [begin - 1, *bars, len(text)]
    if bars and bars[0] == begin:
        edges = edges[1:]
    if bars and bars[-1] == len(text) - 1:
        edges = edges[:-1]
    return [_stripped(text, left + 1, right) for left, right in itertools.pairwise(edges)]


def _stripped(text: str, begin: int, end: int) -> tuple[int, int]:
    raw = text[begin:end]
    inner = raw.strip()
    if not inner:
        # Where a value would be put: behind one blank, as people write cells.
        at = min(begin + 1, end)
        return at, at
    first = begin + len(raw) - len(raw.lstrip())
    return first, first + len(inner)
