"""Output folders and checkpoints as runs leave them, without their weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from cardcallback.record import RunRecord, Stage, encode, with_stages
from cardcallback.sessions import SUMMARY_NAME
from cardcallback.testing import make_record


def run(run_id: str, *before: Stage, steps: int = 500, seconds: float = 6720.0, **fields: Any) -> RunRecord:
    """A run's record after the stages ``before``."""
    record = make_record(run_id=run_id, duration_seconds=seconds, **fields)
    session = replace(record.sessions[0], last_step=steps, duration_seconds=seconds, status=record.status)
    training = replace(record.training, steps=steps, published_step=steps)
    return with_stages(replace(record, training=training, sessions=(session,)), before)


def left(folder: Path, record: RunRecord, *, name: str = "record.json", private: bool = False) -> Path:
    """A run's output folder, with its record in it."""
    place = folder / "_cardcallback" / "training_run" if private else folder / "training_run"
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_text(encode(record))
    return folder


def checkpoint(folder: Path, record: RunRecord | None, step: int) -> Path:
    """A checkpoint in an output folder, with the record of its run up to then."""
    place = folder / f"checkpoint-{step}"
    place.mkdir(parents=True)
    if record is not None:
        (place / SUMMARY_NAME).write_text(encode(record))
    return place


def adapter(folder: Path, base: Path | str) -> Path:
    """An adapter's configuration, which names its base."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(base), "r": 8}))
    return folder
