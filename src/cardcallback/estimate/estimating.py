"""From a GPU's nameplate, a power or an energy to an estimate in the types of a record; pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cardcallback.carbon import PUE_SOURCE, check_pue, embodied_share
from cardcallback.catalogue import GpuRow, find_gpu
from cardcallback.errors import CardCallbackError
from cardcallback.record import UNKNOWN_SCOPE, Carbon, CarbonFactor, Covered, Measurement, Scope
from cardcallback.units import (
    JOULES_PER_KILOWATT_HOUR,
    SECONDS_PER_HOUR,
    WATTS_PER_KILOWATT,
    format_count,
    format_power,
)

# The hottest accelerator sold draws below 3 kW, superchips of several dies included.
HIGHEST_WATTS = 3000.0
HIGHEST_COUNT = 1_000_000
# Ten years; the longest trainings published took a few months.
HIGHEST_HOURS = 87_600.0
# Hours of all devices of a run may be given together, as those of one; the largest training published took some 40
# million of them and below 30 GWh. Of more nobody knows: such a figure is another unit.
HIGHEST_DEVICE_HOURS = 1e8
HIGHEST_KILOWATT_HOURS = 1e9
_NODES_SOURCE = "Newkirk et al., arXiv 2506.14551"
_SPARK_SOURCE = (
    "traces in manavsehgal/ai-field-notes at f68990d and Blackwellboy/model-serving-minefield at 570c9fa; "
    "one capture at the wall"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class EstimateInput:
    """What a person knows of a run.

    One of ``gpu`` (a name of the catalogue), ``watts`` (of one device) and ``energy_kilowatt_hours`` (of all
    devices), and for the first two the ``hours`` for which each of ``count`` devices ran. ``pue`` multiplies the
    emissions.
    """

    gpu: str | None = None
    watts: float | None = None
    energy_kilowatt_hours: float | None = None
    hours: float | None = None
    count: int = 1
    pue: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """An energy in joules, always of the method "estimated", its CO2e and what making the hardware is charged with.

    ``carbon`` is ``None`` without a factor. ``embodied`` is in grams, for the hours out of the hardware's life, and
    has a reason in place of a value where nobody published one. ``statement`` says how far off it may be.
    """

    energy: Measurement
    carbon: Carbon | None
    embodied: Measurement
    watts: float | None
    gpu: GpuRow | None
    statement: str


def estimate(given: EstimateInput, factor: CarbonFactor | None) -> Estimate:
    """The estimate of a run that nobody measured.

    Raises:
        CardCallbackError: not exactly one of GPU, watts and energy; hours missing; negative or absurd figures.
    """
    _check(given)
    row = find_gpu(given.gpu) if given.gpu is not None else None
    watts = row.tdp_watts if row is not None else given.watts
    energy = _energy(given, row, watts)
    joules = energy.value or 0.0
    return Estimate(
        energy=energy,
        carbon=None if factor is None else _carbon(joules, energy.scope or UNKNOWN_SCOPE, factor, given.pue),
        embodied=embodied_share(row, hours=given.hours, count=given.count),
        watts=watts,
        gpu=row,
        statement=_statement(given, row),
    )


def _check(given: EstimateInput) -> None:
    sources = (given.gpu, given.watts, given.energy_kilowatt_hours)
    if sum(one is not None for one in sources) != 1:
        msg = "give exactly one of --gpu NAME, --watts W and --energy-kwh E"
        raise CardCallbackError(msg)
    if given.hours is None and given.energy_kilowatt_hours is None:
        msg = "the hours are missing: give --hours H, the time that each device ran"
        raise CardCallbackError(msg)
    most_hours = HIGHEST_DEVICE_HOURS if given.count == 1 else HIGHEST_HOURS
    _check_figure("hours", given.hours, most_hours, "give the hours that each device ran")
    _check_figure("watts", given.watts, HIGHEST_WATTS, "give the power of one device in watts")
    _check_figure(
        "energy", given.energy_kilowatt_hours, HIGHEST_KILOWATT_HOURS, "give the energy of all devices in kWh"
    )
    if not 1 <= given.count <= HIGHEST_COUNT:
        msg = f"the count must be between 1 and {format_count(HIGHEST_COUNT)} devices, not {given.count}"
        raise CardCallbackError(msg)
    kilowatt_hours = (given.watts or 0.0) * (given.hours or 0.0) * given.count / WATTS_PER_KILOWATT
    _check_figure("energy", kilowatt_hours or None, HIGHEST_KILOWATT_HOURS, "give watts, hours and count of one run")
    check_pue(given.pue)


def _check_figure(name: str, value: float | None, highest: float, cure: str) -> None:
    if value is None or (math.isfinite(value) and 0 < value <= highest):
        return
    limit = f"{highest:,.0f}"
    msg = f"{name} must be more than 0 and at most {limit}, not {value:g}: {cure}"
    raise CardCallbackError(msg)


def _energy(given: EstimateInput, row: GpuRow | None, watts: float | None) -> Measurement:
    if given.energy_kilowatt_hours is not None:
        joules = given.energy_kilowatt_hours * JOULES_PER_KILOWATT_HOUR
        source, assumption = "given by the user", "the energy is that of the whole run, as it was given"
    else:
        hours, power = given.hours or 0.0, watts or 0.0
        joules = power * given.count * hours * SECONDS_PER_HOUR
        source = row.source if row is not None else "given by the user"
        kind = "rated power" if row is not None else "the power given"
        devices = f"each of {format_count(given.count)} devices" if given.count > 1 else "the device"
        together = "" if hours <= HIGHEST_HOURS else ", taken as the hours of all devices together"
        assumption = f"{devices} drew {kind}, {format_power(power)}, for {_hours_words(hours)} h{together}"
    return Measurement(
        value=joules,
        unit="joules",
        method="estimated",
        source=source,
        scope=_scope(row),
        covers=(row.name if row is not None else "what was given",),
        assumption=assumption,
    )


def _hours_words(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 1e6 else f"{hours:,g}"


def _scope(row: GpuRow | None) -> Scope:
    """What a rated power is of; of a power or an energy that a person gives nobody knows."""
    if row is None:
        return UNKNOWN_SCOPE
    if row.tdp_of == "gpu":
        return Scope(gpu_core="yes", gpu_memory="yes", regulators="unknown")
    whole: Covered = "yes" if row.tdp_of == "module" else "unknown"
    return Scope(gpu_core="yes", gpu_memory=whole, cpu="yes", host_dram=whole, regulators="unknown")


def _carbon(joules: float, scope: Scope, factor: CarbonFactor, pue: float | None) -> Carbon:
    grams = joules / JOULES_PER_KILOWATT_HOUR * factor.grams_per_kwh * (1.0 if pue is None else pue)
    return Carbon(
        emissions_grams=grams,
        factor=factor,
        scope=scope,
        energy_joules=joules,
        energy_name="estimated",
        pue=pue,
        pue_source=None if pue is None else PUE_SOURCE,
    )


def _statement(given: EstimateInput, row: GpuRow | None) -> str:
    if given.energy_kilowatt_hours is not None:
        return "An estimate: the CO2e is as sure as the energy that was given."
    if row is None:
        return (
            "An estimate, not a measurement: as sure as the power that was given. Rated power times hours "
            f"was 27 to 37 % off on nodes of eight H100 ({_NODES_SOURCE})."
        )
    if row.tdp_of == "chip":
        return (
            "An estimate, not a measurement: on GB10 rated power times hours was 1.6 to 2.5 times what the GPU's own "
            f"sensor measured in training, and below the whole machine's peak ({_SPARK_SOURCE})."
        )
    return (
        "An estimate, not a measurement: rated power times hours was 27 to 37 % off on nodes of eight H100 "
        f"({_NODES_SOURCE}); how far it is off elsewhere is not known."
    )
