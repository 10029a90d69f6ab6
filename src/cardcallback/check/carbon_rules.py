"""CO2e against energy: kilograms for grams, factors no grid has, and other figures than the declared place gives."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import product

from cardcallback.carbon.table import factor_rows
from cardcallback.check.devices import named_watts
from cardcallback.check.facts import Fact, Facts, kilowatt_hours
from cardcallback.check.finding import Finding, error, hint, shown
from cardcallback.check.other_things import is_of_another_model, is_of_other_thing, is_of_pretraining, sentence_of
from cardcallback.check.run_times import run_seconds
from cardcallback.render.card.emissions import EMISSIONS_KEY
from cardcallback.units import (
    EMISSIONS_FIGURES,
    JOULES_PER_KILOWATT_HOUR,
    SECONDS_PER_HOUR,
    format_emissions,
    format_number,
)

RULE = "emissions"
# No grid emits more: above, somebody took one unit for another.
HIGHEST_FACTOR = 1500.0
# Grid factors of one place differ by year and boundary, but not by more than this.
_PLACE_ROOM = 2.0
_ROOM = 0.06
_HIGHEST_OVERHEAD = 2.0
_THOUSAND_ROOM = 2.5
# Shares of its rating that a device draws at least while it trains, and that it and a machine around it draw at most.
_LEAST_OF_RATED, _MOST_OF_RATED = 0.1, 4.0
# The cleanest and the dirtiest electricity, in grams a kilowatt-hour.
_ANY_GRID = (5.0, 1300.0)
_FEW = 3
_MULTIPLIED = re.compile(r"[×*·⋅]|\bx\b|\btimes\b")
_OVERHEAD = re.compile(
    r"(?:PUE|overhead)\D{0,12}(?P<number>1(?:\.\d+)?)|[×x*]\s*(?P<times>1\.\d+)\s*(?:for\s|\(?PUE|building)",
    re.IGNORECASE,
)


def carbon_findings(facts: Facts) -> Iterator[Finding]:
    """Each emission that does not follow from what else the card says."""
    reported: set[int] = set()
    for found in (*_formulas(facts), *_contradicting(facts), *_implied(facts)):
        if found.line not in reported:
            reported.add(found.line or 0)
            yield found


def _formulas(facts: Facts) -> Iterator[Finding]:
    """A line that states energy, factor and emissions: the product must be the emissions."""
    for line, on_line in facts.lines.items():
        energies, factors, grams = (
            [one for one in on_line if one.figure.kind == kind and one.figure.rate is None]
            for kind in ("energy", "intensity", "emissions")
        )
        text = on_line[0].line.prose
        if not (energies and factors and grams) or _MULTIPLIED.search(text) is None:
            continue
        overheads = {1.0, *(float(match["number"] or match["times"]) for match in _OVERHEAD.finditer(text))}
        wanted = [
            kilowatt_hours(energy.figure) * factor.figure.value * overhead
            for energy, factor, overhead in product(energies, factors, overheads)
        ]
        off = [one for one in grams if not any(_same(one, value, energies, factors) for value in wanted)]
        if len(off) == len(grams):
            yield _off_product(line, grams[0], wanted)


def _same(grams: Fact, wanted: float, energies: list[Fact], factors: list[Fact]) -> bool:
    """Within what rounding of all three leaves open."""
    room = _ROOM + max(_rounding(one) for one in (*energies, *factors))
    return grams.figure.low - room * wanted <= wanted <= grams.figure.high + room * wanted


def _rounding(fact: Fact) -> float:
    return (fact.figure.high - fact.figure.value) / fact.figure.value if fact.figure.value else 0.0


def _off_product(line: int, grams: Fact, wanted: list[float]) -> Finding:
    nearest = min(wanted, key=lambda value: _distance(grams.figure.value, value))
    what = f"{shown(grams.figure.text)} is not energy times factor, which is {format_emissions(nearest)}"
    return error(RULE, line, what + _thousand(grams.figure.value, nearest), "calculate it again")


def _contradicting(facts: Facts) -> Iterator[Finding]:
    """The front matter's grams beside those of the text."""
    stated = facts.matter_grams
    in_text = [one for one in _emissions(facts) if one.figure.value > 0]
    if not stated or not in_text:
        return
    if any(one.figure.low * (1 - _ROOM) <= stated <= one.figure.high * (1 + _ROOM) for one in in_text):
        return
    nearest = min(in_text, key=lambda one: _distance(one.figure.value, stated))
    slip = _thousand(stated, nearest.figure.value)
    if not slip and len(in_text) > _FEW:
        return
    what = f"{EMISSIONS_KEY} is {format_number(stated, EMISSIONS_FIGURES)} g"
    what += f", and line {nearest.line.number} says {shown(nearest.figure.text)}"
    line = facts.card.matter_line(EMISSIONS_KEY, after="emissions") or facts.card.matter_line(EMISSIONS_KEY)
    yield error(RULE, line, what + slip, "give one figure, in grams in the front matter")


