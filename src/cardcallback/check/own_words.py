"""Words of the findings about values of ours, wherever in a card they stand."""

from __future__ import annotations

from cardcallback.check.differences import changed_figures, masked
from cardcallback.check.finding import shown

RULE = "own-value"
KEPT = "restore the figure, or, where you meant another, say beside it where it comes from"


def change(found: str, wanted: str) -> str:
    """What a text says, and what the record gives."""
    if masked(found) == masked(wanted) and found != wanted:
        return changed_figures(found, wanted)
    return f"{shown(found, 60)!r}, where the record gives {shown(wanted, 60)!r}"


def flat(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())
