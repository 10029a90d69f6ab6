"""Figures with their units, as people write them in any of the languages whose units we know."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, get_args

from cardcallback.check.numbers import Number, bare_numbers, upper_end
from cardcallback.render.card.quantities import COUNTED, Unit, unit_at
from cardcallback.units import SECONDS_PER_HOUR, SECONDS_PER_MINUTE

Kind = Literal["energy", "emissions", "intensity", "power", "time", "device_time", "memory", "share", "rate", "tokens"]
_KINDS = frozenset(get_args(Kind))
# Of what is given in a unit, but none of ours: a mass of no gas, steps a second.
_OTHER = frozenset({"other"})
_CLOCK = re.compile(
    r"(?<![\w.:-])(?:(?P<h>\d{1,3}):(?P<m>[0-5]\d):(?P<s>[0-5]\d)(?:\.\d+)?(?![\w:-])"
    r"|(?:(?P<whole>\d{1,3})\s?h\s?)?(?P<between>\d{1,4})\s?m(?:in)?\s?(?P<last>[0-5]?\d)(?:\.\d+)?\s?s(?:ec)?(?!\w)"
    r"|(?P<hours>\d{1,3})(?:\s?h\s?(?P<minutes>[0-5]?\d)(?P<word>\s?(?:min|m))?"
    r"|:(?P<after>[0-5]\d)\s?(?:h|hrs?|hours?|Std\.?|Stunden))(?!\w|\.\d))"
)
_LETTER = re.compile(r"(?P<letter>k|K|M|B|G|T|Mio\.?|Mrd\.?|million|billion|trillion)\b")
_LETTERS = {"k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12, "mrd": 1e9}
# Behind these a number is a device's name: "RTX 4090 hours" are none of 4090.
_SERIES = re.compile(
    r"\b(?:RTX|GTX|RX|PRO|Quadro|Radeon|GeForce|Tesla|Titan|Instinct|Arc|Gaudi|Ada)[- ]$", re.IGNORECASE
)
_LONGEST_SERIES = 12
_DIGIT = re.compile(r"\d")
# What stands between a number and its unit: "**107** Wh".
_BETWEEN = re.compile(r"\s*(?:\*\*|__)?\s*")
_MONTH = "\u6708"
_LONGEST_UNIT = 60
_GAS = re.compile(r"CO(?:[_~${]{0,3}|<sub>)(?:2|\u2082)|carbon", re.IGNORECASE)
_OF_CARBON = re.compile(rf"{_GAS.pattern}|emission|\bemit|footprint", re.IGNORECASE)
# Before a number that is rounded to its last digit, or more.
_ABOUT = re.compile(
    r"(?:\b(?:about|around|roughly|approximately|approx\.?|circa|ca\.?|some|nearly|almost|etwa|rund|ungef\u00e4hr|knapp|"
    r"environ|quelque|unos|aproximadamente|cerca de)\s+|[~\u2248\u7ea6]\s*)\Z",
    re.IGNORECASE,
)
_LONGEST_ABOUT, _MOST_ROUNDED = 16, 0.15
# One letter of the other case is something else: "5 G", "3 D".
_MISTAKEN = re.compile(r"[DHSGwj](?!\w)")
_BANDWIDTH = re.compile(r"\s*(?:/|per)\s*s")
_WATT_HOURS = re.compile(r"\s*[-\u00b7]?\s*h(?:ours?)?\b")
_RATE = re.compile(
    r"\s*(?:of\s+\w+(?:\s+\w+)?\s+)?(?:/\s*(?=[^\W\d_])|per\b|a\s+step|an?\s+token)\s*"
    r"(?P<of>step|token|sample|query|image|request)?"
)
_TIMES = frozenset({"time", "device_time"})
# Hours may be a device's too, but only its own unit says so.
_SAID = {_TIMES: frozenset({"time"}), frozenset({"model_time"}): frozenset({"device_time"})}
_WITH_RATES = frozenset({"energy", "emissions", "time", "tokens"})
# Between the parts of a time: "1 Stunde und 52 Minuten".
_GOES_ON = re.compile(r"(?:(?<=Std)\.)?\s*,?\s*(?:(?:and|und|et|y|e|i|en|og|och|ve|\u0438)\s+)?")
# Units in a label or a column heading, for cells that hold a bare number.
_HEADED = re.compile(
    r"[(\[]\s*(?:in\s+)?(?P<unit>[^()\[\]]{1,24})[)\]]|\bin\s+(?P<word>kWh|Wh|hours|minutes|kg|grams|GB)\b|"
    r"^[\s*_]*(?:total\s+)?(?P<first>(?:(?:GPU|TPU|accelerator|[A-Z]{1,2}\d{2,4}[A-Z]{0,2})[- ])?hours|minutes)\b",
    re.IGNORECASE,
)
_BARE = re.compile(r"[~\u2248<>*_\s]*(?P<number>\d[\d.,]*(?:[eE][-+]?\d{1,2})?\s*[kKM]?)[*_\s]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure(Number):
    """One figure in joules, grams, grams per kWh, watts, seconds, bytes, shares of one, or a count (a second).

    ``kinds`` is what it may be of: none for a bare number, several where its unit counts several things. ``rate``
    names what it is per, such as "token", and is None for a figure that stands for itself. ``is_range`` says that it
    is everything between two numbers.
    """

    kinds: frozenset[str]
    text: str
    rate: str | None = None
    is_range: bool = False

    @property
    def kind(self) -> str | None:
        """What it is of; None where its unit does not say so."""
        return next(iter(self.kinds)) if len(self.kinds) == 1 else None


def find_figures(line: str, *, of_carbon: bool = False) -> list[Figure]:
    """Every figure of a line whose unit says what it is of, in order; ranges are left out.

    Args:
        line: text without line breaks.
        of_carbon: whether a bare mass is CO2e here, since its label or heading says so.
    """
    found = _read(line, of_carbon=of_carbon or _OF_CARBON.search(line) is not None)
    return [one for one in found if one.kind in _KINDS and not one.is_range]


def figures_of(text: str, kind: str, unit: Unit | None = None) -> list[Figure]:
    """The figures of a text that may be of a kind, in its base unit.

    Args:
        text: without line breaks.
        kind: the kind of a value; times may be of devices, whatever their unit says.
        unit: what stands in the label or the column, for a number that has none itself.
    """
    found = _read(text, of_carbon=True)
    kinds = _TIMES if kind in _TIMES else {kind}
    own = [one for one in found if kinds & one.kinds and one.rate is None]
    if own:
        return own
    bare = [one for one in found if not one.kinds]
    if unit is not None and kind in unit.kinds:
        return [_times(one, unit.factor, unit.kinds) for one in bare]
    return [replace(one, kinds=frozenset({kind})) for one in bare] if kind in COUNTED else []


def any_figures(text: str) -> list[Figure]:
    """Every number of a text with what its unit makes of it, bare ones too."""
    return list(_read(text, of_carbon=True))


def headed_figure(cell: str, *headings: str) -> Figure | None:
    """The figure of a bare number whose unit stands in its label or column heading, as in "Energy (kWh)"."""
    number = _BARE.fullmatch(cell)
    if number is None:
        return None
    for heading in headings:
        for unit in _HEADED.finditer(heading):
            words = unit.group("unit") or unit.group("word") or _first_unit(unit.group("first"))
            written = f"{number.group('number')} {words}"
            found = find_figures(written, of_carbon=_OF_CARBON.search(heading) is not None)
            if len(found) == 1:
                return replace(found[0], text=written)
    return None


def is_of_a_name(text: str, begin: int) -> bool:
    """Whether the number at ``begin`` belongs to a device's name."""
    return _SERIES.search(text[max(0, begin - _LONGEST_SERIES) : begin]) is not None


