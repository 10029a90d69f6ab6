"""Figures in a sentence about a training: each by its unit, or by the words beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from cardcallback.check.numbers import Number, bare_numbers
from cardcallback.check.other_things import names_family, says_other_work
from cardcallback.check.quantities import Figure, figures_of, find_figures
from cardcallback.check.run_times import OF_PARTS, OTHER_TIME
from cardcallback.check.said_results import OF_BASE, is_other_result
from cardcallback.check.stated import Stated, made
from cardcallback.check.times_in_words import is_bound, parts_in_words, times_in_words, widened
from cardcallback.render.card.naming import Naming
from cardcallback.render.card.placeholders import find_placeholders
from cardcallback.render.card.slots import Slot
from cardcallback.render.card.understood import BEFORE, are_understood

_LONGEST_NUMBER = 40
# What a figure is of, by its kind and the words in its sentence.
_OF_KIND = tuple(
    (name, kind, re.compile(words, re.IGNORECASE))
    for name, kind, words in (
        ("peak_memory", "memory", r"\bpeak(?:ed|s)?\b|\bspitze\b|\u5cf0\u503c"),
        ("mean_gpu_power", "power", r"\b(?:on average|average|averaged|mean)\b|durchschnitt|en moyenne"),
        (
            "trainable_parameters",
            "parameters",
            (
                r"\bparam\w*\s+(?:(?:(?:are|were|is|was)\s+)(?:trained|updated|tuned|fine-?tuned)|"
                r"(?:(?:are|were)\s+)?trainable)\b"
            ),
        ),
    )
)
OF_A_PART = re.compile(
    r"\b(?:frozen|base|of them|of which|baseline|before|idle|at rest|waiting|cpu|ram|disk|"
    r"infer\w*|serv\w*|evaluat\w*|"
    r"generated?|generates|generation|generating|per gpu|merg\w*|export\w*|load\w*|download\w*|tokeni[sz]\w*|"
    r"quanti[sz]ing|packing|without|would|stage|previous|earlier|first|by|none|system|display)\b"
    # The whole that a part is taken from.
    r"|\bof (?:the |its )?\d[\d.,]* ?(?:[bm]illion|[bm])\b",
    re.IGNORECASE,
)
_OF_TRAINING = re.compile(
    r"\btrain|\bfine-?tun|\bour run\b|\bthe run\b|entra[i\u00ee]n|\u8bad\u7ec3|\u5fae\u8c03", re.IGNORECASE
)
_THOUSANDS = re.compile(r"[kK](?!\w)")
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_IN_WORDS = re.compile(rf"\b({'|'.join(_WORDS)})(?=\s+epochs?\b)", re.IGNORECASE)
_OF_LENGTH = re.compile(
    r"context|length|\bmax|window|sequence|vocab|tokeni[sz]er|l\u00e4nge|longueur|longitud", re.IGNORECASE
)
# Where what belongs to a number in a sentence ends at the latest.
_AND_MORE = re.compile(r"\s+(?:with|and|und|et|y|was|were)\s|\s+/\s|[.;:,](?:\s|$)")
_LASTED = re.compile(
    r"\b(?:took|lasted|ran for|trained(?: overnight,?)? (?:for|in|within)|finished (?:after|in)|dauerte|lief|"
    r"ben\u00f6tigte|training\w*(?:dauer|zeit) (?:betrug|war|lag bei)|a dur\u00e9|a pris|"
    r"dur\u00f3|tard\u00f3|durou|levou|\u00e8 durato)\b|\u8bad\u7ec3\u4e86|\u8017\u65f6|\u7528\u65f6|\u5386\u65f6|"
    r"\u6642\u9593\u306f|(?:\u65f6\u95f4|\u65f6\u957f)[\u4e3a\u662f]",
    re.IGNORECASE,
)
_CONSUMED = re.compile(
    r"\b(?:us(?:ed|es)|consumed|consumes|needed|took|required|drew|verbrauchte|ben\u00f6tigte|verbraucht)\b",
    re.IGNORECASE,
)
# Fewer are a length, and more only a pretraining has.
_FEWEST_TOKENS, _MOST_TOKENS = 20_000, 1e12
# What is held, not what was trained on.
_OF_ALL_DATA = re.compile(
    r"\b(?:corpus|corpora|data ?sets?|data|dump|collection)\b[^.;]{0,60}?"
    r"\b(?:has|have|contains?|consists?|holds?|counts?)\b",
    re.IGNORECASE,
)
# The settings of these are not the training's.
_OTHER_SETTING = re.compile(
    r"\b(?:classifier|filter|reranker|retriever)s? (?:of|for|in|that|which)\b|"
    r"\b(?:evaluat|splits?\b|shuffl|predict|decod|sampl|generate|generati|benchmark|inference|embed|index|retriev)",
    re.IGNORECASE,
)
_WORKED = frozenset({"training_time", "energy", "gpu_energy", "carbon_emitted", "gpu_hours"})
# What a figure's own quantity is called, where it is the subject.
_OWN_SUBJECT = frozenset(
    {"trainingsdauer", "trainingszeit", "dauer", "laufzeit", "betrug", "lag", "bei", "dur\u00e9e", "duraci\u00f3n",
     "tiempo", "time", "duration", "runtime", "wall", "clock", "energy", "energie", "power", "consumption", "emissions",
     "footprint", "carbon", "came", "job", "whole", "entire", "process", "everything", "together", "wh", "spark"}
)  # fmt: skip
# No count of all steps or epochs: "after 2 epochs", "warmed up over 15 steps".
_NOT_ALL = re.compile(
    r"\b(?:(?:warm|stieg|aufgew\u00e4rmt|rose|increase|ramp)\w*(?:[ -]up)?\b[^,;]{0,20}|"
    r"(?:after|within|first|last|every|until|beyond|from|at|by)(?:\s+(?:about|only|the))?\s+)$",
    re.IGNORECASE,
)


def typed(sentence: str, said: str, slot: Slot) -> Iterator[Stated]:
    """What its unit says: device hours, and many tokens."""
    for figure in find_figures(sentence):
        if figure.kind == "device_time" and not names_family(sentence[: figure.begin]):
            yield made("gpu_hours", sentence[figure.begin : figure.end], figure.begin, slot)
    yield from _alone(sentence, slot)
    if _OF_LENGTH.search(said):
        return
    found = [one for one in figures_of(sentence, "tokens") if "token" in sentence[one.begin : one.end].lower()]
    many = [one for one in found if _FEWEST_TOKENS <= max(high for _, high in one.ranges) < _MOST_TOKENS]
    if many and _OF_ALL_DATA.search(sentence) is None:
        texts = tuple(sentence[one.begin : one.end] for one in many)
        yield replace(made("tokens", texts[0], many[0].begin, slot), texts=texts)


def _alone(sentence: str, slot: Slot) -> Iterator[Stated]:
    """Of a quantity that a sentence has once, what the words around it say that it is of."""
    for name, kind, words in _OF_KIND:
        found = [one for one in figures_of(sentence, kind) if kind in one.kinds and one.text[-1:].isalpha()]
        is_of_run = words.search(sentence) and _OF_TRAINING.search(sentence) and not OF_A_PART.search(sentence)
        if len(found) == 1 and is_of_run and not names_family(sentence[: found[0].begin]):
            yield made(name, sentence[found[0].begin : found[0].end], found[0].begin, slot)


def lasted(sentence: str, slot: Slot) -> Iterator[Stated]:
    """What a sentence says that it took, where that is the only time in it."""
    times = [one for one in find_figures(sentence) if one.kind in {"time", "device_time"}]
    in_words = list(parts_in_words(sentence, of_energy=False)) or list(times_in_words(sentence))
    is_lasting = _LASTED.search(sentence) is not None and not (OTHER_TIME.search(sentence) or OF_PARTS.search(sentence))
    if is_lasting and len(in_words) == 1 and not times:
        one = in_words[0]
        yield replace(made("training_time", one.figures, one.begin, slot), said=one.said, in_prose=True)
    if is_lasting and len(times) == 1 and not in_words and times[0].kind == "time" and times[0].rate is None:
        yield _bounded(times[0], sentence, slot)


def consumed(sentence: str, slot: Slot) -> Iterator[Stated]:
    """The energy that a sentence gives as a part of a unit, where it is the only one in it."""
    in_words = list(parts_in_words(sentence, of_energy=True))
    if len(in_words) == 1 and _CONSUMED.search(sentence) and not figures_of(sentence, "energy"):
        one = in_words[0]
        yield replace(made("energy", one.figures, one.begin, slot), said=one.said, in_prose=True)


def in_figures(one: Stated) -> Stated:
    """A time that stands beside a label in words, as its figures."""
    in_words = list(times_in_words(one.texts[0]))
    is_alone = len(in_words) == 1 and not bare_numbers(one.texts[0])
    return replace(one, texts=(in_words[0].figures,), said=in_words[0].said) if is_alone else one


def is_bounded_time(one: Stated, sentence: str) -> bool:
    """Whether a time is no more than a bound, by the words before it."""
    return one.name == "training_time" and is_bound(sentence[: one.begin])


def _bounded(time: Figure, sentence: str, slot: Slot) -> Stated:
    """What a sentence says that it took: more or less than the figure where it is a bound."""
    plain = made("training_time", time.text, time.begin, slot)
    low, high = widened(sentence[: time.begin], time.value, time.value)
    return plain if low == high else replace(plain, texts=(f"{low:g}-{high:g} seconds",), said=time.text)


def is_of_other_work(one: Stated, sentence: str, naming: Naming, *, is_said: bool) -> bool:
    """Whether a value is of other work than the training, which a sentence may speak of as well.

    Of one that does not say that it is of a training, time and energy count only where nothing else is its subject.
    """
    if one.name not in _WORKED:
        return not is_said and _OTHER_SETTING.search(sentence) is not None
    if says_other_work(sentence):
        return True
    return not is_said and not are_understood(sentence[: one.begin], naming.harmless | _OWN_SUBJECT)


def named(sentence: str, slot: Slot, naming: Naming) -> Iterator[Stated]:
    """What the words beside a number say, as they would at a placeholder in its place."""
    sentence = _IN_WORDS.sub(lambda found: str(_WORDS.index(found[1].lower()) + 1).ljust(len(found[1])), sentence)
    times = [one for one in find_figures(sentence) if one.kind == "time"]
    # "1 h 52 min" is one time.
    numbers = [one for one in bare_numbers(sentence) if not any(time.begin < one.begin < time.end for time in times)]
    if not numbers or re.search(r"[\[\]{}<>_|]", sentence):
        return
    masked, end = "", 0
    for one in numbers:
        masked += f"{sentence[end : one.begin]}[X]"
        thousands = _THOUSANDS.match(sentence, one.end)
        end = one.end if thousands is None else thousands.end()
    found = find_placeholders(masked + sentence[end:])
    if len(found) != len(numbers):
        return
    ends = [*(one.begin for one in numbers[1:]), len(sentence)]
    by_name: dict[str, list[tuple[int, str]]] = {}
    for one, name, last in zip(numbers, naming.in_sentence(found), ends, strict=True):
        if name is not None:
            text = sentence[one.begin : min(last, one.end + _LONGEST_NUMBER)].rstrip(" ,;(/")
            if not _is_of_a_part(name, one, sentence):
                by_name.setdefault(name, []).append((one.begin, text))
    for name, texts in by_name.items():
        stated = made(name, texts[0][1], texts[0][0], slot)
        yield replace(stated, texts=tuple(_AND_MORE.split(text)[0] for _, text in texts), in_prose=True)


def _is_of_a_part(name: str, number: Number, sentence: str) -> bool:
    """Whether a count is of a part of the training, or of the tokens of one example."""
    if name in BEFORE:
        # "Base perplexity was 6.5; ours is 2.84."
        is_of_base = OF_BASE.search(re.split("[,;]", sentence[: number.begin])[-1]) is not None
        return is_of_base or is_other_result(sentence)
    if name == "tokens":
        return _OF_LENGTH.search(sentence) is not None or not _FEWEST_TOKENS <= number.value < _MOST_TOKENS
    return name in {"steps", "epochs"} and _NOT_ALL.search(sentence[: number.begin]) is not None
