"""What a composed card may differ in from the one it was made of."""

from __future__ import annotations

import re

from cardcallback.record import Fill
from cardcallback.render.card.compose import ComposedCard
from cardcallback.render.card.front_matter import split_card
from cardcallback.render.card.section_block import section_spans

LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
# What a place right behind its label's colon is remembered by.
TIGHT = " "
LINE_END = re.compile(r"[ \t]*(?:\r\n|\r|\n)?\Z")
GENERATED = "[None](https://huggingface.co/None)"


_MOST_FILLS_OF_A_LINE = 2


def only_fills_changed(before: str, composed: ComposedCard) -> None:
    """Every line outside our section is an old one, in order, but for remembered fills and empty lines of ours."""
    text = split_card(composed.text).body
    ((begin, end),) = section_spans(text)
    for old_begin, old_end in reversed(section_spans(before)):
        before = before[:old_begin] + before[old_end:]
    old = LINE.findall(before)
    for line in LINE.findall(text[:begin]) + LINE.findall(text[end:]):
        same = lines_of(old, line, composed)
        assert same or not line.strip()
        del old[:same]
    assert old == []


def lines_of(old: list[str], new: str, composed: ComposedCard) -> int:
    """How many of the old lines ``new`` stands for: one, or those of a placeholder that was wrapped; else none."""
    placeholders = {fill.placeholder for fill in composed.card.filled}
    for count in sorted({1, *(len(LINE.findall(placeholder)) for placeholder in placeholders)}):
        if 0 < count <= len(old) and is_same_line("".join(old[:count]), new, composed):
            return count
    return 0


def lines_filled(fill: Fill) -> list[tuple[str, str]]:
    """The lines of a fill of several lines, each with what stood there; none where the lines were joined."""
    old, new = fill.placeholder.splitlines(), fill.text.splitlines()
    return list(zip(old, new, strict=True)) if len(old) == len(new) > 1 else []


def is_same_line(old: str, new: str, composed: ComposedCard) -> bool:
    """Byte for byte, but for fills, and for the line end that the last line may have lacked."""
    candidates = {old}
    end = next(LINE_END.finditer(old)).start()
    if old[:end].rstrip("*_").endswith(":"):
        candidates |= {
            f"{old[:end]} {fill.text}{old[end:]}" for fill in composed.card.filled if fill.placeholder == TIGHT
        }
    for _ in range(_MOST_FILLS_OF_A_LINE):
        candidates |= {
            candidate.replace(placeholder, text, 1)
            for candidate in candidates
            for fill in composed.card.filled
            # A placeholder that begins with stray marks of emphasis is set apart from its label by a space.
            for placeholder, text in (
                (fill.placeholder, fill.text),
                *([(fill.placeholder, f" {fill.text}")] if fill.placeholder.startswith(("*", "_")) else ()),
                (GENERATED, fill.text),
                *lines_filled(fill),
            )
            if placeholder
        }
        if new in candidates:
            return True
    return not old.endswith("\n") and new.rstrip("\r\n") in {candidate.rstrip("\r") for candidate in candidates}
