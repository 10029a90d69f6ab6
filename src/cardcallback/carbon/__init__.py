"""From energy to CO2e: places, the grid factors that ship with the package, and the footprint."""

from cardcallback.carbon.choosing import chosen_factor
from cardcallback.carbon.embodied import embodied_of, embodied_share
from cardcallback.carbon.factors import (
    HIGHEST_GRAMS_PER_KWH,
    USER_BOUNDARY,
    GridExample,
    GridExamples,
    factor_for,
    grid_examples,
    market_factor,
    user_factor,
)
from cardcallback.carbon.footprint import LOWEST_COVERAGE, NO_PLACE, PUE_SOURCE, Footprint, assess_footprint, check_pue
from cardcallback.carbon.own_factors import OwnFactors, read_own_factors
from cardcallback.carbon.places import Place, find_place
from cardcallback.carbon.several_places import assess_run, overridden_places, reassessed

__all__ = [
    "HIGHEST_GRAMS_PER_KWH",
    "LOWEST_COVERAGE",
    "NO_PLACE",
    "PUE_SOURCE",
    "USER_BOUNDARY",
    "Footprint",
    "GridExample",
    "GridExamples",
    "OwnFactors",
    "Place",
    "assess_footprint",
    "assess_run",
    "check_pue",
    "chosen_factor",
    "embodied_of",
    "embodied_share",
    "factor_for",
    "find_place",
    "grid_examples",
    "market_factor",
    "overridden_places",
    "read_own_factors",
    "reassessed",
    "user_factor",
]
