"""Published figures: tables whose arithmetic holds raise no word, and known wrong ones are found."""

from __future__ import annotations

import pytest
from checked import GOOD_MATTER, errors, findings, rules

HEAD = "| | Hours (GPU hours) | Power (W) | Emissions (t CO2eq) |\n|---|---|---|---|\n"

# GPU hours, watts, tonnes as printed: hours × watts × 1.1 × 385 g/kWh. LLaMA paper, Table 15; card of Llama 2.
HOLDING = {
    "LLaMA": [(809_472, 400, 137), (82_432, 400, 14), (135_168, 400, 23), (530_432, 400, 90), (1_022_362, 400, 173)],
    "Llama 2": [(184_320, 400, 31.22), (368_640, 400, 62.44), (1_720_320, 400, 291.42)],
    "Llama 3.1": [(1_460_000, 700, 420), (7_000_000, 700, 2040), (30_840_000, 700, 8930)],
}
# Megawatt-hours, overhead, grams a kilowatt-hour, tonnes. OLMo paper, table of footprints.
OLMO = [
    (1066, 1.08, 330, 380),
    (324, 1.1, 231, 82),
    (77, 1.12, 545, 47),
    (33, 1.1, 385, 14),
    (74, 1.1, 385, 31),
    (135, 1.1, 0, 0),
    (104, 1.1, 610, 70),
]


@pytest.mark.parametrize("name", HOLDING)
def test_published_tables_of_hours_raise_no_word(name: str) -> None:
    """Rows of hours, watts and tonnes, with the place they were trained at."""
    rows = "".join(
        f"| run {i} | {hours:,} | {watts} | {tonnes} |\n" for i, (hours, watts, tonnes) in enumerate(HOLDING[name])
    )
    assert findings(f"- **Location:** United States\n\n{HEAD}{rows}") == []


@pytest.mark.parametrize(("megawatt_hours", "overhead", "factor", "tonnes"), OLMO)
def test_published_products_raise_no_word(megawatt_hours: int, overhead: float, factor: int, tonnes: int) -> None:
    """Energy × overhead × factor as printed, rounded to whole tonnes; a factor of 0 is a claim, not a gap."""
    body = f"{megawatt_hours} MWh × PUE {overhead} × {factor} g CO2/kWh = {tonnes} t CO2eq"
    assert findings(body) == []


@pytest.mark.parametrize(
    "body",
    [
        "Training used 433,196 kWh × 57 g/kWh = 24.69 t CO2eq (France).",
        "- Energy: 1.131 kWh\n- Location: USA\n- Carbon emitted: 418 g CO2eq",
        "- Energy: 115.69 kWh\n- Country: Germany\n- Emissions: 41.11 kg CO2",
    ],
)
def test_published_sentences_raise_no_word(body: str) -> None:
    """BLOOM, a LoRA of Gemma 2B, TeenyTinyLlama."""
    assert findings(body) == []


def test_a_quotient_that_no_grid_has_is_found() -> None:
    """The sample of CycloneDX: 0.4 kWh and 31.22 t are 78 t for each kilowatt-hour."""
    assert rules("Training took 0.4 kWh and caused 31.22 tCO2eq.") == {"emissions"}


def test_a_factor_of_another_place_is_found() -> None:
    """12.9 t for 7.0 M hours at 700 W are 2.6 g/kWh, which Stockholm has and the United States have not."""
    row = "| 70B | 7.0M | 700 | 12.9 |\n"
    assert rules(f"- **Location:** United States\n\n{HEAD}{row}") == {"emissions"}
    assert rules(f"- **Location:** gcp/europe-north2\n\n{HEAD}{row}") == set()


@pytest.mark.parametrize(("grams", "found"), [("41110", False), ("41.11", True), ("411000", True)])
def test_kilograms_for_grams_are_found(grams: str, found: bool) -> None:  # noqa: FBT001  a case's outcome
    """The front matter is in grams; 41.11 kg are neither 41.11 nor 411,000 g."""
    matter = GOOD_MATTER.replace("license", f"co2_eq_emissions:\n  emissions: {grams}\n  source: codecarbon\nlicense")
    raised = errors("- Energy: 115.69 kWh\n- Country: Germany\n- Emissions: 41.11 kg CO2", matter)
    assert bool(raised) is found
    assert all(one.rule == "emissions" for one in raised)
    if grams == "41.11":
        assert "kilograms were written for grams" in raised[0].what


def test_grams_are_told_in_two_figures() -> None:
    """No more digits than a card prints of CO2e."""
    matter = GOOD_MATTER.replace("license", "co2_eq_emissions:\n  emissions: 1234.5\n  source: codecarbon\nlicense")
    what = errors("- Energy: 115.69 kWh\n- Country: Germany\n- Emissions: 41.11 kg CO2", matter)[0].what
    assert "emissions is 1,200 g" in what


def test_kilograms_are_found_with_energy_and_factor_alone() -> None:
    """83.5 g beside 240 kWh at 348 g/kWh: the figure is in kilograms."""
    matter = GOOD_MATTER.replace("license", "co2_eq_emissions: 83.524\nlicense")
    assert rules("Training drew 240 kWh; the grid's factor is 348 g/kWh.", matter) == {"emissions"}
