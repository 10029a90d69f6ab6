"""Fill the placeholders of a card in place, and replace what an earlier run filled, and nothing else."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cardcallback.errors import CardCallbackError
from cardcallback.record import Fill, RunRecord
from cardcallback.render.card.names import looks_local
from cardcallback.render.card.slots import (
    BASE_SENTENCE,
    DATASET_SENTENCE,
    Slot,
    find_slots,
    normalize_label,
)
from cardcallback.render.card.values import FACT_NAMES, VALUE_NAMES, base_model_link, card_facts, card_values
from cardcallback.render.text import as_paragraph

_BRACKETED = re.compile(r"\[[^\[\]]*[A-Za-z%][^\[\]]*\]")
# A ticked box; in capitals it is what templates write for a number.
_CHECKBOX = "[x]"
_LINK = re.compile(r"\[([^\[\]]*)\]\(https://huggingface\.co/(?:datasets/)?(.*)\)")
_UNKNOWN_BASE = "an unnamed base model"
_UNKNOWN_DATASET = "a local data set"
_EMISSIONS_VALUE = "carbon_emitted"


class LabelRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of the label map; ``labels.yaml`` says what its fields mean."""

    value: str
    label: str | None = None
    heading: str | None = None
    column: str | None = None
    placeholders: tuple[str, ...] = ()
    default: str | None = None
    default_holds: str | None = None


class LabelMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which label asks for which value, and what a placeholder looks like."""

    rows: tuple[LabelRow, ...] = ()
    placeholders: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Filled:
    """A body after filling: its text, the fills that stand in it, and what was left and why."""

    text: str
    fills: tuple[Fill, ...]
    remarks: tuple[str, ...] = ()


def read_label_map(text: str, *, name: str = "label map") -> LabelMap:
    """A label map from YAML, checked.

    Raises:
        CardCallbackError: not YAML, an unknown field, or a row without label and heading or of no value.
    """
    try:
        labels = msgspec.convert(YAML(typ="safe", pure=True).load(io.StringIO(text)), LabelMap)
    except (YAMLError, msgspec.ValidationError, ValueError) as error:
        problem = " ".join(str(error).split())
        msg = f"{name} cannot be used ({problem}): see the rows of labels.yaml"
        raise CardCallbackError(msg) from error
    for row in labels.rows:
        _check_row(row, name)
    return labels


@lru_cache(maxsize=1)
def default_label_map() -> LabelMap:
    """The label map that ships."""
    name = "labels.yaml"
    text = resources.files("cardcallback.render.card").joinpath(name).read_text(encoding="utf-8")
    return read_label_map(text, name=name)


def fill_placeholders(
    body: str,
    record: RunRecord,
    *,
    known: Sequence[Fill] = (),
    hidden: Sequence[tuple[int, int]] = (),
) -> Filled:
    """``body`` with the record's values where it has placeholders or values that are still ours.

    Args:
        body: a card's text below its front matter.
        record: the run.
        known: what earlier runs filled; a text equal to one of these is replaced, or the placeholder put
            back where the value is not known any more. Any other text is a person's and stays.
        hidden: spans of ``body`` to leave alone.
    """
    filler = _Filler(record, default_label_map(), known)
    parts: list[str] = []
    fills: list[Fill] = []
    remarks: list[str] = []
    end = 0
    for slot in find_slots(body, hidden):
        change = filler.change(slot) if slot.begin >= end else None
        if change is None:
            remarks += filler.remark(slot)
            continue
        fill, text = change
        parts += [body[end : slot.begin], text]
        end = slot.end
        fills += [fill] if fill else []
    parts.append(body[end:])
    return Filled(text="".join(parts), fills=tuple(fills), remarks=tuple(dict.fromkeys(remarks)))


def states_emissions(
    body: str,
    record: RunRecord,
    *,
    known: Sequence[Fill] = (),
    hidden: Sequence[tuple[int, int]] = (),
) -> bool:
    """Whether ``body`` states CO2e that is neither a placeholder nor ours: somebody else's figure."""
    filler = _Filler(record, default_label_map(), known)
    return any(filler.is_foreign_emissions(slot) for slot in find_slots(body, hidden))


