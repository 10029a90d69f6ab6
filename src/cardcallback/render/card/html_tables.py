"""Tables that a card has in HTML: where their cells stand, and how a value is written into one."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cardcallback.render.card.inline_text import read_inline, visible_label

# What a cell may hold and still be one value.
_STYLES = frozenset(
    {"a", "b", "br", "strong", "i", "em", "u", "code", "small", "span", "p", "center", "sub", "sup", "font", "img"}
)
_OVER_SEVERAL = re.compile(r"\b(?:row|col)span\b", re.IGNORECASE)
# Bounded, and found in one pass: Python's own reader of HTML takes a minute for some texts of 60 KB.
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9-]{0,30})(?P<attributes>[^<>]{0,500})>")
_COMMENT_BEGIN, _COMMENT_END = "<!--", "-->"


@dataclass(frozen=True, kw_only=True, slots=True)
class HtmlTable:
    """The cells of a table by rows, each by the span of what it holds; ``has_head``: the first row heads the others."""

    rows: tuple[tuple[tuple[int, int], ...], ...]
    has_head: bool


def html_tables(source: str) -> Iterator[HtmlTable]:
    """Every table of plain rows in a block of HTML; one with cells over several rows or columns is none."""
    reader = _Reader(source)
    for tag in _TAG.finditer(_without_comments(source)):
        found = reader.take(tag)
        if found is not None:
            yield found


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


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._table: _Open | None = None

    def take(self, tag: re.Match[str]) -> HtmlTable | None:
        """One tag; the table that ends with it."""
        name = tag["name"].lower()
        if name == "table" and not tag["end"]:
            # A table inside another: which label belongs to which value is not clear.
            self._table = _Open(is_plain=self._table is None)
        elif self._table is not None and tag["end"]:
            return self._end(self._table, name, tag.start())
        elif self._table is not None:
            self._begin(self._table, name, tag)
        return None

    def _begin(self, table: _Open, name: str, tag: re.Match[str]) -> None:
        if name == "tr":
            table.rows.append([])
            table.heads.append(True)
        elif name in {"td", "th"}:
            if not table.rows or table.cell is not None or _OVER_SEVERAL.search(tag["attributes"]):
                table.is_plain = False
            else:
                table.heads[-1] = table.heads[-1] and name == "th"
                table.cell = tag.end()
        elif table.cell is not None and name not in _STYLES:
            table.is_plain = False

    def _end(self, table: _Open, name: str, at: int) -> HtmlTable | None:
        if name in {"td", "th"} and table.cell is not None:
            table.rows[-1].append(self._inner(table.cell, at))
            table.cell = None
        elif name == "table":
            self._table = None
            rows = tuple(tuple(row) for row in table.rows if row)
            if table.is_plain and table.cell is None and rows:
                has_head = len(rows) > 1 and (table.heads[0] or self._is_bold(rows[0]))
                return HtmlTable(rows=rows, has_head=has_head)
        return None

    def _is_bold(self, row: tuple[tuple[int, int], ...]) -> bool:
        """Whether every cell of a first row that holds anything is bold, as many write a head."""
        texts = [self._source[begin:end] for begin, end in row if begin < end]
        return bool(texts) and all(re.match(r"<(?:b|strong)\b", text, re.IGNORECASE) for text in texts)

    def _inner(self, begin: int, end: int) -> tuple[int, int]:
        """The span without the blanks around it."""
        text = self._source[begin:end]
        if not text.strip():
            return begin, begin
        return begin + len(text) - len(text.lstrip()), end - len(text) + len(text.rstrip())


def _without_comments(source: str) -> str:
    """The source with blanks where comments stand, so that offsets stay."""
    parts, at = [], 0
    while (begin := source.find(_COMMENT_BEGIN, at)) >= 0:
        end = source.find(_COMMENT_END, begin)
        end = len(source) if end < 0 else end + len(_COMMENT_END)
        parts += [source[at:begin], " " * (end - begin)]
        at = end
    return "".join([*parts, source[at:]])
