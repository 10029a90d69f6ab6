"""What a record that is made after its run writes into the output folder, and what it finds there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from cardcallback.errors import CardCallbackError
from cardcallback.record import RunBrief, RunRecord
from cardcallback.render.figures import spent_words
from cardcallback.run_folder import RunFolder, briefs_in
from cardcallback.sessions import has_checkpoint_of
from cardcallback.settings import Settings

Warn = Callable[[str], None]


def record_of(folder: Path, run_id: str) -> RunBrief | None:
    """What the folder's record of that run tells, where there is one."""
    return briefs_in(folder).get(run_id)


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
        known = isinstance(error, CardCallbackError)
        warn(str(error) if known else f"cannot complete the card: {type(error).__name__}")
        return record, f"record in {path}; the card could not be completed"
    record = msgspec.structs.replace(record, card=composed.card)
    return record, f"card {folder.card_path}, record in {folder.write_record(record)}"


def energy_words(record: RunRecord) -> str:
    """What its GPUs used, in words."""
    energy = record.energy.gpu
    return "GPU energy not measured" if energy.value is None else f"GPU {spent_words(energy, record.duration_seconds)}"
