"""Human formats."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cardcallback.units import (
    first_upper,
    format_bytes,
    format_clock,
    format_coverage,
    format_duration,
    format_emissions,
    format_energy,
    format_large,
    format_megahertz,
    format_multiple,
    format_number,
    format_parameters,
    format_percent,
    format_ranks,
    format_result,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.5, "0.500"),
        (9.996, "10.0"),
        (57.12, "57.1"),
        (819.6, "820"),
        (-1.234, "-1.23"),
        (1e5, "100,000"),
        (7.44e25, "74,400" + ",000" * 7),
    ],
)
def test_numbers_have_three_figures(value: float, text: str) -> None:
    """Three significant figures, also where rounding adds a digit."""
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1.0434, "1.04"),
        (12345.6, "12,300"),
        (5.378e-9, "5.38e-9"),
        (-2.98e-6, "-2.98e-6"),
        (2.32e46, "2.32e46"),
    ],
)
def test_results_far_from_one_have_an_exponent(value: float, text: str) -> None:
    """A divergence of almost nothing, or a perplexity past all sense, is not counted out in digits."""
    assert format_result(value) == text


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


_DURATION = re.compile(r"([\d.,]+) (s|min|h|d)(?: (\d+) (s|min|h))?")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
_BELOW = {"s": 60, "min": 60, "h": 24, "d": math.inf}


@given(
    st.floats(0, 1e9)
    | st.builds(
        lambda unit, count, off: max(count * unit + off, 0.0),
        st.sampled_from([1, 60, 3600, 86_400]),
        st.integers(0, 100),
        st.floats(-31, 31) | st.floats(-1, 1),
    )
)
@example(3599.76)
@example(86_369.9)
def test_a_duration_is_rounded_once(seconds: float) -> None:
    """What is printed is the nearest to the truth in its smaller unit, and no unit is full."""
    match = _DURATION.fullmatch(format_duration(seconds))
    assert match is not None
    first, name, second, small = match.groups()
    whole = float(first.replace(",", ""))
    assert whole < _BELOW[name]
    assert second is None or 0 < int(second) < _BELOW[small]
    finest = {"s": 1, "min": 1, "h": 60, "d": 3600}[name] if whole >= 10 or name != "s" else 0.1
    printed = whole * _SECONDS[name] + (int(second) * _SECONDS[small] if second else 0)
    assert abs(printed - seconds) <= finest / 2 * (1 + 1e-9)


@given(st.floats(0, 1))
def test_a_coverage_is_never_said_to_be_more(share: float) -> None:
    """Rounded down, by less than the third figure: 94.996 % is no 95 %."""
    printed = float(format_coverage(share).removesuffix(" %")) / 100
    assert share * 0.99 <= printed * (1 + 1e-9)
    assert printed <= share * (1 + 1e-9)


def test_a_coverage_of_round_figures_stays_itself() -> None:
    """What a share's digits say is not lost to their binary form."""
    shares = (0.57, 0.95, 0.94996, 0.012345, 0.0, 1.0)
    assert [format_coverage(share) for share in shares] == ["57.0 %", "95.0 %", "94.9 %", "1.23 %", "0 %", "100 %"]


def test_the_other_formats() -> None:
    """Bytes, emissions, shares and large counts."""
    assert format_bytes(128_501_256_192) == "120 GiB"
    assert format_emissions(37.2) == "37 g"
    assert format_emissions(0.00037) == "0.37 mg"
    assert format_emissions(0.0) == "0 g"
    assert format_percent(0.004, 1) == "0.4 %"
    assert format_large(5_520_000) == "5.52 M"
    assert format_large(8000) == "8,000"


@pytest.mark.parametrize(
    ("ranks", "words"),
    [
        ([3], "rank 3"),
        ([5, 2], "ranks 2 and 5"),
        ([8, 9, 10, 20], "ranks 8 to 10 and 20"),
        ([0, 1], "ranks 0 and 1"),
        (range(0, 100, 2), "50 ranks, 0 the first,"),
    ],
)
def test_ranks_in_words(ranks: list[int], words: str) -> None:
    """Runs are told by their ends, and what is too many to list by its number."""
    assert format_ranks(ranks) == words


@pytest.mark.parametrize(
    ("count", "words"), [(270_000_000, "270 M"), (1_000_000_000, "1.00 B"), (7_620_000_000, "7.62 B")]
)
def test_a_models_size_is_in_billions(count: int, words: str) -> None:
    """And not in the G of other large numbers."""
    assert format_parameters(count) == words


def test_a_sentence_begins_large_and_goes_on_as_it_was() -> None:
    """Units and names inside it are not touched; nothing stays nothing."""
    assert [first_upper(text) for text in ("gPU of kWh", "é", "")] == ["GPU of kWh", "É", ""]


def test_clocks_are_told_in_megahertz() -> None:
    """From hertz."""
    assert format_megahertz(2.4e9) == "2,400 MHz"


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("hh:mm:ss", "01:52:05"),
        ("H:MM:SS", "01:52:05"),
        ("HH:MM", "01:52"),
        ("mm:ss", "112:05"),
        ("ss", None),
        ("hours", None),
    ],
)
def test_a_time_in_the_form_of_a_clock(form: str, text: str | None) -> None:
    """Hours do not begin again after a day."""
    assert format_clock(6725.0, form) == text
    assert format_clock(100 * 3600.0, "hh:mm") == "100:00"


@pytest.mark.parametrize(
    ("ratio", "text"), [(1000.0, "1,000 times as much"), (2.04, "2.0 times as much"), (0.001, "1/1,000 as much")]
)
def test_a_ratio_far_from_one_is_told_as_a_multiple(ratio: float, text: str) -> None:
    """A percentage with six digits tells nobody anything."""
    assert format_multiple(ratio) == text
