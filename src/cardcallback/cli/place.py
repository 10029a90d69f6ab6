"""The grid that a command is told of."""

from __future__ import annotations

from cardcallback.carbon import factor_for, find_place, user_factor
from cardcallback.record import CarbonFactor


def factor_given(location: str | None, carbon_intensity: float | None) -> CarbonFactor | None:
    """The grid's factor by the options that every command shares; a factor of the person's own comes first."""
    place = find_place(location) if location is not None else None
    if carbon_intensity is not None:
        return user_factor(carbon_intensity, place)
    return None if place is None else factor_for(place)
