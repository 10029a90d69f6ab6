"""Runs that were killed, made whole from their journals: record, and card where it may be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from cardcallback import handlers
from cardcallback.computers import (
    end_job,
    is_of_another_computer,
    join_into_records,
    leave_summary,
    with_other_computers,
)
from cardcallback.errors import CardCallbackError
from cardcallback.journal import Recovered, is_alive, is_copy, journals_in, original_name, read_journal, remove_journal
from cardcallback.journal.places import ListJournals
from cardcallback.journal.reading import with_later_checkpoint
from cardcallback.record import RunRecord, record_path
from cardcallback.recorder import Clock, SystemClock
from cardcallback.recovered_files import (
    Warn,
    beside_what_is_known,
    energy_words,
    full_record_of,
    lacks_card,
    waits_for_later_session,
    weights_were_saved,
    write_with_card,
)
from cardcallback.render.run_words import duration_words
from cardcallback.run_folder import RunFolder
from cardcallback.sessions import with_last_checkpoint
from cardcallback.settings import Settings, checks
from cardcallback.units import format_count

_SUMMARY_STAYS = "figures of another job, or of one not known to be this, stand there: its journal stays until they go"
_LATER_STAYS = "a later session of its run has not ended: its journal stays until then"
# Of the time that training's begin may cost.
_BEFORE_SECONDS = 0.02
_QUIET: dict[str, Any] = {"lives": is_alive, "on_alive": lambda _: None, "warn": lambda _: None}


@dataclass(frozen=True, kw_only=True, slots=True)
class KilledRun:
    """One journal whose process is gone: where it lies, the output folder it belongs to, and what it gave."""

    folder: Path
    journals: tuple[Path, ...]
    recovered: Recovered


def killed_runs(
    folders: Sequence[Path],
    journal_directory: Path | None = None,
    *,
    lives: Callable[[Path], bool],
    on_alive: Callable[[Path], None],
    warn: Warn,
    run_id: str = "",
    journals: ListJournals = journals_in,
) -> Iterator[KilledRun]:
    """What can be recovered in output folders, of each the oldest first.

    A journal on a node's own disk and its copy in the output folder are one run, wherever each of them was found.

    Args:
        folders: the output folders; a node's own disk may be one of them.
        journal_directory: the node's own disk, if journals live there; the folders then hold copies of them.
        lives: whether the process that writes a journal lives.
        on_alive: told the folder for each run in it whose process lives.
        warn: told of a journal that cannot be used, in one line.
        run_id: of which run alone; of all where it is empty.
        journals: lists those of a folder.
    """
    local = [] if journal_directory is None else journals(journal_directory)
    for found in _by_session(folders, run_id, journals):
        folder = found[0].folder
        names = {original_name(one.journal) for one in found}
        originals = [one.journal for one in found if not is_copy(one.journal)]
        originals += [one for one in local if one.name in names and not _is_among(one, originals)]
        copies = [one.journal for one in found if is_copy(one.journal)]
        # The lock on an original tells more than the age of its copy, which may be another computer's.
        if any(lives(one) for one in originals or copies):
            on_alive(folder)
            continue
        every = (*originals, *copies)
        read = [recovered for one in every if (recovered := _read(one, warn)) is not None]
        if read:
            newest = with_later_checkpoint(max(read, key=lambda one: one.record.duration_seconds), folder)
            record = with_last_checkpoint(newest.record, folder)
            yield KilledRun(folder=folder, journals=every, recovered=msgspec.structs.replace(newest, record=record))


class _Found(NamedTuple):
    folder: Path
    journal: Path


def _by_session(folders: Sequence[Path], run_id: str, journals: ListJournals) -> list[list[_Found]]:
    """The journals of each session, those of its output folder first: where a copy lies, the original is elsewhere."""
    given: dict[Path, Path] = {}
    for folder in folders:
        given.setdefault(folder.resolve(), folder)
    found = [_Found(folder, journal) for folder in given.values() for journal in journals(folder)]
    found = [one for one in found if one.journal.name.startswith(run_id)]
    copied = {original_name(one.journal) for one in found if is_copy(one.journal)}
    sessions: dict[Path | str, list[_Found]] = {}
    for one in found:
        name = original_name(one.journal)
        sessions.setdefault(name if name in copied else one.journal, []).append(one)
    return [sorted(of_one, key=lambda one: not is_copy(one.journal)) for of_one in sessions.values()]


def _is_among(path: Path, others: Sequence[Path]) -> bool:
    return any(path.resolve() == other.resolve() for other in others)


def write_recovered(run: KilledRun, settings: Settings, *, warn: Warn) -> str:
    """Write the record, and the card where it may be; the journal goes when the record is on disk.

    Returns:
        One line for a person.

    Raises:
        CardCallbackError: the record cannot be written; the journal stays.
    """
    record = run.recovered.record
    written, removes = record, True
    if is_of_another_computer(record):
        left = leave_summary(run.folder, record)
        what, removes = left or _SUMMARY_STAYS, left is not None
    elif waits_for_later_session(run.folder, record):
        what, removes = _LATER_STAYS, False
    elif (to_write := _completed_by(run)) is None:
        written, what = _as_it_stands(run, settings, warn)
    else:
        written, what = _write(to_write, settings, warn)
    if removes:
        _remove(run)
    later = " or soon after" if written.status == "interrupted" else ""
    step = f"step {format_count(written.sessions[-1].last_step)}{later}"
    return f"{run.folder}: {duration_words(written)}, {energy_words(written)}, {step}: {what}"


def recover_before(
    folder: Path, settings: Settings, *, clock: Clock | None = None, journals: ListJournals = journals_in
) -> None:
    """Before a run begins in a folder: the records of those that were killed in it, from their journals.

    Cards and pictures stay as they are, since nothing waits for them here: ``cardcallback render`` makes a card
    from such a record. After 20 ms no further journal is begun: those that remain are for the next begin, or for
    ``cardcallback recover``.
    """
    clock = clock or SystemClock()
    end_seconds = clock.elapsed_seconds() + _BEFORE_SECONDS
    of_jobs = False
    runs = killed_runs([folder], settings.journal_directory, journals=journals, **_QUIET)
    for run in runs:
        record = run.recovered.record
        if waits_for_later_session(folder, record):
            continue  # it too, once that one ended
        if not is_of_another_computer(record):
            _write_record(run, settings)
        elif leave_summary(folder, record) is None:
            continue  # its journal is for ``cardcallback recover``
        _remove(run)
        of_jobs = of_jobs or bool(record.nodes)
        if clock.elapsed_seconds() >= end_seconds:
            break
    if of_jobs:  # their summaries do not outlast the begin of the next job
        join_into_records(folder, settings)


def killed_accounts(folder: Path, run_id: str, journal_directory: Path | None) -> list[RunRecord]:
    """What the journals in a folder tell of one run whose processes are gone: they are read, and nothing is changed.

    Args:
        folder: where the run wrote before it went on elsewhere.
        run_id: of which run.
        journal_directory: the node's own disk, if journals live there.
    """
    found = [run.recovered.record for run in killed_runs([folder], journal_directory, run_id=run_id, **_QUIET)]
    own = [record for record in found if not is_of_another_computer(record)]
    if not any(record.nodes for record in own):
        return own
    every = [run.recovered.record for run in killed_runs([folder], journal_directory, **_QUIET)]
    return [with_other_computers(folder, record, filter(is_of_another_computer, every)) for record in own]


def _remove(run: KilledRun) -> None:
    for journal in run.journals:
        remove_journal(journal)
    end_job(run.folder, run.recovered.record)


def _write_record(run: KilledRun, settings: Settings) -> None:
    completed = _completed_by(run)
    if completed is None:
        return
    run = completed
    folder = _folder_of(run, settings)
    with handlers.suppress(CardCallbackError):  # the run that begins says what is wrong with the card
        folder.begin()
    if _takes_place(run, folder):
        folder.weights_are_ours()
    folder.write_record(run.recovered.record)


def _read(journal: Path, warn: Warn) -> Recovered | None:
    try:
        recovered = read_journal(journal)
    except CardCallbackError as error:
        warn(str(error))
        return None
    if recovered is None:
        warn(f"{journal.name} holds no whole snapshot: it stays as it is")
    return recovered


def _completed_by(run: KilledRun) -> KilledRun | None:
    """The run as it is to be written; ``None`` where the folder's record has all of it."""
    record = beside_what_is_known(run.folder, run.recovered.record)
    if record is None:
        return None
    return replace(run, recovered=msgspec.structs.replace(run.recovered, record=record))


