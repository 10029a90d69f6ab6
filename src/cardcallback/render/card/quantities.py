"""Values with a unit: what a card asks for them in, and how they are then written."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from cardcallback.render.card.device_time import device_time_at, is_of_any_device, names_device_time
from cardcallback.render.card.unit_words import UNITS
from cardcallback.units import CARD_FIGURES, JOULES_PER_KILOWATT_HOUR, format_clock, format_number

# Of what is counted each is a unit of its own: steps are asked for by no other word.
COUNTED = {
    "examples": ("example", "examples", "sample", "samples", "row", "rows", "record", "records", "pair", "pairs",
                 "instance", "instances", "conversation", "conversations", "entry", "entries", "items",
                 "data points", "datapoints", "instructions", "dialogues", "training examples", "training samples",
                 "beispiele", "exemples", "ejemplos", "exemplos"),
    "steps": ("step", "steps", "iterations", "optimizer steps", "optimiser steps", "training steps", "updates",
              "schritte", "pasos", "passos"),
    "epochs": ("epoch", "epochs", "epoche", "epochen", "époques", "épocas"),
    "tokens": ("token", "tokens", "tok", "toks"),
    "sequences": ("sequence", "sequences", "sequenzen", "samples", "examples", "sequences per device", "per device",
                  "per gpu", "samples per device", "per device batch size"),
    "devices": ("gpu", "gpus", "device", "devices", "accelerator", "accelerators", "stück",
                "张", "块", "枚", "台", "장"),
    "bits": ("bit", "bits", "-bit", "-bits"),
    "parameters": ("parameter", "parameters", "params", "trainable parameters", "trainable params"),
}  # fmt: skip
_TIMES = frozenset({"training_time", "time_per_epoch", "time_per_step"})
_EACH_DEVICE = re.compile(r"\b(?:per|pro|par|por|micro|device)\b|每|单卡|あたり|당", re.IGNORECASE)
# What may stand before the noun of a count: "[X] M tokens", "[X] billion". A lone letter is no unit of small counts,
# which people abbreviate too: "Batch size (B)".
_MAGNITUDES = {
    **dict.fromkeys(("k", "thousand", "thousands"), 1e3),
    **dict.fromkeys(("m", "mn", "mio", "million", "millions"), 1e6),
    **dict.fromkeys(("b", "bn", "mrd", "billion", "billions"), 1e9),
    **dict.fromkeys(("T", "tn", "trillion", "trillions"), 1e12),
}
LARGE_COUNTS = frozenset({"tokens", "parameters"})
_WITH_THOUSANDS = LARGE_COUNTS | {"examples", "steps"}
# "tokens/s" and "steps per epoch" are other quantities.
_PER = r"\s*(?:/|\bper\b)\s*(?:s|sec|seconds?|min|minutes?|h|hours?|days?|epochs?|steps?|watts?|J|joules?)\b"
_NO_RATE = rf"(?!{_PER})"
_GAS = (
    r"(?:\s*(?:(?:of|de)\s+)?(?:CO2|CO\N{SUBSCRIPT TWO}|CO\$_\{?2\}?\$|CO_2|CO~2~|CO<sub>2</sub>|carbon)"
    r"\s*-?\s*(?:eq(?:uivalents?|\.)?|e(?![a-z]))?)?"
)
_WORDS = sorted({word for units in UNITS.values() for word in units}, key=len, reverse=True)
_UNIT = re.compile(rf"(?P<unit>{'|'.join(map(re.escape, _WORDS))}){_GAS}(?![A-Za-z])", re.IGNORECASE)
# French bytes, which are English words where they begin small.
_WORDS_TOO = frozenset({"go", "mo", "to"})
# Mass per energy, as a grid's factor is given.
_INTENSITY = re.compile(
    rf"(?P<mass>mg|g|kg|t|lbs?|grams?|kilograms?){_GAS}\s*(?:/|per)\s*(?P<energy>[kM]Wh|kilowatt[- ]hour)(?![a-z])",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"^(?:[~\u2248<>]?\s*(?:in|x+(?:\.x+)?|n|#+|value|number|num|\d[\d.,]*k?))?\s*(?:of\s+)?", re.IGNORECASE
)
_LABEL_WITH_UNIT = re.compile(
    r"(?P<bare>.*?\S)\s*(?:\((?:in\s+)?(?P<a>[^()]+)\)|\[(?P<b>[^\[\]]+)\]|,\s*(?:in\s+)?(?P<c>[^,()\[\]]+)|\sin\s(?P<d>.+)"
    r"|[ _](?P<e>[^\W_]+))"
)
_WITHOUT_UNIT = re.compile(
    r"(?:(?:the|total|number of|wall[- ]?clock|training|approx(?:imate|\.)?|estimated|max|peak)\s+)+(?=\w)",
    re.IGNORECASE,
)
_LONGEST_LABEL = 200
# Shorter ones, such as "d" and "s", are no words.
_SHORTEST_TIME = 3
_CLOCK = re.compile(r"(?:hh?:mm(?::ss)?|mm?:ss)(?![\w:])", re.IGNORECASE)
_FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,20}\]")
_SPELLED: dict[str, tuple[str, ...]] = {}
for _word in _WORDS:
    _SPELLED[_word.casefold()] = (*_SPELLED.get(_word.casefold(), ()), _word)
_COUNTS = sorted({word for words in COUNTED.values() for word in words}, key=len, reverse=True)
_NOUN = rf"(?P<unit>{'|'.join(map(re.escape, _COUNTS))})(?![A-Za-z])"
_COUNT = re.compile(_NOUN + _NO_RATE, re.IGNORECASE)
_MAGNITUDE_WORDS = "|".join(sorted((word for word in _MAGNITUDES if word != "T"), key=len, reverse=True))
_OF_NOUN = rf"\s*(?:of\s+)?(?:{'|'.join(map(re.escape, _COUNTS))})(?![A-Za-z])"
# "t" is a tonne. A noun that is there belongs to it, so that "M tokens/s" is not read as "M" with something behind it.
_MAGNITUDE = re.compile(
    rf"(?P<magnitude>T|(?i:{_MAGNITUDE_WORDS}))(?![A-Za-z])"
    rf"(?i:\s*(?:of\s+)?{_NOUN}{_NO_RATE}|(?!{_OF_NOUN}){_NO_RATE})"
)
_SPEED = re.compile(
    rf"(?:(?P<magnitude>{_MAGNITUDE_WORDS})\s*)?(?:tokens?|toks?)\s*(?:/|\bper\b)\s*(?:s|sec|seconds?)(?![A-Za-z])",
    re.IGNORECASE,
)
_RATE = re.compile(rf"(?:(?:{_MAGNITUDE_WORDS}|T)\s*)?(?:{'|'.join(map(re.escape, _COUNTS))}){_PER}", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """A unit as somebody wrote it: ``word`` is its text, ``kinds`` what is measured or counted in it.

    A rate that no value has, such as "steps/s", has no kind: nothing is written before it.
    """

    word: str
    kinds: frozenset[str]
    factor: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """One value of a run as Markdown without line breaks.

    ``text`` says everything and stands alone; ``short`` stands inside somebody else's words. What has an ``amount``
    is measured in the base unit of its ``kind`` (seconds, joules, watts, grams, bytes, a share of one, or a count):
    ``note`` is then what has to be said beside the figure, ``least`` the words before it, ``figures`` how many
    of its digits count, and ``unit`` the word in ``text``.
    """

    text: str
    short: str | None = None
    amount: float | None = None
    kind: str | None = None
    note: str = ""
    least: str = ""
    figures: int = CARD_FIGURES

    def figure(self, unit: Unit) -> str:
        """The bare number in a unit."""
        clock = format_clock(self.amount or 0.0, unit.word)
        if clock is not None:
            return clock
        amount = (self.amount or 0.0) / unit.factor
        if unit.factor != 1.0:
            return format_number(amount, self.figures)
        if self.kind in COUNTED and (self.short or "").isdigit():
            return self.short or ""
        if self.kind in COUNTED:
            return f"{self.amount or 0:,.0f}" if float(self.amount or 0).is_integer() else f"{self.amount:.3g}"
        return format_number(amount, self.figures)

    def in_unit(self, unit: Unit, *, named: bool) -> str:
        """The figure in a unit with what has to be said beside it; ``named`` writes the unit too."""
        figure = self.figure(unit)
        named = named and not _CLOCK.fullmatch(unit.word)
        word = f" {_as_spelled(unit.word)}" if named else ""
        return f"{self.least}{figure}{word}{self.remark_on(figure, unit.word)}"

    def remark_on(self, figure: str, unit: str) -> str:
        """The note in brackets after a blank, without the figure that it begins with where this is the same."""
        note = self.note.removeprefix(f"{figure} {unit.strip()} ")
        return f" ({note})" if note else ""

    @property
    def remark(self) -> str:
        """The note in brackets after a blank, or nothing."""
        return f" ({self.note})" if self.note else ""


def _as_spelled(word: str) -> str:
    """A unit as it is written in prose, where a placeholder names it in capitals: "[HOURS]", "[KWH]"."""
    spelled = _SPELLED.get(word.casefold(), ())
    if len(spelled) == 1 and word.isupper():
        return spelled[0]
    return word.lower() if len(word) > 2 and word.istitle() else word


def unit_at(text: str) -> Unit | None:
    """The unit that ``text`` begins with, after blanks."""
    start = len(text) - len(text.lstrip())
    compound = _compound(text, start)
    if compound is not None:
        return compound
    rate, found = _RATE.match(text, start), _UNIT.match(text, start)
    if found is not None and found["unit"].casefold() in _WORDS_TOO and found["unit"] not in _WORDS:
        found = None
    if rate is not None and (found is None or found.end() < rate.end()):
        return Unit(word=rate.group(), kinds=frozenset())
    counted = _COUNT.match(text, start)
    large = _large_count(text, start)
    if large is not None and (found is None or start + len(large.word) >= found.end()):
        return large
    if counted is not None and (found is None or counted.end() >= found.end()):
        word = counted.group()
        return Unit(word=word, kinds=frozenset(kind for kind, words in COUNTED.items() if word.casefold() in words))
    if found is None:
        return None
    return _measured(found.group("unit"), found.group())


def _compound(text: str, start: int) -> Unit | None:
    """The form of a time, the time of devices, mass per energy or tokens per time at ``start``."""
    if (clock := _CLOCK.match(text, start)) is not None:
        return Unit(word=clock.group(), kinds=frozenset({"time"}))
    if (of_device := device_time_at(text, start)) is not None:
        kind = "device_time" if is_of_any_device(of_device[0]) else "model_time"
        return Unit(word=of_device[0], kinds=frozenset({kind}), factor=of_device[1])
    if (per := _INTENSITY.match(text, start)) is not None and (energy := _exact(per["energy"])):
        factor = UNITS["emissions"][per["mass"].casefold()] * JOULES_PER_KILOWATT_HOUR / UNITS["energy"][energy]
        return Unit(word=per.group(), kinds=frozenset({"intensity"}), factor=factor)
    if (speed := _SPEED.match(text, start)) is None:
        return None
    factor = _MAGNITUDES[speed["magnitude"].casefold()] if speed["magnitude"] else 1.0
    return Unit(word=speed.group(), kinds=frozenset({"rate"}), factor=factor)


def without_footnotes(label: str) -> str:
    """A label without the marks of footnotes: "Training time[^1]"."""
    return _FOOTNOTE.sub("", label)


def unit_in(text: str) -> Unit | None:
    """The unit of a hint: "hours", "X kWh", "4 hours", "in GB"; None where it has none or is about something else."""
    stripped = _AMOUNT.sub("", text.strip())
    unit = unit_at(stripped)
    return unit if unit is not None and unit.kinds and not stripped[len(unit.word) :].strip(" .()") else None


def hinted_unit(hint: str) -> Unit | None:
    """As ``unit_in``, of a placeholder's inside: a lone letter there holds a place and is no thousands or millions."""
    unit = unit_in(_WITHOUT_UNIT.sub("", hint.strip()))
    return None if unit is not None and unit.kinds & set(COUNTED) and len(hint.strip()) == 1 else unit


