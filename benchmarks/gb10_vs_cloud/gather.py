"""Reads every series below a folder, and puts together those that trained the same workload in the same tier."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cardcallback.compare.work import SAME_LOSS_SHARE
from cardcallback.errors import CardCallbackError
from cardcallback.record import RECORD_NAME, RunRecord, load_run

from .layout import Attempt, Series, attempt_folders, load_attempt, load_series, series_folders


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One machine's series with its attempts by name and the records of those that were completed."""

    series: Series
    attempts: dict[str, Attempt]
    records: tuple[RunRecord, ...]


@dataclass(frozen=True, kw_only=True)
class Contest:
    """What is compared: one workload in one tier, all measured or all simulated."""

    tier: str
    workload: str
    simulated: bool
    entries: tuple[Entry, ...]

    @property
    def records(self) -> list[RunRecord]:
        """Of all machines."""
        return [record for entry in self.entries for record in entry.records]

    @property
    def target(self) -> float | None:
        """The held-out loss at which all ended; ``None`` where they had no target, or not the same."""
        targets = [entry.series.target for entry in self.entries]
        known = [target for target in targets if target is not None]
        if not known or len(known) < len(targets) or max(known) - min(known) > SAME_LOSS_SHARE * min(map(abs, known)):
            return None
        return max(known)


def gather(records: Path) -> tuple[Contest, ...]:
    """The contests below a folder, measured ones first.

    Raises:
        CardCallbackError: nothing is there (exit code 3), or a file is damaged.
    """
    entries = [_entry(folder) for folder in series_folders(records)] if records.is_dir() else []
    if not entries:
        msg = f"no records in {records}: run python -m benchmarks.gb10_vs_cloud.run first"
        raise CardCallbackError(msg, exit_code=3)
    by_contest: dict[tuple[bool, str, str], list[Entry]] = {}
    for entry in entries:
        series = entry.series
        by_contest.setdefault((series.simulated, series.workload, series.tier), []).append(entry)
    return tuple(
        Contest(tier=tier, workload=workload, simulated=simulated, entries=tuple(alike))
        for (simulated, workload, tier), alike in sorted(by_contest.items(), key=lambda one: one[0])
    )


def _entry(folder: Path) -> Entry:
    attempts = {place: load_attempt(place) for place in attempt_folders(folder)}
    return Entry(
        series=load_series(folder),
        attempts={place.name: attempt for place, attempt in attempts.items()},
        records=tuple(
            load_run(place / RECORD_NAME) for place, attempt in attempts.items() if attempt.status == "completed"
        ),
    )
