"""What one training is told, and what it leaves for the harness; files that a process hands another."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cardcallback.writing import write_atomically

from .workloads import SAME_WORK, Settings, Workload

OUTCOME_NAME = "outcome.json"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One training. With ``target`` it ends at that held-out loss, else after the workload's steps."""

    workload: Workload
    tier: str
    settings: Settings
    output_dir: str
    target: float | None = None
    is_warm_up: bool = False

    @property
    def steps(self) -> int:
        """How many steps at most."""
        if self.is_warm_up:
            return self.workload.warm_up_steps
        return self.workload.steps if self.tier == SAME_WORK else self.workload.most_steps


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What only the training knows: which weights these were, exactly, and the held-out loss it reached."""

    weights: str
    held_out_loss: float | None = None


def write_job(job: Job, path: Path) -> None:
    """Hand it to another process."""
    _write(job, path)


def read_job(path: Path) -> Job:
    """What ``write_job`` wrote."""
    return msgspec.json.decode(path.read_bytes(), type=Job)


def write_outcome(outcome: Outcome, folder: Path) -> None:
    """Leave it in a training's output folder."""
    _write(outcome, folder / OUTCOME_NAME)


def read_outcome(folder: Path) -> Outcome | None:
    """What a training left; ``None`` where it did not come so far."""
    try:
        return msgspec.json.decode((folder / OUTCOME_NAME).read_bytes(), type=Outcome)
    except (OSError, msgspec.DecodeError):
        return None


def _write(value: msgspec.Struct, path: Path) -> None:
    write_atomically(path, msgspec.json.format(msgspec.json.encode(value), indent=1).decode() + "\n")
