"""The rows of the label map that a label falls under, however it is put."""

from __future__ import annotations

import re

from cardcallback.render.card.asked_words import asked_in, is_question, named_in, words_key
from cardcallback.render.card.labelled import normalize_label
from cardcallback.render.card.labels import LabelIndex, LabelRow, each
from cardcallback.render.card.quantities import Unit, is_unit
from cardcallback.render.card.understood import DEVICE_VALUES, words_of

# What a unit asks for that is all there is of a label.
_OF_UNIT = {"energy": "energy", "emissions": "carbon_emitted"}
_TOTAL = re.compile(r"^\s*(?:total|estimated)\s+", re.IGNORECASE)
_LETTERS = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_TWO_LANGUAGES = re.compile(
    rf"(?P<one>[^()]+?)\s*\((?P<other>[^()]+)\)|(?P<a>[^()\s]*[{_LETTERS}][^()\s]*)\s+(?P<b>[^()/{_LETTERS}]+)"
)
# How large a memory is, whatever was used of it.
SIZES = frozenset({"machine_memory", "gpu_memory"})
# What something is called or how large it is: no figure of the run.
NAMES = SIZES | {"gpu_names", "processor", "base_model", "machine", "hardware", "total_parameters"}


class LabelRows:
    """Finds the rows of labels.

    Args:
        index: the label map.
    """

    def __init__(self, index: LabelIndex) -> None:
        self._index = index
        self._words: dict[str, frozenset[str]] = {}
        phases = index.labels.phases
        self._phases = {normalize_label(word): name for name, words in phases.items() for word in words}
        sentences = index.labels.sentences
        self._asked = sentences.asked
        self._training, self._harmless = (
            frozenset(map(normalize_label, words)) for words in (sentences.training, sentences.asking)
        )

    def phase(self, label: str) -> str | None:
        """The phase of a run that cards call so."""
        return self._phases.get(normalize_label(label))

    def is_name(self, label: str) -> bool:
        """Whether a label alone asks for what something is called, such as a device, and for no figure of it."""
        found = self._index.by_label.get(normalize_label(label), ())
        return bool(found) and {row.value for row in found} <= NAMES

    def of(self, label: str, unit: Unit | None) -> tuple[LabelRow, ...]:
        """The rows in the map's order; of one in two languages where both are the same.

        As in "Lernrate / learning rate", or with the other one in brackets or other letters behind it.
        """
        by_label = self._index.by_label
        found = by_label.get(normalize_label(label), ())
        if found:
            return found
        if is_question(label):
            return self._of_question(label)
        two = _TWO_LANGUAGES.fullmatch(label)
        said = [two["one"] or two["a"], two["other"] or two["b"]] if two is not None else label.split(" / ")
        parts = [by_label.get(normalize_label(part), ()) for part in said]
        if len(parts) > 1 and len({row.value for rows in parts for row in rows[:1]}) == 1 and all(parts):
            return parts[0]
        key = words_key(label)
        return (self._index.by_words.get(key, ()) if key is not None else ()) or _rows_of_unit(label, unit)

    def of_used(self, label: str, unit: Unit | None) -> tuple[LabelRow, ...]:
        """As ``of``, where the card says "used" beside it: what was used of a memory is not how large it is."""
        return tuple(row for row in self.of(label, unit) if row.value not in SIZES)

    def words_for(self, row: LabelRow, label: str | None) -> frozenset[str]:
        """The words that ask for a row's value: those of its labels, and of what names it inside a text."""
        value = row.value or ""
        if value not in self._words:
            texts = [value.replace("_", " "), *self._index.whole_texts]
            texts += [name for other in self._index.labels.rows if other.value == value for name in each(other.label)]
            texts += ["GPU GPUs TPU model count"] if value in DEVICE_VALUES else []
            texts += [name for name, other in self._index.inside.items() if other == value]
            self._words[value] = words_of(*texts)
        return self._words[value] | words_of(label or "", *row.placeholders)

    def _of_question(self, question: str) -> tuple[LabelRow, ...]:
        named = named_in(question)
        rows = self._index.by_label.get(named, ()) if named is not None else ()
        if rows:
            return rows
        value = asked_in(question, self._asked, self._training, self._harmless)
        return (LabelRow(value=value, label=question),) if value is not None else ()


def _rows_of_unit(label: str, unit: Unit | None) -> tuple[LabelRow, ...]:
    """What a label asks for that is a unit and nothing else: "kWh", "kg CO2"; masses of other things are not known."""
    if unit is None or not is_unit(_TOTAL.sub("", label)):
        return ()
    kind = next(iter(unit.kinds))
    is_gas = kind != "emissions" or "2" in unit.word or "\u2082" in unit.word
    return (LabelRow(value=_OF_UNIT[kind], label=label),) if kind in _OF_UNIT and is_gas else ()
