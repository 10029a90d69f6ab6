"""A person's inline Markdown kept where they wrote prose: emphasis, code and links live, and all else is text."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

from cardcallback.render.text import as_line, clean, escape_markdown

_PARSER = MarkdownIt("commonmark")
_ADDRESS = re.compile(r"https?://[^\s()<>\\]{1,1000}")
_OF_TEXT = {"paragraph_open", "inline", "paragraph_close"}
_MARKS = {"em_open": "*", "em_close": "*", "strong_open": "**", "strong_close": "**"}


def live_line(text: str, longest: int, *, in_cell: bool = False) -> str:
    """One line of prose: what stands in it may be bold, slanted, code or a link to a page, and nothing else.

    A picture becomes a link to it, and a tag reads as itself. ``in_cell``: the line is a table's cell.
    """
    line = clean(text, longest)
    root = _PARSER.parseInline(line)[0]
    written = _Writer(in_cell=in_cell)
    for token in root.children or ():
        written.take(token)
    found = "".join(written.parts).strip()
    # What does not read as it was meant (emphasis across what is no text here) is text as a whole.
    return found if written.is_closed and _is_text(as_line(found)) else escape_markdown(line, longest)


def _is_text(line: str) -> bool:
    """Whether a line begins no list, heading or other block."""
    return {token.type for token in _PARSER.parse(line)} <= _OF_TEXT


class _Writer:
    def __init__(self, *, in_cell: bool) -> None:
        self.parts: list[str] = []
        self._in_cell = in_cell
        self._addresses: list[str | None] = []
        self._marks = 0

    @property
    def is_closed(self) -> bool:
        """Whether everything that was opened was closed."""
        return not self._addresses and self._marks == 0

    def take(self, token: Token) -> None:
        """One piece of the line."""
        if token.type in _MARKS:
            self._marks += token.nesting
            self.parts.append(_MARKS[token.type])
        elif token.type == "code_inline":
            self.parts.append(self._code(token.content))
        elif token.type == "link_open":
            self._begin_link(str(token.attrs.get("href", "")))
        elif token.type == "link_close":
            self._end_link()
        elif token.type == "image":
            self._begin_link(str(token.attrs.get("src", "")))
            self.parts.append(_escaped(token.content))
            self._end_link()
        elif token.type in {"softbreak", "hardbreak"}:
            self.parts.append(" ")
        else:
            self.parts.append(_escaped(token.content))

    def _begin_link(self, address: str) -> None:
        known = address if _ADDRESS.fullmatch(address) else None
        self._addresses.append(known)
        if known and self.parts and self.parts[-1].endswith("!"):
            self.parts[-1] = self.parts[-1][:-1] + "\\!"  # else the link would be a picture
        self.parts.append("[" if known else "")

    def _end_link(self) -> None:
        address = self._addresses.pop() if self._addresses else None
        if address is not None:
            self.parts.append(f"]({address.replace('|', '%7C')})")

    def _code(self, content: str) -> str:
        longest = max((len(run) for run in re.findall(r"`+", content)), default=0)
        fence, apart = "`" * (longest + 1), " " if content[:1] == "`" or content[-1:] == "`" else ""
        inside = content.replace("|", "\\|") if self._in_cell else content
        return f"{fence}{apart}{inside}{apart}{fence}"


def _escaped(text: str) -> str:
    """As ``escape_markdown``, with a blank where there were any: "&#10;" is a line's end by now."""
    bare = text.strip()
    if not bare:
        return " " if text else ""
    before, after = (" " if edge.isspace() else "" for edge in (text[0], text[-1]))
    return before + escape_markdown(bare, len(bare)) + after
