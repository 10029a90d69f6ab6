"""The YAML front matter of a card: found, read, and edited key by key without touching another byte.

ruamel.yaml reads it and says where each key stands; edits are made in the text itself, since no YAML
library writes back exactly what it read. What was edited is read again and compared with what was meant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cardcallback.errors import CardCallbackError
from cardcallback.render.card.matter_data import key_spans, parse_matter
from cardcallback.render.card.matter_keys import LINE_END, KeySpan, KeySpans
from cardcallback.render.card.matter_text import yaml_lines, yaml_scalar

BYTE_ORDER_MARK = "\ufeff"
# As the Hub finds it, and the empty block too, which the Hub's own expression misses.
_BLOCK = re.compile(r"(\s*---(?:\r\n|\r|\n))((?:[\S\s]*?(?:\r\n|\r|\n))?)(---[ \t]*(?:\r\n|\n|$))")
# Lines that end in a carriage return alone: a person's front matter, though not the Hub's.
_OLD_BLOCK = re.compile(r"(\s*---\r)((?:[^\n]*?\r)?)(---[ \t]*\r(?!\n))")
_EMPTY_FLOW = re.compile(r"\s*\{\s*\}\s*")
# A rule above a line that begins with one of the Hub's keys is no rule.
_BEGINNING = re.compile(
    # Each line end can be read in one way only: with two, many empty lines would be tried in all combinations.
    r"\s*---[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r(?!\n)|\n)(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r(?!\n)|\n))*"
    r"(?:license|language|tags|base_model|library_name|pipeline_tag|datasets|metrics|model-index|model_name|widget|"
    r"co2_eq_emissions|thumbnail|inference|new_version|license_name|license_link)[ \t]*:(?:\s|\Z)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitCard:
    """A card's parts; joined in order they are the card. ``matter`` is None where there is no front matter."""

    mark: str
    opening: str
    matter: str | None
    closing: str
    body: str
    newline: str

    def join(self) -> str:
        """The whole card again."""
        return self.mark + self.opening + (self.matter or "") + self.closing + self.body

    def with_matter(self, matter: str) -> SplitCard:
        """The card with other front matter, which is created where there was none."""
        if self.matter is not None:
            return replace(self, matter=matter)
        if not matter:
            return self
        line = f"---{self.newline}"
        # A heading directly below the dashes reads badly, and some viewers take it for the block.
        gap = "" if not self.body or self.body[0] in "\r\n" else self.newline
        return replace(self, opening=line, matter=matter, closing=line, body=gap + self.body)

    def with_body(self, body: str) -> SplitCard:
        """The card with another body, which begins on a line of its own."""
        open_end = body and self.closing and not self.closing.endswith(("\n", "\r"))
        return replace(self, body=body, closing=self.closing + (self.newline if open_end else ""))

    @property
    def body_begins_like_matter(self) -> bool:
        """Whether the text begins with what was meant as front matter and is not read as such."""
        return _BEGINNING.match(self.body) is not None

    @property
    def has_old_line_ends(self) -> bool:
        """Whether its front matter's lines end in a carriage return alone, so that the Hub does not find it."""
        return self.closing.endswith("\r")


def split_card(text: str) -> SplitCard:
    """Find the front matter the way the Hub does; a byte order mark stays in front."""
    mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
    rest = text[len(mark) :]
    block = _BLOCK.match(rest)
    old_block = _OLD_BLOCK.match(rest) if block is None else None
    newline = newline_of(rest) if old_block is None else "\r"
    block = block or old_block
    if block is None:
        return SplitCard(mark=mark, opening="", matter=None, closing="", body=rest, newline=newline)
    opening, matter, closing = block.groups()
    return SplitCard(
        mark=mark, opening=opening, matter=matter, closing=closing, body=rest[block.end() :], newline=newline
    )


def newline_of(text: str) -> str:
    """The line end a text uses first; a line feed where it has none."""
    found = LINE_END.search(text)
    return "\r\n" if found is not None and found.group() == "\r\n" else "\n"


def key_source(matter: str, key: str) -> str | None:
    """The lines that hold ``key`` and its value as they stand, or None where that is not line by line."""
    span = key_spans(matter).by_name.get(key)
    return None if span is None else matter[span.begin : span.end]


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyEdit:
    """What a key is to be: its lines without line ends, and the value that these mean; no lines take the key out."""

    lines: tuple[str, ...] = ()
    value: Any = None


def rewritten(key: str, value: Any) -> KeyEdit:
    """A key in lines of our own; ``value`` is made of scalars, lists and mappings."""
    return KeyEdit(lines=tuple(yaml_lines(key, value)), value=value)


