"""Energy against time and power: arithmetic, and a rated power passed off as a measurement."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from cardcallback.check.devices import named_watts, rated_watts
from cardcallback.check.facts import Fact, Facts
from cardcallback.check.finding import Finding, error, shown
from cardcallback.check.other_things import is_of_another_model, is_of_other_thing, is_of_pretraining
from cardcallback.check.run_times import OTHER_TIME, run_seconds
from cardcallback.units import format_duration, format_energy, format_number, format_power

RULE = "energy"
_ROOM = 0.1
_MEASURED = re.compile(
    r"(?<!not )(?<!never )(?<!isn't )\b(?:measured|metered|meter reading|recorded by|logged by)\b", re.IGNORECASE
)
_HONEST = re.compile(
    r"\bestimat|\bapproximat|\bcalculat|\bassum|upper bound|not measured|never measured|unmeasured|\bexpect",
    re.IGNORECASE,
)
_PRODUCT = re.compile(r"[×*·⋅]|\b(?:x|times|multiplied|at|for|over)\b|@", re.IGNORECASE)
_RATING = r"(?:TDP|(?:rated|board|nameplate) power|power (?:limit|rating))"
_RATED_PRODUCT = re.compile(
    rf"{_RATING}.{{0,30}}(?:×|\*|\bx\b|times|multipli\w+|multiply\w*|by the|over the|based)|"
    rf"(?:×|\*|\bx\b|times|multipli\w+|multiply\w*|based on|from|of).{{0,30}}{_RATING}",
    re.IGNORECASE,
)
_MEAN = re.compile(r"\b(?:mean|average|avg)\b", re.IGNORECASE)
_WHOLE = re.compile(r"\b(?:wall|whole|system|machine|node|server|total|cluster)\b", re.IGNORECASE)
# What a machine around its GPUs adds at most, and what a GPU draws at least while it trains, as shares of its rating.
_MOST_OF_RATED, _LEAST_OF_RATED = 4.0, 0.01
_SAME = 0.002
_LONGEST_BETWEEN = 25
_FEWEST_FIGURES = 0.02
_SLIPS = ((1000.0, "a thousand times too much"), (1e-3, "a thousand times too little"), (60.0, "sixty times too much"),
          (1 / 60, "sixty times too little"))  # fmt: skip


def energy_findings(facts: Facts) -> Iterator[Finding]:
    """Energies that the card's own times and powers contradict, each line once."""
    reported: set[int | None] = set()
    for found in (
        *_passed_off_words(facts),
        *_passed_off(facts),
        *_formulas(facts),
        *_mean_power(facts),
        *_rated(facts),
    ):
        if found.line not in reported:
            reported.add(found.line)
            yield found


def _passed_off_words(facts: Facts) -> Iterator[Finding]:
    """A line that calls a product of rated power and time measured."""
    for line, on_line in facts.lines.items():
        text = on_line[0].line.prose
        if on_line[0].line.is_ours or not any(one.figure.kind == "energy" for one in on_line):
            continue
        if _MEASURED.search(text) and _RATED_PRODUCT.search(text) and not _HONEST.search(text):
            what = "rated power times hours is called measured"
            yield error(
                RULE, line, what, "call it estimated; a device draws less than its rating, the machine around it more"
            )


def _passed_off(facts: Facts) -> Iterator[Finding]:
    """An energy that is called measured and is, digit for digit, rated power times the stated hours."""
    hours, watts = run_seconds(facts), rated_watts(facts)
    for one in facts.of("energy"):
        text = f"{one.label} {one.column} {one.line.prose}"
        rounding = (one.figure.high - one.figure.low) / 2 / one.figure.value if one.figure.value else 1.0
        if one.line.is_ours or rounding > _FEWEST_FIGURES or not _MEASURED.search(text) or _HONEST.search(text):
            continue
        for seconds, watt, count in product(hours, watts, facts.counts):
            joules = seconds * watt * count
            if one.figure.low - _SAME * joules <= joules <= one.figure.high + _SAME * joules:
                devices = f"{count} × " if count > 1 else ""
                rated = f"{devices}{format_power(watt)}"
                what = f"{shown(one.figure.text)}, called measured, is {format_duration(seconds)} at the rated {rated}"
                yield error(
                    RULE, one.line.number, what, "call it estimated, or give the measured figure and its sensor"
                )
                break


