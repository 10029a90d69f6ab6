"""The calculator: what others published comes out of it, and nothing it says looks measured."""

from __future__ import annotations

import csv
import math
from decimal import Decimal
from pathlib import Path

import pytest

from cardcallback.carbon import user_factor
from cardcallback.errors import CardCallbackError
from cardcallback.estimate import EstimateInput, estimate

_PUBLISHED = Path(__file__).parents[1] / "fixtures" / "published_footprints.csv"
_GRAMS_PER_TONNE = 1e6


def published(usable: str = "yes") -> list[dict[str, str]]:
    """Rows with a factor of their own; a sum of others has none."""
    with _PUBLISHED.open(encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["usable_as_test"] == usable and row["g_per_kwh"]]


def grams_of(row: dict[str, str]) -> float:
    """What the calculator says of a published row, by hours and watts where they are given."""
    by_hours = bool(row["gpu_hours"] and row["tdp_w"])
    given = EstimateInput(
        watts=float(row["tdp_w"]) if by_hours else None,
        hours=float(row["gpu_hours"]) if row["gpu_hours"] else None,
        energy_kilowatt_hours=None if by_hours else float(row["energy_kwh"]),
        pue=float(row["pue"]) if row["pue"] else None,
    )
    carbon = estimate(given, user_factor(float(row["g_per_kwh"]))).carbon
    assert carbon is not None
    return carbon.emissions_grams


def last_digit(printed: str) -> float:
    """One unit of the last printed digit."""
    exponent = Decimal(printed).as_tuple().exponent
    assert isinstance(exponent, int)
    return 10.0**exponent


@pytest.mark.parametrize("row", published(), ids=lambda row: row["model"])
def test_a_published_footprint_comes_out(row: dict[str, str]) -> None:
    """Within one unit of the last digit that was printed."""
    printed = row["tco2eq_location"]
    assert grams_of(row) / _GRAMS_PER_TONNE == pytest.approx(float(printed), abs=last_digit(printed))


def test_the_rows_that_make_a_published_sum() -> None:
    """Llama 2's total holds a model that its table does not list."""
    rows = [row for row in published() if is_of_llama_2(row["model"])]
    assert len(rows) == 4
    assert sum(map(grams_of, rows)) / _GRAMS_PER_TONNE == pytest.approx(539.0, abs=0.1)


def is_of_llama_2(model: str) -> bool:
    """Whether a row is one of Llama 2's four."""
    return model.startswith("Llama 2 ") and "B" in model


def test_hours_of_all_devices_may_be_given_together() -> None:
    """As publications do; the words say so, since no device ran for so long."""
    given = estimate(EstimateInput(gpu="H100 SXM", hours=39_300_000.0), None).energy
    assert given.value == pytest.approx(39.3e6 * 700 * 3600)
    assert given.assumption == (
        "the device drew rated power, 700 W, for 39,300,000 h, taken as the hours of all devices together"
    )


def test_a_factor_of_nothing_is_a_figure() -> None:
    """A grid said to emit nothing gives 0 g, not a missing figure."""
    carbon = estimate(EstimateInput(energy_kilowatt_hours=135000.0, pue=1.1), user_factor(0.0)).carbon
    assert carbon is not None
    assert carbon.emissions_grams == 0.0


def test_rated_power_is_an_estimate_that_says_how_far_it_was_off() -> None:
    """On a Spark as measured there, elsewhere as measured on nodes of H100."""
    spark = estimate(EstimateInput(gpu="GB10", hours=2.0), None)
    assert spark.energy.method == "estimated"
    assert spark.energy.value == pytest.approx(140 * 2 * 3600)
    assert "1.6 to 2.5 times" in spark.statement
    assert spark.carbon is None
    assert spark.energy.scope is not None
    assert spark.energy.scope.cpu == "yes"
    assert "27 to 37 %" in estimate(EstimateInput(gpu="H100 SXM", hours=1.0), None).statement


def test_making_the_hardware_is_unknown_or_a_share_of_its_life() -> None:
    """Never 0 where nobody published a figure."""
    spark = estimate(EstimateInput(gpu="GB10", hours=2.0), None)
    assert spark.embodied.value is None
    assert "nobody published" in (spark.embodied.reason or "")
    eight = estimate(EstimateInput(gpu="H100 SXM", hours=26280.0 / 100, count=8), None)
    assert eight.embodied.value == pytest.approx(164_000 * 8 / 100)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (EstimateInput(hours=1.0), "exactly one of"),
        (EstimateInput(gpu="L4", watts=70.0, hours=1.0), "exactly one of"),
        (EstimateInput(watts=70.0), "hours are missing"),
        (EstimateInput(watts=-1.0, hours=1.0), "watts must be more than 0"),
        (EstimateInput(watts=math.nan, hours=1.0), "watts must be more than 0"),
        (EstimateInput(watts=70.0, hours=0.0), "hours must be more than 0"),
        (EstimateInput(watts=70.0, hours=math.inf), "hours must be more than 0"),
        (EstimateInput(watts=900_000.0, hours=1.0), "watts must be more than 0"),
        (EstimateInput(watts=70.0, hours=1e9), "at most 100,000,000"),
        (EstimateInput(watts=70.0, hours=1e6, count=8), "at most 87,600"),
        (EstimateInput(watts=3000.0, hours=80_000.0, count=1_000_000), "energy must be more than 0"),
        (EstimateInput(watts=70.0, hours=1.0, count=0), "count must be between 1"),
        (EstimateInput(energy_kilowatt_hours=-2.0), "energy must be more than 0"),
        (EstimateInput(watts=70.0, hours=1.0, pue=0.9), "PUE must be between"),
        (EstimateInput(gpu="V100", hours=1.0), "not in the catalogue"),
    ],
)
def test_what_makes_no_sense_is_refused(given: EstimateInput, message: str) -> None:
    """One line that says what to do."""
    with pytest.raises(CardCallbackError, match=message) as refused:
        estimate(given, None)
    assert "\n" not in str(refused.value)
