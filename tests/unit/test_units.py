"""Human formats."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardcallback.units import (
    format_bytes,
    format_duration,
    format_emissions,
    format_energy,
    format_large,
    format_number,
    format_percent,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.5, "0.500"), (9.996, "10.0"), (57.12, "57.1"), (819.6, "820"), (-1.234, "-1.23"), (1e5, "100,000")],
)
def test_numbers_have_three_figures(value: float, text: str) -> None:
    """Three significant figures, also where rounding adds a digit."""
    assert format_number(value) == text


@given(st.floats(min_value=1e-9, max_value=1e12))
def test_printed_numbers_are_right_and_have_no_exponent(value: float) -> None:
    """What is printed is within half a unit of the third figure, as a plain decimal."""
    text = format_number(value)
    assert "e" not in text
    assert math.isclose(float(text.replace(",", "")), value, rel_tol=0.00501)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_not_printed(value: float) -> None:
    """NaN and infinity raise instead of reaching a card."""
    with pytest.raises(ValueError, match="reason"):
        format_number(value)


@pytest.mark.parametrize(
    ("joules", "text"),
    [
        (0, "0 mJ"),
        (0.0123, "12.3 mJ"),
        (3599, "1.00 Wh"),
        (385_200, "107 Wh"),
        (3.6e6 * 0.9996, "1.00 kWh"),
        (3.6e9, "1.00 MWh"),
        (900, "900 J"),
    ],
)
def test_energy_has_the_unit_that_fits(joules: float, text: str) -> None:
    """J, Wh, kWh or MWh, chosen by what is printed, not by what was measured."""
    assert format_energy(joules) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.01, "0.010 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (725, "12 min 5 s"),
        (3599.7, "1 h"),
        (6720, "1 h 52 min"),
        (86_399, "1 d"),
        (183_600, "2 d 3 h"),
    ],
)
def test_durations_have_two_units(seconds: float, text: str) -> None:
    """Two units at most, and no "60 s"."""
    assert format_duration(seconds) == text


def test_the_other_formats() -> None:
    """Bytes, emissions, shares and large counts."""
    assert format_bytes(128_501_256_192) == "120 GiB"
    assert format_emissions(37.2) == "37 g"
    assert format_emissions(0.00037) == "0.37 mg"
    assert format_percent(0.004, 1) == "0.4 %"
    assert format_large(5_520_000) == "5.52 M"
    assert format_large(8000) == "8,000"
