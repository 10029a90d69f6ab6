"""Whose figures stand below a heading, this run's or another's, and what else stands there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from cardcallback.record import RunRecord
from cardcallback.render.card.labelled import normalize_label
from cardcallback.render.card.labels import has_word
from cardcallback.render.card.slots import Slot

# A model's size in its name, with the word before it: "acme 1b"; a count of tokens or steps is no name.
_SIZE = re.compile(
    r"(?<![\w.])(?:[a-z]\w*\s+)?[\w.]*\d[bm](?!\w)(?!\s*(?:tokens?|steps?|examples?|samples?|parameters?)\b)"
)
_FAMILIES = ("gpt", "chatgpt", "llama", "mistral", "mixtral", "qwen", "gemma", "claude", "gemini", "phi", "falcon",
             "deepseek", "olmo")  # fmt: skip
# A heading that names a stage is about runs with one of these objectives or stages.
_SUPERVISED = ("sft", "language modelling")
_REINFORCED = ("ppo", "rloo", "grpo", "gmpo", "online dpo", "reinforcement learning", "rlhf")
_DISTILLED = ("distillation", "self distillation", "gkd", "gold", "minillm")
_STAGES = {
    "sft": _SUPERVISED, "supervised fine tuning": _SUPERVISED, "dpo": ("dpo", "online dpo"), "kto": ("kto",),
    "orpo": ("orpo",), "grpo": ("grpo",), "ppo": ("ppo",), "rlhf": _REINFORCED, "rl": _REINFORCED,
    "reinforcement learning": _REINFORCED, "distillation": _DISTILLED, "knowledge distillation": _DISTILLED,
    "reward modelling": ("reward modelling",), "reward modeling": ("reward modelling",),
}  # fmt: skip
# One of several: "Experiment 1", "Run B", "Test set 2". Which of them is this run, or what it measured, nobody says.
_ONE_OF_SEVERAL = re.compile(
    r"(?<!\w)(?:experiment|experimento|exp|run|trial|attempt|candidate|configuration|config|setup|setting|variant|fold|"
    r"version|model|adapter|checkpoint|ablation|(?:test|evaluation|eval|validation|hold out) ?set|split|testset|"
    r"lauf|versuch|variante|modell|testdatensatz|essai|exp\u00e9rience|mod\u00e8le|modelo|\u5b9e\u9a8c|\u5b9f\u9a13)"
    r" ?(?:#|no\.? ?|nr\.? ?)?(?:\d{1,2}(?![\w.]*\w)|[a-h](?!\w)|i{1,3}(?!\w)|iv(?!\w)|[\u4e00\u4e8c\u4e09](?!\w))"
)
# Of several alike the one that this card is about.
_OWN = re.compile(r"(?<!\w)(?:this (?:model|run|repo(?:sitory)?|card|version)|ours?)(?!\w)")
# The same card in several languages.
_LANGUAGE = re.compile(
    r"(?<!\w)(?:english|german|deutsch|french|fran\u00e7ais|"
    r"spanish|espa\u00f1ol|portugu[e\u00ea]se?|chinese|japanese|korean|italiano?|\u4e2d\u6587|\u65e5\u672c\u8a9e|\ud55c\uad6d\uc5b4)(?!\w)"
)
_FEWEST_ALIKE = 2
_STAGE_NUMBER = re.compile(
    r"(?<!\w)(?:stage|phase|fase|\u00e9tape|etapa|stufe|\u9636\u6bb5|\u30b9\u30c6\u30fc\u30b8) ?#?"
    r"(?P<number>\d{1,2}|[a-c]|i{1,3})(?!\w)"
)
_NUMERALS = {"a": 1, "b": 2, "c": 3, "i": 1, "ii": 2, "iii": 3}


def stage_number_in(label: str) -> int | None:
    """The number of the stage that a label, as labels are compared, says that it is of."""
    found = _STAGE_NUMBER.search(label)
    if found is None:
        return None
    written = found.group("number")
    return int(written) if written.isdigit() else _NUMERALS[written]


def stage_named_in(label: str) -> tuple[str, ...] | None:
    """The names of the stage, and of what it may be recorded as, that a label has in it; None where it has none."""
    names = [own for words, own in _STAGES.items() if has_word(label, words)]
    return names[0] if names else None


def is_own(heading: str) -> bool:
    """Whether a heading or label, as labels are compared, says that it is of the model that the card is about."""
    return _OWN.search(heading) is not None


class OwnRun:
    """What a heading may name without being about another run.

    Args:
        record: the run.
    """

    def __init__(self, record: RunRecord) -> None:
        training = record.training
        self._base = normalize_label((training.base_model or "").rsplit("/", 1)[-1])
        # Asked of each heading at every value below it.
        self._another: dict[tuple[str, tuple[str, ...]], bool] = {}
        self._stages = {normalize_label(name) for name in (training.stage, training.objective) if name}

    def is_another(self, heading: str, titles: Sequence[str]) -> bool:
        """Whether a heading, as labels are compared, names another model or stage than this run, or one of several."""
        key = (heading, tuple(titles))
        if key not in self._another:
            self._another[key] = self._is_another(heading, titles)
        return self._another[key]

    def _is_another(self, heading: str, titles: Sequence[str]) -> bool:
        is_own_stage = any(has_word(heading, name) for name in self._stages)
        if _ONE_OF_SEVERAL.search(heading) or (_STAGE_NUMBER.search(heading) and not is_own_stage):
            return True
        return self._names_another_model(heading, titles) or self._names_another_stage(heading)

    def stage_of(self, column: str) -> str | None:
        """Whether a column's heading names this run's stage ("own"), another or several; None where it names none."""
        named = [own for words, own in _STAGES.items() if has_word(column, words)]
        if any(has_word(column, name) for name in self._stages) and len(set(named)) <= 1:
            return "own"
        if not named:
            return None
        return "own" if len(set(named)) == 1 and self._stages & set(named[0]) else "another"

    def is_of_another(self, texts: Iterable[str], titles: Sequence[str]) -> bool:
        """Whether one of the texts of a table's row names another model than this run's."""
        # A figure such as "3.88 B" is no name.
        names = (normalize_label(text) for text in texts if not text[:1].isdigit())
        return any(self._names_another_model(name, titles) for name in names)

    def _names_another_model(self, heading: str, titles: Sequence[str]) -> bool:
        if self._base and has_word(heading, self._base):
            return False
        names = [found.group() for found in _SIZE.finditer(heading)]
        names += [
            family
            for family in _FAMILIES
            if re.search(rf"(?<!\w){family}(?![a-z]|[ .]?(?:factory|cpp|index))", heading)
        ]
        # The model that the card is about has its name in the title, and its base model's family in its own name.
        return any(not self._is_own(name, titles) for name in names)

    def _is_own(self, name: str, titles: Sequence[str]) -> bool:
        return any(name in title for title in titles) or (bool(self._base) and name in self._base)

    def _names_another_stage(self, heading: str) -> bool:
        named = [own for words, own in _STAGES.items() if has_word(heading, words)]
        return bool(named) and bool(self._stages) and not any(self._stages & set(own) for own in named)


class Neighbours:
    """The labels, columns and rows that stand below the same heading.

    Args:
        slots: every value of the card.
    """

    def __init__(self, slots: Sequence[Slot]) -> None:
        self._labels: dict[tuple[str, ...], set[str]] = {}
        self._rows: dict[tuple[tuple[str, ...], int, bool], set[str]] = {}
        self._alike: dict[tuple[int, str], set[int]] = {}
        beside: dict[tuple[str, ...], set[str]] = {}
        for slot in slots:
            names = {normalize_label(name) for name in (slot.label, slot.column) if name}
            self._labels.setdefault(slot.headings, set()).update(names)
            if slot.label and slot.kind in {"line", "cell"}:
                beside.setdefault(slot.headings, set()).add(normalize_label(slot.label))
                self._rows.setdefault(_beside(slot), set()).add(normalize_label(slot.label))
        self._beside = beside
        self._columns: dict[int, set[str]] = {}
        self._groups: dict[int, set[tuple[str, ...]]] = {}
        for slot in slots:
            if slot.kind == "cell":
                self._groups.setdefault(slot.table, set()).add(slot.headings)
            if slot.kind == "cell" and slot.label:
                self._alike.setdefault((slot.table, normalize_label(slot.label)), set()).add(slot.row)
            if slot.kind == "cell" and slot.column:
                self._columns.setdefault(slot.table, set()).add(normalize_label(slot.column))
        self._series = _series(beside)

    def is_of_series(self, slot: Slot, topics: frozenset[str]) -> str | None:
        """The heading above a slot that is one of several with the same labels below, and says nothing of a topic.

        Args:
            slot: the value.
            topics: what headings of one run's card are about.
        """
        for heading in (name for place, name in enumerate(slot.headings) if (slot.headings, place) in self._series):
            plain = normalize_label(heading)
            if self._is_numbered_by_name(slot, heading):
                return heading
            is_language = _LANGUAGE.search(plain) is not None and not self._is_group(slot, heading)
            if not is_language and not is_own(plain) and not _is_about(plain, topics):
                return heading
        return None

    def _is_numbered_by_name(self, slot: Slot, heading: str) -> bool:
        """Whether it is one of "Target: energy", "Target: enthalpy", whatever the name behind the colon is about."""
        kind, colon, _ = heading.partition(":")
        alike = (other for other in self.headings(slot) if other != heading and other.partition(":")[0] == kind)
        return bool(colon) and heading == slot.headings[-1] and next(alike, None) is not None

    def _is_group(self, slot: Slot, heading: str) -> bool:
        """Whether it stands over some rows of a cell's table, and others over the rest."""
        return slot.kind == "cell" and any(heading not in path for path in self._groups[slot.table])

    def columns(self, slot: Slot) -> set[str]:
        """The headings of the columns beside that of a cell, as labels are compared."""
        return self._columns.get(slot.table, set()) - {normalize_label(slot.column or "")}

    def stands_below(self, slot: Slot, topics: Iterable[str]) -> bool:
        """Whether the slot's label stands below another heading too that is about one of the topics."""
        label = normalize_label(slot.label or "")
        paths = (path for path, labels in self._beside.items() if label in labels and path != slot.headings)
        return any(has_word(normalize_label(name), topic) for path in paths for name in path[-1:] for topic in topics)

    def below(self, slot: Slot) -> set[str]:
        """What other headings the slot's label, or the row that it was composed of, stands below too."""
        label, path = normalize_label(slot.label or ""), slot.headings
        return {
            other[-1]
            for other, labels in self._beside.items()
            if any(label == one or label.startswith(f"{one} ") for one in labels)
            and len(other) == len(path)
            and other[:-1] == path[:-1]
            and other != path
        }

    def rows(self, slot: Slot) -> set[str]:
        """What the lines below the slot's headings, or the rows of its table, begin with, as labels are compared."""
        return self._rows.get(_beside(slot), set())

    def alike_rows(self, slot: Slot) -> list[int]:
        """The numbers of the rows of a cell's table that have its label, in order, its own among them."""
        return sorted(self._alike.get((slot.table, normalize_label(slot.label or "")), {slot.row}))

    def headings(self, slot: Slot) -> set[str]:
        """The headings and items beside the one right above the slot, itself included, in their own words."""
        last = len(slot.headings) - 1
        return {path[last] for path in self._labels if len(path) > last >= 0 and path[:last] == slot.headings[:last]}

    def has(self, slot: Slot, labels: Iterable[str]) -> bool:
        """Whether one of these labels stands below the slot's headings too."""
        found = self._labels.get(slot.headings, set())
        return any(normalize_label(label) in found for label in labels)


def _beside(slot: Slot) -> tuple[tuple[str, ...], int, bool]:
    """What the slots of one list of lines, or of one table below its head, have in common."""
    return slot.headings, slot.table, bool(slot.column)


@lru_cache(maxsize=4096)
def _is_about(heading: str, topics: frozenset[str]) -> bool:
    """Whether a heading has a word of one of the topics; asked again at each of the values below it."""
    return any(has_word(heading, topic) for topic in topics)


def _series(labels: Mapping[tuple[str, ...], set[str]]) -> set[tuple[tuple[str, ...], int]]:
    """The paths of headings that differ in one heading from another with the same labels, and the place of that one."""
    alike: dict[tuple[tuple[str, ...], int], list[tuple[str, ...]]] = {}
    for path in labels:
        for place in range(len(path)):
            alike.setdefault(((*path[:place], *path[place + 1 :]), place), []).append(path)
    return {
        (path, place)
        for (_, place), paths in alike.items()
        for path in paths
        if any(other != path and len(labels[path] & labels[other]) >= _FEWEST_ALIKE for other in paths)
    }
