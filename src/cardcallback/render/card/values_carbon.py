"""Named values of a run's CO2e, and of the place it is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cardcallback.record import CarbonFactor, RunRecord, is_unresolved
from cardcallback.render.carbon_words import at_least_emissions, energy_of_emissions, places_words
from cardcallback.render.card.quantities import Value
from cardcallback.render.card.values_time_energy import part_words
from cardcallback.render.figures import least_energy
from cardcallback.render.text import escape_markdown
from cardcallback.units import EMISSIONS_FIGURES, format_energy, format_number

_CLOUDS = {"aws": "Amazon Web Services", "azure": "Microsoft Azure", "gcp": "Google Cloud"}
_NOT_ALL = " (not known of every session)"


def carbon(record: RunRecord) -> Value | None:
    """CO2e with all that it was calculated from; None without a place."""
    found = record.carbon
    if found is None or is_unresolved(energy_of_emissions(record)):
        return None
    least = at_least_emissions(record)
    energy = f"{least_energy(record, energy_of_emissions(record))}{format_energy(found.energy_joules)}"
    words = f"{part_words(record, found.energy_name)}: {energy}"
    words += f" × {format_number(found.factor.grams_per_kwh)} g/kWh, {escape_markdown(_about(found.factor))}"
    words += f", × {format_number(found.pue)} building overhead" if found.pue is not None else ""
    words += "".join(f"; {escape_markdown(place)}" for place in places_words(found))
    words += ", simulated device" if record.simulated else ""
    figure = f"{least}{format_number(found.emissions_grams, EMISSIONS_FIGURES)} g CO2eq"
    return Value(
        text=f"{figure} ({words})", short=figure, amount=found.emissions_grams, kind="emissions",
        note=words, least=least, figures=EMISSIONS_FIGURES,
    )  # fmt: skip


def _about(factor: CarbonFactor) -> str:
    return ", ".join(str(part) for part in (factor.place, factor.year, factor.boundary) if part)


def grid_factor(record: RunRecord) -> Value | None:
    """The grid's factor with place, year, boundary and source; of several grids their mean by the run's energy."""
    if record.carbon is None:
        return None
    factor = record.carbon.factor
    figure = f"{format_number(factor.grams_per_kwh)} g CO2eq/kWh"
    note = escape_markdown(", ".join(part for part in (_about(factor), factor.source) if part))
    return Value(text=f"{figure} ({note})", short=figure, amount=factor.grams_per_kwh, kind="intensity", note=note)


def region(record: RunRecord) -> str | None:
    """The place that the electricity came from: a cloud's region, or a country; all of them, where sessions differ."""
    found = record.carbon
    if found is None:
        return None
    names = "; ".join(name for _, name in _clouds(record)) or found.places
    if names is None:
        return None
    return escape_markdown(names) + (_NOT_ALL if found.joules_without_place > 0 else "")


def _clouds(record: RunRecord) -> list[tuple[str, str]]:
    """Provider and region of each place; empty where one of them is not a cloud's."""
    found = []
    for factor in record.carbon.factors if record.carbon else ():
        provider, is_region, name = (factor.place_code or "").partition("/")
        if not is_region or provider not in _CLOUDS:
            return []
        found.append((_CLOUDS[provider], name))
    return found


def cloud_provider(record: RunRecord) -> str | None:
    """The provider, where the place given is a cloud's."""
    return ", ".join(dict.fromkeys(provider for provider, _ in _clouds(record))) or None


def cloud_region(record: RunRecord) -> str | None:
    """The region, where the place given is a cloud's."""
    return region(record) if _clouds(record) else None


def building_overhead(record: RunRecord) -> str | None:
    """The building's overhead, where it was given."""
    pue = record.carbon.pue if record.carbon else None
    return None if pue is None else format_number(pue)


CARBON_VALUES: Mapping[str, Callable[[RunRecord], Value | str | None]] = {
    "building_overhead": building_overhead,
    "carbon_emitted": carbon,
    "cloud_provider": cloud_provider,
    "cloud_region": cloud_region,
    "grid_factor": grid_factor,
    "region": region,
}
