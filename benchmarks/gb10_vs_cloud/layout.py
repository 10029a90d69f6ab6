"""The folder of one machine's records for one workload in one tier, and what lies in it.

    <records>/<machine>/<tier>/<workload>/series.json
    <records>/<machine>/<tier>/<workload>/attempt-1/attempt.json, record.json
    <records>/<machine>/<tier>/<workload>/attempt-2/...

An attempt is a repeat that was begun. One that failed or was killed keeps its place and says so; another follows it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from cardcallback.baseline import Baseline
from cardcallback.errors import CardCallbackError
from cardcallback.record import RECORD_NAME
from cardcallback.writing import write_atomically

from .workloads import Settings

RECORDS = Path(__file__).with_name("records")
SERIES_NAME, ATTEMPT_NAME = "series.json", "attempt.json"
SIMULATED = "simulated-"
MACHINE_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
FORMAT = 1
_ATTEMPT = re.compile(r"attempt-([1-9]\d{0,3})")

AttemptStatus = Literal["running", "completed", "failed", "interrupted"]
Content = TypeVar("Content", bound=msgspec.Struct)


class CoolDown(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The wait before an attempt; ``reached`` is whether power and temperature came back near idle in time."""

    seconds: float
    reached: bool
    watts: float
    celsius: float | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One repeat that was begun; ``health`` is what slowed the GPU, ``reason`` why it was not completed."""

    status: AttemptStatus
    reason: str | None = None
    cool_down: CoolDown | None = None
    held_out_loss: float | None = None
    weights: str | None = None
    health: tuple[str, ...] = ()


class Series(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all attempts of a folder have in common.

    ``idle`` is what the GPU drew before the first of them, ``notes`` what was not in order then. ``target`` is
    the held-out loss at which a best-effort training ends.
    """

    format: int = FORMAT
    machine: str
    tier: str
    workload: str
    settings: Settings
    tuning: Settings = {}
    target: float | None = None
    data_sha256: str
    workloads_version: int
    cardcallback_version: str
    simulated: bool
    idle: tuple[Baseline, ...] = ()
    notes: tuple[str, ...] = ()


def series_folder(records: Path, machine: str, tier: str, workload: str) -> Path:
    """Where a machine's records of one workload in one tier lie.

    Raises:
        CardCallbackError: the machine's name is none that a folder of a published repository should have.
    """
    if MACHINE_NAME.fullmatch(machine) is None:
        msg = f"{machine!r} is no name for a machine: use small letters, digits and hyphens, as in dgx-spark"
        raise CardCallbackError(msg)
    return records / machine / tier / workload


def series_folders(records: Path) -> list[Path]:
    """Every folder of a series at or below ``records``, by name."""
    return sorted(path.parent for path in records.rglob(SERIES_NAME))


def attempt_folders(folder: Path) -> list[Path]:
    """The attempts of a series in the order in which they were begun."""
    found = [(match, path) for path in folder.iterdir() if (match := _ATTEMPT.fullmatch(path.name))]
    return [path for match, path in sorted(found, key=lambda one: int(one[0].group(1)))]


def next_attempt_folder(folder: Path) -> Path:
    """Where the next one will lie."""
    last = attempt_folders(folder)[-1:]
    number = int(last[0].name.rpartition("-")[2]) + 1 if last else 1
    return folder / f"attempt-{number}"


def completed_records(folder: Path) -> list[Path]:
    """The records of the attempts that were completed."""
    return [place / RECORD_NAME for place in attempt_folders(folder) if load_attempt(place).status == "completed"]


def load_series(folder: Path) -> Series:
    """What the attempts of a folder have in common.

    Raises:
        CardCallbackError: missing or damaged.
    """
    return _load(folder / SERIES_NAME, Series)


def load_attempt(folder: Path) -> Attempt:
    """How one attempt went.

    Raises:
        CardCallbackError: missing or damaged.
    """
    return _load(folder / ATTEMPT_NAME, Attempt)


def save(value: Series | Attempt, folder: Path) -> None:
    """Write it into its folder, which is made where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    name = SERIES_NAME if isinstance(value, Series) else ATTEMPT_NAME
    write_atomically(folder / name, msgspec.json.format(msgspec.json.encode(value), indent=1).decode() + "\n")


def _load(path: Path, kind: type[Content]) -> Content:
    place = "/".join(path.parts[-4:])
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        msg = f"{place} cannot be read ({error.strerror}): give a folder that the harness wrote"
        raise CardCallbackError(msg) from error
    except msgspec.DecodeError as error:
        msg = f"{place} is damaged ({error}): restore it, or remove the folder and run again"
        raise CardCallbackError(msg) from error
