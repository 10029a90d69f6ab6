"""``cardcallback estimate``: the calculator for what nobody measured."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from cardcallback import estimate as estimates
from cardcallback.carbon import PUE_SOURCE, grid_examples
from cardcallback.cli.card_options import CarbonIntensity, Factors, Location, Pue, factor_of_options
from cardcallback.cli.output import print_json, say
from cardcallback.compare.work import scope_words
from cardcallback.units import format_emissions, format_energy, format_number, format_power


def estimate(  # noqa: PLR0913 - one argument an option, as typer wants them
    *,
    gpu: Annotated[str | None, typer.Option(help="A GPU of the catalogue; its rated power is taken.")] = None,
    watts: Annotated[float | None, typer.Option(help="The power of one device, in watts.")] = None,
    energy_kwh: Annotated[float | None, typer.Option(help="The energy of all devices, in kWh.")] = None,
    hours: Annotated[float | None, typer.Option(help="Hours that each device ran.")] = None,
    count: Annotated[int, typer.Option(help="Devices that ran for those hours each.")] = 1,
    pue: Pue = None,
    location: Location = None,
    carbon_intensity: CarbonIntensity = None,
    factors: Factors = None,
    json: Annotated[bool, typer.Option("--json", help="Print data only.")] = False,
) -> None:
    """Estimate energy and CO2e from rated power and hours.

    Never as good as a measurement, and labelled so.
    """
    given = estimates.EstimateInput(
        gpu=gpu, watts=watts, energy_kilowatt_hours=energy_kwh, hours=hours, count=count, pue=pue
    )
    result = estimates.estimate(given, factor_of_options(location, carbon_intensity, factors))
    if json:
        print_json(_document(result, given))
        return
    for line in _lines(result, given):
        say(line)


def _document(result: estimates.Estimate, given: estimates.EstimateInput) -> dict[str, Any]:
    carbon = result.carbon
    return {
        "estimate": True,
        "statement": result.statement,
        "energy_joules": result.energy.value,
        "emissions_grams": None if carbon is None else carbon.emissions_grams,
        "reason": "no place given: --location or --carbon-intensity" if carbon is None else None,
        "watts": result.watts,
        "hours": given.hours,
        "count": given.count,
        "pue": given.pue,
        "gpu": None if result.gpu is None else result.gpu.name,
        "energy": msgspec.to_builtins(result.energy),
        "factor": None if carbon is None else msgspec.to_builtins(carbon.factor),
        "embodied_grams": result.embodied.value,
        "embodied": msgspec.to_builtins(result.embodied),
    }


def _lines(result: estimates.Estimate, given: estimates.EstimateInput) -> list[str]:
    joules = result.energy.value or 0.0
    lines = [
        result.statement,
        f"Energy: {format_energy(joules)} (estimated: {result.energy.assumption})",
        f"It holds: {_scope_words(result)}",
        *_carbon_lines(result, joules),
        *_embodied_lines(result),
    ]
    if result.gpu is not None:
        lines.append(f"Rated power of {result.gpu.name}: {format_power(result.gpu.tdp_watts)} ({result.gpu.source})")
    if given.pue is not None and result.gpu is not None:
        lines.append(
            "The building overhead was applied to these devices alone: the machine around them is in no figure."
        )
    return lines


def _scope_words(result: estimates.Estimate) -> str:
    return "not stated for the figure that was given" if result.gpu is None else scope_words(result.energy.scope)


def _carbon_lines(result: estimates.Estimate, joules: float) -> list[str]:
    carbon = result.carbon
    if carbon is None:
        examples = grid_examples(joules)
        clean, dirty = (
            f"{format_emissions(one.grams)} in {one.factor.place}" for one in (examples.clean, examples.dirty)
        )
        return [f"CO2e: no place given; this energy is {clean}, {dirty} (--location or --carbon-intensity)"]
    factor = carbon.factor
    words = ", ".join(str(part) for part in (factor.place, factor.year, factor.boundary, factor.source) if part)
    overhead = "" if carbon.pue is None else f" × {format_number(carbon.pue)} for building overhead ({PUE_SOURCE})"
    formula = f"{format_energy(joules)} × {format_number(factor.grams_per_kwh)} g/kWh ({words}){overhead}"
    return [f"CO2e: {format_emissions(carbon.emissions_grams)} (estimated: {formula})"]


def _embodied_lines(result: estimates.Estimate) -> list[str]:
    embodied = result.embodied
    if embodied.value is None:
        return [f"CO2e of making the hardware: unknown, {embodied.reason}"]
    grams = format_emissions(embodied.value)
    return [f"CO2e of making the hardware, in no figure above: {grams} ({embodied.assumption}; {embodied.source})"]
