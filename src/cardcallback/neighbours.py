"""Other runs that are writing into a folder just now, and how one begins beside them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from cardcallback.computers import is_of_another_computer
from cardcallback.errors import CardCallbackError
from cardcallback.guard import Guard
from cardcallback.journal import ends_here, is_alive, journals_in, original_name, read_journal
from cardcallback.journal.places import ListJournals
from cardcallback.live_run import LiveRun
from cardcallback.record import RunRecord, briefs_in
from cardcallback.render.unfinished import unfinished_runs_note
from cardcallback.run_folder import RunFolder
from cardcallback.settings import Settings

BESIDE_ANOTHER = (
    "another run was writing into the same output folder when this one began: give each run an output_dir of its own. "
    "Each keeps its own record; the card is of the one that completes last"
)


def begin_beside_others(
    run: LiveRun, folder: RunFolder, settings: Settings, guard: Guard, journals: ListJournals
) -> None:
    """Keep what is in the folder, the card first, and tell the run what others left, or are leaving, there.

    Args:
        run: the run that begins.
        folder: its folder.
        settings: of the person.
        guard: catches what fails.
        journals: lists those of a folder.
    """
    living: frozenset[str] = frozenset()
    with guard("look for another run in the folder"):
        # Not this one, which has begun by the time that a slow folder answers.
        living = living_runs(folder.path, settings.journal_directory, journals) - {run.run_id}
        guard.tell([BESIDE_ANOTHER] if living else [])
    with guard("keep the card that was there"):
        folder.begin(living)
    with guard("sum up the earlier runs in the folder"):
        note = earlier_runs_note(folder.path, {run.run_id, *living}, run.earlier_sessions)
        run.notes.extend([] if note is None else [note])


def earlier_runs_note(folder: Path, going_on: Collection[str], own_sessions: Collection[str] = ()) -> str | None:
    """What earlier runs in a folder used without being completed, in one sentence.

    Args:
        folder: the output folder.
        going_on: the runs that have not ended, this one among them.
        own_sessions: those that are in this run's own figures, since it went on from them.
    """
    others = [one for run_id, one in briefs_in(folder).items() if run_id not in going_on]
    return unfinished_runs_note(others, own_sessions)


def living_runs(
    folder: Path, journal_directory: Path | None = None, journals: ListJournals = journals_in
) -> frozenset[str]:
    """The runs of other processes whose journals are being written in an output folder.

    The other computers of this job are no runs of their own. A copy of a journal on another computer's disk counts
    only while its lock is seen to be held: that it is fresh may mean that its job was stopped a minute ago.

    Args:
        folder: the output folder.
        journal_directory: the node's own disk, if journals live there.
        journals: lists those of a folder.
    """
    found = (_living(path) for path in _journals(folder, journal_directory, journals))
    return frozenset(record.run_id for record in found if record is not None and not is_of_another_computer(record))


def _journals(folder: Path, journal_directory: Path | None, journals: ListJournals) -> Iterator[Path]:
    """The journals that lie in the folder, and for a copy its original, where that can be seen."""
    originals = {} if journal_directory is None else {path.name: path for path in journals(journal_directory)}
    for path in journals(folder):
        yield originals.get(original_name(path), path)


def _living(path: Path) -> RunRecord | None:
    if ends_here(path) or not is_alive(path, trusts_fresh_copies=False):
        return None
    try:
        recovered = read_journal(path)
    except CardCallbackError:
        return None  # gone meanwhile
    return None if recovered is None else recovered.record
