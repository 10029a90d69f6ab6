"""A person's texts as Markdown: prose keeps its markup inside a line, and no text changes the card's frame."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from cardcallback.detailed_card.fields import LONGEST_CELL, LONGEST_PROSE
from cardcallback.detailed_card.live_markdown import live_line
from cardcallback.render.text import PLACEHOLDER, as_line, clean, escape_markdown

_ITEM = re.compile(r"(?P<mark>[-*+\u2022]|\d{1,9}[.)])\s+(?P<text>\S.*)")
# A heading of their own would be one of the card's: it is printed as a bold line.
_HEADING = re.compile(r"#{1,6}\s+(?P<text>\S.*?)\s*#*")
_FENCE = re.compile(r"(?P<fence>`{3,}|~{3,})\s*(?P<language>[\w+-]{0,20})\s*")


def as_prose(text: str) -> str:
    """``text`` without the indent of the code it stood in: paragraphs, lists, code and inline markup live."""
    # First of all, since a line that something invisible stands in may be the end of a block of code without it.
    lines = [_visible(line) for line in inspect.cleandoc(text).splitlines()]
    return "\n".join(_lines(lines)).strip("\n") or PLACEHOLDER


def as_cell(text: str | None) -> str:
    """``text`` for a table's cell, where it is no prose; the placeholder where it is empty."""
    return escape_markdown(text or "", LONGEST_CELL) or PLACEHOLDER


def as_live_cell(text: str | None) -> str:
    """A sentence of prose for a table's cell; the placeholder where it is empty."""
    return live_line(text or "", LONGEST_CELL, in_cell=True) or PLACEHOLDER


def as_list(entries: list[str]) -> str:
    """One list item of prose for each entry; the placeholder where there is none."""
    items = [as_line(live_line(entry, LONGEST_CELL)) for entry in entries]
    return "\n".join(f"- {item}" for item in items if item) or PLACEHOLDER


def _lines(lines: list[str]) -> Iterator[str]:
    number = 0
    while number < len(lines):
        end = _end_of_code(lines, number)
        if end is None:
            yield _line(lines[number])
            number += 1
            continue
        yield from _code(lines[number : end + 1])
        number = end + 1


def _end_of_code(lines: list[str], number: int) -> int | None:
    """Where a block of code that begins here ends; None where none begins, or where it would never end."""
    begin = _FENCE.fullmatch(lines[number])
    if begin is None:
        return None
    mark = begin["fence"]
    return next((at for at in range(number + 1, len(lines)) if _ends_code(lines[at].strip(), mark)), None)


def _ends_code(line: str, mark: str) -> bool:
    return len(line) >= len(mark) and set(line) == {mark[0]}


def _code(block: list[str]) -> Iterator[str]:
    begin = _FENCE.fullmatch(block[0])
    fence, language = (begin["fence"], begin["language"]) if begin else ("```", "")
    yield fence + language
    yield from block[1:-1]
    yield fence


def _visible(line: str) -> str:
    """The line as ``clean`` has it, with its indent."""
    return " " * (len(line) - len(line.lstrip(" "))) + clean(line, LONGEST_PROSE)


def _line(line: str) -> str:
    bare = clean(line, LONGEST_PROSE)
    item, heading = _ITEM.fullmatch(bare), _HEADING.fullmatch(bare)
    if heading is not None:
        return f"**{escape_markdown(heading['text'], LONGEST_PROSE)}**"
    if item is None:
        return as_line(live_line(bare, LONGEST_PROSE))
    mark, text = item["mark"] if item["mark"][0].isdigit() else "-", as_line(live_line(item["text"], LONGEST_PROSE))
    # A mark alone would make the line above a heading.
    return f"{mark} {text}" if text else as_line(escape_markdown(bare, LONGEST_PROSE))
