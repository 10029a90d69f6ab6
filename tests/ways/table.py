"""The table of ways in as a page, from the results that trials left; never written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from way import CELLS

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "ways_in"
PAGE = FOLDER.with_suffix(".md")
_INTRODUCTION = """\
# Ways in

<!-- Made by scripts/ways_in.py from docs/ways_in/*.json; do not edit. -->

Each way was really run with a tiny model on a CPU, beside a simulated GPU whose true energy is known by formula, and
pushed to a Hub that runs on the same machine. The same checks look at all of them:

- **card complete**: every row that the record can fill, nothing left open that the run knows, `cardcallback check
  --record` without an error, no path of the machine;
- **block after push**: every card in every commit, made in the way's own manner of pushing, has the section, the last
  one with its figures, pictures and record;
- **merged folder after `publish`**: the exported or merged model's card has the section after `cardcallback publish`;
- **energy**: the record's GPU energy against the truth, and the truth inside the record's own interval;
- **live figures**: `cardcallback/...` in the TensorBoard files of the run.

"""


def read_results(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Every way's result, by the names of their files."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def rendered(results: list[dict[str, Any]]) -> str:
    """The page."""
    reasons: list[str] = []
    rows = [_row(result, reasons) for result in results]
    head = ["Way in", *CELLS.values()]
    lines = [_line(head), _line(["---", *["---"] * len(CELLS)]), *rows]
    text = _INTRODUCTION + "\n".join(lines) + "\n"
    if reasons:
        text += "\n## Why a cell is empty\n\n" + "".join(f"{at}. {one}\n" for at, one in enumerate(reasons, 1))
    versions = [_line([result["title"], _versions(result)]) for result in results]
    return text + "\n## With what\n\n" + "\n".join([_line(["Way in", "Versions"]), "|---|---|", *versions]) + "\n"


def _row(result: dict[str, Any], reasons: list[str]) -> str:
    cells = [_cell(name, result, reasons) for name in CELLS]
    return _line([f"[{result['title']}]({result['page']})", *cells])


def _cell(name: str, result: dict[str, Any], reasons: list[str]) -> str:
    cell = result["cells"][name]
    if cell["holds"]:
        return f"yes ({_deviation(result)})" if name == "energy" else "yes"
    why = cell["why"] if cell["holds"] is None else f"does not hold: {cell['why']}"
    if why not in reasons:
        reasons.append(why)
    return f"({reasons.index(why) + 1})"


def _deviation(result: dict[str, Any]) -> str:
    measured, (low, high) = result["energy"]["measured_joules"], result["energy"]["true_joules"]
    middle = (low + high) / 2
    percent = round((measured / middle - 1) * 100, 1)
    return f"{percent:+.1f} %" if percent else "0.0 %"


def _versions(result: dict[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in result["versions"].items())


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
