"""Whether a card's own words at a placeholder, around it and inside it, leave no doubt about what is asked for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache

from cardcallback.render.card.forms import asks_for_form
from cardcallback.render.card.inline_text import COMMENT
from cardcallback.render.card.labelled import SENTENCE_END, normalize_label
from cardcallback.render.card.labels import LabelIndex, LabelRow, each
from cardcallback.render.card.placeholders import Placeholder
from cardcallback.render.card.quantities import Value, hinted_unit, is_unit, split_unit, unit_at, without_footnotes
from cardcallback.render.card.values import VALUE_NAMES
from cardcallback.render.card.writing_in import Written

_PUNCTUATION = re.compile(rf"[\s.,;:!=()\[\]*~\u3002\u3001\u2019\u2248\"'|\u00b7{COMMENT}]+")
_CALLOUT = re.compile(r"^\s*\[!(?:NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]", re.IGNORECASE)
_AND_SO_ON = frozenset(
    {"in", "all", "total", "overall", "altogether", "of", "with", "and", "the", "on", "using", "used", "approximately",
     "approx", "about", "around", "ca", "circa", "roughly"}
)  # fmt: skip
# What may stand before a placeholder whatever is asked for.
ABOUT = re.compile(
    r"\s*(?:[~\u2248<>\u7d04\u7ea6]|approximately|approx\.?|about|around|ca\.?|up to|roughly)?\s*", re.IGNORECASE
)
# Symbols such as a tick, and what only changes how the letter before it looks.
_PICTURES = frozenset({"So", "Mn"})
# What may be said again of a quantity of this kind.
_OF_KIND = {
    "time": frozenset({"wall", "clock", "time", "training"}),
    "device_time": frozenset({"training"}),
    "energy": frozenset({"energy", "electricity", "consumed"}),
    "emissions": frozenset({"emissions", "emitted"}),
    "share": frozenset({"steps", "parameters", "weights", "training"}),
}
# After a placeholder that names its value in words: no rate, product or noun of another kind.
_SENTENCE_GOES_ON = re.compile(
    r"\s*(?:$|[.,;:)!|\u00b7]|(?:and|with|on|for|at|in|of|using|over|by|from|took|was|is|were|are)\b)", re.IGNORECASE
)
# Sentences beside it that may be about another training, and words that take a sentence's subject from those.
_OF_OTHERS = re.compile(
    r"pre-?train|vortrain|pr[e\u00e9]-?entra[i\u00ee]n|preentren|pr[e\u00e9]-?trein|\u9884\u8bad\u7ec3|\u4e8b\u524d\u5b66\u7fd2|"
    r"\b(?:lehrer|enseignant|professor|teacher|baselines?|others?|another|previous(?:ly)?|earlier|original(?:ly)?)\b",
    re.IGNORECASE,
)
# No part of a name such as "gemma-3-4b-it".
_POINTING_BACK = re.compile(r"(?<![\w/.-])(?:it|its|they|which)(?![\w/-])", re.IGNORECASE)
_OF_US = re.compile(
    r"\b(?:we|our|this (?:model|adapter|run)|wir|unsere?\w{0,2}|nous|notre|nuestro|nosso)\b", re.IGNORECASE
)
_A_NAME = re.compile(r"\b(?:name|function|class|formula)\b", re.IGNORECASE)
_A_NUMBER = re.compile(r"[\d.,]+(?: \(.*\))?")
_PAIRING = frozenset({"x", "\u00d7"})
# Between a number and a name: "[N] GPU [model]", and what Chinese and Japanese count devices with.
_COUNTERS = frozenset({"gpu", "gpus", "\u5757", "\u5f20", "\u4e2a", "\u53f0", "\u53f0\u306e", "\u679a\u306e"})
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_LONGEST_UNSPACED = 60
# What a value was before this training, and what stands between the two.
BEFORE = {"validation_loss": "base_loss", "perplexity_tuned": "perplexity_base"}
_ARROWS = frozenset({"\u2192", "->", "-->", "=>", "\u27f6", "\u2794", "to", "bis", "auf", "\u00e0", "a"})
_COUNT_AND_NAME = frozenset({"gpu_count", "gpu_name"})
_CHOICE = re.compile(r"[^/|]+(?:[/|][^/|]+)+")
_HUB_ID = re.compile(
    r"(?=.*\b(?:org|organization|user|username|owner|namespace|name|repo|author|your|model|path|id)\b)[\w.-]+/[\w./-]+",
    re.IGNORECASE,
)
_NOT_APPLICABLE = re.compile(r"\bn/a\b", re.IGNORECASE)
DEVICE_VALUES = frozenset({"gpu_names", "hardware", "hardware_needed", "compute_infrastructure"})
_COUNT_HINTS = frozenset({"n", "x", "count", "gpu count", "number", "number of gpus", "gpus", "anzahl", "nombre",
                          "cantidad", "n\u00famero", "quantidade", "numero",
                          "\u6570\u91cf", "\u53f0\u6570"})  # fmt: skip
_NAME_HINTS = frozenset({"gpu\u578b\u53f7",
                         "gpu", "gpu name", "gpu type", "gpu model", "model", "name", "type", "mod\u00e8le", "modelo",
                         "modell", "typ", "tipo", "\u578b\u53f7"})  # fmt: skip
# Words of a hint that only ask for a value to be put there.
_ASKING = frozenset(
    {"a", "actual", "add", "an", "and", "answer", "any", "applicable", "approx", "approximate", "based", "by",
     "choose", "clock", "date", "day", "description", "details", "during", "each", "enter", "estimate", "estimated",
     "exact", "figure", "fill", "final", "for", "from", "give", "here", "how", "id", "if", "in", "insert", "is",
     "it", "known", "link", "long", "many", "measured", "measurement", "month", "more", "much", "name", "needed",
     "not", "number", "of", "on", "optional", "or", "please", "put", "run", "specify", "state", "specification",
     "specifications", "tbd", "tdp", "text", "the", "this", "to", "todo", "total", "training", "type", "types",
     "typical", "quantities", "used", "value", "wall", "was", "were", "what", "which", "with", "year", "your", "n/a",
     "unknown", "available", "antwort", "r\u00e9ponse", "respuesta", "zahl", "hf", "hub", "huggingface", "hugging",
     "face", "float", "int", "max", "calculated", "unit"}
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What the words around the placeholders of one value may be: its ``label``, its ``row`` and the value of that.

    In a sentence words are ``harmless`` too, and of a paragraph only the sentences with placeholders count.
    """

    index: LabelIndex
    label: str
    row: LabelRow | None
    row_value: Value | None
    harmless: frozenset[str] = frozenset()

    def are_clear(
        self,
        found: Sequence[Placeholder],
        names: Sequence[str | None],
        values: Sequence[Value | None],
        written: Sequence[Written | None],
    ) -> bool:
        """Whether nothing before, between and behind the placeholders changes what is asked for."""
        if found[0].is_whole:
            return True
        own = self.harmless | words_of(
            self.label, *((*self.row.placeholders, *self.row.inside) if self.row is not None else ())
        )
        lead = own | self._naming(names[0]) | self._of_row_value()
        pairing = _PAIRING | _COUNTERS if set(names) >= _COUNT_AND_NAME else frozenset()
        if len(names) == 2 and names[0] is not None and BEFORE.get(names[1] or "") == names[0]:
            pairing |= _ARROWS | {"from", "von", "de"}
            lead |= {"from", "von", "de"}
        is_named = [self._names_itself(one) for one in found]
        if (
            not is_named[0]
            and not ABOUT.fullmatch(found[0].before)
            and not are_understood(self._beginning(found[0].before), lead)
        ):
            return False
        for number, (one, value, text) in enumerate(zip(found, values, written, strict=True)):
            behind = one.after[text.unit_width if text is not None else 0 :]
            behind = self._end(behind) if number + 1 == len(found) else behind
            following = names[number + 1] if number + 1 < len(names) else None
            words = own | pairing | words_of_kind(value) | self._naming(names[number]) | self._naming(following)
            named = is_named[number] and all(is_named[number + 1 : number + 2])
            if not are_understood(behind, words) and not (named and _SENTENCE_GOES_ON.match(behind)):
                return False
        return True

    def _beginning(self, before: str) -> str:
        """What stands before a placeholder in its own sentence, where the sentences before are of nothing else."""
        ends = [found.end() for found in SENTENCE_END.finditer(before)] if self.harmless else []
        if not ends or _OF_OTHERS.search(before[: ends[-1]]) or _POINTING_BACK.search(before[ends[-1] :]):
            return before
        return before[ends[-1] :]

    def _end(self, after: str) -> str:
        found = SENTENCE_END.search(after) if self.harmless else None
        return after if found is None or _OF_OTHERS.search(after[found.end() :]) else after[: found.end()]

    def _names_itself(self, one: Placeholder) -> bool:
        hint = normalize_label(one.hint)
        return not one.is_generic and (hint in self.index.inside or hint.replace(" ", "_") in VALUE_NAMES)

    def _naming(self, name: str | None) -> frozenset[str]:
        inside = self.index.inside | dict(self.row.inside if self.row is not None else {})
        of_base = frozenset({"base", "model"} if name in BEFORE.values() else ())
        if (name or "").startswith("software."):
            rows = (row for row in self.index.labels.rows if row.value == name)
            return words_of(*(label for row in rows for label in each(row.label)))
        return of_base | words_of(*(words for words, value in inside.items() if name is not None and value == name))

    def _of_row_value(self) -> frozenset[str]:
        """Of a run with QLoRA "QLoRA (r=[X])" says what is so."""
        value = self.row_value
        return words_of(value.short or value.text) if value is not None else frozenset()


