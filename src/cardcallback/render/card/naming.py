"""Which value a placeholder asks for by the words inside it and beside it, in a labelled value and in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from cardcallback.render.card.device_time import device_time_at, is_of_any_device
from cardcallback.render.card.labelled import normalize_label
from cardcallback.render.card.labels import LabelIndex, LabelRow
from cardcallback.render.card.placeholders import Placeholder, words_around
from cardcallback.render.card.quantities import Value, is_unit, split_unit, unit_at
from cardcallback.render.card.understood import ABOUT, BEFORE, count_and_name, words_of

# Words of prose that are names of values too.
_AMBIGUOUS = frozenset(
    {"data", "dataset", "date", "machine", "model", "region", "software", "stage", "stages", "steps"}
)
# Of these some are clear in a sentence about training.
_IN_SENTENCE = {"dataset": "dataset", "data set": "dataset", "country": "region", "region": "region", "date": "date",
                "duration": "training_time", "training duration": "training_time", "dauer": "training_time",
                "energy": "energy", "energy consumption": "energy", "energie": "energy"}  # fmt: skip
_LONGEST_NAME = 3
_MOST_BEHIND = 2
_BEFORE_VERSION = re.compile(r"(?<![\w.-])(?P<name>[A-Za-z][\w-]{1,30})\s*(?:\(|==?)?\s*v?\Z")
_VERSION_HINTS = frozenset({"version", "ver", "v", "version number", "versionsnummer"})
# What is given in these is what its name says; in gigabytes also what a machine has.
_TELLING_UNITS = frozenset({"energy", "emissions", "power"})
_NUMBER_OF = re.compile(r"(?:n|num|number of|total) (?=\w)")
_TIMES = frozenset({"training_time", "hours_used"})
_IN_BRACKETS = re.compile(r"\s*\((?P<words>[^()\[\]]{1,30})\)")
# Between the name of a value and the value: "a learning rate of [X]", "the batch size was [X]".
_JOINING = frozenset({"of", "is", "was", "at", "to", "set", "a", "an", "the", "about", "approximately", "de", "von"})
# Before what is counted: "[X] training steps".
_BEFORE_NOUN = frozenset({"training", "optimizer", "total", "full"})
# Before what a sentence says besides, such as who trained: "by [author]", "on [cluster]".
_BESIDES = frozenset({"using", "with", "on", "in", "by", "at", "from", "for", "and"})
_WORDS_BESIDES = re.compile(r"[^\W\d_]{3,}(?:[ _-][^\W\d_]+){0,2}")
# Chinese and Japanese have no blanks between words.
_TIME_LENGTH = 4
_OF_GPUS = frozenset({"gpu_count", "gpu_name", "gpu_names", "hardware"})
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


class Naming:
    """Names values by words.

    Args:
        index: the label map.
        values: those of the run, by name.
    """

    def __init__(self, index: LabelIndex, values: Mapping[str, Value]) -> None:
        self.index = index
        self._values = values

    def is_about_training(self, text: str) -> bool:
        """Whether a sentence says of something that it was trained."""
        return self._of_training.search(normalize_label(text)) is not None

    @cached_property
    def _of_training(self) -> re.Pattern[str]:
        words = self.index.labels.sentences.training
        unspaced = "|".join(re.escape(word) for word in words if _UNSPACED.search(word))
        spaced = "|".join(re.escape(normalize_label(word)) for word in words if not _UNSPACED.search(word))
        return re.compile(
            "|".join(part for part in (rf"(?<!\w)(?:{spaced})(?!\w)" if spaced else "", unspaced) if part)
        )

    @cached_property
    def _nouns(self) -> _Nouns:
        counted = self.index.labels.sentences.counted
        return _Nouns({noun: value for value, nouns in reversed(counted.items()) for noun in nouns})

    @cached_property
    def _times(self) -> _Nouns:
        return _Nouns(dict.fromkeys(self.index.labels.sentences.times, "training_time"))

    @cached_property
    def harmless(self) -> frozenset[str]:
        """The words that change nothing in a sentence about this run; its method is what it says."""
        method = self._values.get("method")
        lora = {"lora"} if "lora_rank" in self._values else set()
        counted = self.index.labels.sentences
        count = self._values.get("gpu_count")
        single = {"single", "one"} if count is not None and count.amount == 1 else set()
        words = words_of(*counted.harmless, *counted.training, method.text if method is not None else "")
        return words | lora | single

    def named(self, one: Placeholder, row: LabelRow, *, is_first: bool, is_last: bool) -> str | None:
        """The value that a placeholder asks for: its row's, or another that the words at it name."""
        if one.is_whole:
            return row.value
        if row.value in _TIMES and (unit := unit_at(one.after)) is not None and unit.kinds == {"device_time"}:
            return "gpu_hours"
        inside = {normalize_label(words) or words: value for words, value in row.inside.items()}
        hinted = self.hinted(one, inside, is_last=is_last)
        if hinted is not None:
            return hinted
        return row.value if is_first and ABOUT.fullmatch(one.before) else None

    def hinted(self, one: Placeholder, inside: dict[str, str], *, is_last: bool = True) -> str | None:
        """The value named inside a placeholder or right beside it; ``inside`` holds the row's own names."""
        known = self.index.inside | inside
        hint = normalize_label(one.hint)
        if not one.is_example and hint in known:
            return known[hint]
        if not one.is_example and (name := hint.replace(" ", "_")) in self._values:
            return name if one.hint == name and name not in _AMBIGUOUS else None
        if one.before.strip().endswith("/"):
            return inside.get("/")
        before, after = words_around(one)
        named = _last_named(before.split(), known) or self._version(one)
        if named is not None:
            return named
        # Right before the next placeholder a word belongs to that one.
        is_own = is_last or re.search(r"[,;()]", one.after) is not None
        behind = after.split() if is_own else []
        in_brackets = _IN_BRACKETS.match(one.after)
        if in_brackets is not None and (words := normalize_label(in_brackets["words"])) in inside:
            return inside[words]
        mark = one.after.strip()[:1]
        first = (inside.get(" ".join(behind[:length])) for length in (_MOST_BEHIND, 1))
        return (inside.get(mark) if mark != "/" else None) or next((name for name in first if name is not None), None)

    def _version(self, one: Placeholder) -> str | None:
        """Which library's version is asked for right behind its name: "PEFT [X]", "Transformers ([version])"."""
        found = _BEFORE_VERSION.search(one.before)
        is_asked = normalize_label(one.hint) in _VERSION_HINTS
        if found is None or not (is_asked or one.is_generic):
            return None
        rows = self.index.by_label.get(normalize_label(found["name"]), ())
        named = (row.value for row in rows if is_asked or not (row.section or row.heading))
        return next((value for value in named if value is not None and value.startswith("software.")), None)

    def in_sentence(self, found: Sequence[Placeholder]) -> list[str | None]:
        """The values that the placeholders of a sentence about training ask for, by what stands beside each."""
        names: list[str | None] = []
        while len(names) < len(found):
            at = len(names)
            # "[N] [GPU] GPUs": how many, and of which name.
            pair = count_and_name(tuple(found[at : at + 2]), "gpu_names")
            # "[X] hours and [X] minutes" is one time.
            goes_on = names[-1:] == ["training_time"] and self._times.at(words_around(found[at])[1]) is not None
            names += pair or ["training_time" if goes_on else self._by_sentence(found[at])]
            if len(names) > 1 and names[-1] == "base_model" and found[at].is_generic:
                # Of "a validation loss of [X] (base model: [X])" the second is the base model's loss.
                names[-1] = BEFORE.get(names[-2] or "", names[-1])
        # "Trained on [N] [GPU]" is true only of GPUs that the job used.
        return names if "gpu_name" in self._values else [None if one in _OF_GPUS else one for one in names]

    def without_besides(self, found: Sequence[Placeholder]) -> tuple[Placeholder, ...]:
        """The placeholders of a sentence without those that ask, in words, for what it says besides: "by [author]"."""
        kept: list[Placeholder] = []
        skipped = ""
        for one, name in zip(found, self.in_sentence(found), strict=True):
            words = normalize_label(one.before).split()
            if name is None and words[-1:] and words[-1] in _BESIDES and _WORDS_BESIDES.fullmatch(one.hint):
                skipped = f"{skipped or one.before} {one.after}"
                kept = [*kept[:-1], replace(kept[-1], after=f"{kept[-1].after} {one.after}")] if kept else kept
                continue
            kept.append(replace(one, before=skipped) if skipped else one)
            skipped = ""
        return tuple(kept)

    def _by_sentence(self, one: Placeholder) -> str | None:
        hinted = self.hinted(one, {}) or self._by_hint(normalize_label(one.hint))
        if hinted is not None or not (one.is_generic or is_unit(one.hint)):
            return hinted
        before, after = words_around(one)
        named = _last_named(_without_last(before.split(), _JOINING), self.index.inside)
        return named or self._counted(before.split(), after)

    def _by_hint(self, hint: str) -> str | None:
        """The value by the name of a variable: "energy_kwh", "training_hours", "n_examples"."""
        bare, unit = split_unit(hint)
        if unit is not None and "time" in unit.kinds and self.is_about_training(bare):
            return "training_time"
        known = _IN_SENTENCE.get(hint) or (_IN_SENTENCE.get(bare) or self.index.inside.get(bare) if unit else None)
        if known is None and unit is not None and unit.kinds & _TELLING_UNITS:
            known = next((row.value for row in self.index.by_label.get(bare, ())), None)
        return known or (self._nouns.at(_NUMBER_OF.sub("", hint)) if _NUMBER_OF.match(hint) else None)

    def _counted(self, before: Sequence[str], behind: str) -> str | None:
        """The value by the noun behind it: "[X] epochs", "took [X] hours", "[X] GPU hours"."""
        after = behind.split()
        while len(after) > 1 and after[0] in _BEFORE_NOUN:
            after = after[1:]
        behind = " ".join(after)
        if (of_device := device_time_at(behind)) is not None:
            return "gpu_hours" if is_of_any_device(of_device[0]) else None
        words = self.index.labels.sentences
        if self._times.at(behind) is not None:
            return "training_time" if _is_lasting(before, after, words.lasting) else None
        if after[:1] == ["tokens"] and before[-1:] == ["of"] and before[-2:-1] != ["total"]:
            return None  # "[N] examples of [X] tokens": the length of each
        return self._nouns.at(behind)