def _first_unit(written: str) -> str:
    """The unit that a label begins with: those of devices are device hours, whatever the device."""
    _, is_of_device, unit = written.lower().replace("-", " ").rpartition(" ")
    return f"GPU {unit}" if is_of_device else unit


# Many rules ask the same line and sentence.
@lru_cache(maxsize=1024)
def _read(text: str, *, of_carbon: bool) -> tuple[Figure, ...]:
    """Every number with its unit, where the parts of a time are one."""
    if _DIGIT.search(text) is None:
        return ()
    clocks = [_clock(match) for match in _CLOCK.finditer(text) if not _has_own_unit(match)]
    read: list[tuple[Figure, float]] = []
    end = 0
    for number in bare_numbers(text):
        clock = next((one for one in clocks if one.begin <= number.begin < one.end), None)
        # Behind a month a number is a day, whose sign is that of days too.
        is_day = text.endswith(_MONTH, 0, number.begin)
        if number.begin < end or is_day or is_of_a_name(text, number.begin):
            continue
        one, factor = (clock, 1.0) if clock is not None else _with_unit(text, number, of_carbon=of_carbon)
        end = one.end
        last = read[-1] if read else None
        if last is not None and _continues(*last, one, text):
            ranges = tuple((last[0].value + low, last[0].value + high) for low, high in one.ranges)
            one = replace(one, ranges=ranges, begin=last[0].begin, text=text[last[0].begin : one.end].strip())
            read.pop()
        read.append((one, factor))
    return tuple(one for one, _ in read)


def _has_own_unit(match: re.Match[str]) -> bool:
    """Whether what would be minutes, behind a blank, is something else: "8 h 16 GPUs", "1 h 30 s"."""
    begin = match.start("minutes")
    is_apart = match["minutes"] is not None and match["word"] is None and match.string[begin - 1].isspace()
    return is_apart and unit_at(match.string[match.end() : match.end() + _LONGEST_UNIT]) is not None


