"""What the devices that a card names are rated at."""

from __future__ import annotations

import re
from functools import lru_cache

from cardcallback.catalogue import gpus_named_in
from cardcallback.check.facts import Fact, Facts

_RATED = re.compile(
    r"\bTDP\b|\b(?:rated|board|nameplate|maximum|max) power\b|\bpower (?:limit|rating|cap)\b", re.IGNORECASE
)
_DRAWN = re.compile(r"\b(?:mean|average|avg|drew|draws?|measured|idle|peak)\b[^.;,]*$", re.IGNORECASE)
_NEAR = 40


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
