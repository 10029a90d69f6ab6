"""Which value a placeholder asks for by the words inside it and beside it, in a labelled value and in a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cardcallback.render.card.labelled import normalize_label
from cardcallback.render.card.labels import LabelIndex, LabelRow
from cardcallback.render.card.placeholders import Placeholder, words_around
from cardcallback.render.card.quantities import Value
from cardcallback.render.card.understood import ABOUT, count_and_name, words_of

# Words of prose that are names of values too.
_AMBIGUOUS = frozenset(
    {"data", "dataset", "date", "machine", "model", "region", "software", "stage", "stages", "steps"}
)
_LONGEST_NAME = 3
# Between the name of a value and the value: "a learning rate of [X]", "the batch size was [X]".
_JOINING = frozenset({"of", "is", "was", "at", "to", "set", "a", "an", "the", "about", "approximately"})
# Before what is counted: "[X] training steps".
_BEFORE_NOUN = frozenset({"training", "optimizer", "total", "full"})
_NOUNS = {
    **dict.fromkeys(("epoch", "epochs"), "epochs"),
    **dict.fromkeys(("step", "steps", "iterations", "updates"), "steps"),
    **dict.fromkeys(("gpu", "gpus", "accelerators"), "gpu_count"),
    **dict.fromkeys(("example", "examples", "samples", "instances", "conversations", "pairs"), "training_examples"),
    "tokens": "tokens",
    **dict.fromkeys(("wh", "kwh", "mwh"), "energy"),
}
_DEVICE_HOURS = frozenset({"gpu hour", "gpu hours"})
_TIMES = frozenset({"seconds", "minutes", "minute", "hours", "hour", "h", "days", "day"})
# Of a time only these say that it is how long training took.
_LASTING = frozenset({"took", "for", "lasted", "ran", "over", "in", "approximately", "about"})
_OF_TRAINING = re.compile(r"(?<!\w)(?:re)?(?:train(?:ed|ing)?|fine[- ]?tun(?:ed|ing))(?!\w)", re.IGNORECASE)
# What a sentence about this run may say besides; any other word may change what is asked for.
_HARMLESS = frozenset(
    {"we", "our", "the", "this", "it", "model", "adapter", "was", "were", "is", "has", "been", "a", "an", "train",
     "trained", "gpu", "gpus", "fine", "tuned", "tuning", "finetuned", "finetuning", "training", "run", "ran", "took",
     "lasted", "consumed", "used", "using", "with", "for", "on", "over", "at", "in", "to", "of", "and", "by", "set",
     "optimizer", "full", "total", "during", "which"}
)  # fmt: skip


def is_about_training(text: str) -> bool:
    """Whether a sentence says of something that it was trained."""
    return _OF_TRAINING.search(text) is not None


class Naming:
    """Names values by words.

    Args:
        index: the label map.
        values: those of the run, by name.
    """

    def __init__(self, index: LabelIndex, values: Mapping[str, Value]) -> None:
        self._index = index
        self._values = values

    @property
    def harmless(self) -> frozenset[str]:
        """The words that change nothing in a sentence about this run; its method is what it says."""
        method = self._values.get("method")
        lora = {"lora"} if "lora_rank" in self._values else set()
        return _HARMLESS | words_of(method.text if method is not None else "") | lora

    def named(self, one: Placeholder, row: LabelRow, *, is_first: bool, is_last: bool) -> str | None:
        """The value that a placeholder asks for: its row's, or another that the words at it name."""
        if one.is_whole:
            return row.value
        inside = {normalize_label(words) or words: value for words, value in row.inside.items()}
        hinted = self.hinted(one, inside, is_last=is_last)
        if hinted is not None:
            return hinted
        return row.value if is_first and ABOUT.fullmatch(one.before) else None

    def hinted(self, one: Placeholder, inside: dict[str, str], *, is_last: bool = True) -> str | None:
        """The value named inside a placeholder or right beside it; ``inside`` holds the row's own names."""
        known = self._index.inside | inside
        hint = normalize_label(one.hint)
        if not one.is_example and hint in known:
            return known[hint]
        if not one.is_example and (name := hint.replace(" ", "_")) in self._values:
            return name if one.hint == name and name not in _AMBIGUOUS else None
        if one.before.strip().endswith("/"):
            return inside.get("/")
        before, after = words_around(one)
        named = _last_named(before.split(), known)
        if named is not None:
            return named
        # Right before the next placeholder a word belongs to that one.
        is_own = is_last or re.search(r"[,;()]", one.after) is not None
        first = " ".join(after.split()[:1]) if is_own else ""
        mark = one.after.strip()[:1]
        return inside.get(first) or (inside.get(mark) if mark != "/" else None)

    def in_sentence(self, found: Sequence[Placeholder]) -> list[str | None]:
        """The values that the placeholders of a sentence about training ask for, by what stands beside each."""
        names: list[str | None] = []
        while len(names) < len(found):
            at = len(names)
            # "[N] [GPU] GPUs": how many, and of which name.
            pair = count_and_name(tuple(found[at : at + 2]), "gpu_names")
            names += pair or [self._by_sentence(found[at])]
        return names

    def _by_sentence(self, one: Placeholder) -> str | None:
        hinted = self.hinted(one, {})
        if hinted is not None or not one.is_generic:
            return hinted
        before, after = (words.split() for words in words_around(one))
        named = _last_named(_without_last(before, _JOINING), self._index.inside)
        return named or _counted(before, after)


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


def _counted(before: Sequence[str], after: Sequence[str]) -> str | None:
    """The value by the noun behind it: "[X] epochs", "took [X] hours", "[X] GPU hours"."""
    while len(after) > 1 and after[0] in _BEFORE_NOUN:
        after = after[1:]
    if " ".join(after[:2]) in _DEVICE_HOURS:
        return "gpu_hours"
    noun = after[0] if after else ""
    if noun in _TIMES:
        return "training_time" if before and before[-1] in _LASTING else None
    if noun == "tokens" and before[-1:] == ["of"] and before[-2:-1] != ["total"]:
        return None  # "[N] examples of [X] tokens": the length of each
    return _NOUNS.get(noun)
