"""Comparisons whose constants nobody defends are hints."""

from __future__ import annotations

import pytest
from checked import findings


@pytest.mark.parametrize(
    ("body", "hinted"),
    [
        ("- Energy: 0.40 kWh\n\nThat is about 40 phone charges.", True),
        ("- Energy: 0.40 kWh\n\nThat is about 21 phone charges.", False),
        ("Emissions of 480 g CO2eq are like driving 4 km by car.", False),
        ("Emissions of 480 g CO2eq are like driving 40 km by car.", True),
        ("Emissions of 480 g CO2eq are like driving 1.2 miles.", False),
        ("It charges 2 phones.", False),
    ],
)
def test_a_comparison(body: str, hinted: bool) -> None:  # noqa: FBT001  a case's outcome
    """10 Wh is the battery's, not what a charge takes from the wall; 12 g a kilometre is no car's."""
    found = findings(body)
    assert [(one.severity, one.rule) for one in found] == ([("hint", "equivalent")] if hinted else [])
