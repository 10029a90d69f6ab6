"""Runs that were killed, made whole from their journals: record, and card where it may be."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cardcallback.assemble import with_carbon
from cardcallback.errors import CardCallbackError
from cardcallback.journal import Recovered, is_alive, journals_in, original_name, read_journal, remove_journal
from cardcallback.processes import load_summaries, merge_nodes, summarize_node, write_summary
from cardcallback.record import RECORD_NAME, RunBrief, RunRecord, load_run, own_record_files, read_brief, record_path
from cardcallback.recorder import Clock, SystemClock
from cardcallback.render.figures import spent_words
from cardcallback.rest import with_rest_estimate
from cardcallback.run_folder import RunFolder, briefs_in
from cardcallback.sessions import has_checkpoint_of
from cardcallback.settings import Settings, checks
from cardcallback.units import format_count, format_duration, format_ranks

Warn = Callable[[str], None]

# Of the time that training's begin may cost.
_BEFORE_SECONDS = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class KilledRun:
    """One journal whose process is gone: where it lies, the output folder it belongs to, and what it gave."""

    folder: Path
    journals: tuple[Path, ...]
    recovered: Recovered


def killed_runs(
    folder: Path,
    journal_directory: Path | None = None,
    *,
    lives: Callable[[Path], bool],
    on_alive: Callable[[Path], None],
    warn: Warn,
) -> Iterator[KilledRun]:
    """What can be recovered in an output folder, the oldest first.

    Args:
        folder: the output folder.
        journal_directory: the node's own disk, if journals live there; the folder then holds copies of them.
        lives: whether the process that writes a journal lives.
        on_alive: told the folder for each run in it whose process lives.
        warn: told of a journal that cannot be used, in one line.
    """
    for journal in journals_in(folder):
        local = [] if journal_directory is None else journals_in(journal_directory)
        originals = tuple(one for one in local if one.name == original_name(journal) and one != journal)
        # The lock on an original tells more than the age of its copy, which may be another computer's.
        if any(lives(one) for one in originals or (journal,)):
            on_alive(folder)
            continue
        journals = (*originals, journal)
        found = [recovered for one in journals if (recovered := _read(one, warn)) is not None]
        if found:
            newest = max(found, key=lambda one: one.record.duration_seconds)
            yield KilledRun(folder=folder, journals=journals, recovered=newest)


def write_recovered(run: KilledRun, settings: Settings, *, warn: Warn) -> str:
    """Write the record, and the card where it may be; the journal goes when the record is on disk.

    Returns:
        One line for a person.

    Raises:
        CardCallbackError: the record cannot be written; the journal stays.
    """
    record = run.recovered.record
    if _is_of_another_computer(record):
        written, what = record, _leave_summary(run.folder, record)
    elif _has_newer(run.folder, record):
        written, what = record, "its record was complete already, only the journal was removed"
    else:
        written, what = _write(run, settings, warn)
    for journal in run.journals:
        remove_journal(journal)
    step = format_count(written.sessions[-1].last_step)
    return f"{run.folder}: {format_duration(written.duration_seconds)}, {_spent_words(written)}, step {step}: {what}"


def recover_before(folder: Path, settings: Settings, *, clock: Clock | None = None) -> None:
    """Before a run begins in a folder: the records of those that were killed in it, from their journals.

    Cards and pictures stay as they are, since nothing waits for them here: ``cardcallback render`` makes a card
    from such a record. After 20 ms no further journal is begun: those that remain are for the next begin, or for
    ``cardcallback recover``.
    """
    clock = clock or SystemClock()
    end_seconds = clock.elapsed_seconds() + _BEFORE_SECONDS
    runs = killed_runs(folder, settings.journal_directory, lives=is_alive, on_alive=lambda _: None, warn=lambda _: None)
    for run in runs:
        if _is_of_another_computer(run.recovered.record):
            _leave_summary(run.folder, run.recovered.record)
        elif not _has_newer(run.folder, run.recovered.record):
            own = _folder_of(run, settings)
            with contextlib.suppress(CardCallbackError):  # the run that begins says what is wrong with the card
                own.begin()
            if _takes_place(run, own):
                own.weights_are_ours()
            own.write_record(run.recovered.record)
        for journal in run.journals:
            remove_journal(journal)
        if clock.elapsed_seconds() >= end_seconds:
            break


def join_computers(folders: Sequence[Path], settings: Settings, *, warn: Warn) -> str | None:
    """Join what the computers of one job left into the record and card of its rank 0, in the order of ``folders``.

    Args:
        folders: output folders of one job's computers.
        settings: of the person.
        warn: told what could not be written, in one line.

    Returns:
        One line for a person; ``None`` where there is nothing to join.

    Raises:
        CardCallbackError: the folders are of different jobs, or the record cannot be written.
    """
    summaries = [summary for folder in folders for summary in load_summaries(folder)]
    for folder in folders:
        for record in _records_of_jobs(folder):
            joined = merge_nodes(record, summaries)
            if joined.nodes == record.nodes:
                continue  # joined already; another job of the folder may not be
            joined = with_carbon(with_rest_estimate(joined) if settings.estimate_rest else joined, settings)
            return _write_joined(folder, joined, settings, warn)
    return None


def _records_of_jobs(folder: Path) -> Iterator[RunRecord]:
    """The records in a folder of the computer of rank 0, of whichever job, the one in the main place first."""
    for path in sorted(own_record_files(folder), key=lambda path: path.name != RECORD_NAME):
        brief = read_brief(path)
        if brief is None or brief.processes is None:
            continue  # not worth reading whole
        with contextlib.suppress(CardCallbackError):  # damaged: it stays where it is, and nothing is claimed of it
            record = load_run(path)
            if record.nodes and not _is_of_another_computer(record):
                yield record


def _write_joined(folder: Path, record: RunRecord, settings: Settings, warn: Warn) -> str:
    own = RunFolder(
        folder,
        run_id=record.run_id,
        card=settings.card,
        template=settings.template_text,
        publish=settings.publish,
    )
    own.begin()
    completed = record.status == "completed"
    if completed and own.has_main_record:
        own.weights_are_ours()
    if own.keeps_earlier_card or not (completed or _weights_were_saved(folder, record.run_id)):
        what = f"record in {own.write_record(record)}"
    else:
        record, what = _with_card(own, record, settings, warn)
    return f"{folder}: {len(record.nodes)} computers, {_spent_words(record)}: {what}"


def _is_of_another_computer(record: RunRecord) -> bool:
    """Whether it is of a computer of the job on which rank 0 was not."""
    return bool(record.nodes) and not any(0 in node.ranks for node in record.nodes)


def _leave_summary(folder: Path, record: RunRecord) -> str:
    write_summary(folder, summarize_node(record))
    ranks = format_ranks(rank for node in record.nodes for rank in node.ranks)
    return f"the figures of {ranks} are ready to be joined: give the output folder of rank 0 too"


def _spent_words(record: RunRecord) -> str:
    energy = record.energy.gpu
    return "GPU energy not measured" if energy.value is None else f"GPU {spent_words(energy, record.duration_seconds)}"


def _read(journal: Path, warn: Warn) -> Recovered | None:
    try:
        recovered = read_journal(journal)
    except CardCallbackError as error:
        warn(str(error))
        return None
    if recovered is None:
        warn(f"{journal.name} holds no whole snapshot: it stays as it is")
    return recovered


def _has_newer(folder: Path, record: RunRecord) -> bool:
    """Whether the run's own end, or a recovery before, wrote at least as much of it."""
    known = _record_of(folder, record.run_id)
    return known is not None and known.status != "running" and known.duration_seconds >= record.duration_seconds


