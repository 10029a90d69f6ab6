"""The notebook that many learn from runs with our classes, and prints the figures that it says it prints."""

from __future__ import annotations

import ast
import dataclasses
import inspect

import pytest
from lab_notebook import cells, run_with

from cardcallback import DetailedModelCard, EnvironmentalImpact
from cardcallback.errors import CardCallbackWarning


def class_of_the_notebook(name: str) -> ast.ClassDef:
    """Its own definition."""
    trees = [node for cell in cells() for node in ast.parse(cell).body]
    return next(node for node in trees if isinstance(node, ast.ClassDef) and node.name == name)


def fields_of(definition: ast.ClassDef) -> list[str]:
    """Its fields in order, which are its arguments."""
    return [node.target.id for node in definition.body if isinstance(node, ast.AnnAssign)]


def test_the_fields_of_the_card_are_the_notebooks() -> None:
    """Every field by its name and in its place, so that a call by position means the same."""
    ours = [field.name for field in dataclasses.fields(DetailedModelCard)]
    assert ours == fields_of(class_of_the_notebook("DetailedModelCard"))


def test_the_impact_takes_the_notebooks_arguments_and_has_its_methods() -> None:
    """Its arguments come first and in order; every method is there."""
    definition = class_of_the_notebook("EnvironmentalImpact")
    names = fields_of(definition)
    assert list(inspect.signature(EnvironmentalImpact).parameters)[: len(names)] == names
    assert list(inspect.signature(EnvironmentalImpact.with_seed_constants).parameters) == names
    methods = [node.name for node in definition.body if isinstance(node, ast.FunctionDef)]
    assert methods
    assert [name for name in methods if not callable(getattr(EnvironmentalImpact, name, None))] == []


def test_the_notebook_runs_from_its_first_cell_to_its_last() -> None:
    """With the notebook's constants its worked figures come out: the Spark's, the A100's and the H100's."""
    printed, names = run_with(
        DetailedModelCard=DetailedModelCard, EnvironmentalImpact=EnvironmentalImpact.with_seed_constants
    )
    assert "Energy consumed: 0.40 kWh\nCarbon emitted: 0.16 kg CO2\nTree offset needed: 0.01 trees\n" in printed
    assert "Equivalent to driving: 1.3 km" in printed
    table = [line.split() for line in printed.splitlines() if line.startswith(("DGX Spark (L", "Cloud "))]
    assert [row[-2:] for row in table] == [["0.40", "0.16"], ["0.96", "0.38"], ["0.84", "0.34"]]
    assert "Limitations defined: 13\n  Safety evaluations: 6\n  Ethical considerations: 5" in printed
    assert names["rendered_card"].startswith("# Model Card: customer-support-assistant-llama3-8b")
    assert printed.rstrip().endswith("Module 4.2: AI Safety & Alignment - COMPLETE!")


def test_its_report_has_the_notebooks_parts_and_none_of_its_claims() -> None:
    """Headings and rows are the ones its readers know; what it claims without knowing is not carried over."""
    printed, _ = run_with(
        DetailedModelCard=DetailedModelCard, EnvironmentalImpact=EnvironmentalImpact.with_seed_constants
    )
    report = printed[printed.index("## Environmental Impact") :]
    for part in (
        "### Training Configuration",
        "| Training Duration | 4.0 hours",
        "| GPU(s) Used | 1x NVIDIA GB10 (DGX Spark) |",
        "| GPU TDP | 100 W",
        "| Data Center PUE | 1.0",
        "| Grid Carbon Intensity | 400 gCO2/kWh",
        "### Energy Consumption",
        "| Total Energy | 0.40 kWh (estimate: ",
        "| CO2 Emissions | 0.16 kg CO2e (estimate: ",
        "### Equivalents",
        "| Trees to offset (1 year) | 0.0073 trees (estimate: ",
        "| Equivalent driving | 1.3 km (estimate: ",
        "| Smartphone charges | 40 charges (estimate: ",
        "### Carbon Reduction Measures",
        "### Note",
    ):
        assert part in report
    for claim in ("off-peak", "1000x", "carbon-aware", "efficient hardware", "significantly lower"):
        assert claim not in report


def test_without_a_factor_the_notebook_gets_no_carbon_figure() -> None:
    """Its default of 400 g/kWh is not ours: the figure is absent, and a warning says what to give."""
    impact = EnvironmentalImpact(training_hours=4.0, gpu_count=1, gpu_model="GB10 (DGX Spark)", gpu_tdp_watts=100)
    with pytest.warns(CardCallbackWarning, match="no CO2e figure: no place given: give location="):
        assert impact.calculate_carbon_kg() is None
    assert impact.calculate_energy_kwh() == pytest.approx(0.4)
