"""What an energy or CO2e is likened to, where the constant behind it is none that anybody defends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from cardcallback.check.facts import Facts
from cardcallback.check.finding import Finding, hint
from cardcallback.units import JOULES_PER_WATT_HOUR, format_number

RULE = "equivalent"
_NUMBER = r"(?P<number>\d+(?:,\d{3})*(?:\.\d+)?)"
_OTHER = _NUMBER.replace("number", "other")
_PHONES = re.compile(
    rf"{_NUMBER}\s*(?:full\s+)?(?:smart)?phone\s+charges?|charg\w+\s+{_OTHER}\s*(?:smart)?phones?",
    re.IGNORECASE,
)
_DRIVING = re.compile(
    rf"(?:driv\w+|car)\D{{0,40}}?{_NUMBER}\s*(?P<unit>km|kilomet\w+|miles?|mi)\b|"
    rf"{_OTHER}\s*(?P<unit2>km|kilomet\w+|miles?)\D{{0,25}}(?:driv|car)",
    re.IGNORECASE,
)
_KILOMETRES_PER_MILE = 1.609344
# Watt-hours from the wall for a charge; grams for a kilometre, from new small cars to a fleet of large ones.
_CHARGE = (11.0, 25.0)
_KILOMETRE = (100.0, 300.0)


def equivalent_findings(facts: Facts) -> Iterator[Finding]:
    """Phone charges and driven distances whose constants lie outside what is published."""
    watt_hours = [one.figure.value / JOULES_PER_WATT_HOUR for one in facts.of("energy")]
    grams = [one.figure.value for one in facts.of("emissions")] + [facts.matter_grams or 0.0]
    for line in facts.card.prose_lines():
        for found in _PHONES.finditer(line.prose):
            charges = _value(found["number"] or found["other"])
            yield from _check(line.number, watt_hours, charges, _CHARGE, "Wh for a phone's charge", "19 Wh (EPA)")
        for found in _DRIVING.finditer(line.prose):
            unit = found["unit"] or found["unit2"]
            kilometres = _value(found["number"] or found["other"])
            kilometres *= _KILOMETRES_PER_MILE if unit.lower().startswith("mi") else 1
            yield from _check(
                line.number, grams, kilometres, _KILOMETRE, "g for a kilometre by car", "244 g (EPA fleet)"
            )


def _check(
    line: int, amounts: list[float], count: float, band: tuple[float, float], of: str, better: str
) -> Iterator[Finding]:
    quotients = [amount / one for amount, one in product(amounts, [count]) if one > 0 and amount > 0]
    if quotients and not any(band[0] <= quotient <= band[1] for quotient in quotients):
        what = f"the comparison takes {format_number(quotients[0])} {of}"
        yield hint(RULE, line, what, f"take a constant with a source, such as {better}, or leave it out")


def _value(written: str) -> float:
    return float(written.replace(",", ""))
