"""The calculator: its arithmetic by formula, what it does not know, and what it refuses."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from section_records import RECORDS

from cardcallback import EnvironmentalImpact
from cardcallback.carbon import assess_footprint, factor_for, find_place
from cardcallback.errors import CardCallbackError
from cardcallback.impact import DEFAULT_EQUIVALENTS, Equivalent
from cardcallback.impact.checks import HIGHEST_COUNT, HIGHEST_HOURS, HIGHEST_WATTS
from cardcallback.testing import make_record

GOOD: dict[str, Any] = {"training_hours": 4.0, "gpu_count": 1, "gpu_model": "GB10", "gpu_tdp_watts": 100.0}
GERMANY = factor_for(find_place("DE")).grams_per_kwh


def estimate(**changes: Any) -> EnvironmentalImpact:
    """A plain estimate with some of its arguments changed."""
    return EnvironmentalImpact(**(GOOD | changes))


@given(
    hours=st.floats(0.001, HIGHEST_HOURS),
    count=st.integers(1, HIGHEST_COUNT),
    watts=st.floats(0.1, HIGHEST_WATTS),
    grams=st.just(0.0) | st.floats(1, 2000),
    pue=st.none() | st.floats(1, 10),
)
def test_the_arithmetic_is_the_formula(hours: float, count: int, watts: float, grams: float, pue: float | None) -> None:
    """Energy is hours times GPUs times watts times overhead; CO2e, trees, kilometres and charges follow from it."""
    impact = estimate(training_hours=hours, gpu_count=count, gpu_tdp_watts=watts, grid_carbon_intensity=grams, pue=pue)
    kwh = Fraction(hours) * count * Fraction(watts) / 1000 * (1 if pue is None else Fraction(pue))
    kilograms = kwh * Fraction(grams) / 1000
    assert impact.calculate_energy_kwh() == pytest.approx(float(kwh))
    assert impact.calculate_carbon_kg() == pytest.approx(float(kilograms))
    assert impact.calculate_tree_offset() == pytest.approx(float(kilograms / 11))
    assert impact.calculate_driving_equivalent() == pytest.approx(float(kilograms * 1000 / 244))
    assert impact.calculate_phone_charges() == pytest.approx(float(kwh * 1000 / 19))
    assert "None" not in impact.generate_report()


def test_a_place_gives_its_own_factor() -> None:
    """The table's factor of the place is used and named with year, boundary and source."""
    impact = estimate(location="DE")
    assert impact.calculate_carbon_kg() == pytest.approx(0.4 * GERMANY / 1000)
    assert "Germany, 2024, lifecycle, Ember" in impact.generate_report()


def test_a_factor_with_a_place_is_the_given_one() -> None:
    """What the person gives comes before the table, under the place's name and their own source."""
    impact = estimate(location="DE", grid_carbon_intensity=12.5, factor_source="our supplier's contract, 2026")
    assert impact.calculate_carbon_kg() == pytest.approx(0.4 * 12.5 / 1000)
    assert "12.5 g/kWh; Germany, boundary not stated, our supplier's contract, 2026" in impact.generate_report()


def test_without_a_place_only_what_rests_on_energy_is_known() -> None:
    """No CO2e, no trees, no kilometres: never 0, and never a factor nobody gave."""
    impact = estimate()
    assert impact.carbon_kilograms is None
    assert impact.calculate_tree_offset() is None
    assert impact.calculate_driving_equivalent() is None
    assert impact.calculate_phone_charges() == pytest.approx(400 / 19)
    report = impact.generate_report()
    assert report.count("not calculated: no place given") == 3
    assert " kg (" not in report


