"""Numbers as people write them, in any language: the values that their digits may stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cardcallback.units import CARD_FIGURES

_DIGITS = r"\d{1,3}(?:[ \u00a0\u202f']\d{3})+(?!\d)|\d[\d.,]*\d|\d"
_SMALL = "\u2070\u00b9\u00b2\u00b3\u2074-\u2079"
_CORE = (
    rf"(?P<number>{_DIGITS})"
    r"(?:\s*(?:[\u00d7x\u00b7*]|\\times|\\cdot)\s*10"
    rf"(?:\s*\^\s*\{{?|\s?(?=[-\u2212\u207b{_SMALL}]))"
    rf"(?P<power>[-\u2212\u207b]?[\d{_SMALL}]{{1,2}})"
    r"|(?P<exponent>[eE][-+\u2212]?\d{1,2}))?"
)
# Behind a sign of Chinese, Japanese or Korean a number stands as behind a blank.
_NUMBER = re.compile(rf"(?<![.,/^\u2013-])(?<!\d:)(?<![^\W\u3041-\u30ff\u3400-\u9fff\uac00-\ud7af]){_CORE}")
_UPPER = re.compile(
    rf"\s*(?:[-\u2013\u2014~\u301c\uff5e]|to\b|and\b|bis\b|und\b|\u00e0\b|\u81f3|\u5230)\s*{_CORE}(?![-\u2013]\d)"
)
# What has more signs is no number that a person writes.
_LONGEST = 40
_SMALL_DIGITS = str.maketrans(
    "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207b\u2212", "0123456789--"
)
# "8.000" is eight thousand in German, and eight in English.
_ONE_GROUP = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_GROUPS = re.compile(r"[1-9]\d{0,2}(?:[.,]\d{3}){2,}|[1-9]\d{0,2}(?:,\d{3})+\.\d+|[1-9]\d{0,2}(?:\.\d{3})+,\d+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Number:
    """What a number may stand for, by the digits that are printed.

    ``ranges`` has more than one where a sign may be a decimal's or a thousand's, that of English first. ``begin`` and
    ``end`` are offsets in the text.
    """

    ranges: tuple[tuple[float, float], ...]
    begin: int
    end: int

    @property
    def values(self) -> tuple[float, ...]:
        """What it may stand for, as it is written."""
        return tuple((low + high) / 2 for low, high in self.ranges)

    @property
    def value(self) -> float:
        """What it stands for in English."""
        return self.values[0]

    @property
    def low(self) -> float:
        """The least that is rounded to its digits in English."""
        return self.ranges[0][0]

    @property
    def high(self) -> float:
        """The most that is rounded to its digits in English."""
        return self.ranges[0][1]

    def fits(self, value: float, room: float) -> bool:
        """Whether it may be the value, give or take a share of it."""
        slack = room * abs(value) + 1e-12
        return any(low - slack <= value <= high + slack for low, high in self.ranges)


def bare_numbers(text: str) -> list[Number]:
    """Every number of a text, whatever stands behind it; nothing like a version."""
    return [found for match in _NUMBER.finditer(text) if (found := _number(match)) is not None]


def upper_end(text: str, lower: Number) -> Number | None:
    """Of "10-12", "10 to 12": what the number that ends a range may stand for; None where there is no range."""
    match = _UPPER.match(text, lower.end)
    upper = _number(match) if match is not None else None
    return upper if upper is not None and upper.value > lower.value else None


def _number(match: re.Match[str]) -> Number | None:
    written = match["number"]
    if len(written) > _LONGEST:
        return None
    power = (match["power"] or (match["exponent"] or "0").lstrip("eE")).translate(_SMALL_DIGITS)
    ranges = tuple(_range(digits, int(power)) for digits in _readings(written))
    return Number(ranges=ranges, begin=match.start("number"), end=match.end()) if ranges else None


def _readings(written: str) -> Iterator[str]:
    """The number with a point for its decimals and nothing between thousands, in each way it may be read."""
    plain = re.sub(r"[ \u00a0\u202f']", "", written)
    if _GROUPS.fullmatch(plain):
        last = max(plain.rfind("."), plain.rfind(","))
        is_decimal = plain.count(plain[last]) == 1 and len({".", ","} & set(plain)) == 2
        yield re.sub(r"[.,]", "", plain[:last]) + "." + plain[last + 1 :] if is_decimal else re.sub(r"[.,]", "", plain)
        return
    signs = plain.count(".") + plain.count(",")
    decimal = [plain.replace(",", ".")] if signs <= 1 else []
    grouped = [re.sub(r"[.,]", "", plain)] if _ONE_GROUP.fullmatch(plain) else []
    yield from (*grouped, *decimal) if "," in plain else (*decimal, *grouped)


def _range(digits: str, power: int) -> tuple[float, float]:
    """Half of the last digit that tells, on both sides: "107" stands for 106.5 to 107.5, "10" for 9.5 to 10.5."""
    whole, _, decimals = digits.partition(".")
    zeros = len(whole) - len(whole.rstrip("0"))
    last = -len(decimals) if decimals else min(zeros, max(0, len(whole) - CARD_FIGURES))
    half, value = 0.5 * 10.0 ** (last + power), float(digits) * 10.0**power
    return value - half, value + half
