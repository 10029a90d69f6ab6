"""The CO2e that we gave in a card before, found again where no record of that lies beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from cardcallback.carbon import assess_footprint, assess_run, factor_for, find_place, user_factor
from cardcallback.errors import CardCallbackError
from cardcallback.record import Carbon, CarbonFactor, Fill, RunRecord
from cardcallback.render.card.emissions import EMISSIONS_KEY, SOURCE_BEGIN
from cardcallback.render.card.filling import fill_placeholders
from cardcallback.render.card.front_matter import SplitCard
from cardcallback.render.card.matter_data import parse_matter
from cardcallback.render.card.section_block import section_spans
from cardcallback.render.card.slots import Slot, find_slots
from cardcallback.units import JOULES_PER_KILOWATT_HOUR, JOULES_PER_WATT_HOUR, format_number

_CALCULATION = re.compile(
    r"(?P<energy>[\d.,]+) (?P<unit>MWh|kWh|Wh|J|mJ) x (?P<factor>[\d.,]+) g/kWh"
    r"(?:; x (?P<pue>[\d.]+) building overhead)?"
)
_JOULES = {
    "mJ": 1e-3,
    "J": 1.0,
    "Wh": JOULES_PER_WATT_HOUR,
    "kWh": JOULES_PER_KILOWATT_HOUR,
    "MWh": JOULES_PER_KILOWATT_HOUR * 1e3,
}
# Three printed figures each of energy, factor and overhead, and two of grams.
_ROUNDING = 0.07
# As the CO2e row names place and year behind its factor.
_ROW = re.compile(
    r"^\| CO2e.*?(?P<factor>[\d.,]+) g/kWh \((?P<place>[^()\\]{1,80}?),"
    r"(?:.*?(?P<pue>[\d.]+) for building overhead)?",
    re.MULTILINE,
)
_PRODUCT = " g/kWh ("
# What every template means by a value that is still to come.
_OPEN = "[More Information Needed]"
_UNIT = re.compile(r"[\d.,]+\s*(?P<unit>(?:mg|g|kg|t)\b(?:\s?CO2\w*)?)")
_WITH_VALUE = frozenset({"line", "cell", "block", "item"})


def is_own_emissions(value: Any) -> bool:
    """Whether ``co2_eq_emissions`` is as we wrote it: its source says so, and its own product is its grams."""
    source = value.get("source") if isinstance(value, dict) else None
    if not isinstance(source, str) or not source.startswith(SOURCE_BEGIN):
        return False
    grams, found = value.get("emissions"), _CALCULATION.search(source)
    if found is None or isinstance(grams, bool) or not isinstance(grams, (int, float)):
        return False
    kilowatt_hours = _number(found["energy"]) * _JOULES[found["unit"]] / JOULES_PER_KILOWATT_HOUR
    wanted = kilowatt_hours * _number(found["factor"]) * float(found["pue"] or 1)
    return abs(grams - wanted) <= _ROUNDING * wanted


def earlier_carbon(card: SplitCard, record: RunRecord) -> Carbon | None:
    """The run's CO2e by the place and overhead that the card's own figure of ours was made with."""
    by_sessions = assess_run(msgspec.structs.replace(record, carbon=None)).carbon
    for place, grams, pue in _stated(card):
        if by_sessions is not None and _calculated_with(by_sessions) == (grams, pue):
            return by_sessions
        factor = _factor(place, grams)
        if factor is not None:
            return assess_footprint(record.energy, factor, None if pue is None else float(pue)).carbon
    return None


def _calculated_with(carbon: Carbon) -> tuple[str, str | None]:
    """Factor and overhead as a card states them."""
    overhead = None if carbon.pue is None else format_number(carbon.pue)
    return format_number(carbon.factor.grams_per_kwh), overhead


def earlier_fills(
    card: SplitCard, record: RunRecord, *, known: Sequence[Fill], own_labels: str | None
) -> tuple[Fill, ...]:
    """The fills of ours that rest on the place which the card was made with, where nothing remembers them.

    Such a text is what we would write for that place, and not what we write for none. A place's name alone may be
    a person's word; and without another figure to write there all of it stays.
    """
    earlier = earlier_carbon(card, record) if record.carbon is not None else None
    if earlier is None:
        return ()
    hidden = section_spans(card.body)
    remembered = {_flat(fill.text) for fill in known}
    slots = [slot for slot in find_slots(card.body, hidden) if slot.kind in _WITH_VALUE and not slot.has_labels]
    slots = [slot for slot in slots if _flat(slot.text) not in remembered and re.search(r"\d", slot.text)]
    present = {_flat(slot.text) for slot in slots}
    told = [msgspec.structs.replace(record, carbon=carbon) for carbon in (earlier, None)]
    found: list[Fill] = []
    for opened in dict.fromkeys(_opened(card.body, slots, keeps_unit=keeps_unit) for keeps_unit in (False, True)):
        with_place, without = (
            fill_placeholders(opened, one, hidden=section_spans(opened), own_labels=own_labels).fills for one in told
        )
        seen = {(fill.heading, fill.text) for fill in found}
        of_place = [fill for fill in with_place if fill not in without and _flat(fill.text) in present]
        found += [fill for fill in of_place if (fill.heading, fill.text) not in seen]
    return tuple(found)


def _stated(card: SplitCard) -> Iterator[tuple[str | None, str, str | None]]:
    """Place, grams per kWh and overhead as the front matter's figure of ours has them, then as our section has."""
    value = parse_matter(card.matter).get(EMISSIONS_KEY)
    if isinstance(value, dict) and is_own_emissions(value):
        found, place = _CALCULATION.search(value["source"]), value.get("geographical_location")
        if found is not None:
            yield place if isinstance(place, str) else None, found["factor"], found["pue"]
    for begin, end in section_spans(card.body):
        for row in _ROW.finditer(card.body, begin, end):
            line = card.body[row.start() : card.body.find("\n", row.start())]
            if line.count(_PRODUCT) == 1:  # of several places no one stands for the run
                yield row["place"], row["factor"], row["pue"]


def _factor(place: str | None, grams: str) -> CarbonFactor | None:
    """The table's factor of the place, or the person's own of any or no place."""
    try:
        found = find_place(place or "")
    except CardCallbackError:
        found = None
    factor = None if found is None else factor_for(found)
    if factor is not None and format_number(factor.grams_per_kwh) == grams:
        return factor
    return user_factor(_number(grams), found)


def _opened(body: str, slots: Sequence[Slot], *, keeps_unit: bool) -> str:
    """``body`` with a placeholder where each value, or each value's number, stands."""
    parts, end = [], 0
    for slot in slots:
        if slot.begin < end:
            continue
        unit = _UNIT.match(slot.text) if keeps_unit else None
        parts += [body[end : slot.begin], _OPEN if unit is None else f"[X] {unit['unit']}"]
        end = slot.end
    return "".join([*parts, body[end:]])


def _number(written: str) -> float:
    return float(written.replace(",", ""))


def _flat(text: str) -> str:
    return " ".join(text.split())
