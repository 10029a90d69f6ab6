"""Rows of a table that stand for a stage or a phase of the run: "Stage 2", "Training" beside "Evaluation"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from cardcallback.record import UNRECORDED, RunRecord, Stage
from cardcallback.render.card.asking import Asking
from cardcallback.render.card.below_quantity import SUMS
from cardcallback.render.card.labelled import normalize_label
from cardcallback.render.card.labels import each, has_word
from cardcallback.render.card.own_run import stage_named_in, stage_number_in
from cardcallback.render.card.placeholders import Placeholder
from cardcallback.render.card.quantities import Unit, Value, split_unit, time_unit_in, unit_in
from cardcallback.render.card.slots import Slot
from cardcallback.render.card.table_rows import UNIT_COLUMNS
from cardcallback.render.card.values import card_fields
from cardcallback.render.card.values_results import stage_items
from cardcallback.render.card.values_time_energy import energy_of
from cardcallback.render.card.writing_in import escaped, write_value
from cardcallback.render.section.stages import all_stages, stage_energy, stage_time
from cardcallback.units import format_duration

_LEAST = "at least "
_WHOLE = "whole"
_QUANTITIES = frozenset({"time", "energy"})
_SPLITS = ("split", "splits", "data split", "subset", "set", "partition", "corpus", "aufteilung", "teilmenge")
_DATA = ("data", "dataset", "datasets", "corpus", "speech", "audio", "daten", "datensatz", "données", "datos")


class PartRows:
    """Finds what a cell of such a row asks for.

    Args:
        record: the run.
        asking: says what a column asks for, and which rows stand beside one.
    """

    def __init__(self, record: RunRecord, asking: Asking) -> None:
        self._record, self._asking = record, asking

    def text(
        self, slot: Slot, headings: Sequence[str], found: Sequence[Placeholder], original: str
    ) -> tuple[bool, str | None]:
        """Whether the cell is of a part of the run, and its text, None where nothing is known of that part.

        Args:
            slot: a cell.
            headings: those above it in their original words.
            found: the placeholders in it.
            original: what stands, or stood, in it.
        """
        if slot.kind != "cell" or not slot.label or not slot.column or slot.column.lower() in UNIT_COLUMNS:
            return False, None
        bare, unit = split_unit(slot.column)
        part = self._part(bare)
        if part is None or part == "name" or self._is_of_another(slot, headings):
            return False, None
        if part == "time" and normalize_label(slot.label) in self._phases and self._is_of_data(slot):
            return True, None
        asked_unit = unit or unit_in(slot.unit or "") or time_unit_in(bare)
        phase = self._phase(slot) if part in _QUANTITIES else None
        if phase is not None:
            return True, self._written(slot, self._of_phase(phase, part), found, original, asked_unit)
        number = stage_number_in(normalize_label(slot.label))
        if number is None and not self._is_row_of_stages(slot):
            return False, None
        place = self._place(slot, number)
        value = None if place is None else self._of_stage(place, part)
        return True, self._written(slot, value, found, original, asked_unit)

    @cached_property
    def _stages(self) -> tuple[Stage, ...]:
        return all_stages(self._record) if self._record.stages else ()

    def _is_of_another(self, slot: Slot, headings: Sequence[str]) -> bool:
        """Whether what stands above the row, or over its columns, is about no part of this run."""
        over = self._asking.column_group(normalize_label(slot.group)) if slot.group else None
        above = [normalize_label(one) for one in headings]
        return over not in {None, "value", "tuned"} or self._asking.forbidden(slot, above) is not None

    def _part(self, column: str) -> str | None:
        """Which part of a stage a column asks for, by its heading."""
        plain = normalize_label(column)
        rows = [row for row in self._asking.index.labels.examples if row.items == "stages"]
        parts = ((part, each(names)) for row in rows for part, names in row.columns.items())
        return next((part for part, names in parts if plain in {normalize_label(name) for name in names}), None)

    def _phase(self, slot: Slot) -> str | None:
        """The phase that a row is of, where another one has a row beside it; of a row that sums them up the whole."""
        label, rows = normalize_label(slot.label or ""), self._asking.beside.rows(slot)
        phases = self._phases
        if label in SUMS:
            return _WHOLE if rows <= SUMS | set(phases) and len({phases[one] for one in rows - SUMS}) > 1 else None
        own = phases.get(label)
        return own if own is not None and any(phases.get(one, own) != own for one in rows) else None

    def _is_of_data(self, slot: Slot) -> bool:
        """Whether the rows are the parts of a data set, whose hours are those of its recordings."""
        above = [normalize_label(one) for one in slot.headings[slot.titles :]]
        return self._asking.beside.has(slot, _SPLITS) or any(has_word(one, word) for one in above for word in _DATA)

    @cached_property
    def _phases(self) -> dict[str, str]:
        phases = self._asking.index.labels.phases
        return {normalize_label(word): name for name, words in phases.items() for word in words}

    def _is_row_of_stages(self, slot: Slot) -> bool:
        """Whether a row is named for a stage, below a heading or in a column of stages."""
        label = normalize_label(slot.label or "")
        above = [normalize_label(one) for one in slot.headings[slot.titles :]]
        is_below = any(has_word(one, word) for one in above for word in ("stages", "pipeline", "phases"))
        return is_below and stage_named_in(label) is not None

    def _place(self, slot: Slot, number: int | None) -> int | None:
        """The stage that a row is of: by its name where it has one, else by its number.

        Rows of one name are of the stages of that name in order, where there are as many of both.
        """
        named, alike = stage_named_in(normalize_label(slot.label or "")), self._asking.beside.alike_rows(slot)
        known = range(len(self._stages))
        places = [place for place in known if named is None or _is_called(self._stages[place].name, named)]
        # What is not recorded may be several stages, after which their numbers say nothing.
        is_numbered = number is not None and all(stage.name != UNRECORDED for stage in self._stages)
        if is_numbered and number is not None and number - 1 in places and len(alike) == 1:
            return number - 1
        return places[alike.index(slot.row)] if named is not None and len(places) == len(alike) else None

    def _of_stage(self, place: int, part: str) -> Value | None:
        stage = self._stages[place]
        if part == "time":
            least = _LEAST if stage.duration_is_least else ""
            text = stage_time(stage)
            return (
                Value(text=text, short=text, amount=stage.duration_seconds, kind="time", least=least) if text else None
            )
        if part == "energy":
            return _energy_of_stage(stage)
        text = stage_items(self._record)[place].get(part)
        return Value(text=text, short=text) if text else None

    def _of_phase(self, phase: str, part: str) -> Value | None:
        if phase == _WHOLE:
            return card_fields(self._record).get("training_time" if part == "time" else "gpu_energy")
        found = next((one for one in self._record.energy.phases if one.phase == phase), None)
        if found is None:
            return None
        if part == "energy":
            return energy_of(self._record, "gpu", found.energy)
        text = format_duration(found.duration_seconds)
        return Value(text=text, short=text, amount=found.duration_seconds, kind="time")

    def _written(
        self, slot: Slot, value: Value | None, found: Sequence[Placeholder], original: str, unit: Unit | None
    ) -> str | None:
        if value is None or len(found) != 1:
            return None
        one = found[0]
        if one.is_whole:
            written = write_value(value, one, unit)
            return None if written is None else f"{original[: one.begin]}{written.text}{original[one.end :]}"
        return None if re.search(r"[^\W\d_]", one.before) else _inside(slot, value, one, original, unit)


def _inside(slot: Slot, value: Value, one: Placeholder, original: str, unit: Unit | None) -> str | None:
    """The value inside what stands around it, which stays as it is written."""
    written = write_value(value, one, unit)
    # "[X] Wh per step" is another quantity.
    if written is None or re.search(r"\w", one.after[written.unit_width :]):
        return None
    behind, end = written.behind(original, one.end)
    remark = f" {escaped(slot, written.remark.strip())}" if written.remark else ""
    text = escaped(slot, written.text)
    return f"{original[: one.begin - written.more_before]}{text}{behind}{remark}{original[end:]}"


def _is_called(name: str, named: Sequence[str]) -> bool:
    return normalize_label(name) in named


def _energy_of_stage(stage: Stage) -> Value | None:
    text = stage_energy(stage)
    if text is None or stage.energy is None:
        return None
    figure, _, note = text.partition(", ")
    least = _LEAST if figure.startswith(_LEAST) else ""
    return Value(text=text, short=figure, amount=stage.energy.value, kind="energy", note=note, least=least)
