"""Which factor a person's words mean: their own number, their own file, or the table that ships."""

from __future__ import annotations

import msgspec

from cardcallback.carbon.factors import factor_for, user_factor
from cardcallback.carbon.own_factors import OwnFactors
from cardcallback.carbon.places import find_place
from cardcallback.record import CarbonFactor


def chosen_factor(
    location: str | None, grams_per_kwh: float | None, own: OwnFactors | None = None
) -> CarbonFactor | None:
    """The factor that a person's words mean: their own number, then their own file's, then the table's; else None.

    Raises:
        CardCallbackError: the place is not known, or the number cannot be a factor.
    """
    named = None if location is None else factor_for(find_place(location)) if own is None else own.factor_of(location)
    if grams_per_kwh is None or named is None:
        return named if grams_per_kwh is None else user_factor(grams_per_kwh)
    given = user_factor(grams_per_kwh)
    return msgspec.structs.replace(given, place=named.place, place_code=named.place_code)
