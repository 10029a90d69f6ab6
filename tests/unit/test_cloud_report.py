"""The report of benchmarks/gb10_vs_cloud: who, what is unequal, figures, and nothing divided that may not be."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from cloud_series import Launcher, plan, tools

from gb10_vs_cloud.layout import RECORDS
from gb10_vs_cloud.report import REPORT, main, write_report
from gb10_vs_cloud.series import run_series
from gb10_vs_cloud.workloads import BEST_EFFORT


def measured(folder: Path, machine: str, name: str, energy: float = 1.0, codes: tuple[int, ...] = ()) -> None:
    """A series of a machine."""
    launcher = Launcher(codes, name=name, energy=energy)
    run_series(plan(folder, machine=machine), tools(launcher))


def report(folder: Path) -> str:
    """Its text, of the records in ``folder``."""
    return write_report(folder / "records", folder / "report").read_text(encoding="utf-8")


def test_two_machines_stand_side_by_side(tmp_path: Path) -> None:
    """With the ratio of equal scopes, its interval, and a picture."""
    measured(tmp_path, "a100", "NVIDIA A100-SXM4-80GB", energy=2.0)
    measured(tmp_path, "h100", "NVIDIA H100 80GB HBM3")
    text = report(tmp_path)
    assert "## trial-270m, same-work\n" in text
    assert "imulated" not in text.split("## What others measured")[0]
    energy = next(line for line in text.splitlines() if line.startswith("| GPU energy |"))
    assert "| 0.500 (" in energy
    assert (tmp_path / "report" / "trial-270m-same-work.png").stat().st_size > 10_000
    assert "No record of a real machine" not in text


def test_both_tiers_stand_in_one_report(tmp_path: Path) -> None:
    """Each in a section of its own, and every machine's own settings in that of the tuned ones."""
    for machine, name, tuning in (
        ("a100", "NVIDIA A100-SXM4-80GB", {"learning_rate": 4e-4}),
        ("h100", "NVIDIA H100 80GB HBM3", {}),
    ):
        measured(tmp_path, machine, name)
        tuned = plan(tmp_path, machine=machine, tier=BEST_EFFORT, tuning=tuning)
        run_series(tuned, tools(Launcher(name=name)))
    best, same = report(tmp_path).split("## What others measured")[0].split("\n## ")[1:]
    assert best.startswith("trial-270m, best-effort")
    assert "Tuned: a100 learning" in best
    assert "h100 as same-work." in best
    assert same.startswith("trial-270m, same-work")
    assert "Tuned" not in same


def test_a_failed_attempt_is_named(tmp_path: Path) -> None:
    """Beside the number of repeats that stand."""
    measured(tmp_path, "h100", "NVIDIA H100 80GB HBM3", codes=(0, 0, 1))
    row = next(line for line in report(tmp_path).splitlines() if line.startswith("| A | h100"))
    assert "| 3 | attempt-2: the training ended by exit code 1 |" in row


def test_one_record_alone_is_said_to_be_alone(tmp_path: Path) -> None:
    """A series that was broken off after its first repeat."""
    with pytest.raises(KeyboardInterrupt):
        measured(tmp_path, "h100", "NVIDIA H100 80GB HBM3", codes=_one_then_stop())  # type: ignore[arg-type]
    assert "nothing to compare" in report(tmp_path)


def _one_then_stop() -> Any:
    yield 0
    yield 0
    raise KeyboardInterrupt


def test_published_figures_stand_apart_with_their_sources(tmp_path: Path) -> None:
    """Never in a comparison, never divided."""
    measured(tmp_path, "h100", "NVIDIA H100 80GB HBM3")
    ours, published = report(tmp_path).split("## What others measured")
    assert "ai-field-notes" not in ours
    assert "| 354M GPT, 16-configuration sweep | GB10 (DGX Spark) | 7.18 Wh |" in published
    assert "MLPerf" in published


def test_no_records_is_one_line(tmp_path: Path, capsys: Any) -> None:
    """Exit code 3."""
    assert main(["--records", str(tmp_path), "--output", str(tmp_path / "report")]) == 3
    assert "no records in" in capsys.readouterr().err


def test_a_factor_of_ones_own_gives_co2e_with_its_source(tmp_path: Path, capsys: Any) -> None:
    """Of a file, for a place; a file without a place has no use."""
    measured(tmp_path, "a100", "NVIDIA A100-SXM4-80GB", energy=2.0)
    measured(tmp_path, "h100", "NVIDIA H100 80GB HBM3")
    (tmp_path / "own.csv").write_text("place,grams_per_kwh,source\nHall 3,41,Own study\n")
    given = ["--records", str(tmp_path / "records"), "--output", str(tmp_path / "out")]
    given += ["--factors", str(tmp_path / "own.csv")]
    assert main([*given, "--location", "hall 3"]) == 0
    assert "41 g/kWh (Hall 3, boundary not stated, Own study)" in (tmp_path / "out" / "README.md").read_text()
    assert main(given) == 1
    assert "give --location too" in capsys.readouterr().err


def test_the_committed_report_is_of_the_committed_records(tmp_path: Path) -> None:
    """Made again from them it is the same text and the same pictures."""
    made = write_report(RECORDS, tmp_path).read_text(encoding="utf-8")
    assert made == (REPORT / "README.md").read_text(encoding="utf-8")
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in REPORT.iterdir()}


def test_what_is_simulated_says_so_in_every_table() -> None:
    """And in its pictures' names; no product's name stands in its sections."""
    text = (REPORT / "README.md").read_text(encoding="utf-8").split("## What others measured")[0]
    sections = [section for section in text.split("\n## ") if "(simulated)" in section.split("\n", 1)[0]]
    assert sections
    for section in sections:
        headers = [line for line, below in _pairs(section) if below.startswith("| ---")]
        assert len(headers) >= 2
        assert all("(simulated)" in header for header in headers)
        assert "-simulated.png)" in section
        for product in ("GB10", "Spark", "H100", "A100", "NVIDIA"):
            assert product not in section


def _pairs(text: str) -> list[tuple[str, str]]:
    lines = text.splitlines()
    return list(itertools.pairwise(lines))
