"""The cells of a table's row, with their places in the line."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markdown_it.token import Token

# Headings of a column that has the unit of its row's value; of one that says of which part of the data it is.
UNIT_COLUMNS = frozenset(
    {
        "unit",
        "units",
        "einheit",
        "einheiten",
        "unité",
        "unités",
        "unidad",
        "unidades",
        "unidade",
        "单位",
        "単位",
        "단위",
    }
)
PART_COLUMNS = frozenset({"slice", "subgroup", "sub-group", "group", "segment", "subset", "demographic", "untergruppe"})
WHOLE = frozenset({"", "-", "all", "overall", "total", "whole", "everything", "gesamt"})
# What heads a column that only says which rows belong together.
_GROUPS = frozenset(
    {"category", "section", "area", "topic", "block", "kategorie", "bereich", "abschnitt",
     "catégorie", "rubrique", "categoría", "sección", "categoria", "类别", "分类", "区分", "分類"}
)  # fmt: skip
_FEWEST_GROUPED = 3
_FEWEST_NUMBERED = 2
# A form's number of a row, which has a letter or several parts: a plain one may be a step's or an epoch's.
_A_NUMBER = re.compile(r"[A-Z]{1,3}[-. ]?\d{1,3}(?:\.\d{1,3})*|\d{1,3}(?:\.\d{1,3})+\.?|\(?[a-z]\)")
_BOLD = re.compile(r"(?:\*\*|__)[^*_]+(?:\*\*|__)|<(b|strong)>[^<>]+</\1>")
# Words, maybe with a unit behind them, and no placeholder.
_A_LABEL = re.compile(r"(?!(?:tbd|tba|todo|n/?a)\b)[^\[\]{}<>]*[^\W\d_]{2}[^\[\]{}<>]*(?:\[[^\[\]]*\])?")
_LIST_MARKS = re.compile(r"[ \t]*(?:>[ \t]?)*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*")
_QUOTATION = re.compile(r"[ \t]*(?:>[ \t]?)*")


@dataclass(frozen=True, kw_only=True, slots=True)
class TableCell:
    """Where a cell stands in its table: ``index`` is its column's number, ``label`` what its row begins with.

    ``table`` numbers the tables; ``columns`` counts those that share these labels, and ``rows`` those of the table.
    ``unit`` is what the row has in a column of units. ``beside`` are the row's other
    texts, ``group`` is what stands over this column and others, and
    ``titles`` what stands over this row and others. ``is_html`` says that the table is written in HTML.
    """

    table: int
    index: int
    column: str
    columns: int
    row: int
    rows: int
    label: str
    unit: str | None = None
    beside: tuple[str, ...] = ()
    group: str = ""
    titles: tuple[str, ...] = ()
    is_html: bool = False


def row_begin(line: str) -> int:
    """Where a row begins in a line inside a list, behind the marks of that."""
    marks = _LIST_MARKS.match(line)
    return marks.end() if marks else 0


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


def rows_of(tokens: Iterable[Token]) -> list[list[str]]:
    """The texts of a table in Markdown, its head first, from what the parser found from its begin on."""
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows:
            rows[-1].append(token.content)
        elif token.type == "table_close":
            break
    return rows


def has_row_groups(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first column of a table in Markdown, its head first, only says which rows belong together.

    Its head says so, or its texts stand over several rows, again or as blanks, each of which has its own label.
    """
    head, body = (rows[0] if rows else ()), rows[1:]
    if len(head) < _FEWEST_GROUPED or not body or any(len(row) != len(head) for row in body):
        return False
    firsts, seconds = [_plain(row[0]) for row in body], [_plain(row[1]) for row in body]
    if not firsts[0] or not all(_A_LABEL.fullmatch(text) for text in seconds):
        return False
    is_headed = _plain(head[0]) in _GROUPS
    repeated = len(set(firsts) - {""}) < len(firsts)
    return is_headed or (repeated and len(set(zip(_carried(firsts), seconds, strict=True))) == len(body))


def has_numbered_rows(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first column of a table in Markdown, its head first, has nothing but a number for each row: "B.2"."""
    head, body = (rows[0] if rows else ()), rows[1:]
    if len(head) < _FEWEST_GROUPED or len(body) < _FEWEST_NUMBERED or any(len(row) != len(head) for row in body):
        return False
    numbers = [row[0].strip(" *_`") for row in body]
    return len(set(numbers)) == len(numbers) and all(_A_NUMBER.fullmatch(one) for one in numbers)


def title_rows(rows: Sequence[Sequence[str]]) -> list[bool]:
    """Whether each row of a table in Markdown only says what those below it are about: bold, and nothing beside it."""
    bold = [bool(row and _BOLD.fullmatch(row[0].strip())) for row in rows]
    alone = [one and not any(text.strip() for text in row[1:]) for one, row in zip(bold, rows, strict=True)]
    # Where labels are bold each has its own value, and what no plain row follows is no title of one.
    return [
        bool(number) and one and number + 1 < len(rows) and not bold[number + 1] for number, one in enumerate(alone)
    ]


def _plain(text: str) -> str:
    return text.strip(" *_:").casefold()


def _carried(texts: Sequence[str]) -> list[str]:
    """The texts, where one is blank that of the row above."""
    carried: list[str] = []
    for text in texts:
        carried.append(text or (carried[-1] if carried else ""))
    return carried


def label_column(columns: Sequence[str], index: int) -> tuple[int, int] | None:
    """Which column has the labels for the column ``index``, and how many columns these two are of.

    None for a further column of labels, and for one whose heading stands for several things: in a table of
    "Parameter | Value | Parameter | Value" each value belongs to the label before it.
    """
    names = [" ".join(column.split()).casefold() for column in columns]
    if not any(names) and len(names) % 2 == 0:
        starts = list(range(0, len(names), 2))
    else:
        starts = [number for number, name in enumerate(names) if name == names[0]]
    if index and index in starts:
        return None
    label = max(start for start in starts if start <= index)
    if len(starts) == 1 and names[index] and names[index] in names[:index]:
        return None
    return label, next((start for start in starts if start > label), len(names)) - label


def _stripped(text: str, begin: int, end: int) -> tuple[int, int]:
    raw = text[begin:end]
    inner = raw.strip()
    if not inner:
        # Where a value would be put: behind one blank, as people write cells.
        at = min(begin + 1, end)
        return at, at
    first = begin + len(raw) - len(raw.lstrip())
    return first, first + len(inner)