def copied(source: str, value: Any) -> KeyEdit:
    """A key in the lines that hold it in another front matter."""
    return KeyEdit(lines=tuple(LINE_END.split(source.rstrip("\r\n"))), value=value)


def set_key(matter: str, key: str, value: Any, *, newline: str = "\n") -> str:
    """``edit_keys`` for one key that is set to ``value``."""
    return edit_keys(matter, {key: rewritten(key, value)}, newline=newline)


def edit_keys(matter: str, edits: Mapping[str, KeyEdit], *, newline: str = "\n") -> str:
    """The front matter with ``edits`` made and nothing else changed.

    A key that is there is replaced where it stands, with the comment beside it kept; a new one goes to the end.

    Raises:
        CardCallbackError: the text cannot be edited without touching something else.
    """
    if _EMPTY_FLOW.fullmatch(matter):
        matter = ""
    spans = key_spans(matter)
    if spans.in_braces is not None:
        return _verified(matter, _edited_in_braces(matter, edits, spans.in_braces), edits)
    pieces = [(_place(matter, key, edit, spans), edit) for key, edit in edits.items()]
    indent = " " * spans.indent
    edited, at = "", 0
    for place, edit in sorted(pieces, key=lambda piece: piece[0].begin):
        edited += matter[at : place.begin]
        edited += newline if edited and not edited.endswith(("\n", "\r")) else ""
        for number, line in enumerate(edit.lines):
            edited += f"{indent}{line}{place.comment if number == 0 else ''}{newline}"
        at = place.end
    edited += matter[at:]
    return _verified(matter, edited, edits)


def _edited_in_braces(matter: str, edits: Mapping[str, KeyEdit], known: Mapping[str, KeySpan]) -> str:
    """The edits made between the braces of a mapping, values as JSON, which is YAML there."""
    texts = {
        key: f"{yaml_scalar(key)}: {json.dumps(plain(edit.value), ensure_ascii=False)}" if edit.lines else ""
        for key, edit in edits.items()
    }
    spans = list(known.values())
    parts = [texts.get(key, matter[span.begin : span.end]) for key, span in known.items()]
    edited, before = matter[: spans[0].end], 0  # the first is the place behind the brace
    for at in range(1, len(spans)):
        if parts[at]:
            # What parts two neighbours stays as it is.
            between = matter[spans[at - 1].end : spans[at].begin] if before == at - 1 else ", " if before else ""
            edited, before = edited + between + parts[at], at
    further = [text for key, text in texts.items() if text and key not in known]
    return edited + ", ".join([*([""] if before and further else []), *further]) + matter[spans[-1].end :]


def plain(value: Any) -> Any:
    """``value`` as built-in Python types; what YAML has beyond them becomes text."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return None if value is None else str(value)


def is_json_of(text: str, value: Any) -> bool:
    """Whether ``text`` is JSON of ``value``; what cannot be read, in a record that somebody edited, is not."""
    try:
        return bool(json.loads(text) == plain(value))
    except (ValueError, RecursionError):
        return False


def _place(matter: str, key: str, edit: KeyEdit, spans: KeySpans) -> KeySpan:
    known = spans.by_name.get(key)
    can_add = bool(edit.lines) and (bool(spans.by_name) or not parse_matter(matter))
    if key in spans.twice or (known is None and not can_add):
        raise CardCallbackError(_cannot(key, spans))
    return known or KeySpan(begin=spans.end, end=spans.end, comment="")


def _verified(before: str, after: str, edits: Mapping[str, KeyEdit]) -> str:
    """``after``, if it says what ``before`` says but for the edits."""
    named = next(iter(edits), "")
    wanted = {name: repr(value) for name, value in parse_matter(before).items() if name not in edits}
    try:
        found = parse_matter(after)
    except CardCallbackError as error:
        raise CardCallbackError(_cannot(named, key_spans(before))) from error
    for key, edit in edits.items():
        value = [plain(found.pop(key))] if key in found else []
        if value != ([plain(edit.value)] if edit.lines else []):
            raise CardCallbackError(_cannot(key, key_spans(before)))
    if {name: repr(item) for name, item in found.items()} != wanted:
        raise CardCallbackError(_cannot(named, key_spans(before)))
    return after


def _cannot(key: str, spans: KeySpans) -> str:
    if key in spans.twice:
        return f"the card's front matter has {key} twice: keep one of them, the card is left as it is"
    return f"the card's front matter cannot take {key} without other changes: write one key per line"
