"""Lists and paragraphs that a card has in HTML: where their texts stand, terms beside what they mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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
# Deeper than a person folds or nests anything, what is above tells no more.
_DEEPEST = 16


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
                names = tuple(text for text in above[-_DEEPEST:] if text)
                yield HtmlText(begin=span[0], end=span[1], term=term if opened[0] == "dd" else None, above=names)
                # A second meaning of one term is no value of its own.
                term = None
        if name in _LISTS:
            _descend(above, None if is_end else _words(source, opened, tag.start()))
        opened = (name, tag.end()) if name in _TERMS | _TEXTS and not is_end else None


class Summaries:
    """What stands above the text that is folded below it, as a heading would."""

    def __init__(self) -> None:
        # Each with how many headings stand above it.
        self._open: list[tuple[str, int]] = []
        self._too_deep = 0

    def among(self, headings: Sequence[str]) -> Iterator[str]:
        """The headings in order, each summary behind those that it stands below; none of one that says nothing."""
        places = [(text, min(max(above, 1), len(headings))) for text, above in self._open if text]
        for number, heading in enumerate(headings):
            yield from (text for text, above in places if above == number)
            yield heading
        yield from (text for text, above in places if above == len(headings))

    def cut(self, headings: int) -> None:
        """Of the headings above only so many are left."""
        self._open = [(text, min(above, headings)) for text, above in self._open]

    def open(self, source: str, headings: int) -> None:
        """Open what a block of HTML opens below so many headings."""
        for found in _FOLD.finditer(without_comments(source)):
            if found["summary"] is not None:
                if self._open and not self._open[-1][0] and not self._too_deep:
                    self._open[-1] = (_visible(found["summary"]), self._open[-1][1])
            elif len(self._open) < _DEEPEST:
                self._open.append(("", headings))
            else:
                self._too_deep += 1

    def close(self, source: str) -> None:
        """Close what a block of HTML closes."""
        for _ in _END_OF_FOLD.findall(without_comments(source)):
            if self._too_deep:
                self._too_deep -= 1
            elif self._open:
                self._open.pop()


def _visible(source: str) -> str:
    """A piece of HTML without its tags, on one line."""
    return " ".join(re.sub(r"<[^<>]*>", " ", source).split())


def _descend(above: list[str], words: str | None) -> None:
    """Into a list below an item that says ``words``, or out of the list that was entered last."""
    if words is not None:
        above.append(words)
    elif above:
        above.pop()


def _words(source: str, opened: tuple[str, int] | None, end: int) -> str:
    """What an item says before the list in it."""
    text = source[opened[1] : end] if opened is not None and opened[0] == "li" else ""
    return _visible(text).rstrip(": ")


def _inner(source: str, begin: int, end: int) -> tuple[int, int] | None:
    """The span without the blanks around it; None of a text of several lines, or of none."""
    text = source[begin:end]
    if re.search(r"[\r\n]", text.strip()) or not text.strip():
        return None
    return begin + len(text) - len(text.lstrip()), end - len(text) + len(text.rstrip())
