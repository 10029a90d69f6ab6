"""Numbers with their units as people write them, in any of the languages whose units we know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from cardcallback.check.quantities import find_figures
from cardcallback.render.card.quantities import COUNTED, Unit, unit_at
from cardcallback.units import CARD_FIGURES

_NUMBER = re.compile(
    # Behind a sign for a unit of time a number goes on in Chinese, Japanese and Korean.
    r"(?<![.,/^\u2013-])(?<![^\W\u65f6\u6642\u9593\u5206\u949f\u79d2\u5929\uac04])"
    r"(?P<number>\d{1,3}(?:[ \u00a0\u202f']\d{3})+(?!\d)|\d[\d.,]*\d|\d)"
    r"(?:\s*(?:[\u00d7x\u00b7*]|\\times|\\cdot)\s*10"
    r"(?:\s*\^\s*\{?|\s?(?=[-\u2212\u207b\u2070\u00b9\u00b2\u00b3\u2074-\u2079]))"
    r"(?P<power>[-\u2212\u207b]?[\d\u2070\u00b9\u00b2\u00b3\u2074-\u2079]{1,2})"
    r"|(?P<exponent>[eE][-+\u2212]?\d{1,2}))?"
)
# What has more signs is no number that a person writes.
_LONGEST = 40
_SMALL_DIGITS = str.maketrans(
    "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207b\u2212", "0123456789--"
)
# "8.000" is eight thousand in German, and eight in English.
_ONE_GROUP = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_GROUPS = re.compile(r"[1-9]\d{0,2}(?:[.,]\d{3}){2,}|[1-9]\d{0,2}(?:,\d{3})+\.\d+|[1-9]\d{0,2}(?:\.\d{3})+,\d+")
_PREFIX = re.compile(r"\s*(?P<letter>k|K|M|B|G|T|Mio\.?|Mrd\.?|million|billion|trillion)\b")
_LETTERS = {"k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "G": 1e9, "T": 1e12, "Mio": 1e6, "Mrd": 1e9, "million": 1e6,
            "billion": 1e9, "trillion": 1e12}  # fmt: skip
_OF_FIGURES = {"factor": "intensity", "speed": "rate", "percent": "share", "gpu_time": "time"}
# Between the parts of a time: "1 Stunde und 52 Minuten".
_GOES_ON = re.compile(r"\s*,?\s*(?:(?:and|und|et|y|e|i|en|og|och|ve|\u0438)\s+)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Amount:
    """What a number may stand for, by the digits that are printed, in the base unit of its kind.

    ``ranges`` has more than one where a sign may be a decimal's or a thousand's. ``begin`` and ``end`` are
    offsets in the text, and ``kinds`` is empty for a bare number.
    """

    ranges: tuple[tuple[float, float], ...]
    kinds: frozenset[str]
    begin: int
    end: int

    @property
    def values(self) -> tuple[float, ...]:
        """What it may stand for, as it is written."""
        return tuple((low + high) / 2 for low, high in self.ranges)

    def fits(self, value: float, room: float) -> bool:
        """Whether it may be the value, give or take a share of it."""
        slack = room * abs(value) + 1e-12
        return any(low - slack <= value <= high + slack for low, high in self.ranges)


def amounts(text: str, kind: str | None = None, unit: Unit | None = None) -> list[Amount]:
    """The numbers of a text that may be of a kind, each with its unit; None: bare numbers too.

    Args:
        text: without line breaks.
        kind: the kind of a value, such as "time"; a figure of several parts ("1 h 52 min") is one then.
        unit: what stands in the label or the column, for a number that has none itself.
    """
    figures = _figures(text, kind)
    found = _joined((_with_unit(text, match) for match in _matches(text)), text)
    if kind is None:
        return found
    own = [one for one in found if kind in one.kinds]
    # What begins first holds the rest: of "1 heure 52 minutes" only the end is English.
    if figures and (not own or figures[0].begin <= own[0].begin):
        return figures
    if own:
        return own
    bare = [one for one in found if not one.kinds]
    if unit is not None and kind in unit.kinds:
        return [_times(one, unit.factor) for one in bare]
    return [replace(one, kinds=frozenset({kind})) for one in bare] if kind in COUNTED else []


def bare_numbers(text: str) -> list[Amount]:
    """Every number of a text, whatever stands behind it."""
    return [_number(match) for match in _matches(text)]


def _matches(text: str) -> Iterator[re.Match[str]]:
    """Numbers, and nothing like a version."""
    found = (match for match in _NUMBER.finditer(text) if len(match["number"]) <= _LONGEST)
    return (match for match in found if any(_readings(match["number"])))


def _figures(text: str, kind: str | None) -> list[Amount]:
    """Figures in the units of English, where parts that belong together are one."""
    if kind is None or kind in COUNTED or kind == "share":
        return []
    return [
        Amount(ranges=((one.low, one.high),), kinds=frozenset({kind}), begin=one.begin, end=one.end)
        for one in find_figures(text, of_carbon=True)
        if _OF_FIGURES.get(one.kind, one.kind) == kind and one.rate is None
    ]


def _joined(found: Iterable[Amount], text: str) -> list[Amount]:
    """One time for "1 Stunde 52 Minuten", where the smaller unit follows the larger one directly."""
    joined: list[Amount] = []
    for one in found:
        last = joined[-1] if joined else None
        if last is None or not _continues(last, one, text):
            joined.append(one)
            continue
        ranges = tuple((last.values[0] + low, last.values[0] + high) for low, high in one.ranges)
        joined[-1] = replace(one, ranges=ranges, begin=last.begin)
    return joined


def _continues(last: Amount, one: Amount, text: str) -> bool:
    if not ("time" in last.kinds and "time" in one.kinds and len(last.ranges) == len(one.ranges) == 1):
        return False
    return one.values < last.values and _GOES_ON.fullmatch(text, last.end, one.begin) is not None


def _with_unit(text: str, match: re.Match[str]) -> Amount:
    number, behind = _number(match), text[match.end() :]
    unit = unit_at(behind)
    if unit is not None:
        width = len(behind) - len(behind.lstrip()) + len(unit.word)
        return replace(_times(number, unit.factor), kinds=unit.kinds, end=match.end() + width)
    large = _PREFIX.match(behind)
    return number if large is None else _times(number, _LETTERS[large["letter"].rstrip(".")])


def _times(amount: Amount, factor: float) -> Amount:
    return replace(amount, ranges=tuple((low * factor, high * factor) for low, high in amount.ranges))


def _number(match: re.Match[str]) -> Amount:
    power = (match["power"] or (match["exponent"] or "0").lstrip("eE")).translate(_SMALL_DIGITS)
    ranges = tuple(_range(digits, int(power)) for digits in _readings(match["number"]))
    return Amount(ranges=ranges, kinds=frozenset(), begin=match.start(), end=match.end())


def _readings(written: str) -> Iterator[str]:
    """The number with a point for its decimals and nothing between thousands, in each way it may be read."""
    plain = re.sub(r"[ \u00a0\u202f']", "", written)
    if _GROUPS.fullmatch(plain):
        last = max(plain.rfind("."), plain.rfind(","))
        is_decimal = plain.count(plain[last]) == 1 and len({".", ","} & set(plain)) == 2
        yield re.sub(r"[.,]", "", plain[:last]) + "." + plain[last + 1 :] if is_decimal else re.sub(r"[.,]", "", plain)
        return
    if _ONE_GROUP.fullmatch(plain):
        yield re.sub(r"[.,]", "", plain)
    if plain.count(".") + plain.count(",") <= 1:
        yield plain.replace(",", ".")


def _range(digits: str, power: int) -> tuple[float, float]:
    """Half of the last digit that tells, on both sides: "107" stands for 106.5 to 107.5."""
    whole, _, decimals = digits.partition(".")
    zeros = len(whole) - len(whole.rstrip("0"))
    last = -len(decimals) if decimals else min(zeros, max(0, len(whole) - CARD_FIGURES))
    half, value = 0.5 * 10.0 ** (last + power), float(digits) * 10.0**power
    return value - half, value + half
