"""A line of the journal: a checksum and one entry, so that a line that was torn or damaged is known as such."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import msgspec

# Value, lower and upper recording bound in joules, and coverage.
Figure = tuple[float, float | None, float | None, float | None]


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one line says: how far the session is (``p``, ``e``), or the whole record at a moment (``t``, ``record``).

    Names are short, as a line is written every second. ``p`` is seconds since the session began, seconds of them
    suspended, and the last step; ``e`` the energies that changed, by name, with ``None`` for one that is no longer
    known. ``t`` is the session's age in seconds at the snapshot and ``record`` its packed record; ``card`` and
    ``publish`` are the settings that say where its files belong.
    """

    p: tuple[float, float, int] | None = None
    e: dict[str, Figure | None] = {}
    t: float | None = None
    record: str | None = None
    card: str | None = None
    publish: str | None = None


_DECODER = msgspec.json.Decoder(Entry)
_CHECKSUM_DIGITS = 8


def encode_line(entry: Entry) -> bytes:
    """The entry as a line with its checksum and line end."""
    body = msgspec.json.encode(entry)
    return b"%08x %s\n" % (zlib.crc32(body), body)


def decode_lines(content: bytes) -> tuple[list[Entry], int]:
    """The entries of all lines that are whole, in their order, and how many lines were not."""
    entries, damaged = [], 0
    for line in _lines(content):
        entry = _decode(line)
        if entry is None:
            damaged += 1
        else:
            entries.append(entry)
    return entries, damaged


def _lines(content: bytes) -> Iterator[bytes]:
    # An empty line parts what was torn by a full disk from what was written when there was room again.
    return (line for line in content.split(b"\n") if line)


def _decode(line: bytes) -> Entry | None:
    checksum, _, body = line.partition(b" ")
    if len(checksum) != _CHECKSUM_DIGITS or checksum != b"%08x" % zlib.crc32(body):
        return None
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None  # whole, but of a writer that this version does not know