def _implied(facts: Facts) -> Iterator[Finding]:
    """Every emission must follow from some energy on the card by a factor that its place may have."""
    energies = _energies(facts)
    if not energies:
        yield from _beyond_devices(facts)
        return
    factors = [one.figure.value for one in facts.of("intensity")]
    for number, value, text, fact in _stated(facts):
        beside = _beside(facts, fact, energies) if fact is not None else energies
        quotients = [value / energy for energy in beside if energy > 0]
        if value > 0 and quotients:
            yield from _implausible(facts, number, text, quotients, factors)


def _stated(facts: Facts) -> Iterator[tuple[int, float, str, Fact | None]]:
    """Line, grams, text and, unless it is the front matter's, the fact of every emission."""
    for one in _emissions(facts):
        yield one.line.number, one.figure.value, one.figure.text, one
    grams = facts.matter_grams
    if grams:
        line = facts.card.matter_line(EMISSIONS_KEY, after="emissions") or facts.card.matter_line(EMISSIONS_KEY)
        yield line or 1, grams, f"{format_number(grams, EMISSIONS_FIGURES)} g", None


def _emissions(facts: Facts) -> list[Fact]:
    """What the run is said to have caused; a pretraining is the base model's where no energy stands beside it."""
    own = facts.card.names
    of_run = [one for one in facts.of("emissions") if not is_of_other_thing(one) and not is_of_another_model(one, own)]
    return [one for one in of_run if not is_of_pretraining(one) or _in_sentence(facts, one)]


def _beyond_devices(facts: Facts) -> Iterator[Finding]:
    """Without an energy: far outside what the named devices can have caused in the stated time, in any grid."""
    hours, watts = run_seconds(facts), named_watts(facts)
    if not hours or not watts:
        return
    places = [factor.grams_per_kwh for factor in facts.places] or list(_ANY_GRID)
    least = min(hours) * min(watts) / JOULES_PER_KILOWATT_HOUR * _LEAST_OF_RATED * min(places)
    most = max(hours) * max(watts) / JOULES_PER_KILOWATT_HOUR * max(facts.counts) * _MOST_OF_RATED * max(places)
    for line, value, text, _ in _stated(facts):
        if value > 0 and not least <= value <= most:
            wanted = least if value < least else most
            bound = "less" if value < least else "more"
            what = f"{shown(text)} is {bound} than the named devices can have caused in the stated time"
            what += f", {format_emissions(wanted)}"
            yield error(RULE, line, what, "check the units: grams in the front matter; hours or minutes")


def _implausible(facts: Facts, line: int, text: str, quotients: list[float], factors: list[float]) -> Iterator[Finding]:
    if min(quotients) > HIGHEST_FACTOR * _HIGHEST_OVERHEAD or (
        not factors and min(quotients) > HIGHEST_FACTOR * (1 + _ROOM)
    ):
        what = f"{shown(text)} would be {format_number(min(quotients) / 1000)} kg for each kWh, and no grid emits 1.5"
        yield error(RULE, line, what, "check the units: grams, kilograms or tonnes; Wh, kWh or MWh")
        return
    places = [factor.grams_per_kwh for factor in facts.places]
    allowed = [value for value in (factors or places) if value > 0]
    if not allowed or any(_fits(quotient, value) for quotient in quotients for value in allowed):
        yield from _off_factor(facts, line, text, quotients, factors)
        return
    if not factors and any(_fits(quotient, part) for quotient in quotients for part in _parts(facts)):
        what = f"{shown(text)} fits a part of the stated place, not the whole of it"
        yield hint(RULE, line, what, "name the state, province or region")
        return
    nearest = min(quotients, key=lambda quotient: min(_distance(quotient, value) for value in allowed))
    value = min(allowed, key=lambda one: _distance(one, nearest))
    whose = "the factor that the card states" if factors else f"the grid of {facts.places[places.index(value)].place}"
    what = f"{shown(text)} implies {format_number(nearest)} g/kWh, and {whose} has {format_number(value)}"
    yield error(
        RULE, line, what + _thousand(nearest, value), "calculate it again, or say which factor was taken and why"
    )


