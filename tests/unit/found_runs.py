"""Records of runs in folders, and ``cardcallback ls`` over them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from session_records import session_record

from cardcallback.cli import main
from cardcallback.record import RunRecord, encode
from cardcallback.sessions import SUMMARY_NAME

WATT_HOUR = 3600.0


def run_record(number: int, joules: float | None = WATT_HOUR, *, date: str = "2026-03-02", **fields: Any) -> RunRecord:
    """A run of one session under a number; ``fields`` as of ``session_record``."""
    record = session_record(joules, **({"session_id": f"s{number}"} | fields))
    sessions = tuple(replace(session, started_on=date) for session in record.sessions)
    return replace(record, run_id=f"{number:032x}", sessions=sessions)


def write_record(folder: Path, record: RunRecord, name: str = "record.json") -> None:
    """Leave it as a run does in its output folder."""
    place = folder / "training_run"
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_text(encode(record))


def carry(checkpoint: Path, record: RunRecord) -> None:
    """Leave it in a checkpoint."""
    checkpoint.mkdir(parents=True)
    (checkpoint / SUMMARY_NAME).write_text(encode(record))


def ls(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> str:
    """What the command prints; where it fails, what it says."""
    with pytest.raises(SystemExit) as ended:
        main(["ls", *map(str, arguments)])
    assert ended.value.code == code
    output = capsys.readouterr()
    return output.err if code else output.out


def ls_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    """Its data."""
    return json.loads(ls(capsys, *arguments, "--json"))