def _clock(match: re.Match[str]) -> Figure:
    hours, minutes, last = (
        int(next((match[name] for name in names if match[name]), 0))
        for names in (("h", "whole", "hours"), ("m", "between", "minutes", "after"), ("s", "last"))
    )
    seconds = float(hours * SECONDS_PER_HOUR + minutes * SECONDS_PER_MINUTE + last)
    return Figure(
        ranges=((seconds, seconds),),
        kinds=frozenset({"time"}),
        begin=match.start(),
        end=match.end(),
        text=match.group().strip(),
    )


def _with_unit(text: str, number: Number, *, of_carbon: bool) -> tuple[Figure, float]:
    """The figure that begins with a number, and the factor of its unit."""
    upper = upper_end(text, number)
    ranges = _rounded(text, number) if upper is None else ((number.low, upper.high),)
    at = number.end if upper is None else upper.end
    begin = _BETWEEN.match(text, at)
    start = begin.end() if begin is not None else at
    unit, end = _unit(text, start, of_carbon=of_carbon)
    if unit is None and upper is not None:
        # Of two bare numbers each may be something of its own.
        upper, ranges, at = None, _rounded(text, number), number.end
    rate = _RATE.match(text, end) if unit is not None and unit.kinds & _WITH_RATES else None
    last = at if unit is None else end
    one = Figure(
        ranges=ranges,
        kinds=frozenset() if unit is None else unit.kinds,
        begin=number.begin,
        end=last,
        text=text[number.begin : last].replace("**", "").strip(),
        rate=None if rate is None else rate["of"] or "other",
        is_range=upper is not None,
    )
    factor = 1.0 if unit is None else unit.factor
    return _times(one, factor, one.kinds), factor


def _rounded(text: str, number: Number) -> tuple[tuple[float, float], ...]:
    """What a number may stand for: behind "about", half of its last digit that is no zero on both sides."""
    if _ABOUT.search(text[max(0, number.begin - _LONGEST_ABOUT) : number.begin]) is None:
        return number.ranges
    digits = re.sub(r"[^\d]", "", text[number.begin : number.end]).strip("0")
    first = 10.0 ** (len(digits) - 1)
    # The place of the last digit follows from the first one's, whatever signs stand between.
    rooms = [
        min(_MOST_ROUNDED * value, 10.0 ** math.floor(math.log10(value)) / first / 2) if value > 0 else 0.0
        for value in number.values
    ]
    return tuple(
        (min(low, value - room), max(high, value + room))
        for (low, high), value, room in zip(number.ranges, number.values, rooms, strict=True)
    )


def _unit(text: str, start: int, *, of_carbon: bool) -> tuple[Unit | None, int]:
    """The unit at ``start`` and where it ends; None where there is none that we know."""
    unit = unit_at(text[start : start + _LONGEST_UNIT])
    if unit is not None:
        end = start + len(unit.word)
        is_meant = unit.kinds and _is_meant(unit, text, end, of_carbon=of_carbon)
        return replace(unit, kinds=_SAID.get(unit.kinds, unit.kinds) if is_meant else _OTHER), end
    letter = _LETTER.match(text, start)
    if letter is None:
        return None, start
    return Unit(word=letter.group(), kinds=frozenset(), factor=_large(letter["letter"])), letter.end()


def _large(written: str | None) -> float:
    """What a letter or word behind a number multiplies it by."""
    plain = (written or "").lower().rstrip(".")
    return (_LETTERS.get(plain) or _LETTERS[plain[0]]) if plain else 1.0


def _is_meant(unit: Unit, text: str, end: int, *, of_carbon: bool) -> bool:
    """Whether the signs are that unit: no bare mass of something else, and no letter that only looks like one."""
    if _MISTAKEN.match(unit.word) or ("memory" in unit.kinds and _BANDWIDTH.match(text, end)):
        return False
    if "power" in unit.kinds and _WATT_HOURS.match(text, end):
        return False
    return "emissions" not in unit.kinds or of_carbon or _GAS.search(unit.word) is not None


def _continues(last: Figure, unit: float, one: Figure, text: str) -> bool:
    """Whether a smaller unit of time follows a larger one directly."""
    if last.kind != "time" or one.kind != "time" or last.is_range or len(last.ranges) != 1 or len(one.ranges) != 1:
        return False
    return one.value < min(unit, last.value) and _GOES_ON.fullmatch(text, last.end, one.begin) is not None


def _times(one: Figure, factor: float, kinds: frozenset[str]) -> Figure:
    return replace(one, ranges=tuple((low * factor, high * factor) for low, high in one.ranges), kinds=kinds)
