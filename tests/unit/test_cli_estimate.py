"""``cardcallback estimate``: what it prints and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cardcallback.cli import main


def run(*arguments: str) -> int:
    """The exit code of the command."""
    with pytest.raises(SystemExit) as stop:
        main(["estimate", *arguments])
    return int(stop.value.code or 0)


def test_the_figures_are_data(capsys: Any) -> None:
    """A worked example of a course: 4 h at 100 W in a grid of 400 g/kWh."""
    assert run("--watts", "100", "--hours", "4", "--carbon-intensity", "400", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["energy_joules"] == pytest.approx(0.4 * 3.6e6)
    assert document["emissions_grams"] == pytest.approx(160.0)
    assert document["estimate"] is True


def test_the_text_says_what_it_is(capsys: Any) -> None:
    """Label, assumption, factor with its year and boundary, and what is in no figure."""
    assert run("--gpu", "H100 SXM", "--hours", "3", "--count", "8", "--pue", "1.2", "--location", "DE") == 0
    out = capsys.readouterr().out
    assert out.startswith("An estimate, not a measurement")
    assert "16.8 kWh (estimated: each of 8 devices drew rated power, 700 W, for 3 h)" in out
    assert "Germany, 2024, lifecycle" in out
    assert "It holds: the GPU's cores, the GPU's memory" in out
    assert "the machine around them is in no figure" in out


def test_without_a_place_there_is_no_co2e(capsys: Any) -> None:
    """What the energy would be in a clean and in a dirty grid, and how to say where it was."""
    assert run("--gpu", "GB10", "--hours", "2") == 0
    out = capsys.readouterr().out
    assert "CO2e: no place given" in out
    assert "Norway" in out
    assert "unknown, of the GB10 (DGX Spark) nobody published" in out
    assert run("--gpu", "GB10", "--hours", "2", "--json") == 0
    assert json.loads(capsys.readouterr().out)["emissions_grams"] is None


@pytest.mark.parametrize(
    "arguments",
    [("--gpu", "H100", "--hours", "2"), ("--watts", "0", "--hours", "2"), ("--energy-kwh", "1", "--location", "XX")],
)
def test_a_mistake_is_one_line(arguments: tuple[str, ...], capsys: Any) -> None:
    """Exit code 1, and nothing that looks like a figure."""
    assert run(*arguments) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