def has_own_subject(sentence: str, before: str) -> bool:
    """Whether a sentence behind others says itself, or continues one that says, that it is about this run."""
    if not before.strip():
        return True
    is_of_us, points_back = _OF_US.search(sentence), _POINTING_BACK.search(sentence)
    if _OF_OTHERS.search(before):
        return is_of_us is not None and points_back is None
    return points_back is None or is_of_us is not None or _OF_US.search(before) is not None


def are_understood(text: str, words: Iterable[str]) -> bool:
    """Whether a text beside a placeholder holds nothing but punctuation and these or harmless words."""
    known = _AND_SO_ON | set(words)
    return all(word in known or _is_made_of(word, known) for word in _words(text))


def _is_made_of(word: str, known: AbstractSet[str]) -> bool:
    """Whether a text without blanks, as in Chinese and Japanese, is known words one after another."""
    if not _UNSPACED.search(word) or len(word) > _LONGEST_UNSPACED:
        return False
    ends = {0}
    for end in range(1, len(word) + 1):
        if any(word[begin:end] in known for begin in ends):
            ends.add(end)
    return len(word) in ends


def words_of(*texts: str) -> frozenset[str]:
    """The words of labels or patterns, as ``are_understood`` compares them."""
    return frozenset(word for text in texts for word in _words(text))


