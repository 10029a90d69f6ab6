"""Figures with their units in a line of text: what they are of, and the range that their rounding leaves open."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from cardcallback.units import (
    BYTES_PER_GIBIBYTE,
    BYTES_PER_MEBIBYTE,
    CARD_FIGURES,
    GRAMS_PER_POUND,
    JOULES_PER_WATT_HOUR,
    SECONDS_PER_DAY,
    SECONDS_PER_HOUR,
    SECONDS_PER_MINUTE,
)

Kind = Literal["energy", "emissions", "factor", "power", "time", "gpu_time", "memory", "percent", "speed", "tokens"]

_NUMBER = (
    r"(?<![\w.,/^–-])(?P<number>[1-9]\d{0,2}(?:,\d{3}){1,6}(?:\.\d{1,20})?"
    r"|\d{1,20}(?:[.,]\d{1,20})?(?:[eE][-+]?\d{1,2})?)"
)
# "0,107" is a decimal comma.
_THOUSANDS = r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?"
_CO2 = r"(?:\s*(?:of\s+)?CO(?:2|₂|_2|~2~|<sub>2</sub>)\s*-?(?:eq(?:uivalents?)?|e)?\.?)"
_JOULES = {"j": 1.0, "wh": JOULES_PER_WATT_HOUR}
_PREFIXES = {"m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_GRAMS = {
    "mg": 1e-3,
    "g": 1.0,
    "gram": 1.0,
    "kg": 1e3,
    "kilogram": 1e3,
    "t": 1e6,
    "ton": 1e6,
    "tonne": 1e6,
    "lb": GRAMS_PER_POUND,
}
_SECONDS = {
    "ms": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "min": SECONDS_PER_MINUTE,
    "minute": SECONDS_PER_MINUTE,
    "h": SECONDS_PER_HOUR,
    "hr": SECONDS_PER_HOUR,
    "hour": SECONDS_PER_HOUR,
    "d": SECONDS_PER_DAY,
    "day": SECONDS_PER_DAY,
}
_BYTES = {
    "KB": 1e3,
    "MB": 1e6,
    "GB": 1e9,
    "TB": 1e12,
    "MiB": BYTES_PER_MEBIBYTE,
    "GiB": BYTES_PER_GIBIBYTE,
    "TiB": BYTES_PER_GIBIBYTE * 1024,
}
_COUNTS = {"": 1.0, "k": 1e3, "K": 1e3, "thousand": 1e3, "M": 1e6, "million": 1e6, "B": 1e9, "G": 1e9, "billion": 1e9}
_END = r"(?![A-Za-z0-9₂])"
_FACTOR = re.compile(
    rf"{_NUMBER}\s*(?P<unit>mg|g|kg|lbs?|grams?|kilograms?){_CO2}?\s*(?:/|per)\s*(?P<per>kWh|MWh|kilowatt[- ]hour)"
)
_EMISSIONS = re.compile(
    rf"{_NUMBER}\s*(?:metric\s+)?(?P<unit>mg|g|kg|t|grams?|kilograms?|tons?|tonnes?|lbs?)(?P<co2>{_CO2})?{_END}"
)
_ENERGY = re.compile(rf"{_NUMBER}\s*(?P<prefix>[mkMGT]?)(?P<unit>Wh|J|W·h){_END}")
_ENERGY_WORDS = re.compile(
    rf"{_NUMBER}\s*(?P<prefix>kilo|mega|giga|)(?P<unit>watt[- ]hours?|joules?){_END}", re.IGNORECASE
)
_POWER = re.compile(rf"{_NUMBER}\s*(?P<prefix>[mk]?)(?:W|watts?){_END}(?!\s*[-·]?\s*h(?:ours?)?\b)")
_GPU_TIME = re.compile(
    rf"{_NUMBER}\s*(?P<count>million|billion|[kKM])?\s*(?:[A-Z]\w*[- ]){{0,2}}"
    r"(?:GPU|device|accelerator|TPU|[A-Z]{1,4}\d{2,4}[A-Z]{0,3}|RTX \d{4})[- ]?"
    r"(?:h|hrs?|hours?|Stunden|heures|horas)\b",
    re.IGNORECASE,
)
_TIME_PART = r"(?:ms|s|secs?|seconds?|mins?|minutes?|h|hrs?|hours?|d|days?)"
_TIME = re.compile(rf"{_NUMBER}\s*(?P<unit>{_TIME_PART}){_END}(?!\s*/)")
_CLOCK = re.compile(r"(?<![\w.:-])(?P<h>\d{1,3}):(?P<m>[0-5]\d):(?P<s>[0-5]\d)(?:\.\d+)?(?![\w:-])")
_COMPACT = re.compile(r"(?<![\w.:-])(?P<h>\d{1,3})\s?h\s?(?P<m>[0-5]?\d)\s?(?:m|min)?(?P<s>)(?![\w.])")
_MEMORY = re.compile(rf"{_NUMBER}\s*(?P<unit>[KMGT]i?B){_END}(?!\s*/\s*s)")
_PERCENT = re.compile(rf"{_NUMBER}\s*%")
_SPEED = re.compile(rf"{_NUMBER}\s*(?P<count>[kKM]?)\s*(?:tokens?|toks?)\s*(?:/|per)\s*(?:s|sec|second){_END}")
_TOKENS = re.compile(
    rf"{_NUMBER}\s*(?P<count>million|billion|[kKMBG]?)\s*(?:training\s+)?tokens{_END}(?!\s*(?:/|per)\b|\s*/)"
)
_RATE = re.compile(
    r"\s*(?:of\s+\w+(?:\s+\w+)?\s+)?(?:/|per\b|a\s+step|an?\s+token)\s*(?P<of>step|token|sample|query|image|request)?"
)
# The end of a range is no figure of its own.
_RANGE = re.compile(r"\d\s*(?:to|and|bis|[-–~])\s*$")
# Units in a label or a column heading, for cells that hold a bare number.
_HEADED = re.compile(
    r"[(\[]\s*(?:in\s+)?(?P<unit>[^()\[\]]{1,24})[)\]]|\bin\s+(?P<word>kWh|Wh|hours|minutes|kg|grams|GB)\b|"
    r"^[\s*_]*(?:total\s+)?(?P<first>(?:(?:GPU|TPU|accelerator|[A-Z]{1,2}\d{2,4}[A-Z]{0,2})[- ])?hours|minutes)\b",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"[~≈<>*_\s]*(?P<number>[1-9]\d{0,2}(?:,\d{3}){1,6}(?:\.\d{1,20})?|\d{1,20}(?:\.\d{1,20})?(?:[eE][-+]?\d{1,2})?)\s*(?P<count>[kKM]?)[*_\s]*"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One figure in joules, grams, grams per kWh, watts, seconds, bytes, percent or tokens (a second).

    ``low`` and ``high`` bound what was rounded to the digits that are printed. ``rate`` names what it is per, such
    as "token", and is None for a figure that stands for itself. ``begin`` and ``end`` are offsets in the line.
    """

    kind: Kind
    value: float
    low: float
    high: float
    begin: int
    end: int
    text: str
    rate: str | None = None


