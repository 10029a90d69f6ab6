"""A card taken apart once for all rules: its lines, what each belongs to, and the values beside labels."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from markdown_it import MarkdownIt

from cardcallback.errors import CardCallbackError
from cardcallback.render.card.front_matter import SplitCard, split_card
from cardcallback.render.card.matter_data import parse_matter
from cardcallback.render.card.section_block import SECTION_BEGIN, SECTION_END, section_spans
from cardcallback.render.card.slots import Slot, find_slots
from cardcallback.render.section.whole import TITLE

# Line ends as Markdown has them; ``str.splitlines`` knows more.
_LINE = re.compile(r"([^\r\n]*)(?:\r\n|\r|\n|\Z)")
_NOT_LINE_END = re.compile(r"[^\r\n]")
# Prose is short; what is longer is data, and each of many searches through it would take long.
_LONGEST_LINE = 4000
_BEGIN = re.compile(rf"^{re.escape(SECTION_BEGIN)}[ \t]*$")
_END = re.compile(rf"^{re.escape(SECTION_END)}\b.*-->[ \t]*$")
_CLOSING = "<sub>Written by cardcallback."
# Only what begins a line of its own; blocks are enough.
_PARSER = MarkdownIt("commonmark").enable("table").disable("inline")


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of the body; ``number`` counts from the card's first line.

    ``prose`` is the line with comments blanked out, and empty for one that is too long to be prose. ``is_ours`` says
    that it stands in our own section, and ``headings`` are those above it, the nearest last.
    """

    number: int
    text: str
    prose: str
    is_code: bool
    is_ours: bool
    headings: tuple[str, ...]
    table: int | None = None  # number of the line that holds the table's column headings


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnSection:
    """Our section in the body: the lines between its marks as offsets, and whether every byte is as we wrote it.

    ``is_intact`` is None where the marks are gone and nothing tells.
    """

    begin: int
    end: int
    is_intact: bool | None


class CardText:
    """A card as its rules look at it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.split: SplitCard = split_card(text)
        self.body = self.split.body
        self._body_begin = len(text) - len(self.body)
        self._starts = [match.start() for match in _LINE.finditer(text)]

    @property
    def matter(self) -> str | None:
        """The front matter's text, or None."""
        return self.split.matter

    @cached_property
    def data(self) -> dict[str, object]:
        """The front matter's data; empty where it is missing or cannot be read, which a rule of its own reports."""
        try:
            return parse_matter(self.matter)
        except CardCallbackError:
            return {}

    @cached_property
    def names(self) -> str:
        """Base model, as the front matter has it, and headings in lower case; nothing where it names none."""
        base = self.data.get("base_model")
        headings = dict.fromkeys(heading for line in self.lines for heading in line.headings)
        return "\n".join([str(base), *headings]).lower() if base else ""

    def line_of(self, offset: int) -> int:
        """The card's line number of an offset in the body."""
        return bisect.bisect_right(self._starts, self._body_begin + offset)

    def begin_of(self, number: int) -> int:
        """Where a line of the body begins in it, by the card's number of that line."""
        return self._starts[number - 1] - self._body_begin

    def matter_line(self, key: str, after: str = "") -> int | None:
        """The line of a front-matter key, or of the key ``after`` within it; None where it is not line by line."""
        if self.matter is None:
            return None
        first = bisect.bisect_right(self._starts, len(self.split.mark) + len(self.split.opening))
        found = None
        for number, line in enumerate(_lines(self.matter), start=first):
            if found is None and re.match(rf"\s*['\"]?{re.escape(key)}['\"]?\s*:", line):
                found = number
            if found not in {None, number} and after and re.match(rf"\s*['\"]?{re.escape(after)}['\"]?\s*:", line):
                return number
        return found

    @cached_property
    def own_sections(self) -> tuple[OwnSection, ...]:
        """Our sections, edited ones and ones without marks too."""
        intact = {begin for begin, _ in section_spans(self.body)}
        found, opened = [], None
        for match in _LINE.finditer(self.body):
            if _BEGIN.match(match.group(1)):
                opened = match.start()
            elif _END.match(match.group(1)) and opened is not None:
                found.append(OwnSection(begin=opened, end=match.end(), is_intact=opened in intact))
                opened = None
        return tuple(found) or tuple(self._unmarked())

    def _unmarked(self) -> Iterator[OwnSection]:
        begin = None
        for match in _LINE.finditer(self.body):
            if match.group(1).rstrip() == TITLE:
                begin = match.start()
            elif begin is not None and match.group(1).startswith(_CLOSING):
                yield OwnSection(begin=begin, end=match.end(), is_intact=None)
                begin = None

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """Every labelled value outside our own sections."""
        return find_slots(self.body, tuple((section.begin, section.end) for section in self.own_sections))

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The body's lines."""
        blanked = _without_comments(self.body)
        code, headings, tables = _blocks(blanked)
        made = []
        first = self.line_of(0)
        for index, (raw, prose) in enumerate(zip(_LINE.finditer(self.body), _lines(blanked), strict=True)):
            made.append(
                Line(
                    number=first + index,
                    text=raw.group(1),
                    prose=prose if len(prose) <= _LONGEST_LINE else "",
                    is_code=index in code,
                    is_ours=self._is_ours(raw.start()),
                    headings=headings.get(index, ()),
                    table=tables[index] + first if index in tables else None,
                )
            )
        return tuple(made)

    def _is_ours(self, offset: int) -> bool:
        index = bisect.bisect_right(self.own_sections, offset, key=lambda section: section.begin) - 1
        return index >= 0 and offset < self.own_sections[index].end

    def prose_lines(self, *, ours: bool = False) -> Iterator[Line]:
        """Lines that are read as text, without code; with our own section where ``ours`` says so."""
        return (line for line in self.lines if not line.is_code and (ours or not line.is_ours))


def _without_comments(body: str) -> str:
    """``body`` with its comments blanked, line ends kept; one that does not end is none."""
    parts: list[str] = []
    at = 0
    while (begin := body.find("<!--", at)) >= 0 and (end := body.find("-->", begin + 4)) >= 0:
        parts += [body[at:begin], _NOT_LINE_END.sub(" ", body[begin : end + 3])]
        at = end + 3
    return "".join([*parts, body[at:]])


def _lines(text: str) -> list[str]:
    return [match.group(1) for match in _LINE.finditer(text)]


def _blocks(body: str) -> tuple[set[int], dict[int, tuple[str, ...]], dict[int, int]]:
    """Line numbers of code, the headings above each line, and the table each line belongs to."""
    code: set[int] = set()
    tables: dict[int, int] = {}
    path: list[tuple[int, str]] = []
    begins: list[tuple[int, tuple[str, ...]]] = []
    tokens = _PARSER.parse(body)
    for index, token in enumerate(tokens):
        if token.map is None:
            continue
        if token.type in {"fence", "code_block"}:
            code.update(range(*token.map))
        elif token.type == "table_open":
            tables.update(dict.fromkeys(range(*token.map), token.map[0]))
        elif token.type == "heading_open" and token.level == 0:
            level = int(token.tag[1:])
            path = [entry for entry in path if entry[0] < level]
            path.append((level, " ".join(tokens[index + 1].content.split())))
            begins.append((token.map[0], tuple(text for _, text in path)))
    headings: dict[int, tuple[str, ...]] = {}
    ends = [begin for begin, _ in begins[1:]] + [body.count("\n") + body.count("\r") + 1] * bool(begins)
    for (begin, above), end in zip(begins, ends, strict=True):
        headings.update(dict.fromkeys(range(begin, end), above))
    return code, headings, tables
