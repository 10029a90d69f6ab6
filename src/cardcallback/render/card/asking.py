"""Which row of the label map a value in a card falls under, or why none is sure enough."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cardcallback.record import RunRecord
from cardcallback.render.card.below_quantity import QUANTITIES, SUMMED, SUMS, label_below
from cardcallback.render.card.column_groups import ColumnGroups
from cardcallback.render.card.label_rows import LabelRows
from cardcallback.render.card.labelled import normalize_label
from cardcallback.render.card.labels import LabelIndex, LabelRow, NeverRow, each, each_of, has_word
from cardcallback.render.card.own_run import Neighbours, OwnRun, is_own
from cardcallback.render.card.quantities import Unit, named_unit, split_unit, unit_in
from cardcallback.render.card.slots import Slot
from cardcallback.render.card.two_heads import readings

_ANOTHER_MEANING = "has another meaning beside the labels around it"
_OF_PHASE = "of one phase, and the figure is of the whole run"
_BEFORE_TRAINING = "about the model before this training run"
# Below a heading that only says "Before" or "Base model".
_OF_THE_BASE = frozenset(
    {"base_loss", "perplexity_base", "base_model", "base_model_link", "model_type", "total_parameters"}
)
_ONE_OF_SEVERAL = "one of several rows that may be of this run, and which is not said"
_ANOTHER_RUN = "about another model or stage, not about this training run"
_YEAR = re.compile(r"(?:19|20)\d\d")
# What a column of units has beside a value that has none.
_NO_UNIT = re.compile(
    r"\W*|n/?a|none|text|str(?:ing)?|float|int(?:eger)?|number|count|name|date|"
    r"bool(?:ean)?|list|units?",
    re.IGNORECASE,
)
# Of these values nothing but a training run has a label.
_TELLING = frozenset({"learning_rate", "epochs", "training_time", "lora_rank", "optimizer", "warmup", "training_loss"})
_QUALIFIERS = re.compile(
    r"^[^\w(]*(?:the|approximate|approx\.?|estimated|our|logged|measured|recorded|actual)\s+"
    r"|(?:,?\s+\(?(?:(?:used )?(?:for|in|during|of) (?:the )?training|"
    r"at the end(?: of (?:the )?training)?|used|training|approx\.?|approximate|estimated|est\.?|measured|"
    r"recorded|(?:known|measured) or estimated|estimated or measured|if (?:known|available)|"
    r"of (?:the|this|our) model)\)?)+$",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a slot asks for: a ``row`` and the unit in its label, or ``why`` it is not to be filled, or neither."""

    row: LabelRow | None = None
    unit: Unit | None = None
    why: str | None = None


