"""Places in a card's Markdown where a value stands beside its label, with their positions in the text.

A Markdown parser says what is a paragraph, a list or a table, so that nothing in a code block, a comment
or raw HTML is ever taken for a value; the position inside a line comes from the line itself.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

_LINE = re.compile(r"([^\r\n]*)(?:\r\n|\r|\n|\Z)")
# A value is short; on a longer line the search below would take long and find prose.
_LONGEST_LINE = 2000
_LABELLED = re.compile(
    r"[ \t]*(?:>[ \t]?)*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*"
    r"(?P<label>\*\*[^*]+:\*\*|\*\*[^*]+\*\*[ \t]*:|__[^_]+:__|__[^_]+__[ \t]*:|[^\s:*_\[<>|`~][^:\[\]<>|`]*:)"
    r"[ \t]+(?P<value>\S.*)"
)
_TRAILING_COMMENT = re.compile(r"[ \t]*<!--(?:(?!-->).)*-->[ \t]*$")
_QUOTATION = re.compile(r"[ \t]*(?:>[ \t]?)*")
# Bounded, since a search for an end that never comes, begun at each of many beginnings, takes for ever.
_NAME, _ADDRESS_END = r"[^\[\]\r\n]{0,1000}", r"[^)\r\n]{0,1000}"
_BASE_SENTENCE = re.compile(
    rf"\bfine-tuned version of (?P<value>\[{_NAME}\]\(https://huggingface\.co/{_ADDRESS_END}\))"
)
_DATASET_SENTENCE = re.compile(
    rf" on (?P<value>the \[{_NAME}\]\(https://huggingface\.co/datasets/{_ADDRESS_END}\) dataset)"
)
_PLAIN_BASE_SENTENCE = re.compile(r"\bfine-tuned version of (?P<value>an unnamed base model)\b")

# Blocks are enough: what stands inside a line is read from the line itself.
_PARSER = MarkdownIt("commonmark").enable("table").disable("inline")

SlotKind = Literal["line", "cell", "block", "sentence"]
BASE_SENTENCE = "fine-tuned version of"
DATASET_SENTENCE = "on the data set"


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """One value in a card.

    ``begin`` and ``end`` are offsets in the body, and ``source`` is what stands between them; in ``text`` a value
    of several lines has line feeds and no blanks around its lines. ``headings`` are the headings above it, the
    nearest last. ``label`` is None where the heading itself is the label ("block"). ``column`` is a table
    column's heading, and ``only_column`` says that the table has no other value column.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    begin: int
    text: str


def normalize_label(label: str) -> str:
    """A label or heading as the label map has it: no markup, no "[optional]", no colon, lower case."""
    bare = re.sub(r"[*_`~]+|<!--.*?-->", "", label)
    bare = re.sub(r"[\[(]optional[\])]", "", bare, flags=re.IGNORECASE)
    bare = re.sub(r"^[^\w(]+|[^\w)%]+$", "", bare)
    return " ".join(bare.split()).casefold()


def find_slots(body: str, hidden: Sequence[tuple[int, int]] = ()) -> tuple[Slot, ...]:
    """Every labelled value of ``body`` in order; nothing is looked for inside the ``hidden`` spans.

    A paragraph below a heading comes as a "block" first, then the labelled lines inside it.
    """
    return _slots(body, tuple(hidden))


# One composition asks for the same body's slots several times, and to parse is most of its work.
@lru_cache(maxsize=2)
def _slots(body: str, hidden: tuple[tuple[int, int], ...]) -> tuple[Slot, ...]:
    for begin, end in hidden:
        # Blanked, not removed: positions and the headings around stay what they are.
        body = body[:begin] + re.sub(r"[^\r\n]", " ", body[begin:end]) + body[end:]
    lines = [_Line(begin=match.start(), text=match.group(1)) for match in _LINE.finditer(body)]
    return tuple(replace(slot, source=body[slot.begin : slot.end]) for slot in _walk(_PARSER.parse(body), lines))


