"""The labelled factor of a place, and what an energy would mean in a clean and in a dirty grid."""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec

from cardcallback.carbon.places import Place
from cardcallback.carbon.table import FactorRow, factor_rows
from cardcallback.errors import CardCallbackError
from cardcallback.record import CarbonFactor
from cardcallback.units import JOULES_PER_KILOWATT_HOUR, format_number

# A plant that burns nothing but lignite emits about 1,200 g/kWh; the dirtiest whole grid published 1,306.
HIGHEST_GRAMS_PER_KWH = 2000.0
# No grid is known below it, and every grid in kilograms is, or little above.
_LOWEST_GRAMS_PER_KWH = 1.0
USER_SOURCE = "given by the user"
USER_BOUNDARY = "boundary not stated"
MARKET_PLACE = "as contracted"
MARKET_BOUNDARY = "market-based"
_CLEAN_CODE = "NO"
_DIRTY_CODE = "IN"


@dataclass(frozen=True, kw_only=True, slots=True)
class GridExample:
    """An energy's CO2e in one grid, as an illustration: not a figure of the run."""

    grams: float
    factor: CarbonFactor


@dataclass(frozen=True, kw_only=True, slots=True)
class GridExamples:
    """The same energy in a clean and in a dirty grid; both factors have one year and one boundary."""

    clean: GridExample
    dirty: GridExample


def factor_for(place: Place) -> CarbonFactor:
    """The factor that ships for ``place``, with its year, boundary, source and licence."""
    return _factor(factor_rows()[place.factor_code], place.name, place.code)


def user_factor(grams_per_kwh: float, place: Place | None = None) -> CarbonFactor:
    """A factor the person gave, under the name of ``place`` where one is known.

    Raises:
        CardCallbackError: negative, not finite, or lower or higher than any grid emits.
    """
    possible = grams_per_kwh == 0 or _LOWEST_GRAMS_PER_KWH <= grams_per_kwh <= HIGHEST_GRAMS_PER_KWH
    if not math.isfinite(grams_per_kwh) or not possible:
        msg = (
            f"carbon intensity must be 0, or {_LOWEST_GRAMS_PER_KWH:g} to "
            f"{format_number(HIGHEST_GRAMS_PER_KWH, 4)} grams of CO2e per kWh, not {grams_per_kwh:g}: "
            "give grams, not kilograms or percent"
        )
        raise CardCallbackError(msg)
    return CarbonFactor(
        grams_per_kwh=float(grams_per_kwh),
        place=place.name if place else "place not given",
        place_code=place.code if place else None,
        boundary=USER_BOUNDARY,
        source=USER_SOURCE,
    )


def market_factor(grams_per_kwh: float) -> CarbonFactor:
    """What a contract for electricity states, which holds for its buyer and for no grid.

    Raises:
        CardCallbackError: negative, not finite, or higher than any grid emits.
    """
    given = user_factor(grams_per_kwh)
    return msgspec.structs.replace(given, place=MARKET_PLACE, boundary=MARKET_BOUNDARY)


def grid_examples(joules: float) -> GridExamples:
    """What ``joules`` would emit in Norway and in India."""
    rows = factor_rows()
    return GridExamples(clean=_example(joules, rows[_CLEAN_CODE]), dirty=_example(joules, rows[_DIRTY_CODE]))


def _example(joules: float, row: FactorRow) -> GridExample:
    grams = joules / JOULES_PER_KILOWATT_HOUR * row.grams_per_kwh
    return GridExample(grams=grams, factor=_factor(row, row.name, row.code))


def _factor(row: FactorRow, name: str, code: str) -> CarbonFactor:
    return CarbonFactor(
        grams_per_kwh=row.grams_per_kwh,
        place=name,
        place_code=code,
        year=row.year,
        boundary=row.boundary,
        source=row.source,
        licence=row.licence,
    )
