"""The table of ways in is what the trials' results say, and its reasons and figures are shown."""

from __future__ import annotations

from typing import Any

import pytest

from table import FOLDER, PAGE, read_results, rendered
from way import CELLS, REGISTRY, identifiers, load


def result(**cells: dict[str, Any]) -> dict[str, Any]:
    """A way's result in which all holds but ``cells``."""
    return {
        "way": "one",
        "title": "One way",
        "page": "trainer.md",
        "machine": "gb10",
        "versions": {"python": "3.11.1", "torch": "2.13.0"},
        "energy": {"measured_joules": 1010.0, "true_joules": [999.0, 1001.0]},
        "cells": {name: {"holds": True} for name in CELLS} | cells,
    }


def test_the_page_is_what_the_results_say() -> None:
    """Nobody wrote in docs/ways_in.md by hand: `python scripts/ways_in.py render` makes it."""
    assert PAGE.read_text(encoding="utf-8") == rendered(read_results())


def test_every_result_is_of_a_way_there_is() -> None:
    """Results of ways that are gone are removed, and titles and pages are those of the way."""
    for one in read_results():
        way = load(one["way"])
        assert (one["title"], one["page"]) == (way.TITLE, way.PAGE)
        assert (FOLDER / f"{one['way']}.json").is_file()


@pytest.mark.parametrize("identifier", identifiers())
def test_a_way_has_what_the_contract_asks_for(identifier: str) -> None:
    """Its file says title, page and needs, trains in one of two manners, and excuses only cells there are."""
    way = load(identifier)
    assert way.__doc__
    assert hasattr(way, "train") or hasattr(way, "commands")
    assert set(getattr(way, "NOT_HERE", {})) <= set(CELLS)
    assert (REGISTRY.parents[2] / "docs" / way.PAGE).is_file()


def test_an_empty_cell_has_its_reason_once() -> None:
    """Two cells of one reason share its number; a cell that fails says so."""
    page = rendered(
        [
            result(live={"holds": None, "why": "not built"}, push={"holds": None, "why": "not built"}),
            result(card={"holds": False, "why": "row missing"}),
        ]
    )
    assert "| yes | (1) | yes | yes (+1.0 %) | (1) |" in page
    assert "1. not built\n2. does not hold: row missing\n" in page
