"""How sessions are named in reasons and notes: from 1 on, as on the card."""

from __future__ import annotations

from collections.abc import Iterable


def session_name(place: int) -> str:
    """The session at ``place`` (from 0 on)."""
    return f"session {place + 1}"


def sessions_named(places: Iterable[int]) -> str:
    """Several sessions by their places, as in "sessions 1, 2 and 4"."""
    numbers = [str(place + 1) for place in places]
    if len(numbers) < 2:
        return f"session {''.join(numbers)}"
    return f"sessions {', '.join(numbers[:-1])} and {numbers[-1]}"
