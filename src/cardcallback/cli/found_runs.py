"""Every run below a folder: its records and checkpoints read, each run once, nothing raised for what is damaged."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from cardcallback.cli.listed_run import ListedRun, ListedSession, read_listed
from cardcallback.errors import CardCallbackError
from cardcallback.journal import JOURNAL_FOLDER, JOURNAL_SUFFIX
from cardcallback.record import PRIVATE_FOLDER, RECORD_FOLDER, each_once, named_sessions
from cardcallback.sessions import SUMMARY_NAME

_NOT_ENTERED = frozenset({".git"})
_UNREADABLE = "cannot be read"


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundRun:
    """A run and the output folder it was found in, relative to the folder that was searched.

    ``branch`` counts, from 1 on, what went on from one checkpoint of one run more than once; 0 for any other run.
    """

    folder: str
    record: ListedRun
    branch: int = 0

    @property
    def sessions(self) -> dict[str, ListedSession]:
        """Its sessions by what tells them from those of all runs."""
        return named_sessions(self.record.run_id, self.record.sessions)


@dataclass(frozen=True, kw_only=True, slots=True)
class DamagedRecord:
    """A file that should hold a record and does not, or a folder that cannot be read; ``problem`` is one line."""

    file: str
    problem: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Account:
    """What one file tells of a run; one of a checkpoint counts only where nothing else tells of its run."""

    folder: str
    record: ListedRun
    is_checkpoint: bool

    @property
    def sessions(self) -> dict[str, ListedSession]:
        return named_sessions(self.record.run_id, self.record.sessions)


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
        unread: list[OSError] = []
        for path, output_folder in _record_files(root, unread.append):
            place = path.parent.resolve() / path.name  # the file itself may be a link to itself
            if place in seen:
                continue
            seen.add(place)
            found = _read(path, _name(path, root, prefix))
            if isinstance(found, DamagedRecord):
                damaged.append(found)
            elif found is not None:
                name = _name(output_folder, root, prefix)
                accounts.append(_Account(folder=name, record=found, is_checkpoint=path.name == SUMMARY_NAME))
        damaged += [_unread_folder(error, root, prefix) for error in unread if not isinstance(error, FileNotFoundError)]
    runs = [run for of_run in _by_run(accounts) for run in _branches(of_run)]
    runs.sort(key=lambda run: (begun_on(run.record), run.folder, run.branch))
    return runs, sorted(damaged, key=lambda one: one.file)


def _name(path: Path, root: Path, prefix: Path) -> str:
    return str(prefix / path.relative_to(root))


def _unread_folder(error: OSError, root: Path, prefix: Path) -> DamagedRecord:
    # What is in it is in no sum, which must not pass in silence.
    return DamagedRecord(file=_name(Path(error.filename or root), root, prefix), problem=_UNREADABLE)


def begun_on(record: ListedRun) -> str:
    """The date on which the run's first session began."""
    return min((session.started_on for session in record.sessions), default="")


def _record_files(root: Path, on_error: Callable[[OSError], None]) -> Iterator[tuple[Path, Path]]:
    """Each file that may hold a record, with the output folder it belongs to; links to folders are not followed."""
    for place, folders, files in os.walk(root, onerror=on_error):
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
            yield here / name, owner if owner.is_relative_to(root) else root


def _read(path: Path, name: str) -> ListedRun | DamagedRecord | None:
    """What a file tells; None where it is none of a record, or is gone again, as an old checkpoint goes."""
    try:
        # A pipe would be waited for, and a link leads elsewhere.
        return read_listed(path) if stat.S_ISREG(path.lstat().st_mode) else None
    except FileNotFoundError:
        return None
    except OSError:
        return DamagedRecord(file=name, problem=_UNREADABLE)
    except CardCallbackError as error:
        # What to do about it follows the first part; where the file lies stands beside it.
        return DamagedRecord(file=name, problem=str(error).partition(":")[0])


def _by_run(accounts: Iterable[_Account]) -> Iterable[list[_Account]]:
    runs: dict[str, list[_Account]] = {}
    for account in accounts:
        runs.setdefault(account.record.run_id, []).append(account)
    return runs.values()


def _branches(accounts: Sequence[_Account]) -> list[FoundRun]:
    """One run out of all that is told of it; of one that went on twice from one checkpoint, each time a run.

    An account whose sessions another one has too, and more, is an earlier one of the same branch.
    """
    known = {frozenset(account.sessions) for account in accounts}
    ends = [names for names in known if not any(names < other for other in known)]
    runs = [_one_run(accounts, names) for names in ends]
    if len(runs) < 2:
        return runs
    ordered = sorted(runs, key=lambda run: (run.folder, sorted(run.sessions)))
    return [replace(run, branch=number) for number, run in enumerate(ordered, start=1)]


def _one_run(accounts: Sequence[_Account], names: frozenset[str]) -> FoundRun:
    """The fullest account of these sessions, each by the longest that is told of it anywhere."""
    own = [account for account in accounts if account.sessions.keys() == names]
    told = [account for account in own if not account.is_checkpoint] or own
    fullest = max(told, key=lambda account: _fullness(account.record))
    longest = each_once([fullest.sessions, *(one.sessions for one in accounts if not one.is_checkpoint)])
    sessions = tuple(longest[name] for name in fullest.sessions)
    return FoundRun(folder=fullest.folder, record=msgspec.structs.replace(fullest.record, sessions=sessions))


def _fullness(record: ListedRun) -> tuple[int, bool, float]:
    return len(record.sessions), record.status != "running", record.duration_seconds
