"""How long a card says its run took, and what the devices it names are rated at."""

from __future__ import annotations

import re
from functools import lru_cache

from cardcallback.catalogue import gpus_named_in
from cardcallback.check.facts import Fact, Facts

_TIME = re.compile(r"\b(?:train|hours? used|duration|wall|run ?time|elapsed|gpu[- ]hours?|time)\b|train", re.IGNORECASE)
_MOST_TIMES = 20
OTHER_TIME = re.compile(
    r"infer|latenc|generati|response|evaluat|before|load|suspend|warm|read every|sampl|per |step|session|visit|gap|"
    r"first token",
    re.IGNORECASE,
)
# Of a part of the run, of which a card may have several.
OF_MANY = re.compile(r"\bper\b|stage|phase|epoch|/|sft|dpo|each|step", re.IGNORECASE)
_RATED = re.compile(
    r"\bTDP\b|\b(?:rated|board|nameplate|maximum|max) power\b|\bpower (?:limit|rating|cap)\b", re.IGNORECASE
)
_DRAWN = re.compile(r"\b(?:mean|average|avg|drew|draws?|measured|idle|peak)\b[^.;,]*$", re.IGNORECASE)
_NEAR = 40


def run_seconds(facts: Facts) -> list[float]:
    """How long the run took, in seconds, as often as the card says so."""
    times = [
        one.figure.value
        for one in facts.of("time", "gpu_time")
        if one.figure.value > 0 and _TIME.search(one.about) and not OTHER_TIME.search(one.about)
    ]
    return list(dict.fromkeys(times))[:_MOST_TIMES]


def rated_watts(facts: Facts) -> list[float]:
    """Rated powers: those that the card states, and those of the devices that it names."""
    stated = [one.figure.value for one in facts.of("power") if _is_rated(one)]
    return list(dict.fromkeys([*stated, *named_watts(facts)]))


def _is_rated(power: Fact) -> bool:
    """Whether it is called a rating, on its line or by its label; what was drawn on average is none."""
    near = power.cell[max(0, power.figure.begin - _NEAR) : power.figure.begin]
    return _RATED.search(f"{power.about} {power.line.prose}") is not None and _DRAWN.search(near) is None


def named_watts(facts: Facts) -> list[float]:
    """The rated powers of the devices that the card names; several for a name that several devices share."""
    text = "\n".join(line.prose for line in facts.card.prose_lines(ours=True))
    return list(_watts_in(text))


@lru_cache(maxsize=4)
def _watts_in(text: str) -> tuple[float, ...]:
    return tuple(dict.fromkeys(row.tdp_watts for row in gpus_named_in(text)))
