"""What a tree, a car and a telephone are taken for, each with its source: the only place that knows them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cardcallback.errors import CardCallbackError
from cardcallback.units import one_line

_NO_SOURCE = "as the lab notebook states it, which names no source"


@dataclass(frozen=True, kw_only=True, slots=True)
class Equivalent:
    """One rate of exchange: ``value`` in ``unit``, and who says so.

    Raises:
        CardCallbackError: the value is not a number above 0, or there is no source.
    """

    value: float
    unit: str
    source: str

    def __post_init__(self) -> None:
        """Refuse what nothing can be divided by, and a figure that nobody answers for."""
        number = isinstance(self.value, (int, float)) and not isinstance(self.value, bool)
        if not number or not math.isfinite(self.value) or self.value <= 0:
            msg = (
                f"an equivalent must be a number above 0, not {one_line(repr(self.value), 60)}: give it in {self.unit}"
            )
            raise CardCallbackError(msg)
        if not isinstance(self.unit, str) or not isinstance(self.source, str) or not self.source.strip():
            msg = "an equivalent needs its unit and its source in words: say where the figure is published"
            raise CardCallbackError(msg)


@dataclass(frozen=True, kw_only=True, slots=True)
class Equivalents:
    """What the comparisons of a report rest on.

    ``tree_kilograms_per_year`` is what one tree takes up, ``car_grams_per_kilometre`` what driving emits, both in
    CO2e; ``phone_charge_watt_hours`` is the electricity of one charge.
    """

    tree_kilograms_per_year: Equivalent
    car_grams_per_kilometre: Equivalent
    phone_charge_watt_hours: Equivalent

    def __post_init__(self) -> None:
        """Refuse a bare number, whose source nobody would know.

        Raises:
            CardCallbackError: one of them is no ``Equivalent``.
        """
        for rate in (self.tree_kilograms_per_year, self.car_grams_per_kilometre, self.phone_charge_watt_hours):
            if not isinstance(rate, Equivalent):
                msg = "each of the equivalents must be an Equivalent: give its value, unit and source"
                raise CardCallbackError(msg)


# A mature tree's "22 kg" (48 lb) is quoted everywhere and has no primary source; 120 g/km is near the type approval
# of new cars and not what the cars on the road emit; 10 Wh is a battery's content and not a charge from the wall.
DEFAULT_EQUIVALENTS = Equivalents(
    tree_kilograms_per_year=Equivalent(
        value=11.0, unit="kg CO2e a year", source="Green Algorithms reference values, 917 g a month"
    ),
    car_grams_per_kilometre=Equivalent(
        value=244.0, unit="g CO2e/km", source="US EPA, 393 g a mile, mean of the US fleet"
    ),
    phone_charge_watt_hours=Equivalent(
        value=19.0, unit="Wh", source="US EPA equivalencies calculator, 2026, a charge from the wall"
    ),
)
SEED_EQUIVALENTS = Equivalents(
    tree_kilograms_per_year=Equivalent(value=22.0, unit="kg CO2e a year", source=_NO_SOURCE),
    car_grams_per_kilometre=Equivalent(value=120.0, unit="g CO2e/km", source=_NO_SOURCE),
    phone_charge_watt_hours=Equivalent(value=10.0, unit="Wh", source=_NO_SOURCE),
)
SEED_GRAMS_PER_KWH = 400.0
SEED_FACTOR_SOURCE = "the lab notebook's US average, which names no year and no source"
SEED_PUE = 1.1
