"""What a run's CO2e is of: which energy, in which places, and what it leaves out."""

from __future__ import annotations

from cardcallback.record import Carbon, CarbonShare, Measurement, RunRecord
from cardcallback.render.figures import AT_LEAST, least_energy
from cardcallback.sessions import sessions_named
from cardcallback.units import format_energy, format_number

ASSUMED = "whose place was not told: taken for the same, on hardware of the same kind"


def energy_of_emissions(record: RunRecord) -> Measurement:
    """The energy that the CO2e is calculated from, or the GPUs' without one."""
    is_whole = record.carbon is not None and record.carbon.energy_name == "system"
    return record.energy.system if is_whole else record.energy.gpu


def at_least_emissions(record: RunRecord) -> str:
    """The words before a figure of the CO2e that leaves out energy, or sessions whose place nobody told."""
    leaves_out = record.carbon is not None and record.carbon.joules_without_place > 0
    return AT_LEAST if leaves_out else least_energy(record, energy_of_emissions(record))


def places_words(carbon: Carbon) -> list[str]:
    """Which sessions were where with how much energy, in plain text; empty for a run in one place."""
    return [_place_words(share) for share in carbon.shares]


def share_energy(share: CarbonShare) -> str:
    """A share's energy, and whose it is: "37.0 Wh of session 2"."""
    return f"{format_energy(share.energy_joules)} of {sessions_named(share.sessions)}"


def _place_words(share: CarbonShare) -> str:
    if share.factor is None:
        return f"without {share_energy(share)}, whose place was not told"
    grid = f"{share.factor.place} ({format_number(share.factor.grams_per_kwh)} g/kWh"
    grid += f", building overhead {format_number(share.pue)})" if share.pue is not None else ")"
    return f"{share_energy(share)} in {grid}" + (f", {ASSUMED}" if share.assumed else "")