class _Nouns:
    """The nouns that something is counted by, each with its value.

    Args:
        values: by noun.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        # What is written without blanks may go on behind it.
        self._values = {
            noun if _UNSPACED.search(noun) else f"{normalize_label(noun)} ": values[noun] for noun in values
        }
        # Longest first: "g CO2" before "g".
        longest = sorted(self._values, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest)) or r"(?!)")

    def at(self, text: str) -> str | None:
        """The value of the noun that a text begins with."""
        found = self._pattern.match(f"{' '.join(text.split())} ")
        return None if found is None else self._values[found.group()]


def _is_lasting(before: Sequence[str], after: Sequence[str], lasting: Iterable[str]) -> bool:
    """Whether a word right before or behind a time says that it is how long training took."""
    last, text = " ".join(before[-2:]), " ".join(after)
    for word in lasting:
        if _UNSPACED.search(word):
            if last.endswith(word) or word in text[: len(word) + _TIME_LENGTH]:
                return True
        elif f" {last}".endswith(f" {word}") or after[1:2] == [word]:
            return True
    return False


def _last_named(words: Sequence[str], known: Mapping[str, str]) -> str | None:
    for length in range(min(_LONGEST_NAME, len(words)), 0, -1):
        if (name := " ".join(words[-length:])) in known:
            return known[name]
    return None


def _without_last(words: Sequence[str], joining: frozenset[str]) -> Sequence[str]:
    end = len(words)
    while end and words[end - 1] in joining:
        end -= 1
    return words[:end]


def are_versions(names: Sequence[str | None]) -> bool:
    """Whether all of them are libraries' versions, which are the run's wherever a card has them."""
    return all((name or "").startswith("software.") for name in names)