def find_figures(line: str, *, of_carbon: bool = False) -> list[Figure]:
    """Every figure of a line in order, each character in one figure at most; ranges are left out.

    Args:
        line: text without line breaks.
        of_carbon: whether a bare mass is CO2e here, since its label or heading says so.
    """
    of_carbon = of_carbon or re.search(r"CO(?:2|₂)|carbon|emission|footprint", line, re.IGNORECASE) is not None
    taken = [False] * (len(line) + 1)
    found: list[Figure] = []
    for figure in _all(line, of_carbon=of_carbon):
        if not any(taken[figure.begin : figure.end]) and not _RANGE.search(line[: figure.begin]):
            taken[figure.begin : figure.end] = [True] * (figure.end - figure.begin)
            found.append(figure)
    return sorted(_joined_times(found, line), key=lambda figure: figure.begin)


def headed_figure(cell: str, *headings: str) -> Figure | None:
    """The figure of a bare number whose unit stands in its label or column heading, as in "Energy (kWh)"."""
    number = _BARE.fullmatch(cell)
    if number is None:
        return None
    for heading in headings:
        for unit in _HEADED.finditer(heading):
            words = unit.group("unit") or unit.group("word") or _first_unit(unit.group("first"))
            written = f"{number.group('number')}{number.group('count')} {words}"
            found = find_figures(written, of_carbon=_is_carbon(heading) is not None)
            if len(found) == 1:
                return replace(found[0], text=written)
    return None


def _first_unit(written: str) -> str:
    """The unit that a label begins with: those of devices are device hours, whatever the device."""
    _, is_of_device, unit = written.lower().replace("-", " ").rpartition(" ")
    return f"GPU {unit}" if is_of_device else unit


def _is_carbon(text: str) -> re.Match[str] | None:
    return re.search(r"CO(?:2|₂)|carbon|emission", text, re.IGNORECASE)


def _all(line: str, *, of_carbon: bool) -> Iterator[Figure]:
    """Every reading of every part of the line; of two that overlap the first is right."""
    for match in _FACTOR.finditer(line):
        grams = _grams(match.group("unit")) * (1e-3 if match.group("per") == "MWh" else 1.0)
        yield _figure("factor", match, grams)
    for match in _GPU_TIME.finditer(line):
        yield _figure("gpu_time", match, _count(match) * SECONDS_PER_HOUR)
    for match in (*_ENERGY.finditer(line), *_ENERGY_WORDS.finditer(line)):
        yield _with_rate(_figure("energy", match, _joules(match)), line)
    for match in _EMISSIONS.finditer(line):
        if match.group("co2") or of_carbon:
            yield _with_rate(_figure("emissions", match, _grams(match.group("unit"))), line)
    yield from _times(line)
    for kind, pattern, factor in _SIMPLE:
        yield from (_figure(kind, match, factor(match)) for match in pattern.finditer(line))


