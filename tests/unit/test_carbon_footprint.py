"""Energy times factor: which energy, which overhead, and when there is no figure."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardcallback.carbon import assess_footprint, embodied_of, factor_for, find_place, market_factor, user_factor
from cardcallback.errors import CardCallbackError
from cardcallback.record import Energy, Measurement, Scope, not_measured
from cardcallback.testing import make_record

GERMANY = factor_for(find_place("DE"))
KILOWATT_HOUR = 3.6e6
MACHINE = Scope(gpu_core="yes", gpu_memory="yes", cpu="yes", host_dram="yes", network="yes", regulators="yes")


def measured(joules: float, **details: object) -> Measurement:
    """A measurement of ``joules`` with full coverage."""
    fields = {"value": joules, "unit": "joules", "source": "nvml", "method": "counter", "coverage": 1.0}
    return msgspec.convert({**fields, **details}, Measurement, from_attributes=True)


def energy(**replaced: Measurement) -> Energy:
    """The made-up record's energies (GPU 107 Wh, machine not measured) with some replaced."""
    return msgspec.structs.replace(make_record().energy, **replaced)


def test_card_example() -> None:
    """107 Wh in Germany is 37 g, by the GPU's energy and its scope."""
    carbon = assess_footprint(energy(), GERMANY).carbon
    assert carbon is not None
    assert carbon.emissions_grams == pytest.approx(36.8, abs=0.05)
    assert (carbon.energy_name, carbon.pue, carbon.pue_source) == ("gpu", None, None)
    assert carbon.scope == make_record().energy.gpu.scope


def test_whole_machine_is_preferred_where_it_was_measured_over_the_run() -> None:
    """A measured machine replaces the GPU's figure, and only then the overhead multiplies it."""
    result = assess_footprint(energy(system=measured(KILOWATT_HOUR, scope=MACHINE)), GERMANY, 1.5)
    assert result.carbon is not None
    assert result.carbon.energy_name == "system"
    assert result.carbon.emissions_grams == pytest.approx(344.14 * 1.5)
    assert (result.carbon.pue, result.carbon.scope, result.notes) == (1.5, MACHINE, ())


def test_overhead_is_not_applied_to_the_gpu_alone() -> None:
    """A PUE given with GPU scope changes no figure, and both the record and the note say so."""
    result = assess_footprint(energy(gpu=measured(KILOWATT_HOUR)), GERMANY, 1.2)
    assert result.carbon is not None
    assert result.carbon.emissions_grams == pytest.approx(344.14)
    assert result.carbon.pue is None
    assert "not applied" in (result.carbon.pue_source or "")
    assert result.notes == (f"PUE {result.carbon.pue_source}",)


@pytest.mark.parametrize("details", [{"coverage": 0.9}, {"method": "estimated", "coverage": None}])
def test_doubtful_machine_figure_does_not_replace_the_gpu(details: dict[str, object]) -> None:
    """Half a measurement and an estimate of the machine leave the GPU's measurement in place."""
    result = assess_footprint(energy(system=measured(KILOWATT_HOUR, **details)), GERMANY)
    assert result.carbon is not None
    assert result.carbon.energy_name == "gpu"


@pytest.mark.parametrize(
    ("gpu", "reason"),
    [
        (not_measured("joules", "no NVIDIA driver found"), "GPU energy not measured: no NVIDIA driver found"),
        (measured(1.0, coverage=0.949), "GPU energy covers 94.9 % of the run, and CO2e needs 95.0 %"),
        (measured(1.0, coverage=0.94996), "GPU energy covers 94.9 % of the run, and CO2e needs 95.0 %"),
        (measured(1.0, coverage=None), "GPU energy has no stated coverage"),
    ],
)
def test_no_figure_comes_with_its_reason(gpu: Measurement, reason: str) -> None:
    """Energy that is absent or known for too little of the run gives no CO2e, and the reason."""
    result = assess_footprint(energy(gpu=gpu), GERMANY)
    assert (result.carbon, result.reason) == (None, reason)


