"""Inputs of the calculator that cannot be true, refused in one line with the cure."""

from __future__ import annotations

import math
import numbers
from pathlib import Path

from cardcallback.carbon import OwnFactors
from cardcallback.errors import CardCallbackError
from cardcallback.estimate import HIGHEST_COUNT, HIGHEST_HOURS, HIGHEST_WATTS
from cardcallback.settings import checks
from cardcallback.units import one_line

_LARGEST_SHOWN = 10**15


def check_hours(hours: object) -> None:
    """Refuse what no training takes.

    Raises:
        CardCallbackError: not a number, not above 0, or more than ten years.
    """
    number = require_number("training_hours", hours, "4.0 for four hours")
    if not 0 < number <= HIGHEST_HOURS:
        msg = f"training_hours must be above 0 and at most {HIGHEST_HOURS:,.0f} (ten years), not {number:g}: give hours"
        raise CardCallbackError(msg)


def check_watts(watts: object) -> None:
    """Refuse what no GPU draws.

    Raises:
        CardCallbackError: not a number, not above 0, or more than any one GPU draws.
    """
    number = require_number("gpu_tdp_watts", watts, "the watts of one GPU")
    if not 0 < number <= HIGHEST_WATTS:
        msg = (
            f"gpu_tdp_watts must be above 0 and at most {HIGHEST_WATTS:,.0f}, not {number:g}: "
            "give watts of one GPU, and their number as gpu_count"
        )
        raise CardCallbackError(msg)


def check_count(count: object) -> None:
    """Refuse what is no number of GPUs.

    Raises:
        CardCallbackError: not a whole number, below 1, or more than any job has.
    """
    if isinstance(count, bool) or not isinstance(count, numbers.Integral):
        msg = f"gpu_count must be a whole number, not {shown(count)}: give how many GPUs trained"
        raise CardCallbackError(msg)
    if not 1 <= int(count) <= HIGHEST_COUNT:
        msg = f"gpu_count must be between 1 and {HIGHEST_COUNT:,}, not {shown(int(count))}: give how many GPUs trained"
        raise CardCallbackError(msg)


def check_text(name: str, text: object) -> None:
    """Refuse what is no text.

    Raises:
        CardCallbackError: not a string.
    """
    if not isinstance(text, str):
        msg = f"{name} must be text, not {shown(text)}: put it in quotes"
        raise CardCallbackError(msg)


def factors_of_file(factors: object, location: str | None, grid_carbon_intensity: float | None) -> OwnFactors | None:
    """The factors of a person's own file, read where it was not yet.

    Raises:
        CardCallbackError: no such file, no factors in it, no place to look for, or a number that goes before it.
    """
    if factors is None:
        return None
    if location is None or grid_carbon_intensity is not None:
        wrong = "is not needed beside grid_carbon_intensity: leave one out"
        needs = "needs a place of its rows: give location= too"
        msg = f"carbon_factors {needs if grid_carbon_intensity is None else wrong}"
        raise CardCallbackError(msg)
    if isinstance(factors, OwnFactors):
        return factors
    if not isinstance(factors, (str, Path)):
        msg = f"carbon_factors must be the path of a CSV file, not {shown(factors)}: give one as docs/carbon.md shows"
        raise CardCallbackError(msg)
    return checks.own_factors(Path(factors).expanduser())


def require_number(name: str, value: object, example: str) -> float:
    """``value`` as a float.

    Raises:
        CardCallbackError: not a number, or not a finite one.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        msg = f"{name} must be a number, not {shown(value)}: give {example}"
        raise CardCallbackError(msg)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        msg = f"{name} must be a finite number, not {number}: give {example}"
        raise CardCallbackError(msg)
    return number


def shown(value: object) -> str:
    """A value in a message: a short text or number as it is, of anything else only its type."""
    if isinstance(value, int) and abs(value) > _LARGEST_SHOWN:
        return "a number of more than 15 digits"
    # Anything else may hold what the person would not have printed, or be without an end.
    if value is None or isinstance(value, (str, int, float)):
        return one_line(repr(value[:400] if isinstance(value, str) else value), 60)
    return f"a {type(value).__name__}"
