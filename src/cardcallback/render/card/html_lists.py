"""Lists and paragraphs that a card has in HTML: where their texts stand, terms beside what they mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cardcallback.render.card.html_tables import HTML_STYLES, HTML_TAG, without_comments

_TERMS = frozenset({"dt", "dd"})
_TEXTS = frozenset({"li", "p"})
_LISTS = frozenset({"ul", "ol"})
# Inside these nothing is a list of values.
_CLOSED = frozenset({"table", "pre", "script", "style", "svg", "code", "textarea", "template"})


_FOLD = re.compile(
    r"<details\b[^<>]{0,200}>|<summary\b[^<>]{0,200}>(?P<summary>.{0,400}?)</summary", re.IGNORECASE | re.DOTALL
)
_END_OF_FOLD = re.compile(r"</details\s*>", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class HtmlText:
    """A text from ``begin`` to ``end``; of a definition list the ``term`` before it, by its own place.

    ``above`` are the texts of the items that its list is in.
    """

    begin: int
    end: int
    term: tuple[int, int] | None = None
    above: tuple[str, ...] = ()


def html_texts(source: str) -> Iterator[HtmlText]:
    """Every text of one line in a list or paragraph, in order; a list inside an item ends the item's own text."""
    opened: tuple[str, int] | None = None
    term: tuple[int, int] | None = None
    closed: str | None = None
    above: list[str] = []
    for tag in HTML_TAG.finditer(without_comments(source)):
        name, is_end = tag["name"].lower(), bool(tag["end"])
        if closed is not None or (name in _CLOSED and name != "code"):
            closed = None if closed == name and is_end else closed or (None if is_end else name)
            opened = None
            continue
        if name in HTML_STYLES - _TEXTS:
            continue
        if opened is not None:
            span = _inner(source, opened[1], tag.start())
            if opened[0] == "dt":
                term = span
            elif span is not None and (opened[0] != "dd" or term is not None):
                names = tuple(text for text in above if text)
                yield HtmlText(begin=span[0], end=span[1], term=term if opened[0] == "dd" else None, above=names)
                # A second meaning of one term is no value of its own.
                term = None
        if name in _LISTS:
            above = above[:-1] if is_end else [*above, _words(source, opened, tag.start())]
        opened = (name, tag.end()) if name in _TERMS | _TEXTS and not is_end else None


class Summaries:
    """What stands above the text that is folded below it, as a heading would."""

    def __init__(self) -> None:
        self._open: list[str] = []

    def __iter__(self) -> Iterator[str]:
        """Those that are open, the nearest last; none of one that says nothing."""
        return (text for text in self._open if text)

    def open(self, source: str) -> None:
        """Open what a block of HTML opens."""
        for found in _FOLD.finditer(without_comments(source)):
            if found["summary"] is None:
                self._open.append("")
            elif self._open and not self._open[-1]:
                self._open[-1] = " ".join(re.sub(r"<[^<>]*>", " ", found["summary"]).split())

    def close(self, source: str) -> None:
        """Close what a block of HTML closes."""
        for _ in range(min(len(_END_OF_FOLD.findall(without_comments(source))), len(self._open))):
            self._open.pop()


def _words(source: str, opened: tuple[str, int] | None, end: int) -> str:
    """What an item says before the list in it."""
    text = source[opened[1] : end] if opened is not None and opened[0] == "li" else ""
    return " ".join(re.sub(r"<[^<>]*>", " ", text).split()).rstrip(": ")


def _inner(source: str, begin: int, end: int) -> tuple[int, int] | None:
    """The span without the blanks around it; None of a text of several lines, or of none."""
    text = source[begin:end]
    if re.search(r"[\r\n]", text.strip()) or not text.strip():
        return None
    return begin + len(text) - len(text.lstrip()), end - len(text) + len(text.rstrip())
