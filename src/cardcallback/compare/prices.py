"""The prices that a person gives, and those that make no sense."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cardcallback.errors import CardCallbackError
from cardcallback.units import format_number

HOURS_PER_YEAR = 8766.0
# In whatever currency: no price of a machine or of an hour of one is near it.
_HIGHEST_PRICE = 1e12
_MOST_YEARS = 100.0
# A rack of the largest machines draws some 150 kW.
_HIGHEST_IDLE_WATTS = 1e6


@dataclass(frozen=True, kw_only=True, slots=True)
class CostInput:
    """Prices in one currency, by the letter of a group where they belong to one.

    ``hourly_price`` rents the whole of a group's machine for an hour. A machine that is owned has a
    ``purchase_price`` and ``life_years``, draws ``idle_watts`` while it does nothing, and is on for
    ``powered_on_hours`` a year.
    """

    electricity_price_per_kilowatt_hour: float | None = None
    hourly_price: Mapping[str, float] = field(default_factory=dict)
    purchase_price: Mapping[str, float] = field(default_factory=dict)
    life_years: Mapping[str, float] = field(default_factory=dict)
    idle_watts: Mapping[str, float] = field(default_factory=dict)
    powered_on_hours: Mapping[str, float] = field(default_factory=dict)

    def is_empty(self) -> bool:
        """Whether no price was given."""
        return self == CostInput()

    def owned(self) -> dict[str, Mapping[str, float]]:
        """What only a machine with a purchase price has, by the option that gives it."""
        return {
            "--life-years": self.life_years,
            "--idle-watts": self.idle_watts,
            "--powered-on-hours": self.powered_on_hours,
        }


def check_prices(given: CostInput, letters: Sequence[str]) -> None:
    """Refuse what is no price, of no group, or of no use.

    Raises:
        CardCallbackError: one line that names the option.
    """
    for option, letter, value in _figures(given):
        if letter is not None and letter not in letters:
            msg = f"{option} names the group {letter!r}, and there are {', '.join(letters)}: give one of these"
            raise CardCallbackError(msg)
        _check_figure(option, value)
    for option, values in given.owned().items():
        without = [letter for letter in values if letter not in given.purchase_price]
        if without:
            msg = f"{option} {without[0]}=... is of a machine that is owned: give --purchase-price {without[0]}=... too"
            raise CardCallbackError(msg)
    for letter, hours in given.powered_on_hours.items():
        if not 0 < hours <= HOURS_PER_YEAR:
            limit = f"{HOURS_PER_YEAR:,.0f}"
            msg = f"--powered-on-hours is of a year: more than 0 and at most {limit}, not {hours:g} ({letter})"
            raise CardCallbackError(msg)


def _figures(given: CostInput) -> Iterator[tuple[str, str | None, float]]:
    if given.electricity_price_per_kilowatt_hour is not None:
        yield "--electricity-price", None, given.electricity_price_per_kilowatt_hour
    by_letter = {"--hourly-price": given.hourly_price, "--purchase-price": given.purchase_price, **given.owned()}
    for option, values in by_letter.items():
        for letter, value in values.items():
            yield option, letter, value


def _check_figure(option: str, value: float) -> None:
    if option == "--life-years":
        if not 0 < value <= _MOST_YEARS:
            msg = f"--life-years must be more than 0 and at most {_MOST_YEARS:g}, not {value:g}"
            raise CardCallbackError(msg)
        return
    highest = _HIGHEST_IDLE_WATTS if option == "--idle-watts" else _HIGHEST_PRICE
    if not (math.isfinite(value) and 0 <= value <= highest):
        msg = f"{option} must be 0 or more and at most {format_number(highest)}, not {value:g}"
        raise CardCallbackError(msg)
