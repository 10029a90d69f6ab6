"""The places that a card names: countries, states and the regions of clouds."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cardcallback.carbon import find_place
from cardcallback.errors import CardCallbackError

_CLOUDS = ("aws", "gcp", "azure")


def places_in(text: str) -> Iterator[str]:
    """The codes of the places that a text names, as a whole or in one of its parts."""
    bare = re.sub(r"[*_`]", "", text).strip()
    for part in (bare, *re.split(r"[,;(/)]", bare)):
        if len(part.strip()) > 2 or part == bare:
            yield from _place(part.strip())


def _place(text: str) -> Iterator[str]:
    """The code of a country or state, of a cloud's region that of the grid it stands in, where that is known."""
    for name in (text, *(f"{cloud}/{text}" for cloud in _CLOUDS)):
        try:
            found = find_place(name)
        except CardCallbackError:
            continue
        yield found.factor_code if "/" in found.code else found.code
        return


def is_within(one: str, other: str) -> bool:
    """The same place, or a country and a part of it, or a cloud's region, which may be anywhere."""
    is_whole_and_part = one == other.partition("-")[0] or other == one.partition("-")[0]
    return "/" in one or "/" in other or one == other or is_whole_and_part