def words_of_kind(value: Value | None) -> frozenset[str]:
    """What may be said beside a value of this kind."""
    return _OF_KIND.get(value.kind or "", frozenset()) if value is not None else frozenset()


def is_choice(placeholder: Placeholder) -> bool:
    """Whether it lists values to choose from: "[dev / pilot]", "[Adam|SGD]"; not "[org/model]" or a date's form."""
    if is_unit(placeholder.hint):
        return False
    hint = _NOT_APPLICABLE.sub("", placeholder.hint).strip()
    if placeholder.is_example or asks_for_form(hint) or _HUB_ID.fullmatch(hint):
        return False
    return _CHOICE.fullmatch(hint) is not None and re.search(r"[^\W\d_]{2}", hint) is not None


def is_hint_understood(placeholder: Placeholder, words: Iterable[str]) -> bool:
    """Whether what it says inside asks for the value whose labels have these ``words``, and for nothing else."""
    hint = placeholder.hint.strip()
    if placeholder.is_generic or len(hint) <= 1 or asks_for_form(hint) or _HUB_ID.fullmatch(hint):
        return True
    if is_unit(hint) or hinted_unit(hint) is not None:
        return True
    known = _ASKING | set(words)
    if all(word in known or len(word) == 1 for word in _words(hint)):
        return True
    # "energy_kwh" names its unit; the one beside the placeholder is what is written in.
    bare, unit = split_unit(normalize_label(hint))
    return unit is not None and all(word in known for word in _words(bare))


