"""``cardcallback ls``: every run below some folders, failed ones too, and what they used in all."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cardcallback.cli.found_runs import DamagedRecord, FoundRun, begun_on, find_runs
from cardcallback.cli.output import print_json, say
from cardcallback.errors import CardCallbackError
from cardcallback.record import RunRecord, is_only_a_part
from cardcallback.render.figures import energy_figure
from cardcallback.render.run_words import plural
from cardcallback.render.text import clean
from cardcallback.units import JOULES_PER_KILOWATT_HOUR, format_duration, format_energy, format_number, one_line

_COLUMNS = ("date", "run", "status", "steps", "time", "GPU energy", "its cost")
_LONGEST_CELL = 60
_RUN_ID_LENGTH = 8
_SMALL_COST = 0.1


def ls(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Where to look, with all folders below.")],
    *,
    price: Annotated[
        float | None, typer.Option(min=0.0, metavar="PER_KWH", help="Price of a kWh, in a currency of yours.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print data only.")] = False,
) -> None:
    """List every run below DIR: status, steps, time, energy, cost, and the sum; failed and interrupted ones too."""
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
        print_json(_document(runs, damaged, price))
    else:
        _print(runs, damaged, price)


def _print(runs: Sequence[FoundRun], damaged: Sequence[DamagedRecord], price: float | None) -> None:
    shared = Counter(run.folder for run in runs)
    rows = [_row(run, price, is_alone=shared[run.folder] == 1) for run in runs]
    rows += [("", clean(one.file, _LONGEST_CELL), clean(one.problem, _LONGEST_CELL), "", "", "", "") for one in damaged]
    summed = [run.record for run in _summed(runs)]
    if summed:
        rows.append(("sum", plural(len(summed), "run"), "", "", *_sum_cells(summed, price)))
    columns = _COLUMNS if price is not None else _COLUMNS[:-1]
    table = [columns, *(row[: len(columns)] for row in rows)]
    widths = [max(len(row[place]) for row in table) for place in range(len(columns))]
    for number, row in enumerate(table):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        typer.secho(line, bold=number == 0 and sys.stdout.isatty())
    for note in _notes(runs, summed):
        say(note)


def _row(run: FoundRun, price: float | None, *, is_alone: bool) -> tuple[str, ...]:
    record = run.record
    name = run.folder if is_alone else f"{run.folder} ({record.run_id[:_RUN_ID_LENGTH]})"
    return (
        clean(begun_on(record), _LONGEST_CELL),
        clean(name, _LONGEST_CELL),
        _status(record),
        _steps(record),
        f"{_least_time([record])}{format_duration(record.duration_seconds)}",
        _energy(record),
        _cost_words([record], price),
    )


def _status(record: RunRecord) -> str:
    status = "unfinished" if record.status == "running" else record.status
    told = [f"{len(record.sessions)} sessions"] if len(record.sessions) > 1 else []
    told += ["recovered"] if record.recovered else []
    told += ["simulated"] if record.simulated else []
    return f"{status} ({', '.join(told)})" if told else status


def _steps(record: RunRecord) -> str:
    planned = record.training.planned_steps
    return f"{record.training.steps:,}" + (f" of {planned:,}" if planned and planned > record.training.steps else "")


def _energy(record: RunRecord) -> str:
    gpu = record.energy.gpu
    if gpu.value is None:
        return "not measured"
    # A run whose end nobody wrote down used more than is known of it.
    return f"at least {format_energy(gpu.value)}" if _is_least(record) else energy_figure(gpu)


def _is_least(record: RunRecord) -> bool:
    return record.status == "running" or is_only_a_part(record.energy.gpu)


def _least_time(records: Sequence[RunRecord]) -> str:
    open_ended = any(
        record.status == "running" or any(session.rest_unknown for session in record.sessions) for record in records
    )
    return "at least " if open_ended else ""


def _summed(runs: Sequence[FoundRun]) -> list[FoundRun]:
    """The runs that the sum is of: what was simulated is added to nothing real."""
    real = [run for run in runs if not run.record.simulated]
    return real or list(runs)


def _sum_cells(records: Sequence[RunRecord], price: float | None) -> tuple[str, str, str]:
    seconds = sum(record.duration_seconds for record in records)
    joules = _joules(records)
    energy = "not measured" if joules is None else f"{_least_energy(records)}{format_energy(joules)}"
    return f"{_least_time(records)}{format_duration(seconds)}", energy, _cost_words(records, price)


def _joules(records: Sequence[RunRecord]) -> float | None:
    """What the runs with a known energy used together; None where no run has one."""
    known = [record.energy.gpu.value for record in records if record.energy.gpu.value is not None]
    return sum(known) if known else None


def _least_energy(records: Sequence[RunRecord]) -> str:
    least = any(record.energy.gpu.value is None or _is_least(record) for record in records)
    return "at least " if least else ""


def _cost(records: Sequence[RunRecord], price: float | None) -> float | None:
    joules = _joules(records)
    return None if price is None or joules is None else joules / JOULES_PER_KILOWATT_HOUR * price


def _cost_words(records: Sequence[RunRecord], price: float | None) -> str:
    cost = _cost(records, price)
    if cost is None:
        return ""
    return f"{_least_energy(records)}{format_number(cost, 2) if cost < _SMALL_COST else f'{cost:,.2f}'}"


def _notes(runs: Sequence[FoundRun], summed: Sequence[RunRecord]) -> list[str]:
    notes = []
    unknown = sum(record.energy.gpu.value is None for record in summed)
    if 0 < unknown < len(summed):
        notes.append(f"the sum lacks the energy of {plural(unknown, 'run')} in which it was not measured")
    if len(summed) < len(runs):
        notes.append(f"the sum leaves out {plural(len(runs) - len(summed), 'simulated run')}")
    if len({record.energy.gpu.scope for record in summed if record.energy.gpu.value is not None}) > 1:
        notes.append("the sum is over figures of unlike scopes: GPU cores, GPU memory or whole modules")
    return notes


def _document(runs: Sequence[FoundRun], damaged: Sequence[DamagedRecord], price: float | None) -> dict[str, Any]:
    summed = [run.record for run in _summed(runs)]
    return {
        "runs": [_run_document(run, price) for run in runs],
        "damaged": [{"file": one.file, "problem": one.problem} for one in damaged],
        "sum": {
            "runs": len(summed),
            "duration_seconds": sum(record.duration_seconds for record in summed),
            "gpu_energy_joules": _joules(summed),
            "gpu_energy_is_least": bool(_least_energy(summed)),
            "cost": _cost(summed, price),
        },
        "notes": _notes(runs, summed),
    }


def _run_document(run: FoundRun, price: float | None) -> dict[str, Any]:
    record = run.record
    return {
        "folder": run.folder,
        "run_id": record.run_id,
        "status": record.status,
        "sessions": len(record.sessions),
        "steps": record.training.steps,
        "planned_steps": record.training.planned_steps,
        "duration_seconds": record.duration_seconds,
        "gpu_energy_joules": record.energy.gpu.value,
        "gpu_energy_is_least": bool(_least_energy([record])) and record.energy.gpu.value is not None,
        "gpu_energy_reason": record.energy.gpu.reason,
        "cost": _cost([record], price),
        "started_on": begun_on(record),
        "simulated": record.simulated,
        "recovered": record.recovered,
    }
