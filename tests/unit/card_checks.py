"""What a composed card may differ in from the one it was made of."""

from __future__ import annotations

import re

from cardcallback.render.card.compose import ComposedCard
from cardcallback.render.card.front_matter import split_card
from cardcallback.render.card.section_block import section_spans

LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
GENERATED = "[None](https://huggingface.co/None)"


def only_fills_changed(before: str, composed: ComposedCard) -> None:
    """Every line outside our section is an old one, in order, but for remembered fills and empty lines of ours."""
    text = split_card(composed.text).body
    ((begin, end),) = section_spans(text)
    for old_begin, old_end in reversed(section_spans(before)):
        before = before[:old_begin] + before[old_end:]
    old = LINE.findall(before)
    for line in LINE.findall(text[:begin]) + LINE.findall(text[end:]):
        if old and is_same_line(old[0], line, composed):
            old.pop(0)
        else:
            assert not line.strip()
    assert old == []


def is_same_line(old: str, new: str, composed: ComposedCard) -> bool:
    """Byte for byte, but for one fill, and for the line end that the last line may have lacked."""
    candidates = [old] + [
        old.replace(placeholder, fill.text, 1)
        for fill in composed.card.filled
        for placeholder in (fill.placeholder, GENERATED)
        if placeholder
    ]
    if not old.endswith("\n"):
        return new.rstrip("\r\n") in [candidate.rstrip("\r") for candidate in candidates]
    return new in candidates
