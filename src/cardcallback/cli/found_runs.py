"""Every run below a folder: its records and checkpoints read, each run once, nothing raised for what is damaged."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cardcallback.errors import CardCallbackError
from cardcallback.journal import JOURNAL_FOLDER, JOURNAL_SUFFIX, is_alive, read_journal
from cardcallback.record import PRIVATE_FOLDER, RECORD_FOLDER, RunRecord, encode, load_run
from cardcallback.sessions import SUMMARY_NAME, with_longer_accounts

_NOT_ENTERED = frozenset({".git"})


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundRun:
    """A run and the output folder it was found in, relative to the folder that was searched."""

    folder: str
    record: RunRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class DamagedRecord:
    """A file that should hold a record and does not; ``problem`` is one line."""

    file: str
    problem: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Account:
    """What one file tells of a run; one of a checkpoint counts only where nothing else tells of its run."""

    folder: str
    record: RunRecord
    is_checkpoint: bool


def find_runs(folders: Sequence[Path]) -> tuple[list[FoundRun], list[DamagedRecord]]:
    """The runs below ``folders`` by date, then name, and the records among them that cannot be read.

    Args:
        folders: where to look; with several, each name begins with the folder it was found below.
    """
    accounts: list[_Account] = []
    damaged: list[DamagedRecord] = []
    seen: set[Path] = set()
    for root in folders:
        prefix = root if len(folders) > 1 else Path()
        for path, output_folder in _record_files(root):
            if path.resolve() in seen:
                continue
            seen.add(path.resolve())
            name = str(prefix / output_folder.relative_to(root))
            found = _loaded(path, str(prefix / path.relative_to(root)))
            if isinstance(found, DamagedRecord):
                damaged.append(found)
            else:
                accounts.append(_Account(folder=name, record=found, is_checkpoint=path.name == SUMMARY_NAME))
    runs = [_one_run(of_run) for of_run in _by_run(accounts)]
    return sorted(runs, key=lambda run: (begun_on(run.record), run.folder)), sorted(damaged, key=lambda one: one.file)


def begun_on(record: RunRecord) -> str:
    """The date on which the run's first session began."""
    return min((session.started_on for session in record.sessions), default="")


def _record_files(root: Path) -> Iterator[tuple[Path, Path]]:
    """Each file that may hold a record, with the output folder it belongs to; links are not followed."""
    for place, folders, files in os.walk(root):
        folders[:] = sorted(set(folders) - _NOT_ENTERED)
        here = Path(place)
        for name in sorted(files):
            if name == SUMMARY_NAME:
                owner = here.parent if here != root else here
            elif here.name == JOURNAL_FOLDER and here.parent.name == PRIVATE_FOLDER and name.endswith(JOURNAL_SUFFIX):
                owner = here.parent.parent
            elif here.name == RECORD_FOLDER and name.startswith("record") and name.endswith(".json"):
                owner = here.parent.parent if here.parent.name == PRIVATE_FOLDER else here.parent
            else:
                continue
            if (here / name).is_file() and not (here / name).is_symlink():  # a pipe would be waited for
                yield here / name, owner if owner.is_relative_to(root) else root


def _loaded(path: Path, name: str) -> RunRecord | DamagedRecord:
    try:
        record = _of_journal(path) if path.suffix == JOURNAL_SUFFIX else load_run(path)
    except CardCallbackError as error:
        # What to do about it follows the first part; where the file lies stands beside it.
        problem = "cannot be read" if error.exit_code == 3 else str(error).partition(":")[0]
        return DamagedRecord(file=name, problem=problem)
    # A list has no use for curves, and there may be thousands of runs.
    record = msgspec.structs.replace(record, traces=(), phase_spans=(), curves={})
    try:
        encode(record)
    except ValueError:
        return DamagedRecord(file=name, problem=f"{path.name} is damaged (a number without a limit)")
    return record


def _of_journal(path: Path) -> RunRecord:
    """What a journal tells of its run: that it goes on, or that it was killed and how far it came."""
    recovered = read_journal(path)
    if recovered is None:
        msg = f"{path.name} holds nothing whole: nothing is known of its run"
        raise CardCallbackError(msg)
    return msgspec.structs.replace(recovered.record, status="running") if is_alive(path) else recovered.record


def _by_run(accounts: Iterable[_Account]) -> Iterable[list[_Account]]:
    runs: dict[str, list[_Account]] = {}
    for account in accounts:
        runs.setdefault(account.record.run_id, []).append(account)
    return runs.values()


def _one_run(accounts: Sequence[_Account]) -> FoundRun:
    """One run out of all that is told of it: the fullest account, with the sessions that only others know."""
    own = [account for account in accounts if not account.is_checkpoint] or accounts
    fullest = max(own, key=lambda account: _fullness(account.record))
    others = [account.record for account in own if account is not fullest]
    return FoundRun(folder=fullest.folder, record=with_longer_accounts(fullest.record, others, all_sessions=True))


def _fullness(record: RunRecord) -> tuple[int, bool, float]:
    return len(record.sessions), record.status != "running", record.duration_seconds