def unit_behind_in(hint: str) -> Unit | None:
    """The unit that a hint ends in behind other words: "duration in hours"."""
    _, found, unit = hint.rpartition(" in ")
    return unit_in(unit) if found else None


def time_unit_in(label: str) -> Unit | None:
    """The unit of time that a label has among its words: "Hours", "Training days"; None for the hours of devices."""
    if names_device_time(label):
        return None
    words = (word for word in re.split(r"[\s_()/-]+", label) if len(word) >= _SHORTEST_TIME)
    units = (unit for word in words if (unit := unit_in(word)) is not None)
    return next((unit for unit in units if "time" in unit.kinds), None)


def named_unit(value: str | None, label: str) -> Unit | None:
    """The unit that a label has among its words, for the values that labels name so: a time, a batch of one device."""
    if value == "batch_size":
        return unit_in("per device") if _EACH_DEVICE.search(label.replace("_", " ")) else None
    return time_unit_in(label) if value in _TIMES else None


def is_unit(text: str) -> bool:
    """Whether the text is a unit and nothing else."""
    return unit_in(text) is not None


def split_unit(label: str) -> tuple[str, Unit | None]:
    """A label and the unit it asks for: "Training Time (hours)", "Energy [kWh]", "Energy, kWh", "Energy in kWh".

    What else stands in the brackets stays there: "Energy (kWh, GPU only)" is "Energy (GPU only)" in kWh.
    """
    # Brackets and units may be written wide, as in Chinese and Japanese.
    label = unicodedata.normalize("NFKC", without_footnotes(label))
    if len(label) > _LONGEST_LABEL or (found := _LABEL_WITH_UNIT.fullmatch(label.strip().rstrip(":"))) is None:
        return label, None
    words = next((group for group in found.group("a", "b", "c", "d", "e") if group), "")
    words, _, remark = words.partition(", ") if found.group("a") else (words, "", "")
    words = _WITHOUT_UNIT.sub("", words.strip())
    unit = unit_at(words)
    if (
        unit is None
        or not unit.kinds
        or words.strip()[len(unit.word) :].strip(" .")
        or (found.group("e") and not unit.kinds & set(UNITS))
    ):
        return label, None
    return found.group("bare") + (f" ({remark})" if remark else ""), unit


