"""What the front matter says of CO2e: grams, how they were calculated, where, and on which hardware."""

from __future__ import annotations

import math
from typing import Any

from cardcallback.carbon import LOWEST_COVERAGE
from cardcallback.record import Carbon, RunRecord, is_unresolved
from cardcallback.render.carbon_words import at_least_emissions, energy_of_emissions, places_words
from cardcallback.render.energy_words import emissions_label
from cardcallback.render.figures import verb
from cardcallback.render.text import clean
from cardcallback.units import EMISSIONS_FIGURES, format_energy, format_number

EMISSIONS_KEY = "co2_eq_emissions"
# Whose figure a key is, where nothing else tells.
SOURCE_BEGIN = "Calculated by cardcallback: "


def emissions_metadata(record: RunRecord, hardware: str | None) -> dict[str, Any] | None:
    """``co2_eq_emissions`` as the Hub specifies it (grams), or None without a place or a resolved energy.

    A rounded 0 is left out too: the Hub reads it as absent; and so is one that leaves out sessions with more energy
    than a figure for the run may, since what reads the grams does not read their source.
    """
    carbon = record.carbon
    if carbon is None or not math.isfinite(carbon.emissions_grams) or carbon.emissions_grams <= 0:
        return None
    if is_unresolved(energy_of_emissions(record)):
        return None
    if carbon.energy_joules < LOWEST_COVERAGE * (carbon.energy_joules + carbon.joules_without_place):
        return None
    grams = float(f"{carbon.emissions_grams:.{EMISSIONS_FIGURES}g}")
    entries = {
        "emissions": int(grams) if grams.is_integer() else grams,
        "source": _source(record, carbon),
        "training_type": _training_type(record),
        # A place without a code was not given, only a factor.
        "geographical_location": None if carbon.places is None else clean(carbon.places),
        "hardware_used": hardware,
    }
    return {key: value for key, value in entries.items() if value is not None}


def hardware_text(record: RunRecord) -> str | None:
    """Count and name of the GPUs, and the machine, as plain text for metadata."""
    names = [device.name for device in record.hardware.accelerators]
    counted = ", ".join(f"{names.count(name)} x {clean(name)}" for name in dict.fromkeys(names))
    machine = clean(record.hardware.machine.name or "")
    if not counted:
        return machine or None
    return counted + (f" ({machine})" if machine else "") + (", simulated" if record.simulated else "")


def _source(record: RunRecord, carbon: Carbon) -> str:
    factor = carbon.factor
    energy, least = energy_of_emissions(record), at_least_emissions(record)
    parts = [
        f"{_energy_words(record, carbon.energy_name)}, {verb(energy)}",
        f"{least}{format_energy(carbon.energy_joules)} x {format_number(factor.grams_per_kwh)} g/kWh",
        *([f"x {format_number(carbon.pue)} building overhead"] if carbon.pue is not None else []),
        ", ".join(clean(str(part)) for part in (factor.place, factor.year, factor.boundary, factor.source) if part),
        *(clean(words) for words in places_words(carbon)),
        *(["simulated device"] if record.simulated else []),
    ]
    return SOURCE_BEGIN + "; ".join(parts)


def _energy_words(record: RunRecord, energy_name: str) -> str:
    part = emissions_label(record, energy_name)
    return (
        "GPU energy only" if part == "GPU part only" else f"energy of {part if part[:4] == 'the ' else f'the {part}'}"
    )


def _training_type(record: RunRecord) -> str | None:
    training = record.training
    if training.base_model or training.trains_adapter:
        return "fine-tuning"
    return "fine-tuning" if training.method and "fine-tun" in training.method.lower() else None