def test_no_overhead_is_assumed() -> None:
    """Without a PUE there is none in the energy, and the report says so."""
    assert estimate().calculate_energy_kwh() == pytest.approx(0.4)
    assert "| Data Center PUE | not given: building overhead is not included |" in estimate().generate_report()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"training_hours": -1}, "training_hours must be above 0"),
        ({"training_hours": 0}, "training_hours must be above 0"),
        ({"training_hours": math.nan}, "training_hours must be a finite number, not nan"),
        ({"training_hours": math.inf}, "training_hours must be a finite number, not inf"),
        ({"training_hours": 100_000}, "at most 87,600 (ten years), not 100000: give hours"),
        ({"training_hours": "4 hours"}, "training_hours must be a number, not '4 hours': give 4.0"),
        ({"training_hours": None}, "training_hours must be a number, not None"),
        ({"training_hours": True}, "training_hours must be a number, not True"),
        ({"training_hours": 10**400}, "training_hours must be a finite number"),
        ({"gpu_count": 0}, "gpu_count must be between 1 and 1,000,000, not 0"),
        ({"gpu_count": -8}, "gpu_count must be between 1 and 1,000,000, not -8"),
        ({"gpu_count": 1.5}, "gpu_count must be a whole number, not 1.5"),
        ({"gpu_count": True}, "gpu_count must be a whole number"),
        ({"gpu_count": 10**5000}, "not a number of more than 15 digits"),
        ({"gpu_tdp_watts": 0}, "gpu_tdp_watts must be above 0"),
        ({"gpu_tdp_watts": 100_000}, "give watts of one GPU, and their number as gpu_count"),
        ({"gpu_tdp_watts": math.nan}, "gpu_tdp_watts must be a finite number"),
        ({"gpu_tdp_watts": None}, "gpu_tdp_watts must be a number, not None"),
        ({"gpu_model": 7}, "gpu_model must be text, not 7: put it in quotes"),
        ({"grid_carbon_intensity": -1}, "carbon intensity must be 0, or 1 to 2,000 grams"),
        ({"grid_carbon_intensity": math.nan}, "grid_carbon_intensity must be a finite number"),
        ({"grid_carbon_intensity": 400_000}, "give grams, not kilograms"),
        ({"grid_carbon_intensity": "400"}, "grid_carbon_intensity must be a number, not '400'"),
        ({"pue": 0.9}, "PUE must be between 1 and 10"),
        ({"pue": math.nan}, "pue must be a finite number"),
        ({"pue": "1.1"}, "pue must be a number"),
        ({"location": "Atlantis"}, "no grid factor for the place 'Atlantis'"),
        ({"location": 49}, "location must be text"),
        ({"factor_source": 1}, "factor_source must be text"),
        ({"record": "runs/demo"}, "record must be a RunRecord: read it with load_run()"),
        ({"equivalents": 22}, "equivalents must be an Equivalents"),
        ({"carbon_reduction_measures": "used QLoRA"}, "must be a list of texts"),
        ({"carbon_reduction_measures": [1]}, "each of carbon_reduction_measures must be text"),
    ],
)
def test_what_cannot_be_true_is_refused_in_one_line(changes: dict[str, Any], words: str) -> None:
    """Each message says what was given and what to give."""
    with pytest.raises(CardCallbackError) as refused:
        estimate(**changes)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert ":" in str(refused.value)


def test_a_field_that_is_set_later_is_checked_too() -> None:
    """A notebook may change a field: no figure comes from one that cannot be true."""
    impact = estimate(location="DE")
    impact.training_hours = -4.0
    with pytest.raises(CardCallbackError, match="training_hours must be above 0"):
        impact.calculate_energy_kwh()
    with pytest.raises(CardCallbackError, match="training_hours must be above 0"):
        impact.generate_report()
    with pytest.raises(AttributeError):
        impact.training_hour = 4.0  # type: ignore[attr-defined]


@pytest.mark.parametrize(("value", "source"), [(0, "x"), (-1, "x"), (math.nan, "x"), (True, "x"), (11, " ")])
def test_an_equivalent_needs_a_value_and_a_source(value: float, source: str) -> None:
    """Nothing is divided by 0, and no comparison is printed that nobody answers for."""
    with pytest.raises(CardCallbackError):
        Equivalent(value=value, unit="kg", source=source)