def asks_for_name(hint: str, value: Value) -> bool:
    """Whether a hint wants to know what something is called, and the value is a number: "Loss: [loss name]"."""
    return _A_NAME.search(hint) is not None and _A_NUMBER.fullmatch(value.text) is not None


def count_and_name(found: tuple[Placeholder, ...], asked: str | None) -> list[str | None] | None:
    """Of "[N]x [GPU]" or "[GPU] x [N]", where devices are asked for, the two values; None of anything else."""
    between = found[0].after.strip().casefold() if len(found) == 2 else "?"
    if asked not in DEVICE_VALUES or between not in {"", *_PAIRING, *_COUNTERS}:
        return None
    first, second = (normalize_label(one.hint) for one in found)
    if first in _COUNT_HINTS and second in _NAME_HINTS:
        return ["gpu_count", "gpu_name"]
    if between in _COUNTERS:
        return None
    return ["gpu_name", "gpu_count"] if first in _NAME_HINTS and second in _COUNT_HINTS else None


def before_and_after(found: tuple[Placeholder, ...], asked: str | None) -> list[str | None] | None:
    """Of "[X] \u2192 [X]" or "from [X] to [X]" the value before training and the one after; None of anything else."""
    before = BEFORE.get(asked or "")
    if len(found) != 2 or before is None or found[0].after.strip().casefold() not in _ARROWS:
        return None
    return [before, asked] if all(one.is_generic for one in found) else None


def shares_word(hint: str, label: str | None) -> bool:
    """Whether a hint has a word of the label."""
    return not set(normalize_label(hint).split()).isdisjoint(normalize_label(label or "").split())


def says_the_same(label: str, hint: str) -> bool:
    """Whether a label has no word but those of the hint beside it, and such as say nothing."""
    said = {*normalize_label(hint).split(), *_AND_SO_ON, *_ASKING}
    return set(normalize_label(label).split()) <= said


def has_amount(text: str) -> bool:
    """Whether a text is a number, or holds one with the unit of a mass: what a card states of its emissions."""
    numbers = list(re.finditer(r"(?<![\w.])\d[\d.,]*", text))
    units = [unit_at(text[found.end() :]) for found in numbers]
    return any(unit is not None and "emissions" in unit.kinds for unit in units) or (
        len(numbers) == 1 and not re.search(r"[^\W\d_]{2}", text)
    )


def is_figure(found: tuple[Placeholder, ...]) -> bool:
    """Whether a paragraph is one figure with its unit, such as "About [X] hours.", and no prose."""
    after = found[0].after.strip(" .")
    return len(found) == 1 and ABOUT.fullmatch(found[0].before) is not None and (not after or is_unit(after))


# The same few thousand words of the map are compared with each of a card.
@lru_cache(maxsize=8192)
def _words(text: str) -> tuple[str, ...]:
    plain = unicodedata.normalize("NFKC", _CALLOUT.sub(" ", without_footnotes(text))).casefold()
    plain = "".join(" " if unicodedata.category(letter) in _PICTURES else letter for letter in plain)
    # "wall-clock" is two words; a hyphen with nothing before it belongs to a number or unit.
    plain = re.sub(r"(?<=[^\W\d_])[-_](?=[^\W\d_])", " ", plain)
    return tuple(word for word in _PUNCTUATION.split(plain) if word)
