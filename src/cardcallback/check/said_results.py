"""In a sentence about a training: what its perplexity or held-out loss came to, and how long a step took."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from cardcallback.check.stated import Stated, made
from cardcallback.render.card.slots import Slot

_NUMBER = r"\d+(?:[.,]\d+)?(?![\d.,]*\d|\s*%)"
_HELD_OUT = r"held[- ]?out|validation|eval(?:uation)?|dev"
_CAME_TO = (
    r"(?:fell|dropped|went|came|decreased|improved|sank|rose|is|was|reached|fiel|sank|liegt|war|"
    r"est (?:tomb\u00e9e|pass\u00e9e)|a baiss\u00e9|\u00e9tait)"
)
_RESULT = re.compile(
    rf"\b(?:(?P<perplexity>perplexit(?:y|\u00e9|\u00e4t))|(?:(?:{_HELD_OUT})\b[^.;,\d]{{0,20}})?\bloss)\b"
    rf"[^.;,\d]{{0,40}}?\b{_CAME_TO}(?:\s+down)?(?:\s+(?:from|von|de)\s+(?P<before>{_NUMBER}))?"
    rf"\s+(?:(?:to|at|auf|bei|\u00e0)\s+)?(?P<after>{_NUMBER})",
    re.IGNORECASE,
)
_IS_HELD_OUT = re.compile(rf"\b(?:{_HELD_OUT})\b", re.IGNORECASE)
# Of the training set, of a moment of the run, or on other data than the run's own.
_OTHER_RESULT = re.compile(
    r"\btrain(?:ing|ed)?(?: set)? (?:perplexity|loss)|"
    r"\b(?:first|steps?|epochs?|before|halfway|midway|now|language|domain|test|benchmark|baseline|when|if|once)\b|"
    r"\b(?:quanti[sz]|prun|merg)\w*|"
    r"\b(?:on|for|in|over|at|by|after)\s+"
    rf"(?!(?:the |our |this |a )?(?:{_HELD_OUT}|train|fine-?tun|sft|one|run|all)|\d)",
    re.IGNORECASE,
)
OF_BASE = re.compile(r"\b(?:base|baseline|untuned|original)\b", re.IGNORECASE)
_BEFORE, _NOW = r"(?:before|vorher|avant|antes)", r"(?:now|after(?:wards)?|jetzt|nachher|apr\u00e8s|ahora|despu\u00e9s)"
_LONGEST = 400
# "1.87 before, 1.04 now", and "before training it was 1.87; now it is 1.04".
_BEFORE_AND_NOW = re.compile(
    rf"(?<![\d.,])(?P<before>{_NUMBER})\s+{_BEFORE}\b[^.;\d]{{0,40}}?(?P<after>{_NUMBER})\s+{_NOW}\b"
    rf"|\b{_BEFORE}\s+(?:the\s+)?(?:fine-?tuning|training)\b[^.;\d]{{0,60}}?(?P<first>{_NUMBER})"
    rf"[^.\d]{{0,20}}?\b{_NOW}\b[^.;\d]{{0,30}}?(?P<last>{_NUMBER})",
    re.IGNORECASE,
)
_RESULT_NAMES = {False: ("base_loss", "validation_loss"), True: ("perplexity_base", "perplexity_tuned")}
_MOMENTS = re.compile(rf"\b(?:{_BEFORE}|{_NOW})\b", re.IGNORECASE)
_SECONDS = r"\d[\d.,]*\s*(?:ms|s|secs?|seconds?|sekunden?|secondes?|min|minutes?|minuten)"
_STEP = r"(?:optimi[sz]er |training |update )?(?:steps?|schritt|\u00e9tape)"
_A_STEP = rf"(?:each|every|an?|one|the average|the mean|jeder|ein|chaque|une)\s+{_STEP}"
_OVER_A_STEP = rf"(?:/|\bper\b|\bfor each\b|\ba\b|\bpro\b|\bpar\b)\s*{_STEP}\b"
_STEP_TIME = re.compile(
    rf"\b{_A_STEP}\s+(?:took|takes|lasted|lasts|needed|needs|dauert\w*|a dur\u00e9|a pris)\s+(?:[^\W\d]+\s+){{0,2}}"
    rf"[~\u2248]?\s*(?P<took>{_SECONDS})(?!\w)|(?<![\w.,])(?P<rate>{_SECONDS})\s*{_OVER_A_STEP}",
    re.IGNORECASE,
)
_OF_A_STEP = re.compile(rf"\b{_A_STEP}\b|{_OVER_A_STEP}", re.IGNORECASE)
_OTHER_STEP = re.compile(
    r"\b(?:evaluat|infer|generat|decod|sampl|denois|diffus|predict|first|slow|long|max|up to|log|sav|cpu)\w*",
    re.IGNORECASE,
)


def without_steps(text: str) -> str:
    """A text without "each step" and "per step", which else say that it is of more than one thing."""
    return _OF_A_STEP.sub(" step", text)


def is_other_result(sentence: str) -> bool:
    """Whether a result is of the training set, of a moment of the run or on other data."""
    return _OTHER_RESULT.search(sentence) is not None


def results_in(sentence: str, slot: Slot) -> Iterator[Stated]:
    """Perplexity and held-out loss after the training, and before it where it is said what they came from."""
    yield from before_and_now(sentence, sentence, slot)
    if is_other_result(sentence):
        return
    for found in _RESULT.finditer(sentence):
        of_loss = found["perplexity"] is None
        clause = re.split("[,;]", sentence[: found.start("after")])[-1]
        if (of_loss and _IS_HELD_OUT.search(sentence) is None) or OF_BASE.search(clause) is not None:
            continue
        names = _RESULT_NAMES[not of_loss]
        for group, name in zip(("before", "after"), names, strict=True):
            if found[group]:
                yield replace(made(name, found[group], found.start(group), slot), in_prose=True)


def before_and_now(text: str, said: str, slot: Slot) -> Iterator[Stated]:
    """A result before the training and after it, where ``said`` names one of held-out data, or a perplexity."""
    found = _BEFORE_AND_NOW.search(text[:_LONGEST])
    is_perplexity = re.search(r"\bperplexit", said, re.IGNORECASE) is not None
    is_known = is_perplexity or (re.search(r"\bloss\b", said, re.IGNORECASE) and _IS_HELD_OUT.search(said))
    if found is None or not is_known or OF_BASE.search(said) or is_other_result(_MOMENTS.sub(" ", said)):
        return
    for groups, name in zip((("before", "first"), ("after", "last")), _RESULT_NAMES[is_perplexity], strict=True):
        group = groups[0] if found[groups[0]] else groups[1]
        yield replace(made(name, found[group], found.start(group), slot), in_prose=True)


def step_times(sentence: str, slot: Slot) -> Iterator[Stated]:
    """How long one step took, where that is said of training steps in general."""
    if _OTHER_STEP.search(sentence) is None:
        for found in _STEP_TIME.finditer(sentence):
            group = "took" if found["took"] else "rate"
            yield replace(made("time_per_step", found[group], found.start(group), slot), in_prose=True)
