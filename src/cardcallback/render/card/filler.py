"""What replaces one value of a card, if anything does, and why not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from cardcallback.record import Fill, RunRecord
from cardcallback.render.card.asking import Asked, Asking
from cardcallback.render.card.example_rows import ExampleRows
from cardcallback.render.card.fill_memory import FillMemory, nearest_heading
from cardcallback.render.card.fill_report import Change, Outcome, field_of
from cardcallback.render.card.labelled import normalize_label
from cardcallback.render.card.labels import LabelIndex, LabelRow, has_word
from cardcallback.render.card.naming import Naming, are_versions
from cardcallback.render.card.own_run import Neighbours
from cardcallback.render.card.placeholders import Placeholder, find_placeholders
from cardcallback.render.card.quantities import Value, is_unit
from cardcallback.render.card.several_labels import SeveralLabels
from cardcallback.render.card.slots import Slot
from cardcallback.render.card.understood import (
    Surroundings,
    asks_for_name,
    before_and_after,
    count_and_name,
    has_amount,
    has_own_subject,
    is_choice,
    is_figure,
    is_hint_understood,
    says_the_same,
    shares_word,
)
from cardcallback.render.card.values import card_fields, open_value
from cardcallback.render.card.writing_in import (
    Written,
    counted_by,
    escaped,
    shared_unit,
    write_divided,
    write_pairs,
    write_value,
)

EMISSIONS_VALUE = "carbon_emitted"
NOT_KNOWN = "not known from this run"
_OTHER_WORDS = "asked for in words or a unit that we do not know"
_ASKS_PROSE = "asks for a description, which is yours to write"
_HOLDS = "stock text, true of this run"
_UNDECIDED = "stock text, of which the run does not tell whether it is true"
_A_CHOICE = "lists what to choose from, which is yours to choose"
_TRAINING = ("training", "trained", "fine tuning", "finetuning", "fine tune", "lora", "qlora", "hyperparameters",
             "hyper parameters", "environmental", "hardware")  # fmt: skip


class Filler:
    """Fills the slots of one card, which have to come in order.

    Args:
        record: the run.
        index: the label map.
        memory: what earlier runs filled in this card.
        slots: those of the card.
    """

    def __init__(self, record: RunRecord, index: LabelIndex, memory: FillMemory, slots: Sequence[Slot]) -> None:
        self._record = record
        self._values = card_fields(record)
        self._index = index
        self._naming = Naming(index, self._values)
        self._memory = memory
        self._asking = Asking(index, record, Neighbours(slots))
        self._several = SeveralLabels(self._asking, self._known)
        self._examples = ExampleRows(record, self._asking)

    def change(self, slot: Slot) -> Change:
        """What happens to a slot."""
        slot = self._memory.with_column(slot)
        headings = self._memory.headings(slot)
        before = self._memory.placeholder(slot)
        original = slot.text if before is None else before
        found = self._placeholders(slot, original)
        asks_item, item = self._examples.text(slot, headings, found, original)
        if asks_item:
            if len(found) == 1 and found[0].is_whole and (original or item is not None):
                return self._item(slot, before, item)
            return Change(text=before) if item is None else self._replace(slot, before, item)
        asked = self._asked(slot, headings, original)
        if asked.row is None:
            several = self._several.text(slot, headings, original, found) if asked.why is None else None
            if several is not None:
                return self._replace(slot, before, several)
            return self._without_row(slot, before, found, asked)
        if asked.row.default is not None and original == asked.row.default:
            return self._stock(slot, before, asked.row)
        if original in asked.row.placeholders and not found:
            found = (
                Placeholder(begin=0, end=len(original), hint="", is_example=False, before="", after="", is_whole=True),
            )
        return self._filled(slot, before, found, asked)

    def _asked(self, slot: Slot, headings: tuple[str, ...], original: str) -> Asked:
        if self._examples.is_only_row(slot):
            # The heads of a table of one row are its labels.
            return self._asking.ask(replace(slot, kind="line", label=slot.column), headings, original)
        if slot.kind != "example":
            return self._asking.ask(slot, headings, original)
        return Asked(why=self._asking.forbidden(slot, [normalize_label(heading) for heading in headings]))

    def is_foreign(self, slot: Slot, value: str) -> bool:
        """Whether the slot asks for this value and holds somebody else's figure for it."""
        # In prose a year or a citation is no figure of it.
        if not has_amount(slot.text) if slot.kind in {"block", "item"} else not re.search(r"\d", slot.text):
            return False
        asked = self._asking.ask(slot, self._memory.headings(slot), slot.text)
        if asked.row is None or asked.row.value != value or slot.kind == "example":
            return False
        if self._memory.placeholder(slot) is not None:
            return False
        known = self._values.get(value)
        return not self._placeholders(slot, slot.text) and (known is None or slot.text != known.text)

    def _placeholders(self, slot: Slot, original: str) -> tuple[Placeholder, ...]:
        # Of a text a blank is a value's place only behind a label.
        if not original.strip() and slot.kind not in {"cell", "example", "line"}:
            return ()
        if slot.kind not in {"line", "cell"} and self._asking.is_label_with_unit(original):
            return ()
        return find_placeholders(original, self._index.whole_texts, slot.references)

    def _without_row(self, slot: Slot, before: str | None, found: tuple[Placeholder, ...], asked: Asked) -> Change:
        if not slot.text.strip() or (slot.has_labels and before is None) or not found:
            return Change(text=before) if before is not None else Change()
        is_ours = slot.kind != "prose" or has_own_subject(slot.text, slot.sentences_before)
        filled = self._by_words(slot, before, found) if asked.why is None and is_ours else None
        if filled is not None:
            return filled
        if before is not None:
            return Change(text=before)
        if slot.kind == "prose":
            return Change()  # reported with the text that it is in
        if slot.label is None and not found[0].is_whole and not any(one.is_generic or " " in one.hint for one in found):
            return Change()  # brackets in somebody's prose
        why = asked.why or (_ASKS_PROSE if found[0].is_request else "")
        outcome: Outcome = "left" if why else "not recognised"
        return Change(field=field_of(slot, outcome, why=why))

    def _by_words(self, slot: Slot, before: str | None, found: tuple[Placeholder, ...]) -> Change | None:
        """What the words at the placeholders ask for: in a text below a heading about training, or in a sentence."""
        change = None
        is_named = slot.label is None or not found[0].is_whole or says_the_same(slot.label, found[0].hint)
        if slot.kind == "heading" or is_named:
            hinted = [self._naming.hinted(one, {}) for one in found]
            is_clear = slot.kind == "heading" or self._is_about_training(slot)
            if are_versions(hinted):
                is_clear = slot.kind == "heading" or not self._asking.forbids(slot, self._memory.headings(slot))
            if is_clear and any(name and self._known(name) for name in hinted):
                change = self._compose(slot, before, found, self._paired(found) or hinted, Asked())
        text = slot.text if before is None else before
        if (change is not None and change.fill is not None) or not self._naming.is_about_training(text):
            return change
        found = self._naming.without_besides(found)
        names = self._naming.in_sentence(found)
        if not found:
            return change
        if not all(name is not None and self._known(name) for name in names):
            return change
        return self._compose(slot, before, found, names, Asked(), harmless=self._naming.harmless)

    def _is_about_training(self, slot: Slot) -> bool:
        headings = [normalize_label(heading) for heading in self._memory.headings(slot)]
        return any(has_word(heading, word) for heading in headings for word in _TRAINING)

    def _item(self, slot: Slot, before: str | None, text: str | None) -> Change:
        if text is None:
            return Change(text=before, field=field_of(slot, "left", why=NOT_KNOWN, placeholder=before))
        return self._replace(slot, before, escaped(slot, text))

    def _stock(self, slot: Slot, before: str | None, row: LabelRow) -> Change:
        told = {name: self._known(name) for name in row.default_holds}
        wrong = [name for name, said in row.default_holds.items() if (value := told[name]) and value.text != said]
        value = self._known(row.value or "")
        if wrong and value is not None:
            return self._replace(slot, before, escaped(slot, value.text))
        sure = all(value is not None for value in told.values())
        why = NOT_KNOWN if wrong else _HOLDS if sure else _UNDECIDED
        return Change(text=before, field=field_of(slot, "left", why=why, placeholder=before))

    def _filled(self, slot: Slot, before: str | None, found: tuple[Placeholder, ...], asked: Asked) -> Change:
        if not found or (slot.has_labels and before is None):
            return Change()
        if slot.kind == "block" and not found[0].is_whole and not is_figure(found):
            return self._without_row(slot, before, found, Asked())
        if slot.kind == "block" and found[0].is_request:
            return Change(text=before, field=field_of(slot, "left", why=_ASKS_PROSE, placeholder=before))
        row = asked.row or LabelRow()
        if any(is_choice(one) for one in found):
            return Change(text=before, field=field_of(slot, "left", why=_A_CHOICE, placeholder=before))
        words = self._asking.rows.words_for(row, slot.label)
        value = self._known(row.value or "")
        is_other = value is not None and asks_for_name(found[0].hint, value)
        if found[0].is_whole and (is_other or not is_hint_understood(found[0], words)):
            return Change(text=before, field=field_of(slot, "left", why=_OTHER_WORDS, placeholder=before))
        last = found[-1]
        names = [
            self._naming.named(
                one, row, is_first=one is found[0] and is_hint_understood(one, words), is_last=one is last
            )
            for one in found
        ]
        # Of several the first may be only a part of what is asked for: a start, an hour.
        own = found[0].is_generic or is_unit(found[0].hint) or shares_word(found[0].hint, slot.label)
        if len(found) > 1 and names[0] == row.value and not own:
            names[0] = self._naming.hinted(found[0], {})
        names = self._paired(found, row.value) or before_and_after(found, row.value) or names
        return self._compose(slot, before, found, names, asked)

    def _paired(self, found: tuple[Placeholder, ...], asked: str | None = "gpu_names") -> list[str | None] | None:
        """The names of a count of devices beside their name, none where either is not known: half says nothing."""
        names = count_and_name(found, asked)
        return names if names is None or all(name and self._known(name) for name in names) else [None, None]

    def _compose(
        self,
        slot: Slot,
        before: str | None,
        found: tuple[Placeholder, ...],
        names: list[str | None],
        asked: Asked,
        harmless: frozenset[str] = frozenset(),
    ) -> Change:
        original = slot.text if before is None else before
        # Of several lines only the whole is replaced, or each placeholder where it stands.
        source = original if found[0].is_whole or before is not None else slot.source
        if source != original:
            found = find_placeholders(source, self._index.whole_texts, slot.references)
        parts, end, why = [], 0, ""
        known = [self._known(name) if name else None for name in names]
        everything = self._write(slot, found, names, known, asked, harmless)
        for one, name, value, written in zip(found, names, known, everything or [], strict=False):
            if written is None:
                why = why or (NOT_KNOWN if value is None and name else _OTHER_WORDS)
                continue
            begin = max(end, one.begin - written.more_before)
            unit, last = written.behind(source, one.end)
            remark = f" {escaped(slot, written.remark.strip())}" if written.remark else ""
            parts += [source[end:begin], escaped(slot, written.text), unit, remark]
            end = last
        if not parts:
            is_unknown = any(names) and all(value is None for value in known)
            why = why or (NOT_KNOWN if is_unknown else _OTHER_WORDS)
            return Change(text=before, field=field_of(slot, "left", why=why, placeholder=before))
        text = "".join([*parts, source[end:]])
        if found[0].is_whole and not source.strip():
            text = text.strip()
        return self._replace(slot, before, text, why=why)

    def _write(
        self,
        slot: Slot,
        found: tuple[Placeholder, ...],
        names: list[str | None],
        known: list[Value | None],
        asked: Asked,
        harmless: frozenset[str],
    ) -> Sequence[Written | None] | None:
        """What stands for each placeholder, None for one whose value is not known; nothing where there is a doubt."""
        if len(names) != len(found):
            return None
        written: Sequence[Written | None] | None = write_divided(known[0], found) if known[0] is not None else None
        if written is None:
            if len(found) > 1 and None in names:
                return None
            shared = shared_unit(found)
            units = [asked.unit or shared or (counted_by(slot, value) if value else None) for value in known]
            written = [
                write_value(value, one, unit) if value else None
                for one, value, unit in zip(found, known, units, strict=True)
            ]
            written = write_pairs(names, known, found, written)
            if any(value and not text for value, text in zip(known, written, strict=True)):
                return None
        row_value = self._known(asked.row.value) if asked.row is not None and asked.row.value else None
        label = slot.label or ""
        around = Surroundings(index=self._index, label=label, row=asked.row, row_value=row_value, harmless=harmless)
        return written if around.are_clear(found, names, known, written) else None

    def _known(self, name: str) -> Value | None:
        return self._values.get(name) or open_value(self._record, name)

    def _replace(self, slot: Slot, before: str | None, text: str, why: str = "") -> Change:
        placeholder = slot.source if before is None else before
        headings = self._memory.headings(slot)
        fill = Fill(
            heading=nearest_heading(headings), label=self._memory.label(slot), placeholder=placeholder, text=text
        )
        field = field_of(slot, "filled", text=text, why=why, placeholder=placeholder)
        return Change(text=text, fill=fill, field=field)