def test_coverage_of_exactly_95_percent_is_enough() -> None:
    """The limit itself counts as covered."""
    assert assess_footprint(energy(gpu=measured(1.0, coverage=0.95)), GERMANY).carbon is not None


def test_no_place_no_figure() -> None:
    """Without a factor there is no CO2e."""
    assert assess_footprint(energy(), None).reason == "no place given"


@pytest.mark.parametrize("pue", [0.99, -1.0, 10.1, float("nan"), float("inf")])
def test_impossible_overhead_is_refused(pue: float) -> None:
    """A PUE below 1 or absurdly high is refused, with what it means."""
    with pytest.raises(CardCallbackError, match="PUE must be between 1 and 10"):
        assess_footprint(energy(), GERMANY, pue)


def test_unknown_scope_is_not_called_covered() -> None:
    """A figure without a stated scope covers nothing that can be relied on."""
    carbon = assess_footprint(energy(gpu=measured(1.0)), GERMANY).carbon
    assert carbon is not None
    assert set(msgspec.to_builtins(carbon.scope).values()) == {"unknown"}


@given(
    joules=st.floats(0, 1e15),
    grams_per_kwh=st.just(0.0) | st.floats(1, 2000),
    pue=st.none() | st.floats(1, 10),
)
def test_arithmetic_holds(joules: float, grams_per_kwh: float, pue: float | None) -> None:
    """CO2e is energy in kWh times the factor times the overhead that the record names."""
    carbon = assess_footprint(energy(system=measured(joules)), user_factor(grams_per_kwh), pue).carbon
    assert carbon is not None
    expected = carbon.energy_joules / 3.6e6 * carbon.factor.grams_per_kwh * (carbon.pue or 1)
    assert carbon.emissions_grams == pytest.approx(expected)
    assert carbon.energy_joules == joules


def test_a_part_of_the_job_has_no_footprint() -> None:
    """One process's GPU of four times the factor would be a figure of no job; a measured machine stands."""
    part = msgspec.structs.replace(energy(), partial_reason="1 of 4 processes' GPUs measured")
    assessed = assess_footprint(part, GERMANY)
    assert assessed.carbon is None
    assert "1 of 4 processes" in str(assessed.reason)
    whole = msgspec.structs.replace(part, system=measured(KILOWATT_HOUR, scope=MACHINE))
    assert assess_footprint(whole, GERMANY).carbon is not None


def test_a_contracts_figure_stands_beside_that_of_the_grid() -> None:
    """The main figure stays the grid's; overhead multiplies both."""
    machine = energy(system=measured(KILOWATT_HOUR, scope=MACHINE))
    carbon = assess_footprint(machine, GERMANY, 1.5, market_factor(20.0)).carbon
    assert carbon is not None
    assert carbon.emissions_grams == pytest.approx(344.14 * 1.5)
    assert carbon.market_emissions_grams == pytest.approx(20.0 * 1.5)
    assert carbon.market_factor is not None
    assert carbon.market_factor.boundary == "market-based"
    assert assess_footprint(machine, None, None, market_factor(0.0)).carbon is None


def test_making_the_gpus_of_a_job_is_unknown_or_their_hours_of_a_life() -> None:
    """Of GB10 nobody published it; two H100 for a hundredth of three years are a hundredth of two."""
    spark = make_record().hardware.accelerators[0]
    assert embodied_of([spark], 3600.0).value is None
    server = msgspec.structs.replace(spark, name="NVIDIA H100 80GB HBM3")
    seconds = 26280 * 3600 / 100
    assert embodied_of([server, server], seconds).value == pytest.approx(2 * 1640.0)
    assert embodied_of([server, spark], seconds).value is None
    assert embodied_of([msgspec.structs.replace(server, used_by_job=False)], seconds).reason == "no GPU was used"
