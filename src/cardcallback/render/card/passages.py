"""A card's headings, paragraphs, list items and cells, each with its place and what stands above it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from markdown_it.token import Token

from cardcallback.render.card.blank_values import is_end, is_end_of_item
from cardcallback.render.card.html_lists import Summaries, html_texts
from cardcallback.render.card.html_tables import html_tables, is_title
from cardcallback.render.card.inline_text import make_parser, read_inline
from cardcallback.render.card.labelled import labelled_values, lead_of
from cardcallback.render.card.passage import Passage
from cardcallback.render.card.table_reader import CellText, TableReader
from cardcallback.render.card.table_rows import (
    has_numbered_rows,
    has_row_groups,
    row_begin,
    rows_of,
    split_row,
    title_rows,
)

_LINE = re.compile(r"([^\r\n]*)(?:\r\n|\r|\n|\Z)")
_COMMENT = re.compile(r"\s*<!--(?:(?!-->).)*-->\s*", re.DOTALL)
_TITLE = re.compile(r"[^\n\[\]{}<>_:.?!\u2026]{2,60}")
_LISTS = {"bullet_list_open", "ordered_list_open"}
_PARSER = make_parser()


@dataclass(slots=True)
class _List:
    label: str | None
    items: int = 0
    label_of_item: str | None = None
    # The words of an item, which are its label where a list stands below them.
    title: str | None = None
    paragraphs: int = 0


def passages(body: str) -> Iterator[Passage]:
    """Every passage of ``body`` in order."""
    lines = [(match.start(), match.group(1)) for match in _LINE.finditer(body)]
    env: dict[str, Any] = {}
    tokens = _PARSER.parse(body, env)
    return _Walk(tokens, body, lines, env.get("references", {})).passages()


class _Walk:
    def __init__(
        self, tokens: list[Token], body: str, lines: list[tuple[int, str]], references: Mapping[str, Any]
    ) -> None:
        self._tokens = tokens
        self._body = body
        self._lines = lines
        self._references = references
        self._headings: list[tuple[int, str]] = []
        self._titled: bool | None = None
        self._table = TableReader()
        self._title_rows: Iterator[bool] = iter(())
        self._lists: list[_List] = []
        self._summaries = Summaries()
        self._above_table: tuple[str, ...] = ()
        # What the paragraph just before introduces, and where that ended.
        self._lead: str | None = None
        self._lead_token = -1

    def passages(self) -> Iterator[Passage]:
        for passage in self._found():
            yield replace(passage, titles=int(bool(self._titled and passage.headings)), references=self._references)

    def _found(self) -> Iterator[Passage]:
        for index, token in enumerate(self._tokens):
            self._note_list(index, token)
            if token.type == "heading_open" and token.map:
                yield from self._heading(index, token)
            elif token.type == "paragraph_open" and token.map:
                yield from self._paragraph(index, token)
            elif token.type == "html_block" and token.map:
                self._summaries.open(token.content, len(self._headings))
                yield from self._comment(index, token)
                yield from self._html(index, token)
                self._summaries.close(token.content)
            elif token.type == "table_open":
                self._begin_table(index)
            elif token.type == "tr_open" and token.map:
                yield from self._table_row(index, token.map[0])

    def _note_list(self, index: int, token: Token) -> None:
        if token.type in _LISTS:
            if self._lists and self._lists[-1].label_of_item is None:
                self._lists[-1].label_of_item = self._lists[-1].title
            self._lists.append(_List(label=self._introduction(index) or self._item_label()))
        elif token.type in {"bullet_list_close", "ordered_list_close"}:
            self._lists.pop()
        elif token.type == "list_item_open":
            one = self._lists[-1]
            one.items, one.label_of_item, one.title, one.paragraphs = one.items + 1, None, None, 0

    def _path(self) -> tuple[str, ...]:
        items = [one.label_of_item for one in self._lists]
        headings = self._summaries.among([text for _, text in self._headings])
        return (*headings, *(label for label in items if label))

    def _item_label(self) -> str | None:
        return self._lists[-1].label_of_item if self._lists else None

    def _introduction(self, index: int) -> str | None:
        """The label right before this token."""
        before = self._tokens[index - 1].type if index else ""
        return self._lead if self._lead_token in {index, index - 1 if before == "blockquote_open" else index} else None

    def _heading(self, index: int, token: Token) -> Iterator[Passage]:
        content = self._tokens[index + 1].content
        if token.level == 0:
            level = int(token.tag[1:])
            self._headings = [entry for entry in self._headings if entry[0] < level]
            self._summaries.cut(len(self._headings))
        begin, line = self._lines[token.map[0] if token.map else 0]
        at = line.find(content)
        if content and "\n" not in content and at >= 0:
            yield Passage(
                kind="heading",
                source=content,
                offsets=((0, begin + at),),
                headings=self._path(),
            )
        if token.level == 0:
            first = self._titled is None
            self._titled = level == 1 if first else self._titled and level > 1
            self._headings.append((level, " ".join(content.split())))

    def _paragraph(self, index: int, token: Token) -> Iterator[Passage]:
        found = self._placed(self._tokens[index + 1].content, token.map or [0, 0])
        if found is None:
            return
        one = self._lists[-1] if self._lists else None
        passage = replace(
            found,
            headings=self._path(),
            label=self._introduction(index) or (one.label if one and not one.paragraphs else None),
            at_top=token.level == 0,
            in_list=one is not None,
            row=one.items - 1 if one else 0,
            is_below_item=one is not None and one.paragraphs > 0,
            is_alone=is_end(self._tokens[index + 3 : index + 5]),
            is_item=one is not None
            and not one.paragraphs
            and is_end_of_item(self._tokens[place] for place in range(index + 3, len(self._tokens))),
        )
        yield passage
        self._note(index, passage, one)

    def _note(self, index: int, passage: Passage, one: _List | None) -> None:
        """Remember what this paragraph says about what follows it."""
        short = len(passage.source) <= 400
        letters = read_inline(passage.source if short else "", self._references)
        lead = lead_of(letters)
        if lead is not None:
            self._lead, self._lead_token = lead, index + 3
        if one is not None:
            one.paragraphs += 1
            if one.paragraphs == 1:
                one.title = letters.text.strip() if _TITLE.fullmatch(letters.text.strip()) else None
                labels = list(labelled_values(letters))
                one.label_of_item = lead if lead is not None else labels[0].label if labels else None

    def _placed(self, content: str, lines: list[int]) -> Passage | None:
        """The paragraph with the places of its lines; None where the parser changed them (tabs made blanks)."""
        offsets, parts, length = [], content.split("\n"), 0
        if len(parts) > lines[1] - lines[0]:
            return None
        stripped = [part.strip() for part in parts]
        for number, part in enumerate(stripped):
            begin, line = self._lines[lines[0] + number]
            at = line.rfind(part)
            if at < 0:
                return None
            offsets.append((length, begin + at))
            length += len(part) + 1
        return Passage(kind="paragraph", source="\n".join(stripped), offsets=tuple(offsets))

    def _comment(self, index: int, token: Token) -> Iterator[Passage]:
        """A comment that is all that stands below its heading."""
        tokens, lines = self._tokens, token.map or [0, 0]
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        level = self._headings[-1][0] if self._headings else 0
        last = after is None or (after.type == "heading_open" and int(after.tag[1:]) <= level)
        if token.level or not last or not index or tokens[index - 1].type != "heading_close":
            return
        begin = self._lines[lines[0]][0]
        source = token.content.rstrip()
        if _COMMENT.fullmatch(source) and "\n" not in source:
            yield Passage(
                kind="comment", source=source.lstrip(), offsets=((0, begin + len(source) - len(source.lstrip())),),
                headings=self._path(), at_top=True,
            )  # fmt: skip

    def _begin_table(self, index: int) -> None:
        rows = rows_of(itertools.islice(self._tokens, index, None))
        self._open_table(index, len(rows) - 1, has_row_groups=has_row_groups(rows))
        if has_numbered_rows(rows):
            self._table.number_rows()
        self._title_rows = iter(title_rows(rows))

    def _open_table(self, index: int, rows: int, *, has_row_groups: bool = False) -> None:
        self._table.open(rows, has_row_groups=has_row_groups)
        lead = self._introduction(index)
        self._above_table = (*self._path(), *([lead] if lead else []))

    def _table_row(self, index: int, number: int) -> Iterator[Passage]:
        begin, line = self._lines[number]
        spans = split_row(line, row_begin(line) if self._lists else 0)
        if next(self._title_rows, False):
            self._table.title(line[slice(*spans[0])])
            return
        cells = [CellText(text=line[slice(*span)], place=begin + span[0]) for span in spans]
        yield from self._cells(cells, is_head=self._tokens[index - 1].type == "thead_open")

    def _html(self, index: int, token: Token) -> Iterator[Passage]:
        """What a block of HTML that stands at the top of the card holds: the cells of tables, the items of lists."""
        lines = token.map or [0, 0]
        begin = self._lines[lines[0]][0]
        source = self._body[begin : self._lines[lines[1]][0] if lines[1] < len(self._lines) else len(self._body)]
        if token.level:
            return
        yield from self._html_lists(index, source, begin)
        if "<table" not in source.lower():
            return
        for table in html_tables(source):
            grouped = table.has_row_groups or has_row_groups(table.texts(source))
            self._open_table(index, len(table.rows) - table.heads, has_row_groups=grouped)
            for number, row in enumerate(table.rows):
                texts = [
                    CellText(text=source[cell.begin : cell.end], place=begin + cell.begin, is_single=cell.is_single)
                    for cell in row
                ]
                if is_title(row):
                    self._table.title(texts[0].text)
                elif all("\n" not in one.text and "\r" not in one.text for one in texts):
                    yield from self._cells(texts, is_head=number < table.heads, is_html=True)

    def _html_lists(self, index: int, source: str, begin: int) -> Iterator[Passage]:
        is_begun = False
        for text in html_texts(source):
            inner, place = source[text.begin : text.end], begin + text.begin
            if text.term is None:
                passage = Passage(
                    kind="paragraph", source=inner, offsets=((0, place),), headings=(*self._path(), *text.above)
                )
                yield replace(passage, in_list=True, is_html=True)
                continue
            if not is_begun:
                is_begun = True
                self._open_table(index, sum(one.term is not None for one in html_texts(source)))
            first, last = text.term
            cells = [CellText(text=source[first:last], place=begin + first), CellText(text=inner, place=place)]
            yield from self._cells(cells, is_head=False, is_html=True)

    def _cells(self, cells: Sequence[CellText], *, is_head: bool, is_html: bool = False) -> Iterator[Passage]:
        """The values of a row, from each cell's text and its place."""
        for cell, where in self._table.row(cells, self._references, is_head=is_head, is_html=is_html):
            headings = (*self._above_table, *where.titles)
            yield Passage(kind="cell", source=cell.text, offsets=((0, cell.place),), headings=headings, cell=where)
