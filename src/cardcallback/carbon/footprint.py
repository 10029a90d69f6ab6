"""CO2e of a run: one measured energy times one labelled factor."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cardcallback.errors import CardCallbackError
from cardcallback.record import UNKNOWN_SCOPE, Carbon, CarbonFactor, Energy, Measurement
from cardcallback.units import JOULES_PER_KILOWATT_HOUR, format_coverage, format_number, format_percent

# Below this the energy is known for too little of the run for its CO2e to stand for the run.
LOWEST_COVERAGE = 0.95
HIGHEST_PUE = 10.0
NO_PLACE = "no place given"
PUE_SOURCE = "given by the user"
NOT_APPLIED = "was given and not applied: it belongs to the whole machine's energy"


@dataclass(frozen=True, kw_only=True, slots=True)
class Footprint:
    """The CO2e, or ``reason`` why there is none; ``notes`` say what was given and not applied."""

    carbon: Carbon | None = None
    reason: str | None = None
    notes: tuple[str, ...] = ()


def assess_footprint(
    energy: Energy, factor: CarbonFactor | None, pue: float | None = None, market: CarbonFactor | None = None
) -> Footprint:
    """CO2e of the whole machine's energy where it was measured over the run, else of the GPU's.

    ``pue`` (building overhead, 1 or more) multiplies only the whole machine's energy: the GPU alone is not
    what the building's overhead is a share of. Given with GPU scope it is not applied, and
    ``Carbon.pue_source`` says so while ``Carbon.pue`` stays ``None``. ``market`` is a contract's factor: its figure
    stands beside that of the grid and never alone.

    Raises:
        CardCallbackError: ``pue`` is not a PUE.
    """
    check_pue(pue)
    if factor is None:
        return Footprint(reason=NO_PLACE)
    name, measurement, reason = best_energy(energy)
    if measurement is None or measurement.value is None:
        return Footprint(reason=reason)
    applied = pue if name == "system" else None
    low, high = (
        None if joules is None else grams_of(joules, factor, applied)
        for joules in (measurement.recording_low, measurement.recording_high)
    )
    carbon = Carbon(
        emissions_grams=grams_of(measurement.value, factor, applied),
        factor=factor,
        scope=measurement.scope or UNKNOWN_SCOPE,
        energy_joules=measurement.value,
        energy_name=name,
        pue=applied,
        pue_source=_pue_source(pue, applied),
        market_factor=market,
        market_emissions_grams=None if market is None else grams_of(measurement.value, market, applied),
        recording_low_grams=low,
        recording_high_grams=high,
    )
    notes = (f"PUE {carbon.pue_source}",) if pue is not None and applied is None else ()
    return Footprint(carbon=carbon, notes=notes)


def grams_of(joules: float, factor: CarbonFactor, pue: float | None) -> float:
    """Emissions of an energy, or of one of its bounds."""
    return joules / JOULES_PER_KILOWATT_HOUR * (pue or 1.0) * factor.grams_per_kwh


def check_pue(pue: float | None) -> None:
    """Refuse what cannot be a power usage effectiveness.

    Raises:
        CardCallbackError: below 1, not finite, or absurdly high.
    """
    if pue is None or (math.isfinite(pue) and 1 <= pue <= HIGHEST_PUE):
        return
    msg = (
        f"PUE must be between 1 and {HIGHEST_PUE:g} (total energy of the building over that of its "
        f"computers), not {pue:g}: leave it out if it is not known"
    )
    raise CardCallbackError(msg)


def _pue_source(pue: float | None, applied: float | None) -> str | None:
    if pue is None:
        return None
    if applied is not None:
        return PUE_SOURCE
    return f"{format_number(pue)} {NOT_APPLIED}"


def best_energy(energy: Energy) -> tuple[str, Measurement | None, str]:
    """Name and figure of the energy that CO2e is calculated from, or why there is none."""
    system_reason = _unusable(energy.system)
    # An estimate of the machine never takes the place of a measurement of the GPU.
    if system_reason is None and energy.system.method != "estimated":
        return "system", energy.system, ""
    gpu_reason = _unusable(energy.gpu) or _partial(energy)
    if gpu_reason is None:
        return "gpu", energy.gpu, ""
    return "gpu", None, f"GPU energy {gpu_reason}"


def _partial(energy: Energy) -> str | None:
    return None if energy.partial_reason is None else f"is not the whole job's: {energy.partial_reason}"


def _unusable(measurement: Measurement) -> str | None:
    if measurement.value is None:
        return f"not measured: {measurement.reason}"
    if measurement.method == "estimated":
        return None
    if measurement.coverage is None:
        return "has no stated coverage"
    if measurement.coverage < LOWEST_COVERAGE:
        covered, needed = format_coverage(measurement.coverage), format_percent(LOWEST_COVERAGE)
        return f"covers {covered} of the run, and CO2e needs {needed}"
    return None
