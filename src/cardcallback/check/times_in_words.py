"""How long something took, in words: "half a day", "two and a half hours", "zwei Stunden", "deux heures et demie".

And parts of a unit of time or energy: "a quarter of an hour", "half a kilowatt-hour".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cardcallback.units import SECONDS_PER_DAY, SECONDS_PER_HOUR, SECONDS_PER_MINUTE

_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "zwanzig": 20, "dreißig": 30, "vierzig": 40,
         "fünfzig": 50, "vingt": 20, "trente": 30, "quarante": 40, "cinquante": 50}  # fmt: skip
_ONES = (
    ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
     "fourteen", "fifteen"),
    ("ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf"),
    ("un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze", "treize",
     "quatorze", "quinze"),
)  # fmt: skip
_COUNTS = {
    **{word: number for words in _ONES for number, word in enumerate(words, start=1)},
    **dict.fromkeys(("a", "an", "eine", "einen", "une"), 1),
    **_TENS,
    **{f"{ten}-{one}": _TENS[ten] + number for ten in _TENS for number, one in enumerate(_ONES[0][:9], start=1)},
}
# What each may be of, least and most: people round in words more than in digits.
_LOOSE = {"half": (0.35, 0.65), "a few": (1.5, 10.0), "several": (1.5, 10.0), "a couple of": (1.5, 3.5),
          "one": (0.7, 1.4)}  # fmt: skip
_UNITS = {
    **dict.fromkeys(("minute", "minuten"), SECONDS_PER_MINUTE),
    **dict.fromkeys(("hour", "stunde", "stunden", "heure"), SECONDS_PER_HOUR),
    **dict.fromkeys(("day", "tag", "tage", "jour"), SECONDS_PER_DAY),
    **dict.fromkeys(("week", "woche", "wochen", "semaine"), 7 * SECONDS_PER_DAY),
    **dict.fromkeys(("month", "monat", "monate"), 30 * SECONDS_PER_DAY),
}
_COUNT = "|".join(re.escape(word) for word in sorted(_COUNTS, key=len, reverse=True))
_UNIT = "|".join(sorted(_UNITS, key=len, reverse=True))
_HALF = r"(?:and\s+a|et)\s+(?:half|demie?|quart(?:er)?)"
_IN_WORDS = re.compile(
    rf"\b(?:(?P<count>half(?= an? )|a few|several|a couple of|{_COUNT})"
    r"(?P<first>\s+and\s+a\s+(?:half|quarter)|einhalb)?"
    rf"|(?P<one_and_half>anderthalb|eineinhalb))\s+(?:an?\s+)?(?P<unit>{_UNIT})s?\b"
    rf"(?:\s+(?P<half>{_HALF})\b|\s*,?\s+(?:(?:and|und|et)\s+)?(?P<more>{_COUNT})\s+(?P<smaller>{_UNIT})s?\b)?",
    re.IGNORECASE,
)
_SHARES = {"half": 0.5, "halbe": 0.5, "third": 1 / 3, "quarter": 0.25, "viertel": 0.25, "fifth": 0.2, "tenth": 0.1,
           "two thirds": 2 / 3, "three quarters": 0.75}  # fmt: skip
_SHARE_ROOM = 0.3
_WATT_HOURS = {"kilo": 1e3, "mega": 1e6, "k": 1e3, "m": 1e6, "": 1.0}
_OF_A_UNIT = re.compile(
    r"\b(?:(?P<half>half)|(?:an?|one|ein|eine)\s+(?P<share>third|quarter|fifth|tenth|halbe|viertel)|"
    r"(?P<several>two[ -]thirds|three[ -]quarters))(?:\s+(?:of\s+)?(?:an?|one|einer))?\s+"
    r"(?P<unit>hour|day|week|stunde|(?P<factor>kilo|mega|)watt[ -]?(?:hour|stunde)|(?P<letter>k|M)Wh)\b",
    re.IGNORECASE,
)
# What makes it a bound, and what it is only a part of: "one or two hours", "2 hours and fifty minutes".
# "just under" is nearly the time itself.
_BOUND = re.compile(
    r"(?<!just )(?<!barely )(?<!slightly )\b(?:(?P<over>over|above|at least|beyond|more than|mehr als|plus de)"
    r"|under|below|within|less than|weniger als|unter|moins de)\s+$",
    re.IGNORECASE,
)
_FEW = rf"(?:{_COUNT}|\d+)"
_BEFORE = re.compile(
    rf"(?:\b(?:{_FEW}|hundred|(?:{_UNIT})s?)|\dh?)\s*,?\s*(?:and|or|to|und|oder|bis|et|ou|à|-|\u2013)?\s*$",
    re.IGNORECASE,
)
# The signs before a time that may make it a bound or a part: what is before them tells nothing of it.
_LONGEST_BEFORE = 40
_AFTER = re.compile(rf"\s*,?\s*(?:(?:and|or|to|und|oder|bis|et|ou|à)\s+)?{_FEW}\b", re.IGNORECASE)
_FAR = 4.0
_ROUGHLY = 0.5
# Of a large number, such as forty, people round the last digit.
_OF_LARGE = 0.06


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeInWords:
    """A time as somebody said it, at ``begin`` of the text, and ``figures``: the range it may stand for."""

    said: str
    begin: int
    figures: str


def times_in_words(text: str) -> Iterator[TimeInWords]:
    """Every one of a text in English, German or French that stands alone, in order."""
    for found in _IN_WORDS.finditer(text):
        before = text[max(0, found.start() - _LONGEST_BEFORE) : found.start()]
        spread = _spread(found)
        if spread is None or _BEFORE.search(before) or _AFTER.match(text, found.end()):
            continue
        low, high = widened(before, *spread)
        yield TimeInWords(said=found.group(), begin=found.start(), figures=f"{low:.0f}-{high:.0f} seconds")


def parts_in_words(text: str, *, of_energy: bool) -> Iterator[TimeInWords]:
    """Every part of a unit of energy, or of time, in a text in English or German."""
    for found in _OF_A_UNIT.finditer(text):
        unit = found["unit"].lower()
        if ("watt" in unit or unit.endswith("wh")) != of_energy or (found["half"] and not of_energy):
            continue
        word = (found["half"] or found["share"] or found["several"]).lower().replace("-", " ")
        whole = _WATT_HOURS[(found["factor"] or found["letter"] or "").lower()] if of_energy else float(_UNITS[unit])
        before = text[max(0, found.start() - _LONGEST_BEFORE) : found.start()]
        share = _SHARES[" ".join(word.split())]
        low, high = widened(before, share * (1 - _SHARE_ROOM) * whole, share * (1 + _SHARE_ROOM) * whole)
        figures = f"{low:.1f}-{high:.1f} {'Wh' if of_energy else 'seconds'}"
        yield TimeInWords(said=found.group(), begin=found.start(), figures=figures)


def _spread(found: re.Match[str]) -> tuple[float, float] | None:
    """The least and the most seconds that a time may stand for; None for a larger unit behind a smaller one."""
    unit = float(_UNITS[found["unit"].lower()])
    behind = found["first"] or found["half"] or ""
    half = (0.25 if "quart" in behind.lower() else 0.5) if behind else 0.0
    if found["smaller"]:
        smaller = float(_UNITS[found["smaller"].lower()])
        whole = _COUNTS.get((found["count"] or "").lower())
        if smaller >= unit or whole is None:
            return None
        seconds = whole * unit + _COUNTS[found["more"].lower()] * smaller
        # Minutes beside hours are rounded to five.
        room = _ROUGHLY * min(5 * smaller, unit / 2)
        return seconds - room, seconds + room
    low, high = (1.25, 1.75) if found["one_and_half"] else _range(found["count"], has_half=half > 0)
    return (low + half) * unit, (high + half) * unit


def _range(count: str, *, has_half: bool) -> tuple[float, float]:
    """How many of a unit a word may stand for."""
    word = " ".join(count.lower().split())
    number = _COUNTS.get(word)
    if number is None:
        return _LOOSE[word]
    if has_half:
        return number - _ROUGHLY / 2, number + _ROUGHLY / 2
    room = max(_ROUGHLY, _OF_LARGE * number)
    return _LOOSE["one"] if number == 1 else (number - room, number + room)


def widened(before: str, low: float, high: float) -> tuple[float, float]:
    """The range that a time stands for where the words before it make it a bound: "over", "at least", "under"."""
    bound = _BOUND.search(before)
    if bound is None:
        return low, high
    return (low, _FAR * high) if bound["over"] else (low / _FAR, high)


def is_bound(before: str) -> bool:
    """Whether the words before a time make it one."""
    return _BOUND.search(before) is not None
