"""How long something took, in words: "half a day", "about two hours", "a week"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_COUNTS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
# What each may be of, least and most: people round in words more than in digits.
_LOOSE = {"half": (0.35, 0.65), "an": (0.7, 1.4), "a": (0.7, 1.4), "a few": (1.5, 10.0), "several": (1.5, 10.0),
          "a couple of": (1.5, 3.5)}  # fmt: skip
_DAYS = {"week": 7.0, "month": 30.0}
_IN_WORDS = re.compile(
    rf"\b(?P<count>half(?= an? )|a few|several|a couple of|an?|{'|'.join(_COUNTS)})\s+(?:an?\s+)?"
    r"(?P<unit>minute|hour|day|week|month)s?\b(?P<half>\s+and\s+a\s+half\b)?",
    re.IGNORECASE,
)
# What makes it a bound, and what it is only a part of: "one or two hours", "an hour and fifty minutes".
# "just under" is nearly the time itself.
_BOUND = re.compile(
    r"(?<!just )(?<!barely )(?<!slightly )\b(?:(?P<over>over|above|at least|beyond)|under|below|within)\s+$",
    re.IGNORECASE,
)
_FEW = rf"(?:an?|{'|'.join(_COUNTS)}|twenty|thirty|forty|fifty|\d+)"
_BEFORE = re.compile(rf"\b{_FEW}\s*(?:and|or|to|-|\u2013)\s*$", re.IGNORECASE)
_AFTER = re.compile(rf"\s*,?\s*(?:and|or|to)?\s*{_FEW}\b", re.IGNORECASE)
_FAR = 4.0


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeInWords:
    """A time as somebody said it, at ``begin`` of the text, and ``figures``: the range it may stand for."""

    said: str
    begin: int
    figures: str


def times_in_words(text: str) -> Iterator[TimeInWords]:
    """Every one of a text in English that stands alone, in order."""
    for found in _IN_WORDS.finditer(text):
        before = text[: found.start()]
        if _BEFORE.search(before) or _AFTER.match(text, found.end()):
            continue
        count = " ".join(found["count"].lower().split())
        if count in _COUNTS:
            number = _COUNTS.index(count) + 1.0
            low, high = (0.7, 1.4) if number == 1 else (number - 0.5, number + 0.5)
        else:
            low, high = _LOOSE[count]
        if found["half"]:
            low, high = low + 0.5, high + 0.5
        low, high = widened(before, low, high)
        unit = found["unit"].lower()
        days = _DAYS.get(unit, 1.0)
        unit = "day" if unit in _DAYS else unit
        figures = f"{low * days:g}-{high * days:g} {unit}s"
        yield TimeInWords(said=found.group(), begin=found.start(), figures=figures)


def widened(before: str, low: float, high: float) -> tuple[float, float]:
    """The range that a time stands for where the words before it make it a bound: "over", "at least", "under"."""
    bound = _BOUND.search(before)
    if bound is None:
        return low, high
    return (low, _FAR * high) if bound["over"] else (low / _FAR, high)


def is_bound(before: str) -> bool:
    """Whether the words before a time make it one."""
    return _BOUND.search(before) is not None
