"""The calculator: hours, GPUs and watts, or a run's measured energy, to energy, CO2e and what they compare with."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from cardcallback.carbon import OwnFactors, check_pue, chosen_factor
from cardcallback.errors import CardCallbackError, CardCallbackWarning
from cardcallback.impact.checks import (
    check_count,
    check_hours,
    check_text,
    check_watts,
    factors_of_file,
    require_number,
)
from cardcallback.impact.constants import (
    DEFAULT_EQUIVALENTS,
    SEED_EQUIVALENTS,
    SEED_FACTOR_SOURCE,
    SEED_GRAMS_PER_KWH,
    SEED_PUE,
    Equivalents,
)
from cardcallback.impact.measured import MeasuredEnergy, measured_energy
from cardcallback.impact.report import impact_report
from cardcallback.record import CarbonFactor, RunRecord, load_run
from cardcallback.render.lettered import lettered
from cardcallback.units import (
    GRAMS_PER_KILOGRAM,
    JOULES_PER_KILOWATT_HOUR,
    SECONDS_PER_HOUR,
    WATT_HOURS_PER_KILOWATT_HOUR,
)

_NO_FACTOR = "no place given: give location= or grid_carbon_intensity="


@dataclass(slots=True)
class EnvironmentalImpact:
    """What one training used and emitted.

    Without ``record`` everything is an estimate: hours times watts times GPUs, times ``pue`` where one is given.
    With ``record``, which ``from_record`` sets, the run's measured energy takes the place of all that. No figure is
    made up: without a place or a factor there is no CO2e, and without a PUE no overhead.

    Attributes:
        training_hours: wall-clock hours.
        gpu_count: GPUs that trained; the hours are those of each.
        gpu_model: their name.
        gpu_tdp_watts: watts that one GPU is taken to draw all the time; its TDP gives an upper bound.
        grid_carbon_intensity: grams of CO2e per kWh; what ``location`` has in the table where it is not given.
        pue: energy of the building over that of its computers, 1 or more; ``None`` where it is not known.
        location: a country, state or cloud region ("DE", "US-CA", "aws/us-east-1").
        equivalents: what trees, cars and telephones are taken for.
        carbon_reduction_measures: what was done to emit less, in the author's words.
        factor_source: where ``grid_carbon_intensity`` is published.
        carbon_factors: a CSV file of your own factors, read once, in which ``location`` is looked for first.
        record: the run whose measured energy counts.

    Raises:
        CardCallbackError: a value that cannot be true, or a place without a factor.
    """

    training_hours: float
    gpu_count: int
    gpu_model: str
    gpu_tdp_watts: float | None
    grid_carbon_intensity: float | None = None
    pue: float | None = None
    location: str | None = field(default=None, kw_only=True)
    equivalents: Equivalents = field(default=DEFAULT_EQUIVALENTS, kw_only=True)
    carbon_reduction_measures: Sequence[str] = field(default=(), kw_only=True)
    factor_source: str | None = field(default=None, kw_only=True)
    carbon_factors: str | Path | OwnFactors | None = field(default=None, kw_only=True)
    record: RunRecord | None = field(default=None, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        """Refuse what cannot be true."""
        self.check()

    @classmethod
    def with_seed_constants(
        cls,
        training_hours: float,
        gpu_count: int,
        gpu_model: str,
        gpu_tdp_watts: float,
        grid_carbon_intensity: float = SEED_GRAMS_PER_KWH,
        pue: float = SEED_PUE,
    ) -> EnvironmentalImpact:
        """The estimate as the lab notebook makes it, with its constants: 400 g/kWh, PUE 1.1, 22 kg, 120 g, 10 Wh.

        The notebook names no sources for them, and the report says so.

        Raises:
            CardCallbackError: as the class.
        """
        stated = grid_carbon_intensity == SEED_GRAMS_PER_KWH
        return cls(
            training_hours,
            gpu_count,
            gpu_model,
            gpu_tdp_watts,
            grid_carbon_intensity,
            pue,
            equivalents=SEED_EQUIVALENTS,
            factor_source=SEED_FACTOR_SOURCE if stated else None,
        )

    @classmethod
    def from_record(
        cls,
        record: RunRecord | str | Path,
        *,
        location: str | None = None,
        grid_carbon_intensity: float | None = None,
        pue: float | None = None,
        equivalents: Equivalents = DEFAULT_EQUIVALENTS,
        carbon_reduction_measures: Sequence[str] = (),
        carbon_factors: str | Path | None = None,
    ) -> EnvironmentalImpact:
        """The impact of a run by its measured energy, over its own time and hardware.

        The record's own place and overhead hold where none is given. ``pue`` multiplies the whole machine's energy
        only, and the report says where it was not applied. What the run did not measure is ``None``.

        Args:
            record: the run, its output folder or its ``record.json``.
            location: as of the class, like the other arguments.
            grid_carbon_intensity: grams of CO2e per kWh.
            pue: building overhead.
            equivalents: what trees, cars and telephones are taken for.
            carbon_reduction_measures: what was done to emit less.
            carbon_factors: a file of your own factors.

        Raises:
            CardCallbackError: as the class, or no record there (exit code 3).
        """
        run = lettered(record if isinstance(record, RunRecord) else load_run(record))
        names = dict.fromkeys(device.name for device in run.hardware.accelerators)
        return cls(
            run.duration_seconds / SECONDS_PER_HOUR,
            len(run.hardware.accelerators),
            ", ".join(names),
            None,
            grid_carbon_intensity,
            pue,
            location=location,
            equivalents=equivalents,
            carbon_reduction_measures=carbon_reduction_measures,
            carbon_factors=carbon_factors,
            record=run,
        )

    @property
    def factor(self) -> CarbonFactor | None:
        """Grams of CO2e per kWh with its place, year, boundary and source; ``None`` where no place is known."""
        known = self.record.carbon if self.record is not None else None
        return self._given_factor or (None if known is None else known.factor)

    @property
    def _given_factor(self) -> CarbonFactor | None:
        own = self.carbon_factors if isinstance(self.carbon_factors, OwnFactors) else None
        chosen = chosen_factor(self.location, self.grid_carbon_intensity, own)
        if chosen is None or self.grid_carbon_intensity is None:
            return chosen
        return _with_source(chosen, self.factor_source)

    @property
    def measured(self) -> MeasuredEnergy | None:
        """The run's energy and CO2e; ``None`` for an estimate."""
        return None if self.record is None else measured_energy(self.record, self._given_factor, self.pue)

    @property
    def carbon_reason(self) -> str | None:
        """Why there is no CO2e figure; ``None`` where there is one."""
        if self.factor is None:
            return _NO_FACTOR
        measured = self.measured
        return None if measured is None else measured.carbon_reason

    @property
    def carbon_kilograms(self) -> float | None:
        """As ``calculate_carbon_kg``, without its warning."""
        energy_kwh, factor, measured = self.calculate_energy_kwh(), self.factor, self.measured
        if measured is not None:
            return None if measured.carbon is None else measured.carbon.emissions_grams / GRAMS_PER_KILOGRAM
        if energy_kwh is None or factor is None:
            return None
        return energy_kwh * factor.grams_per_kwh / GRAMS_PER_KILOGRAM

    def calculate_energy_kwh(self) -> float | None:
        """Energy in kWh; ``None`` where the run did not measure it."""
        self.check()
        measured = self.measured
        if measured is not None:
            return None if measured.joules is None else measured.joules / JOULES_PER_KILOWATT_HOUR
        if self.gpu_tdp_watts is None:
            return None
        watt_hours = float(self.training_hours) * int(self.gpu_count) * float(self.gpu_tdp_watts)
        return watt_hours / WATT_HOURS_PER_KILOWATT_HOUR * (1.0 if self.pue is None else float(self.pue))

    def calculate_carbon_kg(self) -> float | None:
        """CO2e in kg; ``None``, with a warning that says why, where there is no factor or no energy."""
        kilograms = self.carbon_kilograms
        if kilograms is None:
            warnings.warn(f"no CO2e figure: {self.carbon_reason}", CardCallbackWarning, stacklevel=2)
        return kilograms

    def calculate_tree_offset(self) -> float | None:
        """Trees that take up that much CO2e in a year; ``None`` without CO2e."""
        kilograms = self.carbon_kilograms
        return None if kilograms is None else kilograms / self.equivalents.tree_kilograms_per_year.value

    def calculate_driving_equivalent(self) -> float | None:
        """Kilometres by car that emit that much CO2e; ``None`` without CO2e."""
        kilograms = self.carbon_kilograms
        if kilograms is None:
            return None
        return kilograms * GRAMS_PER_KILOGRAM / self.equivalents.car_grams_per_kilometre.value

    def calculate_phone_charges(self) -> float | None:
        """Charges of a telephone that take that much electricity; ``None`` without energy."""
        energy_kwh = self.calculate_energy_kwh()
        if energy_kwh is None:
            return None
        return energy_kwh * WATT_HOURS_PER_KILOWATT_HOUR / self.equivalents.phone_charge_watt_hours.value

    def generate_report(self) -> str:
        """The report as Markdown, every figure with what it is (measured, calculated, estimate) and its source."""
        return impact_report(self)

    def check(self) -> None:
        """Refuse values that cannot be true; also asked before each calculation, since fields may be set.

        Raises:
            CardCallbackError: as the class.
        """
        if self.record is None:
            check_hours(self.training_hours)
            check_count(self.gpu_count)
            check_text("gpu_model", self.gpu_model)
            check_watts(self.gpu_tdp_watts)
        if self.grid_carbon_intensity is not None:
            require_number("grid_carbon_intensity", self.grid_carbon_intensity, "grams of CO2e per kWh")
        if self.pue is not None:
            check_pue(require_number("pue", self.pue, "a number of 1 or more"))
        for name, text in (("location", self.location), ("factor_source", self.factor_source)):
            if text is not None:
                check_text(name, text)
        if self.record is not None and not isinstance(self.record, RunRecord):
            msg = "record must be a RunRecord: read it with load_run(), or use EnvironmentalImpact.from_record()"
            raise CardCallbackError(msg)
        if not isinstance(self.equivalents, Equivalents):
            msg = "equivalents must be an Equivalents: take cardcallback.impact.DEFAULT_EQUIVALENTS as its pattern"
            raise CardCallbackError(msg)
        _check_measures(self.carbon_reduction_measures)
        self.carbon_factors = factors_of_file(self.carbon_factors, self.location, self.grid_carbon_intensity)
        # Last, since it looks the place up: an unknown one is refused here and not when the report is printed.
        _ = self.factor


def _with_source(factor: CarbonFactor, source: str | None) -> CarbonFactor:
    return factor if source is None else msgspec.structs.replace(factor, source=source)


def _check_measures(measures: object) -> None:
    if isinstance(measures, str) or not isinstance(measures, (list, tuple)):
        msg = "carbon_reduction_measures must be a list of texts: put each measure in quotes, in brackets"
        raise CardCallbackError(msg)
    for measure in measures:
        check_text("each of carbon_reduction_measures", measure)
