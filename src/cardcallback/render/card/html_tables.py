"""Tables that a card has in HTML: where their cells stand, and how a value is written into one."""

from __future__ import annotations

import html
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cardcallback.render.card.inline_text import read_inline, visible_label

# What a cell may hold and still be one value.
HTML_STYLES = frozenset(
    {"a", "b", "br", "strong", "i", "em", "u", "code", "small", "span", "p", "center", "sub", "sup", "font", "img"}
)
_OVER_SEVERAL = re.compile(r"\b(?P<of>row|col)span\s*=\s*[\"']?\s*(?P<count>\d{1,3})\s*(?:[\"']|\s|$)", re.IGNORECASE)
_SPAN = re.compile(r"\b(?:row|col)span\b", re.IGNORECASE)
# No table that a person reads is wider; one that says so would make a grid without end.
_MOST_COLUMNS, _MOST_ROWS = 64, 256
_WIDEST = 256
# A group, a label and a value.
_FEWEST_GROUPED = 3
# Bounded, and found in one pass: Python's own reader of HTML takes a minute for some texts of 60 KB.
HTML_TAG = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9-]{0,30})(?P<attributes>[^<>]{0,500})>")
_COMMENT_BEGIN, _COMMENT_END = "<!--", "-->"


@dataclass(frozen=True, kw_only=True, slots=True)
class HtmlCell:
    """What a cell holds, from ``begin`` to ``end``, and over how many ``columns`` and ``rows`` it stands."""

    begin: int
    end: int
    columns: int = 1
    rows: int = 1
    is_head: bool = False

    @property
    def is_single(self) -> bool:
        """Whether it stands in one row and one column, as a value does."""
        return self.columns == self.rows == 1


@dataclass(frozen=True, kw_only=True, slots=True)
class HtmlTable:
    """The cells of a table by rows; a cell over several columns or rows is in each of them.

    The first ``heads`` rows head the others.
    """

    rows: tuple[tuple[HtmlCell, ...], ...]
    heads: int

    @property
    def has_row_groups(self) -> bool:
        """Whether the first column only says which of the rows belong together."""
        body = [row for row in self.rows[self.heads :] if not is_title(row)]
        return any(row[0].rows > 1 for row in body) and all(len(row) >= _FEWEST_GROUPED for row in body)

    def texts(self, source: str) -> list[list[str]]:
        """What the cells of its rows hold, the lowest head first, blank where there is none."""
        body = [row for row in self.rows[self.heads :] if not is_title(row)]
        head = self.rows[self.heads - 1] if self.heads else ()
        rows = [[source[cell.begin : cell.end] for cell in row] for row in (head, *body)]
        return rows if head else [[""] * len(body[0]) if body else [], *rows[1:]]


def html_tables(source: str) -> Iterator[HtmlTable]:
    """Every table in a block of HTML whose cells are texts, and whose rows are of one width where cells are merged."""
    reader = _Reader(source)
    for tag in HTML_TAG.finditer(without_comments(source)):
        found = reader.take(tag)
        if found is not None:
            yield found


def as_html(text: str) -> str:
    """A value in Markdown as HTML, in which Markdown would stand as it is written."""
    return html.escape(visible_label(read_inline(text).text), quote=False)


