"""Two texts that should be one: which lines say another figure, and which other words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_NUMBER = re.compile(r"\d[\d.,]*")
_FIGURE = re.compile(r"\d(?:[\d.,]*\d)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Lines that differ: ``found`` in the card at index ``at``, ``wanted`` from the record; None where one lacks."""

    at: int
    found: str | None
    wanted: str | None

    @property
    def is_of_figures(self) -> bool:
        """Whether the digits differ, not only words."""
        return digits(self.found or "") != digits(self.wanted or "")


def masked(text: str) -> str:
    """``text`` without the digits of its numbers: what stays when only a figure changes."""
    return _NUMBER.sub("#", text)


def digits(text: str) -> list[str]:
    """The numbers of ``text`` as they are written."""
    return _FIGURE.findall(text)


def differences(found: Sequence[str], wanted: Sequence[str]) -> Iterator[Difference]:
    """Where ``found`` differs from ``wanted``, in order; lines that are alike but for figures stand for each other."""
    matcher = difflib.SequenceMatcher(
        None, [masked(line) for line in found], [masked(line) for line in wanted], autojunk=False
    )
    for _, begin, end, other_begin, other_end in matcher.get_opcodes():
        for offset in range(max(end - begin, other_end - other_begin)):
            left = found[begin + offset] if begin + offset < end else None
            right = wanted[other_begin + offset] if other_begin + offset < other_end else None
            if left != right:
                yield Difference(at=min(begin + offset, max(len(found) - 1, 0)), found=left, wanted=right)


def changed_figures(found: str, wanted: str) -> str:
    """The figures that differ, as in "108, where the record gives 107"; of both texts where they do not pair."""
    left, right = digits(found), digits(wanted)
    if masked(found) == masked(wanted) and len(left) == len(right):
        pairs = [(one, other) for one, other in zip(left, right, strict=True) if one != other]
        return "; ".join(f"{one}, where the record gives {other}" for one, other in pairs[:3])
    extra = [figure for figure in left if figure not in right][:3]
    missing = [figure for figure in right if figure not in left][:3]
    words = f"{', '.join(extra) or 'no such figure'}, where the record gives {', '.join(missing) or 'none'}"
    return words if extra or missing else "the same figures in another order than the record gives"
