"""``cardcallback compare``: text, Markdown, data and picture, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from compared import run_on
from msgspec.structs import replace

from cardcallback.cli import main
from cardcallback.record import Dataset, encode


@pytest.fixture
def records(tmp_path: Path) -> list[str]:
    """Two runs, in folders as training leaves them."""
    paths = []
    for name, run_id, energy in (("NVIDIA H100 80GB HBM3", "h", 1.0), ("NVIDIA A100-SXM4-80GB", "a", 2.0)):
        folder = tmp_path / run_id / "training_run"
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(encode(run_on(name, run_id, energy=energy)))
        paths.append(str(tmp_path / run_id))
    return paths


def run(*arguments: str) -> int:
    """The exit code of the command."""
    with pytest.raises(SystemExit) as stop:
        main(["compare", *arguments])
    return int(stop.value.code or 0)


def test_what_differs_comes_before_the_figures(records: list[str], capsys: Any) -> None:
    """And the ratio stands beside the figures, without an interval that nobody knows."""
    assert run(*records) == 0
    out = capsys.readouterr().out
    assert out.index("What makes them unequal") < out.index("Figures")
    energy = next(line for line in out.splitlines() if line.startswith("GPU energy "))
    assert energy.endswith("2.00, interval not known")
    assert "sensors' own accuracy" in out


def test_two_unknowns_of_the_same_words_are_not_called_different(tmp_path: Path, capsys: Any) -> None:
    """Nobody knows whether two data sets without a name are one: the row says that."""
    for name, run_id in (("NVIDIA H100 80GB HBM3", "h"), ("NVIDIA A100-SXM4-80GB", "a")):
        record = run_on(name, run_id)
        record = replace(record, training=replace(record.training, dataset=Dataset(training_examples=64)))
        (tmp_path / f"{run_id}.json").write_text(encode(record))
    assert run(str(tmp_path / "h.json"), str(tmp_path / "a.json"), "--markdown") == 0
    out = capsys.readouterr().out
    assert "| data, not known to be alike | not known, 64 examples | not known, 64 examples |" in out
    assert "| hardware, not known" not in out


def test_markdown_is_a_table(records: list[str], capsys: Any) -> None:
    """With a heading, for a report."""
    assert run(*records, "--markdown", "--location", "DE") == 0
    out = capsys.readouterr().out
    assert out.startswith("## Comparison of training runs")
    assert "| CO2e, one grid for all | 37 g" in out
    assert "GPU energy: of the GPU's cores, the GPU's memory (A, B)." in out
    assert "CO2e, one grid for all: of the GPU's cores, the GPU's memory (A, B)." in out


def test_what_a_price_lacks_is_said(records: list[str], capsys: Any) -> None:
    """A purchase price needs a life."""
    assert run(*records, "--purchase-price", "A=4000") == 0
    out = capsys.readouterr().out
    assert "share of the purchase price, by hours of life  none [" in out
    assert "give --life-years A=..." in out


def test_data_is_data(records: list[str], capsys: Any) -> None:
    """Nothing else goes to the output."""
    assert run(*records, "--json", "--electricity-price", "0.3", "--hourly-price", "B=2.5") == 0
    document = json.loads(capsys.readouterr().out)
    assert [group["letter"] for group in document["groups"]] == ["A", "B"]
    assert document["costs"][1]["rent"] == pytest.approx(2.5 * 6720 / 3600)


def test_the_picture_is_a_png(records: list[str], tmp_path: Path, capsys: Any) -> None:
    """Beside the text."""
    chart = tmp_path / "chart.png"
    assert run(*records, "--chart", str(chart)) == 0
    assert chart.read_bytes().startswith(b"\x89PNG")
    assert "wrote" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--hourly-price", "three"),
        ("--hourly-price", "Z=3"),
        ("--chart", "chart.jpeg"),
        ("--location", "Atlantis"),
        ("--hourly-price", "B=2", "--hourly-price", "b=3"),
        ("--pue", "0.9"),
        ("--json", "--markdown"),
    ],
)
def test_a_mistake_is_one_line(records: list[str], arguments: tuple[str, ...], capsys: Any) -> None:
    """Exit code 1, nothing printed as data."""
    assert run(*records, *arguments) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1


def test_one_record_alone_is_told_so(records: list[str], capsys: Any) -> None:
    """And a folder without a record is nothing to work on."""
    assert run(records[0]) == 1
    assert "give two records" in capsys.readouterr().err
    assert run(records[0], str(Path(records[0]).parent)) == 3
