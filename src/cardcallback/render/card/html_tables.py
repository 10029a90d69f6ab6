"""Tables that a card has in HTML: where their cells stand, and how a value is written into one."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from cardcallback.render.card.inline_text import read_inline, visible_label

# What a cell may hold and still be one value.
_STYLES = frozenset(
    {"a", "b", "br", "strong", "i", "em", "u", "code", "small", "span", "p", "center", "sub", "sup", "font", "img"}
)
_ROWS_APART = frozenset({"rowspan", "colspan"})


@dataclass(frozen=True, kw_only=True, slots=True)
class HtmlTable:
    """The cells of a table by rows, each by the span of what it holds; ``has_head``: the first row heads the others."""

    rows: tuple[tuple[tuple[int, int], ...], ...]
    has_head: bool


def html_tables(source: str) -> Iterator[HtmlTable]:
    """Every table of plain rows in a block of HTML; one with cells over several rows or columns is none."""
    reader = _Reader(source)
    reader.feed(source)
    reader.close()
    yield from reader.tables


def as_html(text: str) -> str:
    """A value in Markdown as HTML, in which Markdown would stand as it is written."""
    return html.escape(visible_label(read_inline(text).text), quote=False)


@dataclass(slots=True)
class _Open:
    """A table that is being read; ``is_plain`` until something says otherwise."""

    rows: list[list[tuple[int, int]]] = field(default_factory=list)
    heads: list[bool] = field(default_factory=list)
    cell: int | None = None
    is_plain: bool = True


class _Reader(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=False)
        self.tables: list[HtmlTable] = []
        self._source = source
        self._table: _Open | None = None
        self._lines = [0]
        for line in source.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A table, a row, a cell, or what a cell holds."""
        if tag == "table":
            # A table inside a cell: which label belongs to which value is not clear.
            nested = self._table is not None
            self._table = _Open(is_plain=not nested)
        elif self._table is None:
            return
        elif tag == "tr":
            self._table.rows.append([])
            self._table.heads.append(True)
        elif tag in {"td", "th"}:
            self._begin_cell(self._table, tag, attrs)
        elif self._table.cell is not None and tag not in _STYLES:
            self._table.is_plain = False

    def handle_endtag(self, tag: str) -> None:
        """The end of a cell or of the table."""
        table = self._table
        if table is None:
            return
        if tag in {"td", "th"} and table.cell is not None:
            table.rows[-1].append(self._inner(table.cell, self._here()))
            table.cell = None
        elif tag == "table":
            self._table = None
            rows = tuple(tuple(row) for row in table.rows if row)
            if table.is_plain and table.cell is None and rows:
                self.tables.append(
                    HtmlTable(rows=rows, has_head=len(rows) > 1 and (table.heads[0] or self._is_bold(rows[0])))
                )

    def _is_bold(self, row: tuple[tuple[int, int], ...]) -> bool:
        """Whether every cell of a first row that holds anything is bold, as many write a head."""
        texts = [self._source[begin:end] for begin, end in row if begin < end]
        return bool(texts) and all(re.match(r"<(?:b|strong)\b", text, re.IGNORECASE) for text in texts)

    def _begin_cell(self, table: _Open, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not table.rows or table.cell is not None or _ROWS_APART & {name for name, _ in attrs}:
            table.is_plain = False
            return
        table.heads[-1] = table.heads[-1] and tag == "th"
        table.cell = self._here() + len(self.get_starttag_text() or "")

    def _here(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def _inner(self, begin: int, end: int) -> tuple[int, int]:
        """The span without the blanks around it."""
        text = self._source[begin:end]
        if not text.strip():
            return begin, begin
        return begin + len(text) - len(text.lstrip()), end - len(text) + len(text.rstrip())