def test_a_record_gives_its_measured_energy() -> None:
    """Not TDP times hours: the run's own energy, time and hardware."""
    record = make_record()
    impact = EnvironmentalImpact.from_record(record, location="DE")
    assert impact.calculate_energy_kwh() == pytest.approx(0.107)
    assert impact.calculate_carbon_kg() == pytest.approx(0.107 * GERMANY / 1000)
    assert impact.training_hours == pytest.approx(record.duration_seconds / 3600)
    assert impact.gpu_count == 1
    assert impact.gpu_tdp_watts is None


def test_a_records_own_place_holds_until_another_is_given() -> None:
    """As when a card is rendered again."""
    record = RECORDS["gb10_germany"]()
    assert EnvironmentalImpact.from_record(record).calculate_carbon_kg() == pytest.approx(0.107 * GERMANY / 1000)
    elsewhere = EnvironmentalImpact.from_record(record, grid_carbon_intensity=100)
    assert elsewhere.calculate_carbon_kg() == pytest.approx(0.0107)


def test_overhead_multiplies_the_whole_machine_only() -> None:
    """The GPU alone is not what a building's overhead is a share of, and the report says that it was left out."""
    gpu = EnvironmentalImpact.from_record(make_record(), location="DE", pue=1.5)
    assert gpu.calculate_carbon_kg() == pytest.approx(0.107 * GERMANY / 1000)
    assert "1.50 was given and not applied" in gpu.generate_report()
    record = RECORDS["machine_measured"]()
    assert record.energy.system.value is not None
    machine = EnvironmentalImpact.from_record(record, location="DE", pue=1.5)
    expected = record.energy.system.value / 3.6e6 * GERMANY / 1000 * 1.5
    assert machine.calculate_carbon_kg() == pytest.approx(expected)
    assert "| Data Center PUE | 1.5 (given) |" in machine.generate_report()


def test_a_records_own_overhead_holds_until_another_is_given() -> None:
    """As its place does."""
    record = RECORDS["machine_measured"]()
    record = replace(record, carbon=assess_footprint(record.energy, factor_for(find_place("DE")), 1.2).carbon)
    plain, own = EnvironmentalImpact.from_record(record, pue=1.0), EnvironmentalImpact.from_record(record)
    assert plain.carbon_kilograms is not None
    assert own.calculate_carbon_kg() == pytest.approx(plain.carbon_kilograms * 1.2)


@pytest.mark.parametrize(
    ("name", "warning"),
    [("interrupted", "**Interrupted.**"), ("simulated", "**Simulated device.**"), ("resumed_elsewhere", "**Part of ")],
)
def test_a_report_repeats_what_nobody_may_miss(name: str, warning: str) -> None:
    """It may stand alone in somebody's card."""
    assert f"### Note\n\n{warning}" in EnvironmentalImpact.from_record(RECORDS[name]()).generate_report()


def test_what_a_run_did_not_measure_is_not_known() -> None:
    """No energy, no figure: the reason stands in its place."""
    impact = EnvironmentalImpact.from_record(RECORDS["cpu_only"](), location="DE", pue=1.2)
    assert impact.calculate_energy_kwh() is None
    assert impact.carbon_kilograms is None
    assert impact.calculate_phone_charges() is None
    report = impact.generate_report()
    assert "| Total Energy | not measured: no NVIDIA driver found |" in report
    assert "1.2 (given, and there is no energy to apply it to)" in report
    assert "| Smartphone charges | not calculated: no energy |" in report


def test_an_energy_that_was_not_resolved_is_no_figure() -> None:
    """Where the interval is wider than the figure, the interval is printed and nothing is calculated."""
    record = make_record()
    gpu = replace(record.energy.gpu, value=100.0, recording_low=20.0, recording_high=300.0)
    record = replace(record, energy=replace(record.energy, gpu=gpu), duration_seconds=5.0)
    impact = EnvironmentalImpact.from_record(record, location="DE")
    assert impact.calculate_energy_kwh() is None
    assert impact.carbon_kilograms is None
    assert "| Total Energy | between 20.0 and 300 J (too short to resolve)" in impact.generate_report()


