"""Energies that others measured and published, as a table to stand beside ours; never divided by ours."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from cardcallback.errors import CardCallbackError
from cardcallback.render.text import escape_markdown, table_row
from cardcallback.units import JOULES_PER_KILOWATT_HOUR, SECONDS_PER_HOUR, format_duration, format_energy

_ROOT = Path(__file__).resolve().parents[2]
FOOTPRINTS = _ROOT / "tests" / "fixtures" / "published_footprints.csv"
CHOSEN = Path(__file__).with_name("published.yaml")
_LONGEST = 300


@dataclass(frozen=True, kw_only=True)
class Published:
    """One run of others: ``how`` says what was measured of it, ``seconds`` are of all its GPUs together."""

    run: str
    gpu: str
    joules: float
    seconds: float | None
    how: str
    source: str


def load_published(footprints: Path = FOOTPRINTS, chosen: Path = CHOSEN) -> tuple[Published, ...]:
    """The chosen rows, in the order in which they were chosen.

    Raises:
        CardCallbackError: a chosen row is not there, or has no energy.
    """
    with footprints.open(encoding="utf-8", newline="") as file:
        rows = {row["model"]: row for row in csv.DictReader(file)}
    names: dict[str, str] = YAML(typ="safe").load(chosen)
    return tuple(_published(name, how, rows.get(name)) for name, how in names.items())


def _published(name: str, how: str, row: dict[str, str] | None) -> Published:
    if row is None or not row["energy_kwh"]:
        msg = f"{name!r} has no energy in {FOOTPRINTS.name}: take it out of {CHOSEN.name}"
        raise CardCallbackError(msg)
    return Published(
        run=name,
        gpu=row["gpu"],
        joules=float(row["energy_kwh"]) * JOULES_PER_KILOWATT_HOUR,
        seconds=float(row["gpu_hours"]) * SECONDS_PER_HOUR if row["gpu_hours"] else None,
        how=how,
        source=row["source"],
    )


def published_table(rows: tuple[Published, ...]) -> str:
    """The rows as a Markdown table."""
    lines = [
        table_row("run, as published", "GPU", "energy", "GPU time", "what was measured", "source"),
        table_row(*["---"] * 6),
    ]
    for row in rows:
        time = "not given" if row.seconds is None else format_duration(row.seconds)
        cells = (row.run, row.gpu, format_energy(row.joules), time, row.how, row.source)
        lines.append(table_row(*(escape_markdown(cell, _LONGEST) for cell in cells)))
    return "\n".join(lines)
