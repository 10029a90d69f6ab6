"""Outside strings made safe for Markdown, HTML and pictures.

Every string in a record is hostile until it has passed here: names of models, data sets, devices and
reasons come from files and drivers that somebody else controls.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST_TEXT = 300
# Of a string of a megabyte only the beginning is looked at, or each of its many uses takes a second.
_LOOKED_AT = 16
# What a card says where nobody wrote anything; the Hub's template has the same words.
PLACEHOLDER = "[More Information Needed]"
TIMES = "\N{MULTIPLICATION SIGN}"

# What CommonMark, GFM tables and strikethrough, and the Hub's mathematics give a meaning anywhere in a line.
_INLINE = re.compile(r"[\\`*\[\]|~$]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
# What begins a heading, list, rule or setext underline at the start of a line.
_LEADING = re.compile(r"^(?P<number>\d{0,9})(?P<mark>[#+=.)-])")
_LEADING_BLOCK = re.compile(r"^(?:(?P<number>\d{1,9})(?=[.)](?:\s|$))|(?=[#+=-]))")
# "...: set include_num_input_tokens_seen=...", "...(set CUDA_DEVICE_ORDER=...)".
_ADVICE = re.compile(r"\s*(?:[:;]\s*(?:set|unset|name it|give|pass|use)\b.*|\((?:set|unset|pass|use)\b[^()]*\))")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def clean(text: str, longest: int = LONGEST_TEXT) -> str:
    """``text`` as one line of at most ``longest`` characters without anything invisible.

    Line breaks and tabs become a space; control, format (text direction, zero width), private and
    unpaired surrogate characters go.
    """
    begin = text[: longest * _LOOKED_AT]
    visible = (" " if character.isspace() else character for character in begin)
    kept = "".join(character for character in visible if unicodedata.category(character)[0] != "C")
    line = " ".join(kept.split())
    whole = len(line) <= longest and begin == text
    return line if whole else line[: longest - 1].rstrip() + "…"


def escape_markdown(text: str, longest: int = LONGEST_TEXT) -> str:
    """``text`` for a table cell, the inside of a sentence or a picture's alt text: it reads as itself.

    No markup, link, HTML, comment or table column can come from it; for the start of a line see ``escape_line``.
    """
    line = clean(text, longest)
    escaped = _INLINE.sub(lambda match: "\\" + match.group(), line)
    return "".join(_HTML.get(character, character) for character in escaped)


def escape_line(text: str, longest: int) -> str:
    """As ``escape_markdown``, for text that a line begins with: no heading, list or rule comes from it."""
    return as_line(escape_markdown(text, longest))


def as_line(markdown: str) -> str:
    """One line of Markdown with none of what a heading, list, rule or setext underline begins with at its start."""
    return _LEADING.sub(r"\g<number>\\\g<mark>", markdown)


def as_paragraph(markdown: str) -> str:
    """One line of Markdown for the start of a paragraph: what it begins with makes no heading, list or rule."""
    return _LEADING_BLOCK.sub(r"\g<number>\\", markdown)


def public_reason(text: str) -> str:
    """``text`` without what tells the author what to do, which is no news for a card's reader."""
    return _ADVICE.sub("", clean(text, 4 * LONGEST_TEXT)).rstrip(". ")


def sentence(text: str) -> str:
    """``text`` escaped, with a capital and an end; a name such as ``grad_norm`` keeps its own letters."""
    escaped = escape_markdown(text)
    first = escaped.split(" ", 1)[0]
    if first.isalpha() and first[1:].islower():
        escaped = escaped[:1].upper() + escaped[1:]
    return escaped if escaped.endswith((".", "!", "?", "…")) else f"{escaped}."


def escape_picture(text: str, longest: int = 60) -> str:
    """``text`` for a picture, whose font has no glyph beyond Latin: others become a question mark."""
    return clean(text, longest).encode("latin-1", "replace").decode("latin-1")


def table_row(*cells: str) -> str:
    """One line of a Markdown table; cells are Markdown already and hold no bare ``|``."""
    return "| " + " | ".join(cells) + " |"


def join_words(words: tuple[str, ...] | list[str]) -> str:
    """The words with commas and a final "and"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
