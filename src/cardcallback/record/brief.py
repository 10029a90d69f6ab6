"""Of a record only what tells runs apart and sums them up: read in a millisecond, since training waits for it."""

from __future__ import annotations

import contextlib
import re
import stat
from pathlib import Path

import msgspec

from cardcallback import handlers
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


_DECODER = msgspec.json.Decoder(RunBrief)  # made here, as in codec: two threads may be the first to use it


def read_brief(path: Path) -> RunBrief | None:
    """What a record's file tells of its run; ``None`` where there is none that can be read, or one that is newer."""
    _, brief = _dated_brief(path)
    return brief


def main_briefs(output_folder: Path) -> list[RunBrief]:
    """What the records in an output folder's main places tell that can be read, the one that was written last first.

    A run that publishes no record keeps it in the private folder.
    """
    places = (output_folder / RECORD_FOLDER, output_folder / PRIVATE_FOLDER / RECORD_FOLDER)
    dated = sorted((_dated_brief(place / RECORD_NAME) for place in places), key=lambda one: one[0], reverse=True)
    return [brief for _, brief in dated if brief is not None]


def _dated_brief(path: Path) -> tuple[float, RunBrief | None]:
    """The same, with when the file was written."""
    try:
        found = path.stat()
        # A pipe in its place would keep whoever reads it waiting for ever.
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST_RECORD_BYTES:
            return found.st_mtime, None
        return found.st_mtime, brief_of(path.read_bytes())
    except OSError as error:
        handlers.pass_on(error)
        return 0.0, None


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
    return [path for place in places for path in _record_files(place)]


def _record_files(place: Path) -> list[Path]:
    with contextlib.suppress(PermissionError):  # a folder that this person may not look into holds none of theirs
        return sorted(place.glob("record*.json"))
    return []


def briefs_in(output_folder: Path) -> dict[str, RunBrief]:
    """What every record in an output folder that can be read tells of its run, by run id."""
    found = map(read_brief, own_record_files(output_folder))
    # Of two of one run the one in the main place counts, which comes last.
    return {brief.run_id: brief for brief in found if brief is not None}