def _off_factor(facts: Facts, line: int, text: str, quotients: list[float], factors: list[float]) -> Iterator[Finding]:
    """Where a card states one energy and one factor there is nothing else to take."""
    if len(quotients) != 1 or len(factors) != 1 or len(facts.of("emissions")) != 1:
        return
    prose = "\n".join(one.prose for one in facts.card.prose_lines(ours=True))
    overheads = {1.0, *(float(match["number"] or match["times"]) for match in _OVERHEAD.finditer(prose))}
    facts_used = [one for kind in ("energy", "intensity", "emissions") for one in facts.of(kind)]
    room = _ROOM + sum(_rounding(one) for one in facts_used)
    if not any(abs(quotients[0] / (factors[0] * overhead) - 1) <= room for overhead in overheads):
        stated = format_number(factors[0])
        what = f"{shown(text)} implies {format_number(quotients[0])} g/kWh, and the card states {stated}"
        yield error(RULE, line, what, "calculate it again, or state the overhead")


def _parts(facts: Facts) -> list[float]:
    """The factors of the states and provinces of the stated countries."""
    codes = tuple(f"{factor.place_code}-" for factor in facts.places if factor.place_code)
    return [row.grams_per_kwh for code, row in factor_rows().items() if code.startswith(codes)] if codes else []


def _fits(quotient: float, factor: float) -> bool:
    return factor / _PLACE_ROOM <= quotient <= factor * _PLACE_ROOM


def _energies(facts: Facts) -> list[float]:
    """Energies in kWh: those that are stated, else hours times watts of a line that states both."""
    energies = [one for one in facts.of("energy") if one.figure.value > 0]
    stated = [kilowatt_hours(one.figure) for one in energies if not is_of_other_thing(one)]
    return stated or [energy for line in facts.lines.values() for energy in _of_line(line)]


def _in_sentence(facts: Facts, fact: Fact) -> list[float]:
    """Energies in kWh of the same sentence, or of the same row of a table."""
    return [
        kilowatt_hours(one.figure)
        for one in facts.of("energy")
        if one.line.number == fact.line.number
        and one.figure.value > 0
        and (one.cell != fact.cell or sentence_of(one) == sentence_of(fact))
    ]


def _of_line(line: list[Fact]) -> Iterator[float]:
    hours = [one.figure.value / SECONDS_PER_HOUR for one in line if one.figure.kind in {"device_time", "time"}]
    watts = [one.figure.value for one in line if one.figure.kind == "power"]
    for hour, watt in product(hours[:2], watts[:2]):
        yield hour * watt / 1000


def _beside(facts: Facts, fact: Fact, energies: list[float]) -> list[float]:
    """An emission belongs to the energy of its sentence, and in a table of models to its row's hours and watts."""
    own = list(_of_line(facts.lines[fact.line.number])) if fact.line.table is not None else []
    return own or _in_sentence(facts, fact) or energies


def _thousand(found: float, wanted: float) -> str:
    """Words for a slip of a thousand, which is what kilograms for grams looks like."""
    if found <= 0 or wanted <= 0:
        return ""
    for factor, words in ((1e-3, "kilograms were written for grams"), (1e3, "grams were taken for kilograms")):
        if _THOUSAND_ROOM**-1 <= found / wanted / factor <= _THOUSAND_ROOM:
            return f" (as if {words})"
    return ""


def _distance(one: float, other: float) -> float:
    return abs(math.log(one / other)) if one > 0 and other > 0 else math.inf