def _large_count(text: str, start: int) -> Unit | None:
    """Thousands, millions and so on at ``start``, of what is named behind them or of what is counted so."""
    found = _MAGNITUDE.match(text, start)
    if found is None:
        return None
    magnitude, noun = found.group("magnitude"), (found.group("unit") or "").casefold()
    factor = _MAGNITUDES.get(magnitude) or _MAGNITUDES[magnitude.casefold()]
    kinds = _WITH_THOUSANDS if factor < 1e9 else LARGE_COUNTS
    if noun:
        kinds &= {kind for kind, words in COUNTED.items() if noun in words}
    return Unit(word=found.group(), kinds=kinds, factor=factor) if kinds else None


def _measured(word: str, whole: str) -> Unit:
    exact = _exact(word)
    kinds = {kind: units[exact] for kind, units in UNITS.items() if exact in units}
    if not kinds:
        return Unit(word=whole, kinds=frozenset())
    kind, factor = next(iter(kinds.items()))
    # Hours may be those of devices, where these are asked for.
    return Unit(word=whole, kinds=frozenset({kind, "device_time"} if kind == "time" else {kind}), factor=factor)


def _exact(word: str) -> str:
    """The unit as it is spelled; nothing where "mwh" may be milliwatt-hours or megawatt-hours."""
    spelled = _SPELLED[word.casefold()]
    if word in spelled or len(spelled) == 1:
        return word if word in spelled else spelled[0]
    return next((one for one in spelled if one[0] == word[0] and not word.islower()), "")
