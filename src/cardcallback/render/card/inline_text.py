"""What a reader sees of a piece of Markdown, letter by letter, with the place of each letter in the source.

The parser's own inline rules decide what is emphasis, code, a link or HTML; each token is told which part of the
source it came from, so that a value can be found as it is read and replaced as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

# Stand for what a reader sees, or does not see, that is no text of its own: a picture or a link; a comment.
OBJECT, COMMENT = "\ufffc", "\ufff9"
_STANDING_FOR = {"softbreak": "\n", "hardbreak": "\n", "image": OBJECT}
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9-]*)")
_BARE_WORDS = re.compile(r"<(?P<name>[A-Za-z]+)(?P<words>(?: [A-Za-z]+){0,4})>")
# Elements that say nothing without attributes or an end, and are names of what a card asks for.
_NOUNS = frozenset(["base", "data", "label", "link", "meter", "object", "output", "source", "time"])
# The attributes that stand without a value.
_SWITCHES = frozenset(
    ["async", "autoplay", "checked", "controls", "default", "defer", "disabled", "hidden", "inert", "loop", "multiple",
     "muted", "novalidate", "open", "readonly", "required", "reversed", "selected"]
)  # fmt: skip
_STYLES = frozenset(
    [
        "b",
        "strong",
        "i",
        "em",
        "u",
        "s",
        "small",
        "big",
        "sub",
        "sup",
        "mark",
        "font",
        "span",
        "tt",
        "kbd",
        "samp",
        "var",
        "code",
        "nobr",
        "center",
    ]
)
_ELEMENTS = frozenset(
    ["a", "abbr", "address", "area", "article", "aside", "audio", "base", "bdi", "bdo", "blockquote", "body",
     "button", "canvas", "caption", "cite", "col", "colgroup", "data", "datalist", "dd", "del", "details", "dfn",
     "dialog", "div", "dl", "dt", "embed", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3",
     "h4", "h5", "h6", "head", "header", "hr", "html", "iframe", "img", "input", "ins", "label", "legend", "li",
     "link", "main", "map", "meta", "meter", "nav", "noscript", "object", "ol", "optgroup", "option", "output",
     "p", "param", "picture", "pre", "progress", "q", "rp", "rt", "ruby", "script", "section", "select", "slot",
     "source", "style", "summary", "svg", "table", "tbody", "td", "template", "textarea", "tfoot", "th", "thead",
     "time", "title", "tr", "track", "ul", "video", "wbr"]
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Letters:
    """Text as it is read; letter ``i`` stands at ``begins[i]`` to ``ends[i]`` of the source.

    ``opaque`` are the letters of links, pictures, comments and code, of which none can be a placeholder of its own;
    ``code`` and ``bold`` are spans of letters.
    """

    text: str
    begins: tuple[int, ...]
    ends: tuple[int, ...]
    opaque: frozenset[int]
    code: tuple[tuple[int, int], ...]
    bold: tuple[tuple[int, int], ...]

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """Where the letters from ``begin`` to before ``end`` stand in the source; not for none."""
        return self.begins[begin], self.ends[end - 1]

    @property
    def mask(self) -> str:
        """The text with every opaque letter made unreadable."""
        if not self.opaque:
            return self.text
        return "".join(OBJECT if index in self.opaque else letter for index, letter in enumerate(self.text))


def make_parser() -> MarkdownIt:
    """A parser of blocks and tables whose inline tokens carry their span of the source in ``meta["span"]``."""
    # Of the blocks only those are read inside that may hold a value, by ``read_inline``.
    parser = MarkdownIt("commonmark").enable("table").disable("inline")
    inline = parser.inline
    for name, rule in zip(inline.ruler.get_active_rules(), inline.ruler.getRules(""), strict=True):
        inline.ruler.at(name, _placing(name, rule))
    inline.ruler2.disable("fragments_join")
    return parser


def read_inline(source: str, references: Mapping[str, Any] | None = None) -> Letters:
    """The letters of a paragraph, heading or cell; ``references`` are the link definitions of its document."""
    return _read(source, tuple(references or ()))


@lru_cache(maxsize=256)
def _read(source: str, references: tuple[str, ...]) -> Letters:
    env = {"references": {name: {"title": "", "href": ""} for name in references}}
    reader = _Reader(source)
    for token in _PARSER.inline.parse(source, _PARSER, env, []):
        reader.take(token)
    return reader.letters()


Rule = Callable[[StateInline, bool], bool]


def _placing(name: str, rule: Rule) -> Rule:
    def placed(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  the parser's own signature
        before, start = len(state.tokens), state.pos
        done = rule(state, silent)
        if not done or silent or len(state.tokens) == before:
            return done
        made = state.tokens[before:]
        # A mark of emphasis is a text too, each of its letters one.
        if made[0].type == "text" and (name != "emphasis" or len(made) > state.pos - start):
            made = made[1:]  # the text before this, which now became a token
        for index, token in enumerate(made):
            one = (start + index, start + index + 1)
            token.meta.setdefault("span", one if name == "emphasis" else (start, state.pos))
        return done

    return placed


_PARSER = make_parser()


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source.lower()
        self._text: list[str] = []
        self._begins: list[int] = []
        self._ends: list[int] = []
        self._opaque: set[int] = set()
        self._code: list[tuple[int, int]] = []
        self._bold: list[tuple[int, int]] = []
        self._bold_from: list[int] = []
        self._cursor = 0
        self._link: tuple[int, int] | None = None

    def letters(self) -> Letters:
        return Letters(
            text="".join(self._text),
            begins=tuple(self._begins),
            ends=tuple(self._ends),
            opaque=frozenset(self._opaque),
            code=tuple(self._code),
            bold=tuple(self._bold),
        )

    def take(self, token: Token) -> None:
        begin, end = token.meta.get("span") or (self._cursor, self._cursor + len(token.content))
        self._cursor = end
        if token.type == "link_open":
            self._link, self._cursor = (begin, end), begin + 1
        elif token.type == "link_close":
            self._link = None
        elif token.type == "strong_open":
            self._bold_from.append(len(self._text))
        elif token.type == "strong_close" and self._bold_from:
            self._bold.append((self._bold_from.pop(), len(self._text)))
        else:
            self._content(token, begin, end)

    def _content(self, token: Token, begin: int, end: int) -> None:
        if token.type == "text":
            self._add_each(token.content, begin)
        elif token.type == "html_inline":
            self._html(token.content, begin, end)
        elif token.type == "code_inline":
            self._code.append((len(self._text), len(self._text) + len(token.content)))
            self._add_all(token.content, begin, end, opaque=True)
        elif token.type == "text_special":
            self._add_all(token.content, begin, end)
        elif token.type in _STANDING_FOR:
            self._add(_STANDING_FOR[token.type], begin, end, opaque=token.type == "image")

    def _html(self, content: str, begin: int, end: int) -> None:
        tag = _TAG.match(content)
        name = tag.group(1).lower() if tag else None
        if name == "br":
            self._add("\n", begin, end)
        elif name is not None and (name not in _ELEMENTS | _STYLES or self._is_request(content)):
            # No element of HTML: what a person wrote for "put the value here".
            self._add_each(content, begin)
        elif name not in _STYLES:
            self._add(COMMENT if content.startswith("<!--") else OBJECT, begin, end, opaque=True)

    def _is_request(self, tag: str) -> bool:
        """Whether what reads as an element is "<base model>" or "<time>": what a person wants to be told."""
        found = _BARE_WORDS.fullmatch(tag)
        if found is None:
            return False
        words = found["words"].lower().split()
        is_closed = f"</{found['name'].lower()}" in self._source
        return not _SWITCHES.issuperset(words) if words else found["name"].lower() in _NOUNS and not is_closed

    def _add_each(self, letters: str, begin: int) -> None:
        """Letters that stand in the source as they are read."""
        count = len(letters)
        if self._link is not None:
            self._opaque.update(range(len(self._text), len(self._text) + count))
        self._text.extend(letters)
        self._begins.extend(range(begin, begin + count) if self._link is None else [self._link[0]] * count)
        self._ends.extend(range(begin + 1, begin + count + 1) if self._link is None else [self._link[1]] * count)

    def _add_all(self, letters: str, begin: int, end: int, *, opaque: bool = False) -> None:
        for letter in letters:
            self._add(letter, begin, end, opaque=opaque)

    def _add(self, letter: str, begin: int, end: int, *, opaque: bool = False) -> None:
        if opaque or self._link is not None:
            self._opaque.add(len(self._text))
        first, last = self._link or (begin, end)
        self._text.append(letter)
        self._begins.append(first)
        self._ends.append(last)


def visible_label(letters: Iterator[str] | str) -> str:
    """Letters of a label on one line, without what stands for pictures and comments."""
    text = "".join(letter for letter in letters if letter not in {OBJECT, COMMENT})
    return " ".join(text.split())
