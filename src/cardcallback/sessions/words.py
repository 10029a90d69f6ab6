"""How sessions are named in reasons and notes: from 1 on, as on the card."""

from __future__ import annotations

import re
from collections.abc import Iterable

# What a window's name ends with where several sessions are told apart.
NAMED_SESSION = re.compile(r"(?:^|, )(session \d{1,6})$")


def session_name(place: int) -> str:
    """The session at ``place`` (from 0 on)."""
    return f"session {place + 1}"


def sessions_named(places: Iterable[int]) -> str:
    """Several sessions by their places, as in "sessions 1, 2 and 4"."""
    numbers = [str(place + 1) for place in places]
    if len(numbers) < 2:
        return f"session {''.join(numbers)}"
    return f"sessions {', '.join(numbers[:-1])} and {numbers[-1]}"
