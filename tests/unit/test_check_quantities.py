"""Numbers, units and days as people write them, in several languages."""

from __future__ import annotations

from datetime import date

import pytest

from cardcallback.check.dates import dates_in
from cardcallback.check.numbers import bare_numbers
from cardcallback.check.quantities import figures_of, find_figures


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("1 h 52 min", "time", 6720.0),
        ("1,9 Stunden", "time", 6840.0),
        ("45 minutos", "time", 2700.0),
        ("5 \u5c0f\u65f6", "time", 18_000.0),
        ("0,107 kWh", "energy", 385_200.0),
        ("385 kJ", "energy", 385_000.0),
        ("3.6B tokens", "tokens", 3.6e9),
        ("5.52 M", "tokens", 5.52e6),
        ("8k", "examples", 8000.0),
        ("12.000", "examples", 12_000.0),
        ("8 000 exemples", "examples", 8000.0),
        ("1'200'000", "examples", 1_200_000.0),
        ("0.8 %", "share", 0.008),
    ],
)
def test_an_amount_is_read_in_its_unit(text: str, kind: str, value: float) -> None:
    """Whatever its decimals, thousands and magnitude look like."""
    assert any(one.fits(value, 1e-9) for one in figures_of(text, kind))
    assert not any(one.fits(value * 1.5, 1e-9) for one in figures_of(text, kind))


@pytest.mark.parametrize("text", ["2e-4", "0.0002", "2 \u00d7 10\u207b\u2074", "2x10^-4", "0,0002", "2E-04"])
def test_a_setting_is_the_same_however_it_is_written(text: str) -> None:
    """With an exponent, a power of ten or plain digits."""
    assert bare_numbers(text)[0].values[0] == pytest.approx(2e-4)


@pytest.mark.parametrize("text", ["580.95.05", "gemma-3-4b", "GB10", "v1.16", "-03-02"])
def test_what_is_part_of_a_name_is_no_number(text: str) -> None:
    """A version, a model or the end of a date."""
    assert [one for one in bare_numbers(text) if one.begin] == []


@pytest.mark.parametrize(
    "text",
    [
        *("2026-03-02", "02.03.2026", "2 March 2026", "March 2nd, 2026", "2. M\u00e4rz 2026", "2 de marzo de 2026"),
        *("2026\u5e743\u67082\u65e5", "le 2 mars 2026", "03/02/2026", "2/3/2026"),
    ],
)
def test_a_day_is_read_in_the_ways_people_write_it(text: str) -> None:
    """Of an order that may be either, both are given."""
    assert date(2026, 3, 2) in set(dates_in(text))


@pytest.mark.parametrize("text", ["31.02.2026", "12 Foo 2026", "Foo 2026", "version 1.2.3"])
def test_what_is_no_day_is_none(text: str) -> None:
    """A day or month that never was, and other numbers."""
    assert list(dates_in(text)) == []


def test_a_month_is_all_of_its_days() -> None:
    """But not where it belongs to a day."""
    assert set(dates_in("in February 2026")) == {date(2026, 2, day) for day in range(1, 29)}
    assert set(dates_in("on 3 February 2026")) == {date(2026, 2, 3)}


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("12 A100-hours", "device_time", 43_200.0),
        ("24 H100-hours", "device_time", 86_400.0),
        ("10 GPU-Stunden", "device_time", 36_000.0),
        ("1.46M GPU hours", "device_time", 5.256e9),
        ("2 GPU days", "device_time", 172_800.0),
        ("**107** Wh", "energy", 385_200.0),
        ("约1.2 kWh", "energy", 4_320_000.0),
        ("训练耗时5小时30分钟", "time", 19_800.0),
        ("01:52:00", "time", 6720.0),
        ("1h52", "time", 6720.0),
        ("1:52 h", "time", 6720.0),
        ("1,5 Stunden und 20 Minuten", "time", 6600.0),
        ("1 h 52 min 30 s", "time", 6750.0),
        ("1h 52m 30s", "time", 6750.0),
        ("1h52m30s", "time", 6750.0),
        ("52m 30s", "time", 3150.0),
        ("1 h 30 s", "time", 3630.0),
        ("8 h 16 GPUs", "time", 28_800.0),
        ("1h52 GPU time", "time", 6720.0),
        ("1 Std. 52 Min.", "time", 6720.0),
        ("3.6 megajoules", "energy", 3_600_000.0),
        ("1 megawatt-hour", "energy", 3.6e9),
        ("2 metric ton CO2", "emissions", 2e6),
        ("37 g CO<sub>2</sub>e", "emissions", 37.0),
        ("0.344 kg CO2eq/kWh", "intensity", 344.0),
        ("8.2k tokens/s", "rate", 8200.0),
        ("120 GiB", "memory", 128_849_018_880.0),
    ],
)
def test_a_figure_says_what_it_is_of(text: str, kind: str, value: float) -> None:
    """By its unit alone, in the base unit."""
    (found,) = find_figures(text)
    assert (found.kind, found.rate) == (kind, None)
    assert found.value == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    [
        "2026\u5e743\u67082\u65e5",
        "1 GPU H100",
        "273 GB/s",
        "5 g of salt",
        "RTX 4090 hours",
        "between 10 and 12 hours",
        "10-12 kWh",
        "2 W h",
        "5 G",
    ],
)
def test_what_only_looks_like_a_figure_is_none(text: str) -> None:
    """A day, a name, a bandwidth, another mass, a range."""
    assert find_figures(text) == []


def test_a_range_holds_what_lies_between() -> None:
    """And nothing beyond, where a value of its kind is asked for."""
    for text in ("10-12 hours", "between 10 and 12 hours", "10 bis 12 Stunden"):
        (found,) = figures_of(text, "time")
        assert found.is_range
        assert found.fits(11 * 3600, 0.0)
        assert not found.fits(14 * 3600, 0.0)


def test_a_rate_is_no_figure_of_its_own() -> None:
    """Seconds a step are not the run's time."""
    (found,) = find_figures("3 s/step")
    assert found.rate == "step"
    assert figures_of("3 s/step", "time") == []
