"""Checks submitted records: python -m benchmarks.gb10_vs_cloud.check_submission FOLDER...

FOLDER is a series or any folder above one. Exit code 0: nothing was found, 4: each finding is one line, 3: no series.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from cardcallback.errors import CardCallbackError
from cardcallback.record import RECORD_NAME, RunRecord, load_run

from .layout import (
    FORMAT,
    MACHINE_NAME,
    RECORDS,
    SIMULATED,
    Attempt,
    Series,
    attempt_folders,
    load_attempt,
    load_series,
    series_folders,
)
from .run import say, told
from .submission_files import file_faults
from .submission_records import record_faults
from .workloads import TIERS, WORKLOADS_FILE, Workload, Workloads, load_workloads

_FINDINGS, _NOTHING = 4, 3
_AGAIN = "run the harness again"


def main(arguments: list[str] | None = None) -> int:
    """Print each finding as a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[RECORDS], help="default: all records here")
    parser.add_argument("--workloads", type=Path, default=WORKLOADS_FILE, help="another workloads.yaml")
    options = parser.parse_args(arguments)
    return told(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    workloads = load_workloads(options.workloads)
    series = [found for folder in options.folders for found in series_folders(folder)]
    if not series:
        msg = "no series there: give a folder that the harness wrote"
        raise CardCallbackError(msg, exit_code=_NOTHING)
    faults = [
        f"{'/'.join(folder.parts[-3:])}: {fault}" for folder in series for fault in check_series(folder, workloads)
    ]
    for fault in faults:
        say(fault)
    if not faults:
        say(f"{len(series)} series checked, nothing found")
    return _FINDINGS if faults else 0


def check_series(folder: Path, workloads: Workloads) -> list[str]:
    """What is wrong with a series, each in one line that says what to do; empty for a good one."""
    faults = list(file_faults(folder))
    try:
        series = load_series(folder)
        workload = workloads.named(series.workload)
        attempts = {place: load_attempt(place) for place in attempt_folders(folder)}
    except CardCallbackError as error:
        return [*faults, f"{error}"]
    faults += _series_faults(folder, series, workload, workloads)
    faults += _attempt_faults(attempts, workloads.repeats)
    records = []
    for place, attempt in attempts.items():
        if attempt.status != "completed":
            continue
        try:
            record = load_run(place / RECORD_NAME)
        except CardCallbackError as error:
            faults.append(f"{place.name}: {error}")
            continue
        records.append(record)
        faults += (f"{place.name}: {fault}" for fault in record_faults(record, series, workload))
    return [*faults, *_faults_together(records)]


def _series_faults(folder: Path, series: Series, workload: Workload, workloads: Workloads) -> Iterator[str]:
    yield from _name_faults(folder, series)
    if series.format != FORMAT:
        yield f"series.json has format {series.format}, not {FORMAT}: {_AGAIN} of this version"
    if series.workloads_version != workloads.version or series.data_sha256 != workload.data.sha256:
        yield f"the workload has changed since: {_AGAIN} with this version's workloads.yaml"
    if series.tier not in TIERS:
        yield f"no tier is called {series.tier!r}: it is {' or '.join(TIERS)}"
        return
    try:
        resolved = workloads.resolved(workload, series.tier, series.tuning)
    except CardCallbackError as error:
        yield f"{error}"
        return
    if series.settings != resolved:
        unlike = [name for name in resolved | series.settings if resolved.get(name) != series.settings.get(name)]
        yield f"its settings are not the tier's ({', '.join(unlike)}): {_AGAIN}"


def _name_faults(folder: Path, series: Series) -> Iterator[str]:
    named = (series.machine, series.tier, series.workload)
    if folder.resolve().parts[-3:] != named:
        yield f"it lies in another folder than {'/'.join(named)}: move it there"
    if MACHINE_NAME.fullmatch(series.machine) is None:
        yield f"{series.machine!r} is no name for a machine: use small letters, digits and hyphens"
    if series.simulated != series.machine.startswith(SIMULATED):
        which = "simulated and not called so" if series.simulated else "called simulated and is not"
        yield f"the machine is {which}: names of simulated ones, and no others, begin with {SIMULATED}"


def _attempt_faults(attempts: dict[Path, Attempt], repeats: int) -> Iterator[str]:
    numbers = [int(place.name.rpartition("-")[2]) for place in attempts]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"an attempt is missing before attempt-{numbers[-1]}: failed ones belong to the record too, put it back"
    completed = sum(attempt.status == "completed" for attempt in attempts.values())
    if completed < repeats:
        yield f"{completed} of {repeats} repeats are complete: run the same command again, it goes on"
    for place, attempt in attempts.items():
        if attempt.status == "running":
            yield f"{place.name} says that it still runs: run the same command again, it goes on"
        if attempt.status in {"failed", "interrupted"} and not attempt.reason:
            yield f"{place.name} does not say why it is not complete: say it in its attempt.json"


def _faults_together(records: list[RunRecord]) -> Iterator[str]:
    if len({record.run_id for record in records}) < len(records):
        yield f"one record stands there twice: {_AGAIN}"
    machines = {tuple(device.name for device in record.hardware.accelerators) for record in records}
    if len(machines) > 1:
        yield "the repeats are of different GPUs: submit each as a machine of its own"
    if len({tuple(sorted(record.software.items())) for record in records}) > 1:
        yield f"the software changed between repeats: {_AGAIN} with one set of versions"


if __name__ == "__main__":
    sys.exit(main())
