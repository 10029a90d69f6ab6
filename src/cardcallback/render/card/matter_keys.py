"""Where each key of a front matter stands in its text, with what belongs to it and what does not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

# Only these end a line of YAML here; Python's own splitlines knows more.
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
LINE_END = re.compile(r"\r\n|\r|\n")
_COMMENT = re.compile(r"[ \t]+#[^\r\n]*")
_DOCUMENT_END = re.compile(r"\.\.\.(?:[ \t][^\r\n]*)?")
# A key's colon, and what may stand on its line before a value that begins below: anchor, tag, a text block's sign.
_OPENING = re.compile(r"[ \t]*:(?:[ \t]+[&!][^\s]*)*(?:[ \t]*[|>][0-9+-]*)?")
_BLOCK_STYLES = frozenset({"|", ">"})


@dataclass(frozen=True, kw_only=True, slots=True)
class KeySpan:
    """The lines of a key and its value, and the comment on the first of them, with the blanks before it."""

    begin: int
    end: int
    comment: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KeySpans:
    """Top-level keys by name.

    ``by_name`` is empty where keys do not stand on lines of their own, and lacks the names in ``twice``. ``indent`` is
    the blanks before each key, and ``end`` is where a further key belongs. ``in_braces`` are the keys of a front matter
    that is one mapping in braces, ``{license: mit}``, each with its value and without the comma.
    """

    by_name: dict[str, KeySpan]
    twice: tuple[str, ...]
    indent: int
    end: int
    in_braces: dict[str, KeySpan] | None = None


def spans_of(root: Node | None, matter: str) -> KeySpans:
    """Where the keys stand of ``matter``, whose parsed form ``root`` is."""
    end = _document_end(matter)
    if not isinstance(root, MappingNode):
        return KeySpans(by_name={}, twice=(), indent=0, end=end)
    names = [key.value if _is_plain_key(key) else None for key, _ in root.value]
    twice = tuple(sorted({name for name in names if name is not None and names.count(name) > 1}))
    begins = [_line_begin(matter, key.start_mark.index) for key, _ in root.value]
    if root.flow_style and None not in names and not twice:
        pairs = zip(names, root.value, strict=True)
        return KeySpans(by_name={}, twice=(), indent=0, end=end, in_braces=dict(_in_braces(pairs, root)))
    if root.flow_style or None in names or len(set(begins)) != len(begins):
        return KeySpans(by_name={}, twice=twice, indent=0, end=end)
    spans = {
        name: _span(matter, key, value, begin, limit)
        for name, (key, value), begin, limit in zip(names, root.value, begins, [*begins[1:], end], strict=True)
        if name is not None and name not in twice
    }
    return KeySpans(by_name=spans, twice=twice, indent=_indent(matter, begins), end=end)


def _in_braces(
    pairs: Iterable[tuple[str | None, tuple[Node, Node]]], root: MappingNode
) -> Iterator[tuple[str, KeySpan]]:
    """The keys between the braces; of none, a span of nothing where the first belongs goes by no name."""
    begin = root.start_mark.index + 1
    yield "", KeySpan(begin=begin, end=begin, comment="")
    for name, (key, value) in pairs:
        end = max(key.end_mark.index, value.end_mark.index)
        yield name or "", KeySpan(begin=key.start_mark.index, end=end, comment="")


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """Each line with its end, and where it begins."""
    return ((match.start(), match.group()) for match in LINE.finditer(text))


def _span(matter: str, key: Node, value: Node, begin: int, limit: int) -> KeySpan:
    key_end = key.end_mark.index
    # An alias is the node that it stands for, which lies before it.
    at_home = value.start_mark.index >= key_end
    content_end, open_ended = _content_end(value) if at_home else (key_end, False)
    content_end = min(max(content_end, key_end), limit)
    return KeySpan(
        begin=begin,
        end=_without_trailing_comments(matter, content_end, limit, open_ended=open_ended),
        comment=_comment_beside(matter, key_end, content_end) if at_home else "",
    )


def _comment_beside(matter: str, key_end: int, content_end: int) -> str:
    """The comment on a key's own line, with the blanks before it."""
    opening = _OPENING.match(matter, key_end)
    is_one_line = LINE_END.search(matter, key_end, content_end) is None
    start = content_end if is_one_line and content_end > key_end else opening.end() if opening else key_end
    found = _COMMENT.match(matter, start) or (_COMMENT.match(matter, opening.end()) if opening else None)
    return found.group().rstrip() if found else ""


def _content_end(node: Node, above: tuple[Node, ...] = ()) -> tuple[int, bool]:
    """Where a value's last character is, and whether comments behind it may be part of it (a block of text)."""
    if isinstance(node, ScalarNode):
        if node.style in _BLOCK_STYLES:
            return node.start_mark.index, True
        return node.end_mark.index, False
    # An alias may stand for what it stands in.
    if not isinstance(node, CollectionNode) or node.flow_style or not node.value or node in above:
        return node.start_mark.index if node in above else node.end_mark.index, False
    last: Any = node.value[-1]
    children = last if isinstance(node, MappingNode) else (last,)
    ends = [_content_end(child, (*above, node)) for child in children]
    return max(end for end, _ in ends), any(is_open for _, is_open in ends)


def _without_trailing_comments(matter: str, content_end: int, limit: int, *, open_ended: bool) -> int:
    """What stands between two keys belongs to the next one, or to the person."""
    first = _line_begin(matter, content_end)
    lines = [match.group() for match in LINE.finditer(matter, first, limit)]
    end = limit
    while len(lines) > 1 and _is_between_keys(lines[-1], open_ended=open_ended):
        end -= len(lines.pop())
    return end


def _is_between_keys(line: str, *, open_ended: bool) -> bool:
    # Inside a block of text an indented line is text, whatever it begins with.
    bare = line if open_ended else line.lstrip(" \t")
    return not line.strip() or bare.startswith("#")


def _document_end(matter: str) -> int:
    """Where the line ``...`` begins, behind which nothing counts; the text's end without one."""
    found = (begin for begin, line in lines_of(matter) if _DOCUMENT_END.fullmatch(line.rstrip("\r\n")))
    return next(found, len(matter))


def _is_plain_key(node: Any) -> bool:
    return isinstance(node, ScalarNode) and isinstance(node.value, str)


def _line_begin(text: str, index: int) -> int:
    return max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1


def _indent(matter: str, begins: list[int]) -> int:
    line = matter[begins[0] :] if begins else ""
    return len(line) - len(line.lstrip(" "))