def _walk(tokens: list[Token], lines: list[_Line]) -> Iterator[Slot]:
    headings: list[tuple[int, str]] = []
    columns: tuple[str, ...] = ()
    for index, token in enumerate(tokens):
        path = tuple(text for _, text in headings)
        if token.type == "heading_open" and token.level == 0:
            level = int(token.tag[1:])
            headings = [entry for entry in headings if entry[0] < level]
            headings.append((level, " ".join(tokens[index + 1].content.split())))
        elif token.type == "tr_open" and token.map:
            cells = _cells(lines[token.map[0]])
            if tokens[index - 1].type == "thead_open":
                columns = tuple(cell.text for cell in cells)
            else:
                yield from _row(cells, columns, path)
        elif token.type == "paragraph_open" and token.map:
            yield from _paragraph(lines[token.map[0] : token.map[1]], path, at_top=token.level == 0)


def _paragraph(lines: list[_Line], headings: tuple[str, ...], *, at_top: bool) -> Iterator[Slot]:
    if at_top and headings:
        begin = lines[0].begin + len(lines[0].text) - len(lines[0].text.lstrip())
        texts = [line.text.strip() for line in lines]
        end = lines[-1].begin + len(lines[-1].text.rstrip())
        yield Slot(kind="block", headings=headings, label=None, begin=begin, end=end, text="\n".join(texts))
    for line in lines:
        slot = _labelled(line, headings)
        if slot is not None:
            yield slot
        yield from _sentences(line, headings)


def _labelled(line: _Line, headings: tuple[str, ...]) -> Slot | None:
    if len(line.text) > _LONGEST_LINE:
        return None
    found = _LABELLED.match(line.text)
    if found is None:
        return None
    value = found.group("value")
    while comment := _TRAILING_COMMENT.search(value):
        value = value[: comment.start()]
    value = value.rstrip(" \t\\")
    if not value:
        return None
    begin = line.begin + found.start("value")
    label = found.group("label")
    return Slot(kind="line", headings=headings, label=label, begin=begin, end=begin + len(value), text=value)


def _sentences(line: _Line, headings: tuple[str, ...]) -> Iterator[Slot]:
    patterns = (
        (BASE_SENTENCE, _BASE_SENTENCE),
        (BASE_SENTENCE, _PLAIN_BASE_SENTENCE),
        (DATASET_SENTENCE, _DATASET_SENTENCE),
    )
    for label, pattern in patterns:
        for found in pattern.finditer(line.text):
            begin, end = (line.begin + offset for offset in found.span("value"))
            yield Slot(kind="sentence", headings=headings, label=label, begin=begin, end=end, text=found.group("value"))


def _cells(line: _Line) -> tuple[_Line, ...]:
    """A table row's cells without the blanks around them; a ``|`` after a backslash is text."""
    text = line.text.rstrip()
    quotation = _QUOTATION.match(text)
    begin = quotation.end() if quotation else 0
    bars = [match.start() for match in re.finditer(r"(?<!\\)\|", text) if match.start() >= begin]
    edges = [begin - 1, *bars, len(text)]
    if bars and bars[0] == begin:
        edges = edges[1:]
    if bars and bars[-1] == len(text) - 1:
        edges = edges[:-1]
    cells = []
    for left, right in itertools.pairwise(edges):
        raw = text[left + 1 : right]
        stripped = raw.strip()
        offset = len(raw) - len(raw.lstrip()) if stripped else 0
        cells.append(_Line(begin=line.begin + left + 1 + offset, text=stripped))
    return tuple(cells)


def _row(cells: tuple[_Line, ...], columns: tuple[str, ...], headings: tuple[str, ...]) -> Iterator[Slot]:
    for index, cell in enumerate(cells[1:], start=1):
        if cells[0].text and cell.text and index < len(columns):
            yield Slot(
                kind="cell",
                headings=headings,
                label=cells[0].text,
                begin=cell.begin,
                end=cell.begin + len(cell.text),
                text=cell.text,
                column=columns[index],
                only_column=len(columns) == 2,
            )
