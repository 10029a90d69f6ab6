"""Of a record only what tells runs apart and sums them up: read in a millisecond, since training waits for it."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import NamedTuple

import msgspec

from cardcallback import handlers, portable
from cardcallback.record.codec import LARGEST_RECORD_BYTES, PRIVATE_FOLDER, RECORD_FOLDER, RECORD_NAME
from cardcallback.record.measurement import Measurement
from cardcallback.record.run import SCHEMA_VERSION, Card
from cardcallback.record.stage import Status

# Run ids become file names; one that is not like this was put there by somebody.
RUN_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


class _Energy(msgspec.Struct, frozen=True, kw_only=True):
    gpu: Measurement
    partial_reason: str | None = None


class SessionBrief(msgspec.Struct, frozen=True, kw_only=True):
    """Of a session what it took and used; the fields are those of a ``Session``."""

    duration_seconds: float
    status: Status
    energy: _Energy
    session_id: str | None = None
    rest_unknown: bool = False
    killed: bool = False


class RunBrief(msgspec.Struct, frozen=True, kw_only=True):
    """A record without its curves, traces and description."""

    schema_version: int
    run_id: str
    status: Status
    duration_seconds: float
    energy: _Energy
    sessions: tuple[SessionBrief, ...] = ()
    card: Card = Card()
    weights: dict[str, str] = {}
    processes: int | None = None

    @property
    def gpu_energy_joules(self) -> float | None:
        """What its GPUs used; ``None`` where that was not measured."""
        return self.energy.gpu.value


# A link is followed.
_READ_FLAGS = portable.READ_FLAGS & ~portable.NO_FOLLOW
_DECODER = msgspec.json.Decoder(RunBrief)  # made here, as in codec: two threads may be the first to use it


def read_brief(path: Path) -> RunBrief | None:
    """What a record's file tells of its run; ``None`` where there is none that can be read, or one that is newer."""
    return _dated_brief(path, _Dated()).brief


class MainBriefs:
    """What the records in an output folder's main places tell; a run that publishes none keeps it in our own folder.

    It is asked at every save and every writing of the card: a file is read again only where it is another than before.
    """

    def __init__(self, output_folder: Path) -> None:
        places = (output_folder / RECORD_FOLDER, output_folder / PRIVATE_FOLDER / RECORD_FOLDER)
        self._known: dict[Path, _Dated] = {place / RECORD_NAME: _Dated() for place in places}

    def beside(self, main: Path) -> list[tuple[Path, RunBrief]]:
        """The record in the other main place than ``main``, where one is there that can be read, and what it tells."""
        others = {path: _dated_brief(path, known) for path, known in self._known.items() if path != main}
        self._known |= others
        return [(path, dated.brief) for path, dated in others.items() if dated.brief is not None]

    def now(self) -> list[RunBrief]:
        """Those that can be read, the one that was written last first."""
        self._known = {path: _dated_brief(path, known) for path, known in self._known.items()}
        dated = sorted(self._known.values(), key=lambda one: one.written_seconds, reverse=True)
        return [one.brief for one in dated if one.brief is not None]


class _Dated(NamedTuple):
    """What a file tells, when it was written, and what tells this writing of it from any other."""

    brief: RunBrief | None = None
    written_seconds: float = 0.0
    stamp: tuple[int, ...] | None = None


def _dated_brief(path: Path, known: _Dated) -> _Dated:
    """What a record's file tells; ``known`` as long as it is the same writing of it."""
    try:
        descriptor = os.open(path, _READ_FLAGS)  # which looks at a network's disk, as a mere look at its name does not
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            stamp = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
            if stamp == known.stamp:
                return known
            # A pipe in its place would keep whoever reads it waiting for ever.
            usable = stat.S_ISREG(found.st_mode) and found.st_size <= LARGEST_RECORD_BYTES
            return _Dated(brief_of(file.read()) if usable else None, found.st_mtime, stamp)
    except OSError as error:
        handlers.pass_on(error)
        return _Dated()


def brief_of(content: bytes) -> RunBrief | None:
    """As ``read_brief``, of a record's file that was read."""
    try:
        brief = _DECODER.decode(content) if len(content) <= LARGEST_RECORD_BYTES else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        handlers.pass_on(error)
        return None
    if brief is None:
        return None
    lengths = (brief.duration_seconds, *(session.duration_seconds for session in brief.sessions))
    usable = 1 <= brief.schema_version <= SCHEMA_VERSION and min(lengths) >= 0
    return brief if usable else None


def own_record_files(output_folder: Path) -> list[Path]:
    """Every file of an output folder itself that may hold a record; a run's own name comes before the main place."""
    places = (output_folder / RECORD_FOLDER, output_folder / PRIVATE_FOLDER / RECORD_FOLDER)
    return [path for place in places for path in portable.files_like(place, "record*.json")]


def briefs_in(output_folder: Path) -> dict[str, RunBrief]:
    """What every record in an output folder that can be read tells of its run, by run id."""
    found = map(read_brief, own_record_files(output_folder))
    # Of two of one run the one in the main place counts, which comes last.
    return {brief.run_id: brief for brief in found if brief is not None}