def test_a_part_of_the_energy_is_called_a_part() -> None:
    """Every figure that rests on it says "at least"; too small a part gives no CO2e."""
    report = EnvironmentalImpact.from_record(RECORDS["integral_only"](), location="DE").generate_report()
    for begin in ("| Total Energy | at", "| CO2 Emissions | at", "| Trees to offset (1 year) | at"):
        assert f"{begin} least " in report
    lost = EnvironmentalImpact.from_record(RECORDS["lost_device"](), location="DE")
    assert lost.carbon_kilograms is None
    assert "| Smartphone charges | at least " in lost.generate_report()


@pytest.mark.parametrize("name", RECORDS)
def test_every_situation_has_a_report(name: str) -> None:
    """Whatever a run could measure: a report without None or NaN, and simulated where it was."""
    record = RECORDS[name]()
    report = EnvironmentalImpact.from_record(record, location="SE", pue=1.2).generate_report()
    assert not any(word in report for word in ("None", "nan", "inf "))
    assert ("simulated device" in report.lower()) == record.simulated
    rows = [line for line in report.splitlines() if line.startswith(("| Total", "| CO2", "| Trees", "| Equ", "| Sma"))]
    assert len(rows) == 5
    words = ("measured", "estimate", "calculated")
    assert all(any(word in row for word in words) for row in rows)


def test_the_sources_of_the_defaults_are_printed() -> None:
    """Each comparison with its rate and who publishes it."""
    report = estimate(location="DE").generate_report()
    for rate in (
        DEFAULT_EQUIVALENTS.tree_kilograms_per_year,
        DEFAULT_EQUIVALENTS.car_grams_per_kilometre,
        DEFAULT_EQUIVALENTS.phone_charge_watt_hours,
    ):
        assert rate.source in report
        assert f"{rate.value:g} {rate.unit} each" in report


def test_a_bare_number_is_no_equivalent() -> None:
    """Nobody would know where it is from."""
    with pytest.raises(CardCallbackError, match="give its value, unit and source"):
        dataclasses.replace(DEFAULT_EQUIVALENTS, tree_kilograms_per_year=22)
    with pytest.raises(CardCallbackError, match="needs its unit and its source in words"):
        Equivalent(value=1.0, unit="kg", source=3)  # type: ignore[arg-type]


def test_measures_are_the_authors_own() -> None:
    """Nothing is claimed for a person: a placeholder until they say what they did, and then their words."""
    assert "### Carbon Reduction Measures\n\n[More Information Needed]\n" in estimate().generate_report()
    report = estimate(carbon_reduction_measures=["QLoRA", "# not a heading"]).generate_report()
    assert "### Carbon Reduction Measures\n\n- QLoRA\n- \\# not a heading\n" in report


def test_a_file_of_ones_own_factors_comes_before_the_table(tmp_path: Path) -> None:
    """For an estimate and for a run, with its source in the report; read once."""
    own = tmp_path / "own.csv"
    own.write_text("place,grams_per_kwh,year,boundary,source\nGermany,301.5,2025,lifecycle,Our grid operator\n")
    impact = estimate(location="DE", carbon_factors=own)
    measured = EnvironmentalImpact.from_record(make_record(), location="DE", carbon_factors=str(own))
    own.unlink()
    assert impact.calculate_carbon_kg() == pytest.approx(0.4 * 301.5 / 1000)
    assert "Germany, 2025, lifecycle, Our grid operator" in impact.generate_report()
    assert measured.factor is not None
    assert (measured.factor.grams_per_kwh, measured.factor.source) == (301.5, "Our grid operator")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"location": "DE", "carbon_factors": "nowhere.csv"}, "factors cannot be read"),
        ({"location": "DE", "carbon_factors": 12}, "must be the path of a CSV file, not 12"),
        ({"carbon_factors": "nowhere.csv"}, "needs a place of its rows: give location= too"),
        ({"location": "DE", "grid_carbon_intensity": 30.0, "carbon_factors": "nowhere.csv"}, "leave one out"),
    ],
)
def test_a_file_without_a_use_is_refused(changes: dict[str, Any], message: str) -> None:
    """In one line, when the calculator is made."""
    with pytest.raises(CardCallbackError, match=message) as refused:
        estimate(**changes)
    assert "\n" not in str(refused.value)