def _times(line: str) -> Iterator[Figure]:
    for match in (*_CLOCK.finditer(line), *_COMPACT.finditer(line)):
        seconds = int(match["h"]) * SECONDS_PER_HOUR + int(match["m"]) * SECONDS_PER_MINUTE + int(match["s"] or 0)
        yield _exact("time", match, float(seconds))
    for match in _TIME.finditer(line):
        yield _figure("time", match, _SECONDS[_singular(match.group("unit"))])


def _figure(kind: Kind, match: re.Match[str], factor: float) -> Figure:
    written = match.group("number")
    number = _number(written)
    half = _half_digit(written)
    return Figure(
        kind=kind,
        value=number * factor,
        low=(number - half) * factor,
        high=(number + half) * factor,
        begin=match.start(),
        end=match.end(),
        text=match.group().strip(),
    )


def _exact(kind: Kind, match: re.Match[str], value: float) -> Figure:
    return Figure(
        kind=kind, value=value, low=value, high=value, begin=match.start(), end=match.end(), text=match.group().strip()
    )


def _number(written: str) -> float:
    if re.fullmatch(_THOUSANDS, written):
        return float(written.replace(",", ""))
    return float(written.replace(",", "."))


def _half_digit(written: str) -> float:
    """Half of the last digit that tells: "107" stands for 106.5 to 107.5, "10" for 9.5 to 10.5."""
    mantissa, _, exponent = written.lower().partition("e")
    thousands = re.fullmatch(_THOUSANDS, mantissa) is not None
    whole, _, decimals = mantissa.replace(",", "" if thousands else ".").partition(".")
    zeros = len(whole) - len(whole.rstrip("0"))
    last = -len(decimals) if decimals else min(zeros, max(0, len(whole) - CARD_FIGURES))
    return 0.5 * 10.0 ** (last + int(exponent or 0))


def _joules(match: re.Match[str]) -> float:
    prefix = {"kilo": "k", "mega": "M", "giga": "G"}.get(match.group("prefix").lower(), match.group("prefix"))
    unit = match.group("unit").lower()
    return _PREFIXES[prefix] * (JOULES_PER_WATT_HOUR if unit.startswith("w") else _JOULES["j"])


def _grams(unit: str) -> float:
    return _GRAMS[_singular(unit)]


def _singular(unit: str) -> str:
    return unit if unit in {"s", "ms"} else unit.rstrip("s") if len(unit) > 1 else unit


def _count(match: re.Match[str]) -> float:
    """What a letter or word behind a number multiplies it by."""
    written = match.group("count") or ""
    return _COUNTS.get(written, _COUNTS.get(written.lower(), 1.0))


def _with_rate(figure: Figure, line: str) -> Figure:
    rate = _RATE.match(line, figure.end)
    return figure if rate is None else replace(figure, rate=rate.group("of") or "other")


def _joined_times(figures: list[Figure], line: str) -> list[Figure]:
    """One time for "1 h 52 min", where the smaller unit follows the larger one directly."""
    ordered = sorted(figures, key=lambda figure: figure.begin)
    joined: list[Figure] = []
    for figure in ordered:
        last = joined[-1] if joined else None
        if last is None or not _continues(last, figure, line):
            joined.append(figure)
            continue
        joined[-1] = replace(
            figure,
            value=last.value + figure.value,
            low=last.value + figure.low,
            high=last.value + figure.high,
            begin=last.begin,
            text=line[last.begin : figure.end].strip(),
        )
    return joined


def _continues(last: Figure, figure: Figure, line: str) -> bool:
    if last.kind != "time" or figure.kind != "time" or figure.value >= last.value:
        return False
    between = line[last.end : figure.begin]
    return re.fullmatch(r"[\s,]*(?:and\s+)?", between) is not None and figure.value < _unit_above(last)


def _unit_above(last: Figure) -> float:
    """What the next smaller unit must stay below to continue a time."""
    if last.value % SECONDS_PER_DAY == 0:
        return SECONDS_PER_DAY
    return SECONDS_PER_HOUR if last.value % SECONDS_PER_HOUR == 0 else SECONDS_PER_MINUTE


_SIMPLE: tuple[tuple[Kind, re.Pattern[str], Callable[[re.Match[str]], float]], ...] = (
    ("speed", _SPEED, _count),
    ("tokens", _TOKENS, _count),
    ("power", _POWER, lambda match: _PREFIXES[match.group("prefix")]),
    ("memory", _MEMORY, lambda match: _BYTES[match.group("unit").replace("KiB", "KB")]),
    ("percent", _PERCENT, lambda _: 1.0),
)
