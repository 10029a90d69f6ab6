"""Fill the placeholders of a card in place, and replace what an earlier run filled, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from msgspec import structs

from cardcallback.record import Fill, RunRecord
from cardcallback.render.card.fill_memory import FillMemory, nearest_heading
from cardcallback.render.card.fill_report import Change, Field, FillReport
from cardcallback.render.card.filler import EMISSIONS_VALUE, Filler
from cardcallback.render.card.labels import default_label_map, label_index, read_label_map
from cardcallback.render.card.names import looks_local
from cardcallback.render.card.slots import BASE_SENTENCE, DATASET_SENTENCE, Slot, find_slots
from cardcallback.render.card.values import base_model_link
from cardcallback.render.text import as_paragraph

__all__ = ["Filled", "default_label_map", "fill_placeholders", "read_label_map", "states_emissions"]

_LINK = re.compile(r"\[([^\[\]]*)\]\(https://huggingface\.co/(?:datasets/)?(.*)\)")
_UNKNOWN_BASE = "an unnamed base model"
_UNKNOWN_DATASET = "a local data set"
# What a place without room for a value is remembered by, so that it can be put back as narrow as it was.
_NARROW = " "
_BOLD_COLON = re.compile(r"[:\uff1a](?:\*\*|__)\Z")
_TIGHT = re.compile(r":[*_]*\Z")
# What may stand before a value that begins its line.
_LINE_BEGIN = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(?:\[[ xX]\][ \t]+)?[*_]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Filled:
    """A body after filling: its text, the fills that stand in it, and what became of each placeholder."""

    text: str
    fills: tuple[Fill, ...]
    report: FillReport = field(default_factory=FillReport)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was left and why."""
        return self.report.left


def fill_placeholders(
    body: str,
    record: RunRecord,
    *,
    known: Sequence[Fill] = (),
    hidden: Sequence[tuple[int, int]] = (),
    own_labels: str | None = None,
) -> Filled:
    """``body`` with the record's values where it has placeholders or values that are still ours.

    Args:
        body: a card's text below its front matter.
        record: the run.
        known: what earlier runs filled; a text equal to one of these is replaced, or the placeholder put
            back where the value is not known any more. Any other text is a person's and stays.
        hidden: spans of ``body`` to leave alone.
        own_labels: the text of a person's own label map, whose rows come before ours.

    Raises:
        CardCallbackError: the person's own label map cannot be used.
    """
    slots = find_slots(body, hidden)
    memory = FillMemory(known, slots)
    filler = Filler(record, label_index(own_labels), memory, slots)
    link = base_model_link(record)
    parts: list[str] = []
    fills: list[Fill] = []
    fields: list[Field] = []
    end = 0
    for number, slot in enumerate(slots):
        if slot.begin < end or _is_filled_in_part(slots, number, memory):
            continue
        change = _sentence(slot, memory, link) if slot.kind == "sentence" else filler.change(slot)
        fields += [change.field] if change.field is not None else []
        if change.text is None:
            continue
        text = _at_line_begin(body, slot, change.text) if change.fill is not None else change.text
        # Bold that ends in a colon is no bold any more right before a letter.
        is_narrow, is_tight = _is_narrow(body, slot), _is_tight(body, slot)
        apart = " " if is_tight or (_BOLD_COLON.search(body, end, slot.begin) and text[:1].isalnum()) else ""
        begin = slot.begin - (text == _NARROW and slot.kind == "line")
        parts += [body[end:begin], apart, "" if text == _NARROW else text, _NARROW if is_narrow and text else ""]
        end = slot.end + (text == _NARROW and slot.kind != "line")
        if change.fill is not None:
            placeholder = _NARROW if is_narrow or is_tight else change.fill.placeholder
            fills.append(structs.replace(change.fill, placeholder=placeholder, text=text))
    parts.append(body[end:])
    return Filled(text="".join(parts), fills=tuple(fills), report=FillReport(fields=tuple(fields)))


def states_emissions(
    body: str,
    record: RunRecord,
    *,
    known: Sequence[Fill] = (),
    hidden: Sequence[tuple[int, int]] = (),
    own_labels: str | None = None,
) -> bool:
    """Whether ``body`` states CO2e that is neither a placeholder nor ours: somebody else's figure."""
    slots = find_slots(body, hidden)
    filler = Filler(record, label_index(own_labels), FillMemory(known, slots), slots)
    return any(
        filler.is_foreign(slot, EMISSIONS_VALUE) for slot in slots if slot.kind != "sentence" and not slot.has_labels
    )


def _is_filled_in_part(slots: Sequence[Slot], number: int, memory: FillMemory) -> bool:
    """Whether sentences of a text are ours, and it is not as a whole: taken as one, they would count as a person's."""
    slot = slots[number]
    if slot.kind == "prose" or memory.placeholder(slot) is not None:
        return False
    following = (slots[index] for index in range(number + 1, len(slots)))
    inside = takewhile(lambda one: one.begin < slot.end, following)
    return any(one.kind == "prose" and memory.placeholder(one) is not None for one in inside)


def _is_narrow(body: str, slot: Slot) -> bool:
    """Whether a cell of a table in Markdown is one blank: behind a value it needs another one before its bar."""
    is_blank = slot.begin == slot.end and slot.kind in {"cell", "example"} and not slot.is_html
    return is_blank and body[slot.begin - 1 : slot.begin].isspace() and body[slot.begin : slot.begin + 1] == "|"


def _is_tight(body: str, slot: Slot) -> bool:
    """Whether a value's place is right behind its label's colon, where it needs a blank; a wide colon has one."""
    is_blank = slot.begin == slot.end and slot.kind == "line"
    return is_blank and _TIGHT.search(body, max(slot.begin - 3, 0), slot.begin) is not None


def _at_line_begin(body: str, slot: Slot, text: str) -> str:
    line_begin = max(body.rfind("\n", 0, slot.begin), body.rfind("\r", 0, slot.begin)) + 1
    begins_line = slot.kind in {"line", "block", "item"} and _LINE_BEGIN.fullmatch(body, line_begin, slot.begin)
    return as_paragraph(text) if begins_line else text


def _sentence(slot: Slot, memory: FillMemory, base_link: str | None) -> Change:
    """A generated sentence that names nothing, or a folder, instead of a model or data set."""
    if memory.placeholder(slot) is None and not _names_no_repository(slot.text):
        return Change()
    is_base = slot.label == BASE_SENTENCE
    text = (base_link if is_base else None) or (_UNKNOWN_DATASET if slot.label == DATASET_SENTENCE else _UNKNOWN_BASE)
    # The folder is not remembered: the record is published too.
    placeholder = _UNKNOWN_BASE if is_base else _UNKNOWN_DATASET
    fill = Fill(heading=nearest_heading(slot.headings), label=memory.label(slot), placeholder=placeholder, text=text)
    return Change(text=text, fill=fill)


def _names_no_repository(text: str) -> bool:
    link = _LINK.search(text)
    return link is not None and (link.group(1) == "None" or looks_local(link.group(1)) or looks_local(link.group(2)))