def _record_of(folder: Path, run_id: str) -> RunBrief | None:
    return briefs_in(folder).get(run_id)


def _write(run: KilledRun, settings: Settings, warn: Warn) -> tuple[RunRecord, str]:
    record = run.recovered.record
    folder = _folder_of(run, settings)
    try:
        folder.begin()
    except CardCallbackError as error:
        warn(str(error))
        return record, f"record in {folder.write_record(record)}; the card stays as it is"
    saved = _weights_were_saved(run.folder, record.run_id)
    if _takes_place(run, folder):
        folder.weights_are_ours()
        saved = True
    if not saved or folder.keeps_earlier_card:
        return record, f"record in {folder.write_record(record)}; the card is of other weights and stays"
    return _with_card(folder, record, settings, warn)


def _takes_place(run: KilledRun, folder: RunFolder) -> bool:
    """Whether it completed, with only its record not on disk, after whichever run's record is in the main place."""
    if run.recovered.record.status != "completed":
        return False
    if not folder.keeps_earlier_card or folder.has_main_record:
        return True
    there = record_path(run.folder).stat().st_mtime
    return max(journal.stat().st_mtime for journal in run.journals if journal.exists()) > there


def _folder_of(run: KilledRun, settings: Settings) -> RunFolder:
    return RunFolder(
        run.folder,
        run_id=run.recovered.record.run_id,
        card=_checked(checks.card_name, run.recovered.card) or settings.card,
        template=settings.template_text,
        publish=_checked(checks.publish, run.recovered.publish) or settings.publish,
    )


def _weights_were_saved(folder: Path, run_id: str) -> bool:
    """Whether a checkpoint of the run lies there, or the record in progress that is written beside each."""
    known = _record_of(folder, run_id)
    return (known is not None and known.status == "running") or has_checkpoint_of(folder, run_id)


def _with_card(folder: RunFolder, record: RunRecord, settings: Settings, warn: Warn) -> tuple[RunRecord, str]:
    path = folder.write_record(record)  # first: whatever happens to the card, the figures are there
    try:
        pictures = settings.charts and folder.draw(record)
        composed = folder.write_card(record, pictures=pictures)
    except Exception as error:  # noqa: BLE001 - a library draws the pictures, from whatever a journal holds
        known = isinstance(error, CardCallbackError)
        warn(str(error) if known else f"cannot complete the card: {type(error).__name__}")
        return record, f"record in {path}; the card could not be completed"
    record = msgspec.structs.replace(record, card=composed.card)
    return record, f"card {folder.card_path}, record in {folder.write_record(record)}"


def _checked(check: checks.Check, value: str | None) -> str | None:
    """A setting from the journal, whose text is anyone's, if it is one."""
    try:
        return None if value is None else check(value, checks.Origin(label="journal", folder=Path()))
    except CardCallbackError:
        return None
