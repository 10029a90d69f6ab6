"""``cardcallback recover``: record and card of runs that were killed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cardcallback.cli.output import say, warn
from cardcallback.errors import CardCallbackError
from cardcallback.journal import Recovered, goes_on, journals_in, read_journal, remove_journal
from cardcallback.record import RunRecord
from cardcallback.render.figures import spent_words
from cardcallback.run_folder import RunFolder, records_in
from cardcallback.settings import Settings, checks, resolve_settings, user_config_directory
from cardcallback.units import format_count, format_duration


@dataclass(frozen=True, kw_only=True, slots=True)
class KilledRun:
    """One journal whose process is gone: where it lies, the output folder it belongs to, and what it gave."""

    folder: Path
    journals: tuple[Path, ...]
    recovered: Recovered


def recover(
    folders: Annotated[
        list[Path], typer.Argument(help="Output folders in which a run was killed.", metavar="OUTPUT_DIR...")
    ],
) -> None:
    """Write record and card of killed runs; a run that still lives is left alone."""
    settings = resolve_settings(
        {},
        environ=os.environ,
        working_directory=Path.cwd(),
        user_config_directory=user_config_directory(os.environ),
    )
    alive: list[Path] = []
    killed = [
        run for folder in folders for run in killed_runs(folder, settings.journal_directory, on_alive=alive.append)
    ]
    for run in killed:
        say(write_recovered(run, settings))
    if alive:
        names = ", ".join(dict.fromkeys(str(folder) for folder in alive))
        msg = f"a run in {names} is still alive: nothing of it was changed; stop it first, or wait for its end"
        raise CardCallbackError(msg)
    if not killed:
        msg = f"nothing to recover in {', '.join(map(str, folders))}: no journal of a killed run lies there"
        raise CardCallbackError(msg, exit_code=3)


def killed_runs(
    folder: Path, journal_directory: Path | None = None, *, on_alive: Callable[[Path], None]
) -> Iterator[KilledRun]:
    """What can be recovered in an output folder, the oldest first.

    Args:
        folder: the output folder.
        journal_directory: the node's own disk, if journals live there; the folder then holds copies of them.
        on_alive: told the folder for each run in it whose process lives.
    """
    for journal in journals_in(folder):
        local = [] if journal_directory is None else journals_in(journal_directory)
        journals = (*(one for one in local if one.name == journal.name), journal)
        if any(goes_on(one) for one in journals):
            on_alive(folder)
            continue
        found = [recovered for one in journals if (recovered := _read(one)) is not None]
        if found:
            newest = max(found, key=lambda one: one.record.duration_seconds)
            yield KilledRun(folder=folder, journals=journals, recovered=newest)


def write_recovered(run: KilledRun, settings: Settings) -> str:
    """Write the record, and the card where it may be; the journal goes when the record is on disk.

    Returns:
        One line for a person.

    Raises:
        CardCallbackError: the record cannot be written; the journal stays.
    """
    record = run.recovered.record
    if _has_newer(run.folder, record):
        written, what = record, "its record was complete already, only the journal was removed"
    else:
        written, what = _write(run, settings)
    for journal in run.journals:
        remove_journal(journal)
    energy = written.energy.gpu
    spent = (
        "GPU energy not measured" if energy.value is None else f"GPU {spent_words(energy, written.duration_seconds)}"
    )
    step = format_count(written.sessions[-1].last_step)
    return f"{run.folder}: {format_duration(written.duration_seconds)}, {spent}, step {step}: {what}"


def _read(journal: Path) -> Recovered | None:
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


def _record_of(folder: Path, run_id: str) -> RunRecord | None:
    return next((one for one in records_in(folder) if one.run_id == run_id), None)


def _write(run: KilledRun, settings: Settings) -> tuple[RunRecord, str]:
    record = run.recovered.record
    # A record in progress is written beside each checkpoint: with it, weights of this run were saved.
    saved = _record_of(run.folder, record.run_id) is not None
    folder = RunFolder(
        run.folder,
        run_id=record.run_id,
        card=_checked(checks.card_name, run.recovered.card) or settings.card,
        template=settings.template_text,
        publish=_checked(checks.publish, run.recovered.publish) or settings.publish,
    )
    try:
        folder.begin()
    except CardCallbackError as error:
        warn(str(error))
        saved = False
    if not saved or folder.keeps_earlier_card:
        return record, f"record in {folder.write_record(record)}; the card is of other weights and stays"
    return _with_card(folder, record, charts=settings.charts)


def _with_card(folder: RunFolder, record: RunRecord, *, charts: bool) -> tuple[RunRecord, str]:
    try:
        pictures = charts and folder.draw(record)
        composed = folder.write_card(record, pictures=pictures)
    except CardCallbackError as error:
        warn(str(error))
        return record, f"record in {folder.write_record(record)}; the card could not be completed"
    record = msgspec.structs.replace(record, card=composed.card)
    path = folder.write_record(record)
    return record, f"card {folder.card_path}, record in {path}"


def _checked(check: checks.Check, value: str | None) -> str | None:
    """A setting from the journal, whose text is anyone's, if it is one."""
    try:
        return None if value is None else check(value, checks.Origin(label="journal", folder=Path()))
    except CardCallbackError:
        return None