@dataclass(slots=True)
class _Open:
    """A table that is being read; ``is_plain`` until something says otherwise."""

    rows: list[list[HtmlCell]] = field(default_factory=list)
    cell: HtmlCell | None = None
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
        elif name in {"td", "th"}:
            spans = {found["of"].lower(): int(found["count"]) for found in _OVER_SEVERAL.finditer(tag["attributes"])}
            if not table.rows or table.cell is not None or not _are_usual(tag["attributes"], spans):
                table.is_plain = False
            else:
                table.cell = HtmlCell(
                    begin=tag.end(),
                    end=tag.end(),
                    columns=spans.get("col", 1),
                    rows=spans.get("row", 1),
                    is_head=name == "th",
                )
        elif table.cell is not None and name not in HTML_STYLES:
            table.is_plain = False

    def _end(self, table: _Open, name: str, at: int) -> HtmlTable | None:
        if name in {"td", "th"} and table.cell is not None:
            begin, end = self._inner(table.cell.begin, at)
            table.rows[-1].append(replace(table.cell, begin=begin, end=end))
            table.cell = None
        elif name == "table":
            self._table = None
            rows = [row for row in table.rows if row]
            if table.is_plain and table.cell is None and rows:
                return self._made(rows)
        return None

    def _made(self, rows: list[list[HtmlCell]]) -> HtmlTable | None:
        grid = rows if all(cell.is_single for row in rows for cell in row) else grid_of(rows)
        if not grid:
            return None
        heads = 0
        while heads < len(grid) - 1 and self._is_head(grid[heads]) and (not heads or _is_merged(grid[heads - 1])):
            heads += 1
        return HtmlTable(rows=tuple(tuple(row) for row in grid), heads=heads)

    def _is_head(self, row: Sequence[HtmlCell]) -> bool:
        if is_title(row):
            return False
        # A corner that says nothing may be a plain cell.
        return all(cell.is_head or cell.begin == cell.end for cell in row) or self._is_bold(row)

    def _is_bold(self, row: Sequence[HtmlCell]) -> bool:
        """Whether every cell of a first row that holds anything is bold, as many write a head."""
        texts = [self._source[cell.begin : cell.end] for cell in row if cell.begin < cell.end]
        return bool(texts) and all(re.match(r"<(?:b|strong)\b", text, re.IGNORECASE) for text in texts)

    def _inner(self, begin: int, end: int) -> tuple[int, int]:
        """The span without the blanks around it."""
        text = self._source[begin:end]
        if not text.strip():
            return begin, begin
        return begin + len(text) - len(text.lstrip()), end - len(text) + len(text.rstrip())


def is_title(row: Sequence[HtmlCell]) -> bool:
    """Whether one cell stands over all columns: what it says is about the rows below it."""
    return len(row) > 1 and row[0].columns == len(row)


def grid_of(rows: Sequence[Sequence[HtmlCell]]) -> list[list[HtmlCell]]:
    """The rows with every cell in each column and row that it stands over; none where they are not of one width."""
    grid: list[list[HtmlCell]] = []
    hanging: dict[int, tuple[HtmlCell, int]] = {}
    for row in rows:
        made: list[HtmlCell] = []
        below: dict[int, tuple[HtmlCell, int]] = {}
        own = deque((cell, cell.rows) for cell in row)
        while own or len(made) in hanging:
            from_above = hanging.pop(len(made), None)
            cell, rows_left = from_above or own.popleft()
            for _ in range(1 if from_above else cell.columns):
                if rows_left > 1:
                    below[len(made)] = (cell, rows_left - 1)
                made.append(cell)
            if len(made) > _WIDEST:
                return []
        grid.append(made)
        hanging = below
    return grid if len({len(row) for row in grid}) == 1 and not hanging else []


def _are_usual(attributes: str, spans: Mapping[str, int]) -> bool:
    """Whether every span of a cell was read, and is one that a person writes."""
    is_read = len(_SPAN.findall(attributes)) == len(spans)
    return is_read and 0 < spans.get("col", 1) <= _MOST_COLUMNS and 0 < spans.get("row", 1) <= _MOST_ROWS


def _is_merged(row: Sequence[HtmlCell]) -> bool:
    return any(not cell.is_single for cell in row)


def without_comments(source: str) -> str:
    """The source with blanks where comments stand, so that offsets stay."""
    parts, at = [], 0
    while (begin := source.find(_COMMENT_BEGIN, at)) >= 0:
        end = source.find(_COMMENT_END, begin)
        end = len(source) if end < 0 else end + len(_COMMENT_END)
        parts += [source[at:begin], " " * (end - begin)]
        at = end
    return "".join([*parts, source[at:]])
