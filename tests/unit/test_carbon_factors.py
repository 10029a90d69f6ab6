"""The factors that ship: values, labels, and their agreement with the data they were built from."""

from __future__ import annotations

import csv
import importlib.metadata
import importlib.util
import sys
from pathlib import Path

import pytest

from cardcallback.carbon import factor_for, find_place, grid_examples, user_factor
from cardcallback.carbon.table import factor_rows
from cardcallback.errors import CardCallbackError
from cardcallback.units import JOULES_PER_KILOWATT_HOUR

BUILDER = Path(__file__).parents[2] / "scripts" / "build_factor_table.py"
GOOGLE_LIST = BUILDER.with_name("factor_sources") / "google_cloud_regions_2024.csv"
TABLE = Path(__file__).parents[2] / "src" / "cardcallback" / "carbon" / "factors.csv"


# Values published by the sources themselves: Ember 2024; EPA eGRID 2023 in lb/MWh; Google 2024.
@pytest.mark.parametrize(
    ("text", "grams_per_kwh", "year", "boundary"),
    [
        ("DE", 344.14, 2024, "lifecycle"),
        ("NO", 30.75, 2024, "lifecycle"),
        ("IN", 708.32, 2024, "lifecycle"),
        ("KR", 414.27, 2024, "lifecycle"),
        ("SG", 470.78, 2023, "lifecycle"),
        ("US-CA", 394.769 * 0.45359237, 2023, "combustion"),
        ("CA-QC", 3.94, 2023, "combustion"),
        ("TWN", 635.65, 2024, "lifecycle"),
        ("gcp/us-central1", 412.72, 2024, "operational"),
        ("gcp/me-central1", 366.0, 2024, "operational"),
    ],
)
def test_known_factors(text: str, grams_per_kwh: float, year: int, boundary: str) -> None:
    """A place's factor carries the value, year and boundary of its source."""
    factor = factor_for(find_place(text))
    assert factor.grams_per_kwh == pytest.approx(grams_per_kwh, abs=0.006)
    assert (factor.year, factor.boundary) == (year, boundary)


def test_every_row_is_labelled_and_possible() -> None:
    """No row is without source, licence, boundary or a year, and none is outside what grids emit."""
    for row in factor_rows().values():
        assert row.source
        assert row.licence
        assert row.boundary in {"lifecycle", "combustion", "operational"}
        assert 2005 <= row.year <= 2026
        assert 0 < row.grams_per_kwh < 1500


def test_country_state_and_cloud_figures_keep_their_boundaries_apart() -> None:
    """Kinds of places do not share a boundary by accident: it decides what may be compared."""
    boundaries = {(row.code.startswith("gcp/"), "-" in row.code, row.boundary) for row in factor_rows().values()}
    assert boundaries == {(False, False, "lifecycle"), (False, True, "combustion"), (True, True, "operational")}


def test_google_regions_are_those_of_googles_own_list() -> None:
    """All of them, with its figures."""
    with GOOGLE_LIST.open(encoding="utf-8") as file:
        listed = {f"gcp/{line['region']}": float(line["grams_per_kwh"]) for line in csv.DictReader(file)}
    ours = {code: row.grams_per_kwh for code, row in factor_rows().items() if code.startswith("gcp/")}
    assert ours == listed
    assert len(ours) == 44


def test_grid_examples_are_the_clean_and_the_dirty_sentence() -> None:
    """107 Wh is 3 g in Norway and 76 g in India, by factors of one year and one boundary."""
    examples = grid_examples(0.107 * JOULES_PER_KILOWATT_HOUR)
    assert examples.clean.grams == pytest.approx(3.29, abs=0.01)
    assert examples.dirty.grams == pytest.approx(75.79, abs=0.01)
    assert (examples.clean.factor.place, examples.dirty.factor.place) == ("Norway", "India")
    assert examples.clean.factor.boundary == examples.dirty.factor.boundary
    assert examples.clean.factor.year == examples.dirty.factor.year


def test_user_factor_keeps_the_place_and_claims_no_boundary() -> None:
    """A factor of one's own is named after the place and says that its boundary is not stated."""
    factor = user_factor(120, find_place("FR"))
    assert (factor.grams_per_kwh, factor.place, factor.place_code) == (120.0, "France", "FR")
    assert factor.year is None
    assert factor.boundary == "boundary not stated"
    assert user_factor(0).place_code is None


@pytest.mark.parametrize("value", [-0.1, 0.4, 2000.1, float("nan"), float("inf")])
def test_impossible_user_factor_is_refused(value: float) -> None:
    """Negative, absurd and undefined factors are refused with the range."""
    with pytest.raises(CardCallbackError, match=r"1 to 2,000 grams"):
        user_factor(value)


def _missing_data() -> str | None:
    for package, version in (("codecarbon", "3.3.2"), ("ecologits", "0.10.0"), ("pycountry", None)):
        if importlib.util.find_spec(package) is None:
            return f"{package} is not installed (make matrix-factors)"
        if version is not None and importlib.metadata.version(package) != version:
            return f"{package} is not {version}, which the table was built from"
    return None


@pytest.mark.skipif(_missing_data() is not None, reason=str(_missing_data()))
def test_table_is_what_the_builder_makes_of_the_open_data(tmp_path: Path) -> None:
    """The table that ships is byte for byte what the script makes of codecarbon's and ecologits' data."""
    spec = importlib.util.spec_from_file_location("build_factor_table", BUILDER)
    assert spec is not None
    assert spec.loader is not None
    builder = importlib.util.module_from_spec(spec)
    sys.modules["build_factor_table"] = builder  # dataclasses look their module up by name
    try:
        spec.loader.exec_module(builder)
        builder.write_table(builder.build_rows(*builder.installed_data()), tmp_path / "factors.csv")
    finally:
        del sys.modules["build_factor_table"]
    assert (tmp_path / "factors.csv").read_bytes() == TABLE.read_bytes()
