"""What a submitted folder may hold, and that nothing in it tells whose machine it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from cardcallback.check.privacy import privacy_findings
from cardcallback.check.reading import CardText
from cardcallback.record import LARGEST_RECORD_BYTES, RECORD_NAME

from .layout import ATTEMPT_NAME, SERIES_NAME, attempt_folders

_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[a-z]{2,}", re.IGNORECASE)
_HOST = re.compile(r"\b[a-z0-9-]+\.(?:local|lan|internal|localdomain|home\.arpa)\b", re.IGNORECASE)
_TIME_OF_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")
_TAKE_OUT = "take it out"


def file_faults(folder: Path) -> Iterator[str]:
    """Each file of a series that has no place there, or holds what it should not."""
    expected = {folder / SERIES_NAME}
    for place in attempt_folders(folder):
        expected |= {place / ATTEMPT_NAME, place / RECORD_NAME}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            yield f"{name} is a link: put the file itself there"
        elif path.is_file() and path not in expected:
            yield f"{name} has no place here: remove it"
        elif path.is_file():
            yield from (f"{name}: {fault}" for fault in _content_faults(path))


def _content_faults(path: Path) -> Iterator[str]:
    if path.stat().st_size > LARGEST_RECORD_BYTES:
        yield "larger than any record: give what the harness wrote"
        return
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        yield "no text: give what the harness wrote"
        return
    # A record is one line, and of a long line only the beginning is read.
    short_lines = CardText(text.replace(",", ",\n"))
    yield from (f"{found.what}: {found.cure}" for found in privacy_findings(short_lines))
    for what, pattern in (("a mail address", _MAIL), ("a computer's name", _HOST), ("a time of day", _TIME_OF_DAY)):
        if pattern.search(text):
            yield f"it looks as if {what} stands in it: {_TAKE_OUT}"
