"""A person's longer texts as Markdown: paragraphs and lists stay, and nothing else has a meaning."""

from __future__ import annotations

import inspect
import re

from cardcallback.detailed_card.fields import LONGEST_CELL, LONGEST_PROSE
from cardcallback.render.text import PLACEHOLDER, clean, escape_line, escape_markdown

_ITEM = re.compile(r"(?P<mark>[-*+\u2022]|\d{1,9}[.)])\s+(?P<text>\S.*)")


def as_prose(text: str) -> str:
    """``text`` without the indent of the code it stood in, line by line; the placeholder where it is empty."""
    lines = [_line(line) for line in inspect.cleandoc(text).splitlines()]
    return "\n".join(lines).strip("\n") or PLACEHOLDER


def as_cell(text: str | None) -> str:
    """``text`` for a table's cell; the placeholder where it is empty."""
    return escape_markdown(text or "", LONGEST_CELL) or PLACEHOLDER


def as_list(entries: list[str]) -> str:
    """One list item for each entry; the placeholder where there is none."""
    items = [escape_line(entry, LONGEST_CELL) for entry in entries]
    return "\n".join(f"- {item}" for item in items if item) or PLACEHOLDER


def _line(line: str) -> str:
    bare = clean(line, LONGEST_PROSE)
    item = _ITEM.fullmatch(bare)
    if item is None:
        return escape_line(bare, LONGEST_PROSE)
    mark = item["mark"] if item["mark"][0].isdigit() else "-"
    return f"{mark} {escape_line(item['text'], LONGEST_PROSE)}"
