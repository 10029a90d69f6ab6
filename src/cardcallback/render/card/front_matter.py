"""The YAML front matter of a card: found, read, and edited key by key without touching another byte.

ruamel.yaml reads it and says where each key stands; edits are made in the text itself, since no YAML
library writes back exactly what it read. Every edit is read again and compared with what was meant.
"""

from __future__ import annotations

import io
import json
import math
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

from ruamel.yaml.nodes import MappingNode, ScalarNode

from cardcallback.errors import CardCallbackError
from cardcallback.render.card.matter_data import parse_matter, reader

BYTE_ORDER_MARK = "\ufeff"
# As the Hub finds it, and the empty block too, which the Hub's own expression misses.
_BLOCK = re.compile(r"(\s*---(?:\r\n|\r|\n))((?:[\S\s]*?(?:\r\n|\r|\n))?)(---[ \t]*(?:\r\n|\n|$))")
_LINE_END = re.compile(r"\r\n|\r|\n")
_EMPTY_FLOW = re.compile(r"\s*\{\s*\}\s*")
# Plain scalars that every YAML version reads as the same string.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?:[:+@][A-Za-z0-9_./-]+)*(?: [A-Za-z0-9_./-]+)*")
_NOT_STRINGS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_UNPRINTABLE = re.compile("[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


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


def split_card(text: str) -> SplitCard:
    """Find the front matter the way the Hub does; a byte order mark stays in front."""
    mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
    rest = text[len(mark) :]
    newline = newline_of(rest)
    block = _BLOCK.match(rest)
    if block is None:
        return SplitCard(mark=mark, opening="", matter=None, closing="", body=rest, newline=newline)
    opening, matter, closing = block.groups()
    return SplitCard(
        mark=mark, opening=opening, matter=matter, closing=closing, body=rest[block.end() :], newline=newline
    )


def newline_of(text: str) -> str:
    """The line end a text uses first; a line feed where it has none."""
    found = _LINE_END.search(text)
    return "\r\n" if found is not None and found.group() == "\r\n" else "\n"


def key_source(matter: str, key: str) -> str | None:
    """The lines that hold ``key`` and its value as they stand, or None where that is not line by line."""
    span = _spans(matter).get(key)
    return None if span is None else matter[span[0] : span[1]]


def set_key(matter: str, key: str, value: Any, *, newline: str = "\n") -> str:
    """The front matter with ``key`` set to ``value`` (scalars, lists and mappings of them).

    An existing key is replaced where it stands, a new one goes to the end.

    Raises:
        CardCallbackError: the text cannot be edited without touching something else.
    """
    return _edit(matter, key, _lines(key, value), newline=newline, expected=value)


def add_source(matter: str, source: str, key: str, value: Any, *, newline: str) -> str:
    """The front matter with another card's lines for ``key`` added as they are, or rewritten if need be.

    Raises:
        CardCallbackError: as ``set_key``.
    """
    try:
        return _edit(matter, key, _LINE_END.split(source.rstrip("\r\n")), newline=newline, expected=value)
    except CardCallbackError:
        return set_key(matter, key, plain(value), newline=newline)


def remove_key(matter: str, key: str) -> str:
    """The front matter without ``key``.

    Raises:
        CardCallbackError: as ``set_key``.
    """
    span = _spans(matter).get(key)
    if span is None:
        raise CardCallbackError(_cannot(key))
    edited = matter[: span[0]] + matter[span[1] :]
    return _verified(matter, edited, key, ())


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


def yaml_scalar(value: Any) -> str:
    """One scalar that YAML 1.1 and 1.2 read alike; numbers are plain decimals without an exponent."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, float):
        return plain_decimal(value)
    if isinstance(value, int):
        return str(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _NOT_STRINGS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", quoted)


def plain_decimal(value: float) -> str:
    """``value`` in full, without exponent, separator or unit; a whole number without a point."""
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else f"{'-' if value < 0 else ''}.inf"
    text = format(Decimal(repr(float(value))), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _edit(matter: str, key: str, lines: list[str], *, newline: str, expected: Any) -> str:
    if _EMPTY_FLOW.fullmatch(matter):
        matter = ""
    spans = _spans(matter)
    if key in spans:
        begin, end = spans[key]
    elif spans or not parse_matter(matter):
        begin = end = len(matter)
    else:
        raise CardCallbackError(_cannot(key))
    indent = " " * _indent(matter, spans)
    text = "".join(f"{indent}{line}{newline}" for line in lines)
    return _verified(matter, matter[:begin] + text + matter[end:], key, (expected,))


def _verified(before: str, after: str, key: str, expected: tuple[Any, ...]) -> str:
    wanted = {name: repr(value) for name, value in parse_matter(before).items() if name != key}
    try:
        found = parse_matter(after)
    except CardCallbackError as error:
        raise CardCallbackError(_cannot(key)) from error
    value = [found.pop(key)] if key in found else []
    others = {name: repr(item) for name, item in found.items()}
    if others != wanted or plain(value) != [plain(item) for item in expected]:
        raise CardCallbackError(_cannot(key))
    return after


@lru_cache(maxsize=8)
def _spans(matter: str) -> dict[str, tuple[int, int]]:
    """Where each top-level key's lines begin and end; empty where keys do not stand on lines of their own."""
    root = reader().compose(io.StringIO(matter)) if matter.strip() else None
    if not isinstance(root, MappingNode) or root.flow_style:
        return {}
    begins = [(key.value, _line_begin(matter, key.start_mark.index)) for key, _ in root.value if _is_plain_key(key)]
    if len(begins) != len(root.value) or len({begin for _, begin in begins}) != len(begins):
        return {}
    ends = [begin for _, begin in begins[1:]] + [len(matter)]
    return {
        name: (begin, _without_trailing_comments(matter, begin, end))
        for (name, begin), end in zip(begins, ends, strict=True)
    }


def _is_plain_key(node: Any) -> bool:
    return isinstance(node, ScalarNode) and isinstance(node.value, str)


def _line_begin(text: str, index: int) -> int:
    return max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1


def _without_trailing_comments(matter: str, begin: int, end: int) -> int:
    """What stands between two keys belongs to the next one, or to the person."""
    lines = matter[begin:end].splitlines(keepends=True)
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].startswith("#")):
        end -= len(lines.pop())
    return end


def _indent(matter: str, spans: dict[str, tuple[int, int]]) -> int:
    if not spans:
        return 0
    begin = min(span[0] for span in spans.values())
    line = matter[begin:]
    return len(line) - len(line.lstrip(" "))


def _lines(key: str, value: Any) -> list[str]:
    if isinstance(value, dict) and value:
        return [f"{yaml_scalar(key)}:", *(f"  {line}" for name, item in value.items() for line in _lines(name, item))]
    if isinstance(value, (list, tuple)) and all(not isinstance(item, (dict, list, tuple)) for item in value) and value:
        return [f"{yaml_scalar(key)}:", *(f"- {yaml_scalar(item)}" for item in value)]
    if isinstance(value, (dict, list, tuple)):
        # JSON is YAML too: right for what no card writes by hand.
        return [f"{yaml_scalar(key)}: {json.dumps(value)}"]
    return [f"{yaml_scalar(key)}: {yaml_scalar(value)}"]


def _cannot(key: str) -> str:
    return f"the card's front matter cannot take {key} without other changes: write one key per line"
