"""What the runs cost by prices that a person gives; nothing is assumed about any market."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from cardcallback.compare.cells import energy_of, gpu_energy, time
from cardcallback.compare.model import BreakEven, Cell, Comparison, Costs
from cardcallback.compare.prices import HOURS_PER_YEAR, CostInput, check_prices
from cardcallback.compare.quantities import as_cell
from cardcallback.record import RunRecord
from cardcallback.units import JOULES_PER_KILOWATT_HOUR, JOULES_PER_WATT_HOUR, SECONDS_PER_HOUR, format_power


def costs_of(
    comparison: Comparison, groups: Sequence[Sequence[RunRecord]], given: CostInput
) -> tuple[tuple[Costs, ...], tuple[BreakEven, ...]]:
    """Costs of each group's run, and the break-even of each owned machine against each rented one.

    Raises:
        CardCallbackError: a price or an hour that makes no sense, or of a group that there is not.
    """
    letters = [group.letter for group in comparison.groups]
    check_prices(given, letters)
    costs = tuple(_costs(letter, group, given) for letter, group in zip(letters, groups, strict=True))
    by_letter = dict(zip(letters, groups, strict=True))
    pairs = [(owned, rented) for owned in given.purchase_price for rented in given.hourly_price if owned != rented]
    return costs, tuple(_break_even(owned, rented, by_letter, given, comparison) for owned, rented in sorted(pairs))


def _costs(letter: str, group: Sequence[RunRecord], given: CostInput) -> Costs:
    energy, name = _energy(group)
    price = given.electricity_price_per_kilowatt_hour
    hours = _hours(group)
    hourly, purchase, years = (
        table.get(letter) for table in (given.hourly_price, given.purchase_price, given.life_years)
    )
    known = energy.value is not None and price is not None
    return Costs(
        letter=letter,
        electricity=_price_of(energy.value, price) if known else None,
        electricity_reason=None if known else energy.reason or "no price of electricity given",
        energy_name=name if known else None,
        is_part=energy.bound is not None,
        is_least_time=_time(group).bound is not None,
        rent=None if hourly is None else hourly * hours,
        purchase_share=None if purchase is None or years is None else purchase * hours / (years * HOURS_PER_YEAR),
        purchase_reason=f"give --life-years {letter}=..." if purchase is not None and years is None else None,
    )


def _price_of(joules: float | None, price: float | None) -> float:
    return (joules or 0.0) / JOULES_PER_KILOWATT_HOUR * (price or 0.0)


def _hours(group: Sequence[RunRecord]) -> float:
    return statistics.median(record.duration_seconds for record in group) / SECONDS_PER_HOUR


def _time(group: Sequence[RunRecord]) -> Cell:
    return as_cell([time(record) for record in group])


def _energy(group: Sequence[RunRecord]) -> tuple[Cell, str]:
    """The energy of the whole machine where it was measured in every run, else of its GPUs."""
    system = as_cell([energy_of(record, record.energy.system) for record in group])
    if len(system.values) == len(group):
        return system, "system"
    return as_cell([gpu_energy(record) for record in group]), "gpu"


def _break_even(
    owned: str, rented: str, groups: Mapping[str, Sequence[RunRecord]], given: CostInput, comparison: Comparison
) -> BreakEven:
    reason = _why_none(owned, given, comparison, rented)
    energy, name = _energy(groups[owned])
    open_ended = [letter for letter in (owned, rented) if _time(groups[letter]).is_part]
    if reason is None and open_ended:
        reason = f"how long a run of {open_ended[0]} went on at its end is not known"
    if reason is None and (name != "system" or energy.is_part):
        # What it draws idle is the whole machine's, from which no GPU's energy can be told apart.
        reason = f"the energy of the whole machine {owned} was not measured over its run"
    if reason is not None:
        return BreakEven(owned=owned, rented=rented, reason=reason)
    price = given.electricity_price_per_kilowatt_hour or 0.0
    hours = _hours(groups[owned])
    drawn_watts = (energy.value or 0.0) / JOULES_PER_WATT_HOUR / hours if hours > 0 else 0.0
    if given.idle_watts[owned] >= drawn_watts:
        idle_words, drawn_words = format_power(given.idle_watts[owned]), format_power(drawn_watts)
        why = f"it is said to draw {idle_words} idle, and drew {drawn_words} over its run: mend --idle-watts"
        return BreakEven(owned=owned, rented=rented, reason=why)
    on_hours = given.life_years[owned] * given.powered_on_hours[owned]
    idle = given.idle_watts[owned] * JOULES_PER_WATT_HOUR / JOULES_PER_KILOWATT_HOUR * price
    # While it runs it is not idle: what a run adds is what it draws beyond that.
    one_run = _price_of(energy.value, price) - idle * hours
    saved = given.hourly_price[rented] * _hours(groups[rented]) - one_run
    if saved <= 0:
        return BreakEven(
            owned=owned, rented=rented, reason="never: a rented run costs no more than the electricity of one"
        )
    runs = (given.purchase_price[owned] + idle * on_hours) / saved
    if runs * hours > on_hours:
        why = f"not within its life: {runs:,.0f} runs take {runs * hours:,.0f} h, and it is on for {on_hours:,.0f} h"
        return BreakEven(owned=owned, rented=rented, reason=why)
    return BreakEven(owned=owned, rented=rented, runs=runs)


def _why_none(owned: str, given: CostInput, comparison: Comparison, rented: str) -> str | None:
    absent = [f"{option} {owned}=..." for option, values in given.owned().items() if owned not in values]
    if given.electricity_price_per_kilowatt_hour is None:
        absent.append("--electricity-price")
    if absent:
        return f"give {', '.join(absent)}: an owned machine costs while it idles too"
    letters = [group.letter for group in comparison.groups]
    works = dict(zip(letters[1:], comparison.same_work, strict=True)) | {letters[0]: "itself"}
    return None if works[owned] and works[rented] else "not the same work"
