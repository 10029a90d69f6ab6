"""The page that the cost of a run is written into."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the benchmark trains with PyTorch")

from overhead import markdown, with_block

PAGE = Path(__file__).parents[2] / "docs" / "overhead.md"


def test_the_table_takes_the_place_of_the_one_before() -> None:
    """Only that: what stands around it in the page stays, however often it is written."""
    page = PAGE.read_text()
    once = with_block(page, "| first |")
    twice = with_block(once, "| second |")
    assert "| first |" in once
    assert twice == once.replace("| first |", "| second |")
    assert twice.partition("<!--")[0] == page.partition("<!--")[0]


def test_a_page_without_a_place_is_refused() -> None:
    """Before it is written over."""
    with pytest.raises(SystemExit, match="no place"):
        with_block("# A page of somebody's", "| first |")


def test_each_figure_stands_beside_its_budget_and_the_peers() -> None:
    """A cost above its budget says so, and one that codecarbon does not have is left open."""
    ours = {"step_time_ratio": 1.006, "on_train_begin_seconds": 0.05, "on_train_end_with_charts_seconds": 1.0}
    lines = markdown({"cardcallback": ours, "codecarbon": {"step_time_ratio": 1.001}}).splitlines()
    cells = [re.split(r" ?\| ?", line.strip("| ")) for line in lines[2:]]
    assert cells[0] == ["step time ratio", "1.0060", "1.0010", "≤ 1.0050", "BROKEN"]
    assert cells[1] == ["on train begin", "50.0 ms", "", "≤ 50.0 ms", "kept"]
    assert cells[2][0] == "on train end with charts"