def _write(run: KilledRun, settings: Settings, warn: Warn) -> tuple[RunRecord, str]:
    record = run.recovered.record
    folder = _folder_of(run, settings)
    try:
        folder.begin()
    except CardCallbackError as error:
        warn(str(error))
        return record, f"record in {folder.write_record(record)}; the card stays as it is"
    saved = weights_were_saved(run.folder, record.run_id)
    if _takes_place(run, folder):
        folder.weights_are_ours()
        saved = True
    if not saved or folder.keeps_earlier_card:
        return record, f"record in {folder.write_record(record)}; {_why_no_card(folder)}"
    return write_with_card(folder, record, settings, warn)


def _as_it_stands(run: KilledRun, settings: Settings, warn: Warn) -> tuple[RunRecord, str]:
    """The folder's record has all of it; its process may have died before the card was written."""
    record = full_record_of(run.folder, run.recovered.record.run_id) or run.recovered.record
    standing = replace(run, recovered=msgspec.structs.replace(run.recovered, record=record))
    folder = _folder_of(standing, settings)
    has_weights = record.status == "completed" or weights_were_saved(run.folder, record.run_id)
    if has_weights and folder.has_main_record and lacks_card(folder, record):
        return _write(standing, settings, warn)
    return record, "its record was complete already, only the journal was removed"


def _why_no_card(folder: RunFolder) -> str:
    """In words for the person who looks for it."""
    if folder.keeps_earlier_card:
        return "the card is of other weights and stays"
    if folder.card_path.exists():
        return "the card stays as it is: the run saved no weights"
    return "no card: the run saved no weights"


def _takes_place(run: KilledRun, folder: RunFolder) -> bool:
    """Whether it completed, with only its record not on disk, after whichever run's record is in the main place."""
    if run.recovered.record.status != "completed":
        return False
    if not folder.keeps_earlier_card or folder.has_main_record:
        return True
    there = record_path(run.folder).stat().st_mtime
    return max(journal.stat().st_mtime for journal in run.journals if journal.exists()) > there


def _folder_of(run: KilledRun, settings: Settings) -> RunFolder:
    return RunFolder.by_settings(
        run.folder,
        run.recovered.record.run_id,
        settings,
        card=_checked(checks.card_name, run.recovered.card),
        publish=_checked(checks.publish, run.recovered.publish),
    )


def _checked(check: checks.Check, value: str | None) -> str | None:
    """A setting from the journal, whose text is anyone's, if it is one."""
    try:
        return None if value is None else check(value, checks.Origin(label="journal", folder=Path()))
    except CardCallbackError:
        return None