class _Filler:
    def __init__(self, record: RunRecord, labels: LabelMap, known: Sequence[Fill]) -> None:
        self._values = card_values(record)
        self._facts = card_facts(record)
        self._base_link = base_model_link(record)
        self._rows = _by_label(labels)
        self._placeholders = frozenset(labels.placeholders)
        self._known = {(fill.heading, fill.label, fill.text): fill.placeholder for fill in known}

    def change(self, slot: Slot) -> tuple[Fill | None, str] | None:
        """What replaces the slot's text, and the fill to remember; None where it stays."""
        if slot.kind == "sentence":
            return self._sentence(slot)
        row = self._row(slot)
        if row is None:
            return None
        placeholder = self._placeholder(slot, row)
        if placeholder is None:
            return None
        text = self._text(slot, row)
        if placeholder == slot.text:
            placeholder = slot.source  # as it was wrapped, should it have to be put back
        if text is None:
            return None if slot.source == placeholder else (None, placeholder)
        return _fill(slot, placeholder, text), text

    def remark(self, slot: Slot) -> list[str]:
        """Why a placeholder that asks for a value of a run was left."""
        row = None if slot.kind == "sentence" else self._row(slot)
        if row is None or self._placeholder(slot, row) is None:
            return []
        return [f"left: {_label_of(slot)} (not known from this run)"]

    def is_foreign_emissions(self, slot: Slot) -> bool:
        """Whether the slot states CO2e that somebody else calculated."""
        row = None if slot.kind == "sentence" else self._row(slot)
        if row is None or row.value != _EMISSIONS_VALUE:
            return False
        return self._placeholder(slot, row) is None and slot.text != self._text(slot, row)

    def _row(self, slot: Slot) -> LabelRow | None:
        if slot.label is None:
            rows = self._rows.get(("heading", normalize_label(slot.headings[-1])), ())
        else:
            rows = self._rows.get(("label", normalize_label(slot.label)), ())
        fitting = [row for row in rows if _fits(row, slot)]
        # Several rows may know several stock texts of one label.
        stock = [row for row in fitting if row.default == slot.text]
        return next(iter(stock or fitting), None)

    def _placeholder(self, slot: Slot, row: LabelRow) -> str | None:
        """The placeholder that stands here or stood here before us; None where the text is a person's."""
        before = self._known.get((_heading_of(slot), _label_of(slot), slot.text))
        if before is not None:
            return before
        if slot.text in self._placeholders or slot.text in row.placeholders:
            return slot.text
        if row.default is not None and slot.text == row.default:
            return slot.text if self._facts.get(row.default_holds or "") is False else None
        return slot.text if _BRACKETED.fullmatch(slot.text) and slot.text != _CHECKBOX else None

    def _text(self, slot: Slot, row: LabelRow) -> str | None:
        text = self._values.get(row.value)
        if text and slot.kind == "block":
            return as_paragraph(text)
        # What a table cell cannot hold is escaped already where it comes from outside.
        return re.sub(r"(?<!\\)\|", r"\\|", text) if text and slot.kind == "cell" else text

    def _sentence(self, slot: Slot) -> tuple[Fill | None, str] | None:
        """A generated sentence that names nothing, or a folder, instead of a model or data set."""
        before = self._known.get((_heading_of(slot), _label_of(slot), slot.text))
        if before is None and not _names_no_repository(slot.text):
            return None
        known = self._base_link if slot.label == BASE_SENTENCE else None
        text = known or (_UNKNOWN_DATASET if slot.label == DATASET_SENTENCE else _UNKNOWN_BASE)
        # The folder is not remembered: the record is published too.
        return _fill(slot, _UNKNOWN_BASE if slot.label == BASE_SENTENCE else _UNKNOWN_DATASET, text), text


def _names_no_repository(text: str) -> bool:
    link = _LINK.search(text)
    return link is not None and (link.group(1) == "None" or looks_local(link.group(1)) or looks_local(link.group(2)))


def _fill(slot: Slot, placeholder: str, text: str) -> Fill:
    return Fill(heading=_heading_of(slot), label=_label_of(slot), placeholder=placeholder, text=text)


def _heading_of(slot: Slot) -> str:
    return slot.headings[-1] if slot.headings else ""


def _label_of(slot: Slot) -> str:
    return re.sub(r"[*_]+|[ \t]*:[ \t*_]*$", "", slot.label) if slot.label is not None else slot.headings[-1]


def _fits(row: LabelRow, slot: Slot) -> bool:
    if row.heading is not None and slot.label is not None:
        wanted = normalize_label(row.heading)
        if wanted not in {normalize_label(heading) for heading in slot.headings}:
            return False
    if slot.kind != "cell":
        return True
    column = normalize_label(slot.column or "")
    if row.column is not None:
        return column == normalize_label(row.column)
    return slot.only_column or column == "value"


def _by_label(labels: LabelMap) -> dict[tuple[str, str], tuple[LabelRow, ...]]:
    rows: dict[tuple[str, str], tuple[LabelRow, ...]] = {}
    for row in labels.rows:
        kind, name = ("heading", row.heading) if row.label is None else ("label", row.label)
        key = (kind, normalize_label(name or ""))
        rows[key] = (*rows.get(key, ()), row)
    return rows


def _check_row(row: LabelRow, name: str) -> None:
    where = row.label or row.heading
    if not where:
        msg = f"{name} has a row with neither label nor heading: give one"
    elif row.value not in VALUE_NAMES:
        names = ", ".join(sorted(VALUE_NAMES))
        msg = f"{name} asks for the unknown value {row.value!r} at {where!r}: give one of {names}"
    elif row.default is not None and row.default_holds not in FACT_NAMES:
        msg = f"{name} has stock text at {where!r} without a known default_holds: {', '.join(sorted(FACT_NAMES))}"
    else:
        return
    raise CardCallbackError(msg)
