"""One thing a reviewer would say about a card: where, what is wrong, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "hint"]
Place = Literal["card", "record"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What is wrong in one place.

    An "error" is wrong, misleading, unfinished or private whatever the author meant; a "hint" may be meant as it
    stands. ``line`` counts from 1 and is None for what is missing, and for the record. ``rule`` is a stable name.
    """

    severity: Severity
    rule: str
    line: int | None
    what: str
    cure: str
    place: Place = "card"


def error(rule: str, line: int | None, what: str, cure: str) -> Finding:
    """A finding that a card should not be published with."""
    return Finding(severity="error", rule=rule, line=line, what=what, cure=cure)


def hint(rule: str, line: int | None, what: str, cure: str) -> Finding:
    """A finding that may be meant as it stands."""
    return Finding(severity="hint", rule=rule, line=line, what=what, cure=cure)


def shown(text: str, longest: int = 80) -> str:
    """A part of a card to quote in a message, on one line."""
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else f"{flat[: longest - 1]}…"
