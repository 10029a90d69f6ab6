"""What a record that is made after its run writes into the output folder, and what it finds there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from cardcallback import handlers
from cardcallback.carbon import reassessed
from cardcallback.card_keeper import read_text
from cardcallback.card_memory import filled_into
from cardcallback.errors import CardCallbackError
from cardcallback.record import (
    PRIVATE_FOLDER,
    Card,
    RunBrief,
    RunRecord,
    Session,
    SessionBrief,
    briefs_in,
    load_run,
    named_sessions,
    own_record_files,
    read_brief,
    record_path,
)
from cardcallback.record.spent import fullness
from cardcallback.render.card.section_block import has_section
from cardcallback.render.figures import spent_words
from cardcallback.run_folder import RunFolder
from cardcallback.sessions import has_checkpoint_of, with_longer_accounts
from cardcallback.settings import Settings

Warn = Callable[[str], None]


def record_of(folder: Path, run_id: str) -> RunBrief | None:
    """What the folder's record of that run tells, where there is one."""
    return briefs_in(folder).get(run_id)


def beside_what_is_known(folder: Path, record: RunRecord) -> RunRecord | None:
    """The record to write of a killed session, so that neither it nor what the folder has of its run is lost.

    Where the run went on without this session's end being known, that is added to what it became; where it went on
    another way from the same checkpoint, the killed session is a run of its own. ``None`` where the folder's record
    has all of it.

    Raises:
        CardCallbackError: the folder's record is damaged.
    """
    known = record_of(folder, record.run_id)
    if known is None:
        return record
    ours = named_sessions(record.run_id, record.sessions)
    theirs = named_sessions(known.run_id, known.sessions)
    if known.status != "running" and all(_has(theirs, name, session) for name, session in ours.items()):
        return None
    if ours.keys() >= theirs.keys():
        return record
    if ours.keys() - theirs.keys():
        return msgspec.structs.replace(record, run_id=record.sessions[-1].session_id or record.run_id)
    return _with_longer_account(full_record_of(folder, record.run_id) or record, record)


def waits_for_later_session(folder: Path, record: RunRecord) -> bool:
    """Whether a later session of its run has a record in progress, which would be written over what is added to it."""
    known = record_of(folder, record.run_id)
    if known is None or known.status != "running":
        return False
    ours, theirs = (named_sessions(record.run_id, one.sessions).keys() for one in (record, known))
    return ours < theirs


def _has(theirs: Mapping[str, SessionBrief], name: str, session: Session) -> bool:
    return name in theirs and fullness(theirs[name]) >= fullness(session)


def full_record_of(folder: Path, run_id: str) -> RunRecord | None:
    """The folder's record of that run, where there is one; of two the one in the main place.

    Raises:
        CardCallbackError: it is damaged.
    """
    briefs = ((path, read_brief(path)) for path in own_record_files(folder))
    found = [path for path, brief in briefs if brief is not None and brief.run_id == run_id]
    return load_run(found[-1]) if found else None  # the main place comes last


def lacks_card(folder: RunFolder, record: RunRecord) -> bool:
    """Whether the card of a record that stands was never written; one whose section a person took out was.

    What is to be filled into the card stands in the record a moment before it is; a section that is older than the
    record may be of the run before.
    """
    try:
        text = read_text(folder.card_path)
    except CardCallbackError:
        return False  # nothing of ours may be put into it
    if text is None:
        return True
    if has_section(text):
        return folder.card_path.stat().st_mtime < record_path(folder.path).stat().st_mtime
    return record.card == Card() or record.card.filled != filled_into(folder.path / PRIVATE_FOLDER)


def _with_longer_account(known: RunRecord, record: RunRecord) -> RunRecord:
    joined = with_longer_accounts(known, [record], all_sessions=False)
    return reassessed(msgspec.structs.replace(joined, recovered=True), known.carbon)


def weights_were_saved(folder: Path, run_id: str) -> bool:
    """Whether a checkpoint of the run lies there, or the record in progress that is written beside each."""
    known = record_of(folder, run_id)
    return (known is not None and known.status == "running") or has_checkpoint_of(folder, run_id)


def write_with_card(folder: RunFolder, record: RunRecord, settings: Settings, warn: Warn) -> tuple[RunRecord, str]:
    """Write record and card, and the pictures where they are wanted; returns the record and what was written.

    Raises:
        CardCallbackError: the record cannot be written. ``warn`` is told why a card is not.
    """
    path = folder.write_record(record)  # first: whatever happens to the card, the figures are there
    try:
        pictures = settings.charts and folder.draw(record)
        composed = folder.write_card(record, pictures=pictures)
    except Exception as error:  # noqa: BLE001 - a library draws the pictures, from whatever a journal holds
        handlers.pass_on(error)
        known = isinstance(error, CardCallbackError)
        warn(str(error) if known else f"cannot complete the card: {type(error).__name__}")
        return record, f"record in {path}; the card could not be completed"
    record = msgspec.structs.replace(record, card=composed.card)
    return record, f"card {folder.card_path}, record in {folder.write_record(record)}"


def energy_words(record: RunRecord) -> str:
    """What its GPUs used, in words."""
    energy = record.energy.gpu
    return "GPU energy not measured" if energy.value is None else f"GPU {spent_words(record, energy)}"
