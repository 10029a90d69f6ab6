"""From energy to CO2e: places, the grid factors that ship with the package, and the footprint."""

from cardcallback.carbon.factors import (
    HIGHEST_GRAMS_PER_KWH,
    GridExample,
    GridExamples,
    factor_for,
    grid_examples,
    user_factor,
)
from cardcallback.carbon.footprint import Footprint, assess_footprint
from cardcallback.carbon.places import Place, find_place

__all__ = [
    "HIGHEST_GRAMS_PER_KWH",
    "Footprint",
    "GridExample",
    "GridExamples",
    "Place",
    "assess_footprint",
    "factor_for",
    "find_place",
    "grid_examples",
    "user_factor",
]
