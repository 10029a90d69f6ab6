"""CO2e of a run, and the grids that it was calculated with."""

from __future__ import annotations

import msgspec

from cardcallback.record.measurement import Scope


class CarbonFactor(msgspec.Struct, frozen=True, kw_only=True):
    """Grams of CO2e per kWh of electricity, for one place, year and boundary."""

    grams_per_kwh: float
    place: str
    place_code: str | None = None
    year: int | None = None
    boundary: str
    source: str
    licence: str | None = None


class CarbonShare(msgspec.Struct, frozen=True, kw_only=True):
    """What the sessions in one place used and emitted; ``sessions`` are their places in the run, from 0 on.

    Without a ``factor`` nobody told where they ran: they have no emissions. ``assumed``: nobody told it, and they are
    taken to have run where the run's other sessions did, on hardware of the same kind.
    """

    sessions: tuple[int, ...]
    factor: CarbonFactor | None
    energy_joules: float
    emissions_grams: float | None = None
    pue: float | None = None
    assumed: bool = False


class Carbon(msgspec.Struct, frozen=True, kw_only=True):
    """Calculated when rendering: energy times one labelled factor, that of the grid at the place.

    Where a run's sessions differ in place, ``shares`` are what each place has of it, ``emissions_grams`` is their sum,
    and ``factor`` and ``pue`` are the means by energy, so that energy times factor is the emissions here too.
    ``energy_joules`` is then that of the sessions whose place is known. Without ``shares`` one factor holds for the
    whole run. The bounds are the recording interval's; ``None`` where they are not known, and in older records.
    ``market_factor`` is what a contract for electricity states, beside it and only where somebody gave one;
    ``market_emissions_grams`` is the same energy times that.
    """

    emissions_grams: float
    factor: CarbonFactor
    scope: Scope
    energy_joules: float
    energy_name: str  # "gpu" or "system"
    pue: float | None = None
    pue_source: str | None = None
    market_factor: CarbonFactor | None = None
    market_emissions_grams: float | None = None
    recording_low_grams: float | None = None
    recording_high_grams: float | None = None
    shares: tuple[CarbonShare, ...] = ()

    @property
    def factors(self) -> tuple[CarbonFactor, ...]:
        """The grids' own factors, each once: one, or those of the places that the sessions ran in."""
        return tuple(dict.fromkeys(share.factor for share in self.shares if share.factor is not None)) or (self.factor,)

    @property
    def places(self) -> str | None:
        """The names of the places that were told; ``None`` where a factor was given without one."""
        if any(factor.place_code is None for factor in self.factors):
            return None
        return "; ".join(dict.fromkeys(factor.place for factor in self.factors))

    @property
    def joules_without_place(self) -> float:
        """What sessions used that are not in it, since nobody told where they ran."""
        return sum(share.energy_joules for share in self.shares if share.factor is None)