class Asking:
    """Finds rows for slots.

    Args:
        index: the label map.
        record: the run, whose base model and stage may head a column.
        beside: which labels stand below the same heading.
    """

    def __init__(self, index: LabelIndex, record: RunRecord, beside: Neighbours) -> None:
        self.index, self.beside, self._run = index, beside, OwnRun(record)
        training = record.training
        rows = index.labels.rows
        self.rows = LabelRows(index)
        self._telling = {name for row in rows if row.value in _TELLING and not row.section for name in each(row.label)}
        topics = {normalize_label(word) for row in rows for word in (*row.section, *each(row.heading))}
        topics |= {"setup", "settings", "configuration", "details", "parameters"}
        never = {normalize_label(word) for one in index.labels.never_under for word in one.words}
        self._topics = frozenset(topics | never)
        self._never: dict[str, list[NeverRow]] = {}
        base = normalize_label((training.base_model or "").rsplit("/", 1)[-1])
        self._groups = ColumnGroups(index.column_groups, self._run, base)

    def ask(self, slot: Slot, headings: tuple[str, ...], original: str) -> Asked:
        """The row for a slot below these headings, in their original words, where ``original`` stood in the card."""
        above = [normalize_label(heading) for heading in headings]
        above += [normalize_label(slot.introduction)] if slot.introduction and slot.kind == "line" else []
        if slot.label is None and (slot.kind not in {"block", "item"} or not headings):
            return Asked(why=self.forbidden(slot, above))
        by_heading = self.index.by_heading.get(above[-1], ()) if slot.label is None and slot.kind == "block" else ()
        if by_heading:
            return Asked(row=by_heading[0])
        label = slot.label if slot.label is not None else headings[-1]
        if slot.group:
            return self._by_two_heads(slot, above, original)
        if self._heads_quantity(slot, label):
            composed, over = self._composed(slot, label), f"the column {slot.column}"
            slot, whole = (slot, None) if composed is None else (composed, composed.label)
        else:
            whole, over = label_below(self.rows, slot, label, headings, self.beside), "what stands above it"
        if whole is None:
            return Asked(why=f"{over} asks for something else of it")
        return self._by_label(slot, whole, above, original)

    def _by_two_heads(self, slot: Slot, above: list[str], original: str) -> Asked:
        for read, heading in readings(slot, self.column_group):
            asked = self._by_label(
                read, read.label or "", [*above, *([normalize_label(heading)] if heading else [])], original
            )
            if asked.row is not None:
                return asked
        return Asked(why=self.forbidden(slot, [*above, normalize_label(slot.group)]))

    def _by_label(self, slot: Slot, label: str, above: list[str], original: str, *, may_turn: bool = True) -> Asked:
        is_turned = may_turn and self._is_turned(slot, label)
        # "Base" is a label too, but not beside columns that are labels.
        if is_turned and normalize_label(label) in self.index.column_groups and self.is_label(slot.column or ""):
            return self._turned(slot, label, above, original)
        bare, unit = split_unit(label)
        plain = _QUALIFIERS.sub("", bare).strip()
        # Of a label without unit and qualifiers all four are the same.
        for name, asked in dict.fromkeys(((label, None), (bare, unit), (plain, unit), (label, unit_in(label) or unit))):
            labelled = self.rows.of(name, asked) if name != plain or plain == bare else self.rows.of_used(name, asked)
            rows = [row for row in labelled if self._is_below(row, above, slot)]
            fitting = [row for row in rows if self._is_in_column(row, slot)]
            stock = [row for row in fitting if row.default == original]
            row = next(iter(stock or fitting), None)
            if row is not None:
                why = self._why_left(row, slot, above, is_ours=slot.text != original)
                in_column = unit_in(slot.unit or "")
                if in_column is None and not _NO_UNIT.fullmatch(slot.unit or ""):
                    why = why or f"the unit {slot.unit} is none that we know"
                unit = asked or in_column or named_unit(row.value, label)
                return Asked(why=why) if why else Asked(row=row, unit=unit)
            if rows and slot.kind in {"cell", "example"} and self._composed(slot, label) is None:
                return Asked(why=f"the column {slot.column or 'without a heading'} is not surely this run's")
        if is_turned:
            return self._turned(slot, label, above, original)
        composed = self._composed(slot, label)
        if composed is not None:
            return self._by_label(composed, composed.label or "", above, original)
        return Asked(why=self.forbidden(slot, above))

    def _turned(self, slot: Slot, label: str, above: list[str], original: str) -> Asked:
        """Of a table with a row for each model, whose columns are the labels."""
        is_base = self.column_group(normalize_label(label)) == "base"
        # A column of a baseline stands beside the tuned model's; a row of it among those of other models.
        if is_base and has_word(normalize_label(label), "baseline"):
            return Asked(why=_ANOTHER_RUN)
        if self._run.is_of_another((*slot.beside, *([label] if is_base else [])), above[: slot.titles]):
            return Asked(why=_ANOTHER_RUN)
        if self._is_one_of_several(slot, label):
            return Asked(why=_ONE_OF_SEVERAL)
        turned = replace(slot, label=slot.column, column=label, only_column=False)
        return self._by_label(turned, slot.column or "", above, original, may_turn=False)

    def _is_one_of_several(self, slot: Slot, label: str) -> bool:
        """Whether several rows may be this run's, as "SFT" and "QLoRA" of a QLoRA, and this one does not say so."""
        plain = normalize_label(label)
        group = self.column_group(plain)
        alike = {one for one in self.beside.rows(slot) if self.column_group(one) == group} | {plain}
        return group == "tuned" and not is_own(plain) and (len(alike) > 1 or len(self.beside.alike_rows(slot)) > 1)

    def is_label(self, name: str) -> bool:
        """Whether the map has this label, with or without a unit behind it."""
        return any(normalize_label(one) in self.index.by_label for one in (name, split_unit(name)[0]))

    def is_label_with_unit(self, text: str) -> bool:
        """Whether a text without a value is a label and its unit: "Training time [min]", not "[GPU] x [number]"."""
        bare, unit = split_unit(text)
        return unit is not None and "[" not in bare and normalize_label(bare) in self.index.by_label

    def _heads_quantity(self, slot: Slot, label: str) -> bool:
        """Whether a cell's column asks for a quantity, and the label for something else: "GPU" beside "Energy"."""
        if slot.kind != "cell" or not slot.column or label == slot.column or self._is_turned(slot, label):
            return False
        if self.column_group(normalize_label(slot.column)) is not None:
            return False
        asked, beside = (
            {row.value for row in self.index.by_label.get(normalize_label(split_unit(name)[0]), ())}
            for name in (slot.column, label)
        )
        return bool(asked & QUANTITIES) and bool(beside) and asked.isdisjoint(beside)

    def _composed(self, slot: Slot, label: str) -> Slot | None:
        """A cell whose row and column make a label together: "Train" and "Examples"."""
        if slot.kind != "cell" or not slot.column or self.column_group(normalize_label(slot.column)) is not None:
            return None
        if normalize_label(label) in SUMS:
            return None
        name = f"{label} {slot.column}"
        if self.rows.phase(label) is not None and self.rows.is_name(slot.column):
            return None  # in a table of phases a device heads what it took in each, not what it is called
        return replace(slot, label=name, column="Value", group="") if self.is_label(name) and label != name else None

    def _is_turned(self, slot: Slot, label: str) -> bool:
        """Whether a row begins with whose figures it holds, and is not one that was turned already."""
        if slot.kind != "cell" or not slot.column or label == slot.column:
            return False
        whose = {"tuned", "base"}
        of_column = None if self.is_label(slot.column) else self.column_group(normalize_label(slot.column))
        return self.column_group(normalize_label(label)) in whose and of_column not in whose

    def _why_left(self, row: LabelRow, slot: Slot, above: list[str], *, is_ours: bool) -> str | None:
        if row.leave is not None:
            return row.leave
        if self.beside.has(slot, row.not_beside):
            return _ANOTHER_MEANING
        # What a person wrote elsewhere since does not change what a text of ours stands for.
        if not is_ours and self._is_elsewhere(slot, above):
            return _ANOTHER_MEANING
        if row.value in SUMMED and self._is_of_phase(slot):
            return _OF_PHASE
        # A heading that the row itself asks for is right whatever stands above it.
        wanted = {normalize_label(heading) for heading in each(row.heading)}
        begin = max((number + 1 for number, heading in enumerate(above) if heading in wanted), default=0)
        if slot.kind == "cell" and slot.column and self.column_group(normalize_label(slot.column)) is None:
            above = [*above, normalize_label(slot.column)]
        return self.forbidden(slot, above, row.value, begin)

    def _is_of_phase(self, slot: Slot) -> bool:
        """Whether the label stands below a phase of the run, and again below another one."""
        own = self.rows.phase(slot.headings[-1]) if slot.headings else None
        return own is not None and any(self.rows.phase(name) not in {None, own} for name in self.beside.below(slot))

    def _is_elsewhere(self, slot: Slot, above: list[str]) -> bool:
        """Whether the label stands below a heading about training, and here below one about who knows what."""
        sections = above[slot.titles :]
        topics = self.index.labels.topics
        if not sections or any(has_word(section, word) for section in sections for word in each_of(topics)):
            return False
        return self.beside.stands_below(slot, topics.get("training", ()))

    def forbidden(self, slot: Slot, above: list[str], value: str | None = None, begin: int = 0) -> str | None:
        """Why nothing, or not this value, is filled below these headings; the card's title is none of them.

        The first ``begin`` headings do not count.
        """
        if self.beside.is_of_series(slot, self._topics):
            return _ANOTHER_RUN
        for heading in reversed(above[max(begin, slot.titles) :]):
            if self._run.is_another(heading, above[: slot.titles]):
                return _ANOTHER_RUN
            if self.index.column_groups.get(heading) == "base" and value not in _OF_THE_BASE:
                return _BEFORE_TRAINING
            why = next((never.why for never in self._never_under(heading) if value not in never.values), None)
            if why is not None:
                return why
        return None

    def forbids(self, slot: Slot, headings: Sequence[str]) -> bool:
        """Whether a heading above the slot or its label forbids what stands behind it: "Minimum: PEFT [X]"."""
        above = [*headings, *([slot.label] if slot.label else [])]
        return self.forbidden(slot, [normalize_label(one) for one in above]) is not None

    def _never_under(self, heading: str) -> list[NeverRow]:
        """The rows that forbid filling below a heading, as headings are compared."""
        if heading not in self._never:
            self._never[heading] = [
                never
                for never in self.index.labels.never_under
                if any(has_word(heading, normalize_label(word)) for word in never.words)
                and not any(has_word(heading, normalize_label(word)) for word in never.unless)
            ]
        return self._never[heading]

    def _is_in_column(self, row: LabelRow, slot: Slot) -> bool:
        if slot.kind not in {"cell", "example"} or slot.column is None:
            return True
        column = normalize_label(slot.column)
        group = self.column_group(column)
        if each(row.column):
            wanted = {normalize_label(name) for name in each(row.column)}
            return column in wanted or group in each(row.column)
        if group in {"value", "tuned"} or self._is_training_beside_use(slot, column):
            return True
        is_plain = group is None and slot.only_column and _YEAR.fullmatch(column) is None
        return is_plain and not self._groups.are_models(self.beside.rows(slot), self.is_label)

    def _is_training_beside_use(self, slot: Slot, column: str) -> bool:
        """Whether a column is of training, and those beside it are of using the model."""
        others = self.beside.columns(slot)
        if self.rows.phase(column) != "training" or not others:
            return False
        return all(self.rows.phase(other) is None and self._never_under(other) for other in others)

    def _is_below(self, row: LabelRow, above: list[str], slot: Slot) -> bool:
        wanted = {normalize_label(heading) for heading in each(row.heading)}
        if wanted and not wanted & set(above):
            return False
        words = [normalize_label(word) for word in row.section]
        sections = above[slot.titles :] or above
        if not words or any(has_word(section, word) for section in sections for word in words):
            return True
        # Without a section nothing says what a plain word is about but the card itself, or what stands beside it.
        is_of_training = not above[slot.titles :] or "training" in words
        return not sections or (is_of_training and self.beside.has(slot, self._telling))

    def column_group(self, column: str) -> str | None:
        """Whose figures a column holds, by its heading as it is compared; None where that says nothing."""
        return self._groups.of(column)
