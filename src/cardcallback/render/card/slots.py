"""Places in a card's Markdown where a value stands, each with what says which value: label, headings, column.

A Markdown parser says what is a paragraph, a list or a table, so that nothing in a code block, a comment
or raw HTML but the cells of its tables is ever taken for a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

from cardcallback.render.card.blank_values import blank_item, blank_values
from cardcallback.render.card.inline_text import Letters, read_inline, visible_label
from cardcallback.render.card.labelled import (
    SENTENCE_END,
    Labelled,
    is_answer,
    is_label_alone,
    labelled_values,
    lines_of,
    normalize_label,
    skip_task,
    trimmed,
)
from cardcallback.render.card.passage import Passage
from cardcallback.render.card.passages import passages
from cardcallback.render.card.table_rows import UNIT_COLUMNS, TableCell

__all__ = ["BASE_SENTENCE", "DATASET_SENTENCE", "MDX", "Slot", "SlotKind", "find_slots", "normalize_label"]

# A value is short; what is longer is prose, and takes long to search.
_LONGEST_TEXT = 4000
# Bounded, since a search for an end that never comes, begun at each of many beginnings, takes for ever.
_NAME, _ADDRESS_END = r"[^\[\]\r\n]{0,1000}", r"[^)\r\n]{0,1000}"
_SENTENCES = (
    ("base", re.compile(rf"\bfine-tuned version of (?P<value>\[{_NAME}\]\(https://huggingface\.co/{_ADDRESS_END}\))")),
    ("base", re.compile(r"\bfine-tuned version of (?P<value>an unnamed base model)\b")),
    ("data", re.compile(rf" on (?P<value>the \[{_NAME}\]\(https://huggingface\.co/datasets/{_ADDRESS_END}\) dataset)")),
)

# What makes a text a program's (MDX, Jinja): what stands in braces there is an expression, of whatever it names.
MDX = re.compile(r"^(?:import\s[^\n]*\sfrom\s+['\"]|export\s+(?:const|default|function)\s)", re.MULTILINE)
_JINJA = "{%"
_BOLD = ("**", "__")
# Words without a sentence's end and without a placeholder.
_TITLE = re.compile(r"[^\[\]{}<>_:?!\u2026]{2,60}(?<![.,;])")
SlotKind = Literal["line", "cell", "example", "item", "block", "heading", "sentence", "prose"]
BASE_SENTENCE = "fine-tuned version of"
DATASET_SENTENCE = "on the data set"


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """One value in a card.

    ``begin`` and ``end`` are offsets in the body, and ``source`` is what stands between them; in ``text`` a value
    of several lines has line feeds and no blanks around its lines. ``headings`` are the headings and the labels of
    list items above it, the nearest last. ``label`` is None where nothing but these says what the value is. Of a
    table ``column`` is the column's heading, ``only_column`` says that there is no other value column, ``row`` numbers
    the rows, ``beside`` are its row's other texts, ``unit`` is what the row has in a column of units and
    ``group`` what stands over several columns; of a list ``row`` numbers the items. An "example"
    is the first cell of a row, which is the row's label, but may be a placeholder itself. The first ``titles`` of the
    headings are the card's title. ``passage`` is all of the text that the value stands in, and ``has_labels`` says
    that a text as a whole has labelled values inside it. ``introduction`` is the line right above that only introduces
    the list or paragraph. A "prose" is one sentence of a text, and ``sentences_before`` are those
    before it. ``is_html`` says that the value stands in HTML, where Markdown is none.
    """

    kind: SlotKind
    headings: tuple[str, ...]
    label: str | None
    begin: int
    end: int
    text: str
    source: str = ""
    column: str | None = None
    only_column: bool = False
    table: int = 0
    row: int = 0
    rows: int = 1
    unit: str | None = None
    beside: tuple[str, ...] = ()
    group: str = ""
    titles: int = 0
    passage: str = ""
    has_labels: bool = False
    sentences_before: str = ""
    introduction: str | None = None
    is_html: bool = False
    references: Mapping[str, Any] = field(default_factory=dict, compare=False)


def find_slots(body: str, hidden: Sequence[tuple[int, int]] = ()) -> tuple[Slot, ...]:
    """Every value of ``body`` in order; nothing is looked for inside the ``hidden`` spans.

    A paragraph below a heading comes as a "block" first, then the labelled lines inside it.
    """
    return _slots(body, tuple(hidden))


# One composition asks for the same body's slots several times, and to parse is most of its work.
@lru_cache(maxsize=2)
def _slots(body: str, hidden: tuple[tuple[int, int], ...]) -> tuple[Slot, ...]:
    for begin, end in hidden:
        # Blanked, not removed: positions and the headings around stay what they are.
        body = body[:begin] + re.sub(r"[^\r\n]", " ", body[begin:end]) + body[end:]
    found: list[Slot] = []
    is_program = False
    # Each passage while its letters are remembered.
    for passage in passages(body):
        found += _of_passage(passage)
        is_text = passage.kind == "paragraph"
        is_program |= is_text and (MDX.search(passage.source) is not None or _JINJA in passage.source)
    if is_program:
        found = [slot for slot in found if "{" not in slot.text]
    # Stable, so that a text as a whole stays before what begins with it.
    found.sort(key=lambda slot: slot.begin)
    return tuple(replace(slot, source=body[slot.begin : slot.end]) for slot in found)


def _of_passage(passage: Passage) -> Iterator[Slot]:
    if passage.cell is not None:
        if len(passage.source) <= _LONGEST_TEXT:
            yield from _of_cell(passage, passage.cell)
        return
    if passage.kind == "comment":
        yield _slot(passage, "block", passage.label, 0, len(passage.source))
        return
    for part in [passage] if len(passage.source) <= _LONGEST_TEXT else passage.lines():
        if len(part.source) <= _LONGEST_TEXT:
            yield from _of_text(part)


def _of_text(passage: Passage) -> Iterator[Slot]:
    letters = read_inline(passage.source, passage.references)
    is_heading = passage.kind == "heading"
    labelled = [one for one in labelled_values(letters, one_line=is_heading) if one.begin < one.end]
    # First the text as a whole, then what is labelled inside it.
    if passage.in_list and not is_heading:
        yield from _items(passage, letters, has_labels=bool(labelled))
    else:
        yield from _whole(passage, letters, has_labels=bool(labelled))
    title = _title(letters, labelled)
    for one in labelled:
        span = _with_bold(letters, passage.source, one.begin, one.end)
        label = passage.label if passage.label and is_answer(one.label) else one.label
        slot = _slot(passage, "heading" if is_heading else "line", label, *span)
        headings = (*slot.headings, title) if title else slot.headings
        yield replace(slot, has_labels=one.has_labels, headings=headings)
    if not is_heading:
        yield from _blank(passage, letters)
        yield from _prose(passage, letters, labelled)
    if not is_heading:  # no tool writes these into one, and what stands below is remembered by its heading
        yield from _sentences(passage)


def _blank(passage: Passage, letters: Letters) -> Iterator[Slot]:
    """The places of values beside labels with nothing behind them."""
    for one in blank_values(letters, is_last=passage.is_alone):
        at = letters.begins[one.begin] if one.begin < len(letters.begins) else len(passage.source)
        yield _slot(passage, "line", one.label, at, at)
    label = blank_item(letters) if passage.is_item else None
    if label is not None:
        yield _slot(passage, "line", label, len(passage.source), len(passage.source))


def _whole(passage: Passage, letters: Letters, *, has_labels: bool) -> Iterator[Slot]:
    begin, end = trimmed(letters, 0, len(letters.text))
    is_heading = passage.kind == "heading"
    is_block = ((passage.at_top and passage.headings) or passage.label) and not is_label_alone(letters)
    if begin < end and (is_heading or is_block):
        slot = _slot(passage, "heading" if is_heading else "block", passage.label, *letters.span(begin, end))
        yield replace(slot, has_labels=has_labels)


def _title(letters: Letters, labelled: Sequence[Labelled]) -> str | None:
    """A first line without a value, right above lines that have one: what they are about."""
    begin, end = lines_of(letters)[0]
    line = visible_label(letters.text[begin:end])
    is_title = end < len(letters.text) and bool(labelled) and labelled[0].begin > end and _TITLE.fullmatch(line)
    return line if is_title and not labelled[0].label.startswith(line) else None


def _prose(passage: Passage, letters: Letters, labelled: Sequence[Labelled]) -> Iterator[Slot]:
    """Each sentence of a text that has several, or that stands in a quotation; the label before it is a heading."""
    texts: list[tuple[str | None, int, int]] = [(one.label, one.begin, one.end) for one in labelled]
    texts = texts or [(None, 0, len(letters.text))]
    for label, begin, end in texts:
        ends = [found.end() for found in SENTENCE_END.finditer(letters.text, begin, end)]
        if not ends and (passage.at_top or passage.in_list):
            continue
        for first, last in pairwise([begin, *ends, end]):
            span = trimmed(letters, first, last)
            if span[0] < span[1]:
                slot = _slot(passage, "prose", None, *_with_bold(letters, passage.source, *span))
                before = letters.text[begin : span[0]]
                yield replace(slot, headings=(*slot.headings, *([label] if label else [])), sentences_before=before)


def _with_bold(letters: Letters, source: str, begin: int, end: int) -> tuple[int, int]:
    """Where letters stand, with the marks of bold that begins or ends with them and not with the others."""
    first, last = letters.span(begin, end)
    if any(one == begin and other < end for one, other in letters.bold) and source[max(0, first - 2) : first] in _BOLD:
        first -= 2
    if any(begin < one and other == end for one, other in letters.bold) and source[last : last + 2] in _BOLD:
        last += 2
    return first, last


def _items(passage: Passage, letters: Letters, *, has_labels: bool) -> Iterator[Slot]:
    for begin, end in lines_of(letters):
        first, last = trimmed(letters, skip_task(letters.text, begin, end), end)
        # Below an item's own words nothing but these says what a paragraph is.
        if first < last and (passage.label is not None or not passage.is_below_item):
            item = _slot(passage, "item", passage.label, *letters.span(first, last))
            yield replace(item, has_labels=has_labels)


def _of_cell(passage: Passage, cell: TableCell) -> Iterator[Slot]:
    letters = read_inline(passage.source, passage.references)
    begin, end = trimmed(letters, 0, len(letters.text))
    # A blank that somebody wrote, such as "&nbsp;", is what a value stands in place of.
    span = letters.span(begin, end) if begin < end else (0, len(passage.source))
    slot = _slot(passage, "cell", cell.label, *span)
    yield replace(
        slot,
        kind="cell" if cell.index else "example",
        label=cell.label if cell.index else cell.column,
        column=cell.column,
        only_column=cell.columns == 2,
        table=cell.table,
        row=cell.row,
        rows=cell.rows,
        is_html=cell.is_html,
        group=cell.group,
        beside=cell.beside,
        unit=cell.unit if cell.column.lower() not in UNIT_COLUMNS else None,
    )


def _sentences(passage: Passage) -> Iterator[Slot]:
    for name, pattern in _SENTENCES:
        for found in pattern.finditer(passage.source):
            label = BASE_SENTENCE if name == "base" else DATASET_SENTENCE
            yield _slot(passage, "sentence", label, *found.span("value"))


def _slot(passage: Passage, kind: SlotKind, label: str | None, begin: int, end: int) -> Slot:
    return Slot(
        kind=kind,
        headings=passage.headings,
        label=label,
        begin=passage.place(begin),
        end=passage.place(end - 1) + 1 if end > begin else passage.place(begin),
        text=passage.source[begin:end],
        row=passage.row,
        titles=passage.titles,
        passage=passage.source,
        introduction=passage.label,
        references=passage.references,
        is_html=passage.is_html,
    )
