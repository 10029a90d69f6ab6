"""What is to be published: a record with the place and overhead asked for, and its pictures."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cardcallback.errors import CardCallbackError
from cardcallback.record import PRIVATE_FOLDER, RECORD_FOLDER, RECORD_NAME, LoadedRecord, RunRecord
from cardcallback.render.pictures import draw_pictures
from cardcallback.render.pictures.choice import pictures_of
from cardcallback.writing import read_ordinary

LARGEST_PICTURE_BYTES = 16 * 1024**2
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A record as it is to be told, the document it came from, and the pictures' content by file name."""

    record: RunRecord
    document: dict[str, Any]
    pictures: Mapping[str, bytes]


def published_folder(record_file: Path) -> Path:
    """Where a run's pictures lie: beside the record, or in the output folder of a record that is kept aside."""
    folder = record_file.parent
    return folder.parent.parent / RECORD_FOLDER if keeps_to_itself(record_file) else folder


def keeps_to_itself(record_file: Path) -> bool:
    """Whether the run was asked to publish no record."""
    return record_file.resolve().parent.parent.name == PRIVATE_FOLDER


def read_source(
    loaded: LoadedRecord,
    record: RunRecord,
    record_file: Path,
    *,
    with_pictures: bool,
    may_draw: bool,
    warn: Callable[[str], None],
) -> Source:
    """The record to publish with its pictures: those that lie beside it, or drawn anew.

    Args:
        loaded: the record as it was read.
        record: the same with what the person asked for.
        record_file: its file.
        with_pictures: whether pictures are wanted.
        may_draw: whether missing ones may be drawn.
        warn: told in one line why there are none.
    """
    pictures: Mapping[str, bytes] = {}
    if with_pictures and pictures_of(record):
        pictures = _beside(record, record_file) or (_drawn(record, warn) if may_draw else {})
    return Source(record=record, document=loaded.document, pictures=pictures)


def _beside(record: RunRecord, record_file: Path) -> dict[str, bytes]:
    # Pictures beside a record that was set aside are of the run that came after it.
    if record_file.name != RECORD_NAME:
        return {}
    found = {}
    for name in pictures_of(record):
        try:
            content = read_ordinary(published_folder(record_file) / name, LARGEST_PICTURE_BYTES)
        except CardCallbackError:
            return {}
        if content is None or not content.startswith(_PNG):
            return {}
        found[name] = content
    return found


def _drawn(record: RunRecord, warn: Callable[[str], None]) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        try:
            return {path.name: path.read_bytes() for path in draw_pictures(record, Path(folder))}
        except Exception as error:  # noqa: BLE001 - a library draws them, from whatever a record holds
            warn(f"the pictures cannot be drawn ({type(error).__name__}): the card goes without them")
            return {}
