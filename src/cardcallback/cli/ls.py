"""``cardcallback ls``: every run below some folders, failed ones too, and what they used in all."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cardcallback.cli.found_runs import DamagedRecord, FoundRun, begun_on, find_runs
from cardcallback.cli.listed_run import ListedRun
from cardcallback.cli.output import print_json, say, say_row
from cardcallback.cli.run_costs import Prices, shared_sessions, sum_notes, summed_runs, used_by
from cardcallback.errors import CardCallbackError
from cardcallback.record import Spent
from cardcallback.render.figures import together_words
from cardcallback.render.run_words import plural
from cardcallback.render.text import clean
from cardcallback.units import format_duration, one_line

_COLUMNS = ("date", "run", "status", "steps", "time", "GPU energy")
_LONGEST_CELL = 60
_LONGEST_CURRENCY = 12
_RUN_ID_LENGTH = 8


def ls(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Where to look, with all folders below.")],
    *,
    price_per_kwh: Annotated[
        float | None,
        typer.Option("--price-per-kwh", "--price", min=0.0, metavar="PRICE", help="What you pay for a kWh."),
    ] = None,
    price_per_hour: Annotated[
        float | None, typer.Option(min=0.0, metavar="PRICE", help="What you pay for an hour of one computer.")
    ] = None,
    currency: Annotated[str | None, typer.Option(metavar="NAME", help="Of the prices, such as EUR.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print data only.")] = False,
) -> None:
    """List every run below DIR, failed ones too, and their sum.

    Each with its status, steps, time, energy and, at a price of yours, cost.
    """
    prices = _prices(price_per_kwh, price_per_hour, currency)
    for folder in folders:
        if not folder.is_dir():
            msg = f"{one_line(str(folder))} is no folder: give one that runs were written into"
            raise CardCallbackError(msg, exit_code=3)
    runs, damaged = find_runs(folders)
    if not runs and not damaged:
        below = " or ".join(one_line(str(folder)) for folder in folders)
        msg = f"no run below {below}: give a folder that runs were written into"
        raise CardCallbackError(msg, exit_code=3)
    if json:
        print_json(_document(runs, damaged, prices))
    else:
        _print(runs, damaged, prices, root=folders[0] if len(folders) == 1 else Path())


def _prices(per_kwh: float | None, per_hour: float | None, currency: str | None) -> Prices:
    if any(price is not None and not math.isfinite(price) for price in (per_kwh, per_hour)):
        msg = "a price needs a number: give what you pay, such as 0.30"
        raise CardCallbackError(msg)
    name = None if currency is None else clean(currency, _LONGEST_CURRENCY)
    return Prices(per_kwh=per_kwh, per_hour=per_hour, currency=name or None)


def _print(runs: Sequence[FoundRun], damaged: Sequence[DamagedRecord], prices: Prices, *, root: Path) -> None:
    shared, in_folder = shared_sessions(runs), Counter(run.folder for run in runs)
    lone = [in_folder[run.folder] == 1 for run in runs]
    rows = [
        _row(run, prices, count, is_alone=alone, root=root)
        for run, count, alone in zip(runs, shared, lone, strict=True)
    ]
    rows += [("", clean(one.file, _LONGEST_CELL), clean(one.problem, _LONGEST_CELL)) for one in damaged]
    counted = summed_runs(runs)
    if counted:
        rows.append(("sum", plural(len(counted), "run"), "", "", *_used_cells(counted, prices)))
    table = [_columns(prices), *rows]
    widths = [max(len(row[place]) for row in table if place < len(row)) for place in range(len(table[0]))]
    for number, row in enumerate(table):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
        say_row(line, bold=number == 0)
    for note in sum_notes(runs, prices):
        say(note)


def _columns(prices: Prices) -> tuple[str, ...]:
    unit = f",{prices.unit}" if prices.unit else ""
    energy = [f"energy cost{unit}"] if prices.per_kwh is not None else []
    return (*_COLUMNS, *energy, *([f"time cost{unit}"] if prices.per_hour is not None else []))


def _row(run: FoundRun, prices: Prices, shared: int, *, is_alone: bool, root: Path) -> tuple[str, ...]:
    record = run.record
    told = [] if is_alone and not run.branch else [record.run_id[:_RUN_ID_LENGTH]]
    told += [f"branch {run.branch}"] if run.branch else []
    name = _name(root, run.folder)
    name = f"{name} ({', '.join(told)})" if told else name
    return (
        clean(begun_on(record), _LONGEST_CELL),
        clean(name, _LONGEST_CELL),
        _status(record, shared),
        _steps(record),
        *_used_cells([run], prices),
    )


def _name(root: Path, folder: str) -> str:
    """What to call an output folder: the one that was given, or its parent, by its name and not by dots."""
    return folder if folder.strip("./") else (root / folder).resolve().name or folder


def _used_cells(runs: Sequence[FoundRun], prices: Prices) -> tuple[str, ...]:
    used = used_by(runs)
    energy = [used.energy_cost_words(prices)] if prices.per_kwh is not None else []
    time = [used.time_cost_words(prices)] if prices.per_hour is not None else []
    return (_time_words(used.spent), together_words(used.spent), *energy, *time)


def _time_words(spent: Spent) -> str:
    return f"{'at least ' if spent.is_least_time else ''}{format_duration(spent.seconds)}"


def _status(record: ListedRun, shared: int) -> str:
    status = "unfinished" if record.status == "running" else record.status
    told = [f"{len(record.sessions)} sessions"] if len(record.sessions) > 1 else []
    told += [f"{shared} shared"] if shared else []
    told += ["recovered"] if record.recovered else []
    told += ["simulated"] if record.simulated else []
    return f"{status} ({', '.join(told)})" if told else status


def _steps(record: ListedRun) -> str:
    planned = record.training.planned_steps
    return f"{record.training.steps:,}" + (f" of {planned:,}" if planned and planned > record.training.steps else "")


def _document(runs: Sequence[FoundRun], damaged: Sequence[DamagedRecord], prices: Prices) -> dict[str, Any]:
    counted = summed_runs(runs)
    return {
        "runs": [_run_document(run, prices, count) for run, count in zip(runs, shared_sessions(runs), strict=True)],
        "damaged": [{"file": one.file, "problem": one.problem} for one in damaged],
        "sum": {"runs": len(counted), **_used_document(counted, prices)},
        "prices": {"per_kwh": prices.per_kwh, "per_hour": prices.per_hour, "currency": prices.currency},
        "notes": sum_notes(runs, prices),
    }


def _run_document(run: FoundRun, prices: Prices, shared: int) -> dict[str, Any]:
    record = run.record
    return {
        "folder": run.folder,
        "run_id": record.run_id,
        "branch": run.branch or None,
        "status": record.status,
        "sessions": len(record.sessions),
        "shared_sessions": shared,
        "steps": record.training.steps,
        "planned_steps": record.training.planned_steps,
        **_used_document([run], prices),
        "gpu_energy_reason": record.energy.gpu.reason,
        "started_on": begun_on(record),
        "simulated": record.simulated,
        "recovered": record.recovered,
    }


def _used_document(runs: Sequence[FoundRun], prices: Prices) -> dict[str, Any]:
    used = used_by(runs)
    spent = used.spent
    return {
        "duration_seconds": spent.seconds,
        "duration_is_least": spent.is_least_time,
        "gpu_energy_joules": spent.joules,
        "gpu_energy_low_joules": spent.low_joules,
        "gpu_energy_high_joules": None if spent.is_least else spent.high_joules,
        "gpu_energy_is_least": spent.is_least,
        "cost": used.energy_cost(prices),
        "time_cost": used.time_cost(prices),
    }
