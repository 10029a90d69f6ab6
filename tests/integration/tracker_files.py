"""What W&B, MLflow and trackio keep of a run in their offline modes, read from their own files."""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Points = dict[str, list[tuple[int, float]]]
# The log format of LevelDB, which W&B's file has after a header of its own.
_BLOCK_BYTES, _HEADER_BYTES, _FILE_HEADER_BYTES = 32768, 7, 7
_WHOLE, _LAST = 1, 4


@dataclass
class Kept:
    """``points`` by name with their steps; ``final`` is what the tracker shows for the whole run."""

    points: Points = field(default_factory=dict)
    final: dict[str, Any] = field(default_factory=dict)
    status: Any = None

    def add(self, name: str, step: int, value: float) -> None:
        """One point."""
        self.points.setdefault(name, []).append((step, value))


def environment(folder: Path) -> dict[str, str]:
    """What keeps each of them in ``folder``, and off the network."""
    return {
        "WANDB_MODE": "offline",
        "WANDB_DIR": str(folder),
        "WANDB_SILENT": "true",
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "TRACKIO_DIR": str(folder / "trackio"),
        "HF_HUB_OFFLINE": "1",
    }


def wandb_kept(folder: Path) -> Kept:
    """From the file that ``wandb sync`` would send."""
    (path,) = folder.glob("wandb/offline-run-*/*.wandb")
    kept = Kept()
    for record in _wandb_records(path.read_bytes()):
        kind = record.WhichOneof("record_type")
        if kind == "history":
            row = {_wandb_name(item): json.loads(item.value_json) for item in record.history.item}
            for name, value in row.items():
                kept.add(name, int(row.get("train/global_step", 0)), value)
        elif kind == "summary":
            kept.final |= {_wandb_name(item): json.loads(item.value_json) for item in record.summary.update}
        elif kind == "exit":
            kept.status = record.exit.exit_code
    return kept


def _wandb_name(item: Any) -> str:
    return item.key or ".".join(item.nested_key)


def _wandb_records(data: bytes) -> Iterator[Any]:
    from wandb.proto.wandb_internal_pb2 import Record  # noqa: PLC0415 - only where it is installed

    offset, parts = _FILE_HEADER_BYTES, b""
    while offset + _HEADER_BYTES <= len(data):
        left = _BLOCK_BYTES - offset % _BLOCK_BYTES
        if left < _HEADER_BYTES:
            offset += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, offset)
        offset += _HEADER_BYTES
        parts += data[offset : offset + length]
        offset += length
        if kind in {_WHOLE, _LAST}:
            record = Record()
            record.ParseFromString(parts)
            parts = b""
            yield record


def mlflow_kept(folder: Path) -> Kept:
    """Through MLflow's own client."""
    from mlflow import MlflowClient  # noqa: PLC0415 - as above

    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    (run,) = client.search_runs([one.experiment_id for one in client.search_experiments()])
    kept = Kept(final={**run.data.metrics, **run.data.tags}, status=run.info.status)
    for name in run.data.metrics:
        for metric in client.get_metric_history(run.info.run_id, name):
            kept.add(name, metric.step, metric.value)
    return kept


def trackio_kept(folder: Path) -> Kept:
    """From its database; the last row that has a name is what it shows."""
    kept = Kept()
    (path,) = (folder / "trackio").glob("*.db")
    database = sqlite3.connect(path)
    for (text,) in database.execute("SELECT metrics FROM metrics ORDER BY step"):
        row = json.loads(text)
        for name, value in row.items():
            kept.add(name, int(row["train/global_step"]), value)
        kept.final |= row
    database.close()
    return kept


READERS: dict[str, Callable[[Path], Kept]] = {"wandb": wandb_kept, "mlflow": mlflow_kept, "trackio": trackio_kept}
