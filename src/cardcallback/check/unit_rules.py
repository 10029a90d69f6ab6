"""One quantity in two units, a share beside its parts, and a value in the unit of another quantity."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from cardcallback.check.facts import Facts
from cardcallback.check.finding import Finding, error, shown
from cardcallback.check.quantities import Figure, find_figures
from cardcallback.check.run_labels import plain_label
from cardcallback.units import format_number

RULE = "figures"
# A figure, and nothing but another one in parentheses behind it.
_BEHIND = re.compile(r"\s*\(\s*(?:[~≈=]|about|approx\.?|i\.e\.,?|or)?\s*")
_CLOSED = re.compile(r"\s*\)")
_LETTERS = re.compile(r"[A-Za-zµμ₂]+")
# 119 GiB are 128 GB, and programs mix the two up.
_ROOMS = {"memory": 0.08, "energy": 0.03, "emissions": 0.03, "time": 0.03, "power": 0.03}
_LARGE = {"k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "G": 1e9, "T": 1e12, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_COUNT = r"\d{1,6}(?:\.\d{1,6})?|\d{1,3}(?:,\d{3}){1,5}"
_SCALE = r"million|billion|trillion|[kKMBGT]"
_SHARE = re.compile(
    rf"(?<![\w.,])(?P<part>{_COUNT})\s*(?P<part_scale>{_SCALE})?\b(?:\s+[a-z]{{3,12}}){{0,2}}\s*"
    r"(?:\b(?:out )?of\b|/)\s*"
    rf"(?P<whole>{_COUNT})\s*(?P<whole_scale>{_SCALE})\b(?:\s+[a-z]{{3,12}}){{0,2}}\s*"
    r"[(,:=]\s*[~≈=]?\s*(?P<percent>\d{1,3}(?:\.\d{1,6})?)\s*%\)?"
)
_SHARE_ROOM = 0.05
# What a label asks for, and the kinds that may stand there.
_LABELS = {
    frozenset({"energy"}): (
        "energy", "energy consumed", "energy consumption", "energy used", "gpu energy", "electricity"
    ),
    frozenset({"emissions"}): ("emissions", "carbon emissions", "carbon emitted", "co2", "co2e", "co2 emissions"),
    frozenset({"time", "device_time"}): (
        "training time", "training duration", "training runtime", "hours used", "gpu hours"
    ),
    frozenset({"memory"}): ("peak memory", "peak vram", "peak gpu memory"),
}  # fmt: skip
_ASKED = {label: kinds for kinds, labels in _LABELS.items() for label in labels}
_TELLING = frozenset({"energy", "emissions", "time", "device_time", "memory", "power"})


def unit_findings(facts: Facts) -> Iterator[Finding]:
    """What its own line contradicts."""
    for line in facts.card.prose_lines():
        figures = find_figures(line.prose)
        for one, other in pairwise(figures):
            if _is_said_again(line.prose, one, other) and not _same(one, other):
                what = f"{shown(one.text)} is not {shown(other.text)}"
                yield error(RULE, line.number, what, "keep the right one: two units of one quantity say the same")
        yield from _shares(line.prose, line.number)
    yield from _of_another_kind(facts)


def _is_said_again(text: str, one: Figure, other: Figure) -> bool:
    if one.kind != other.kind or one.kind not in _ROOMS or one.rate or other.rate:
        return False
    is_behind = _BEHIND.fullmatch(text, one.end, other.begin) and _CLOSED.match(text, other.end)
    return is_behind is not None and _LETTERS.findall(one.text) != _LETTERS.findall(other.text)


def _same(one: Figure, other: Figure) -> bool:
    room = _ROOMS.get(one.kind or "", 0.0) * max(one.value, other.value)
    return one.low - room <= other.high and other.low - room <= one.high


def _shares(text: str, number: int) -> Iterator[Finding]:
    for found in _SHARE.finditer(text):
        whole_scale = _LARGE[found["whole_scale"]]
        # "3 of 10 M" may mean three, or three million.
        scales = [_LARGE[found["part_scale"]]] if found["part_scale"] else [1.0, whole_scale]
        parts = [_number(found["part"]) * scale for scale in scales]
        shares = [100 * part / (_number(found["whole"]) * whole_scale or 1.0) for part in parts]
        if not any(_is_rounded(found, share) for share in shares):
            what = f"{shown(found.group())}, and that is {format_number(shares[-1])} %"
            yield error(RULE, number, what, "calculate it again")


def _is_rounded(found: re.Match[str], share: float) -> bool:
    """Whether the stated percentage can be that share, by the digits that all three are printed in."""
    half = 0.5 * 10.0 ** -len(found["percent"].partition(".")[2])
    room = half + (_SHARE_ROOM + _rounding(found["part"]) + _rounding(found["whole"])) * share
    return abs(float(found["percent"]) - share) <= room


def _number(written: str) -> float:
    return float(written.replace(",", ""))


def _rounding(written: str) -> float:
    decimals = len(written.partition(".")[2])
    return 0.5 * 10.0**-decimals / _number(written) if _number(written) else 0.0


def _of_another_kind(facts: Facts) -> Iterator[Finding]:
    for slot in facts.card.slots:
        is_value = slot.kind == "line" or (slot.kind == "cell" and slot.only_column)
        asked = _ASKED.get(plain_label(slot.label)) if is_value and slot.label else None
        found = find_figures(slot.text, of_carbon=True) if asked is not None else []
        # A value that says more than one figure may say how it came about.
        if asked is None or len(found) != 1 or found[0].kind in asked or found[0].kind not in _TELLING:
            continue
        if found[0].end - found[0].begin >= len(slot.text.strip(" ~≈*_`")):
            what = f"{plain_label(slot.label or '')} is given as {shown(found[0].text)}, a unit of something else"
            yield error(RULE, facts.card.line_of(slot.begin), what, "check the value and its unit")
