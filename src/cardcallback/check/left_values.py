"""Values that still hold a place, by the one definition that templates are filled by."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cardcallback.check.reading import CardText
from cardcallback.render.card.forms import is_bare_form
from cardcallback.render.card.labelled import normalize_label
from cardcallback.render.card.labels import LabelIndex, label_index
from cardcallback.render.card.placeholders import Placeholder, find_placeholders
from cardcallback.render.card.quantities import is_unit, split_unit
from cardcallback.render.card.slots import Slot

EMPTY_CELL = "an empty cell"
_LONGEST_SHOWN = 60
# Tokens that prompts are made of, which a card about a tokenizer names.
_PROMPT_TOKEN = re.compile(
    r"/?(?:s|inst|sys|bos|eos|pad|unk|mask|sep|cls|think|image|audio|video|user|assistant|system|\w*(?:token|_turn|_text)\w*)",
    re.IGNORECASE,
)
# Beside a label that we do not know these leave something out, are answers or explain.
_ELISION = re.compile(r"\.{2,}|\u2026+|\?|#+|pending", re.IGNORECASE)
_MARKS = ("[", "{", "<", "$", "(", "`", "\\", "&", "*", "_")


def values_left(card: CardText, own_labels: str | None = None) -> Iterator[tuple[int, str]]:
    """The line and the text of each value outside our own sections in which there is a placeholder."""
    index = label_index(own_labels)
    for slot in card.slots:
        if not slot.text.strip():
            if slot.kind == "cell" and slot.only_column and _is_known(slot, index):
                yield card.line_of(slot.begin), EMPTY_CELL
            continue
        found = find_placeholders(slot.text, index.whole_texts, slot.references)
        is_known = bool(found) and _is_known(slot, index)
        for one in found:
            if _is_left(slot, one, is_known=is_known):
                yield card.line_of(slot.begin) + slot.text.count("\n", 0, one.begin), _shown(slot, one)
                break


def _is_known(slot: Slot, index: LabelIndex) -> bool:
    """Whether the label asks for a value that a run or its author has."""
    if slot.kind == "example":
        return False  # its label is the column's
    label = slot.label or (slot.headings[-1] if slot.kind == "block" and slot.headings else "")
    return any(normalize_label(name) in index.by_label for name in (label, split_unit(label)[0]) if name)


def _is_left(slot: Slot, one: Placeholder, *, is_known: bool) -> bool:
    source = slot.text[one.begin : one.end]
    if _PROMPT_TOKEN.fullmatch(one.hint.strip()):
        return False
    if not (one.is_whole or _is_amount(one)):
        # A remark in brackets beside a value, or somebody's prose.
        return is_known and slot.kind in {"line", "cell"} and not source.startswith("(")
    if is_known:
        return True
    # Beside another label the form of a date is what is described.
    if is_bare_form(source):
        return False
    if one.is_example and not source.startswith(_MARKS):
        return False
    return slot.kind == "line" or _ELISION.fullmatch(slot.text.strip()) is None


def _is_amount(one: Placeholder) -> bool:
    """Whether there is nothing beside it but a unit: "X hours", "~XX.X kWh"."""
    return not one.before.strip(" ~\u2248<>") and is_unit(one.after)


def _shown(slot: Slot, one: Placeholder) -> str:
    text = " ".join(slot.text.split())
    return text if len(text) <= _LONGEST_SHOWN else slot.text[one.begin : one.end]