def _formulas(facts: Facts) -> Iterator[Finding]:
    """A line that multiplies one time by one power and states one energy."""
    for line, on_line in facts.lines.items():
        own = [one for one in on_line if one.figure.rate is None]
        times, powers, energies = (
            [one for one in own if one.figure.kind in kinds]
            for kinds in ({"time", "device_time"}, {"power"}, {"energy"})
        )
        if not (len(times) == len(powers) == len(energies) == 1) or not _multiplied(times[0], powers[0]):
            continue
        if re.search(r"\bpeak|\bidle|\bmax|limit|between|up to", on_line[0].line.prose, re.IGNORECASE):
            continue
        wanted = times[0].figure.value * powers[0].figure.value
        if wanted > 0 and not _fits(energies[0], wanted, facts.counts, _line_room(times[0], powers[0])):
            yield _off(line, energies[0], wanted, "the time and power beside it")


def _multiplied(time: Fact, power: Fact) -> bool:
    """Whether the two stand side by side with a sign of multiplication, or "at", between them."""
    first, second = sorted((time, power), key=lambda one: one.figure.begin)
    between = first.cell[first.figure.end : second.figure.begin]
    return first.cell == second.cell and len(between) <= _LONGEST_BETWEEN and _PRODUCT.search(between) is not None


def _mean_power(facts: Facts) -> Iterator[Finding]:
    """Mean power over the run's time is the energy, wherever on the card they stand."""
    powers = [one for one in facts.of("power") if _MEAN.search(one.words) and not _WHOLE.search(one.about)]
    stated = [one for one in facts.of("energy") if not OTHER_TIME.search(one.about)]
    energies = [one for one in stated if not is_of_other_thing(one)]
    hours = run_seconds(facts)
    if len(powers) != 1 or len(energies) != 1 or not hours or energies[0].figure.value <= 0:
        return
    wanted = [seconds * powers[0].figure.value for seconds in hours]
    room = max(_line_room(powers[0], powers[0]), 0.05)
    if not any(_fits(energies[0], joules, facts.counts, room) for joules in wanted):
        yield _off(energies[0].line.number, energies[0], wanted[0], "the mean power over the stated time")


def _rated(facts: Facts) -> Iterator[Finding]:
    """More than the stated devices can draw in the stated time, or next to nothing: a slip of a unit.

    Only where no energy of the card fits: a card may compare other runs beside its own.
    """
    hours, watts = run_seconds(facts), named_watts(facts)
    energies = [
        one
        for one in facts.of("energy")
        if one.figure.value > 0
        and not one.line.is_ours
        and not OTHER_TIME.search(one.about)
        and _is_of_run(one)
        and not is_of_other_thing(one)
        and not is_of_pretraining(one)
        and not is_of_another_model(one, facts.card.names)
    ]
    if not hours or not watts or not energies:
        return
    most = max(hours) * max(watts) * max(facts.counts) * _MOST_OF_RATED
    least = min(hours) * min(watts) * _LEAST_OF_RATED
    if any(least <= one.figure.value <= most for one in energies):
        return
    one = energies[0]
    bound = (
        "more than the stated hardware can draw"
        if one.figure.value > most
        else "less than the stated hardware draws when idle"
    )
    what = f"{shown(one.figure.text)} is {bound} in the stated time"
    yield error(RULE, one.line.number, what, "check the units: Wh, kWh or MWh; hours or minutes")


def _is_of_run(fact: Fact) -> bool:
    return re.search(r"energy|consum|electric|kwh|power|used", fact.words) is not None


def _fits(energy: Fact, wanted: float, counts: set[int], room: float) -> bool:
    """Whether the energy is time times power, for one device or any number that the card names."""
    return any(
        energy.figure.low - room * wanted * count <= wanted * count <= energy.figure.high + room * wanted * count
        for count in counts
    )


def _line_room(time: Fact, power: Fact) -> float:
    rounding = [(one.figure.high - one.figure.value) / one.figure.value for one in (time, power) if one.figure.value]
    return _ROOM / 2 + sum(rounding)


def _off(line: int, energy: Fact, wanted: float, than: str) -> Finding:
    ratio = energy.figure.value / wanted
    slip = next(
        (words for factor, words in _SLIPS if 0.5 < ratio / factor < 2), f"{format_number(ratio)} times as much"
    )
    what = f"{shown(energy.figure.text)} is not what {than} give, {format_energy(wanted)} ({slip})"
    return error(RULE, line, what, "calculate it again, or check the units")
