"""One training whose steps last at least a given time, as if a slower device did them: for simulated ones only."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from .jobs import read_job
from .train import train


class Pace(TrainerCallback):
    """Prolongs each step that was quicker."""

    def __init__(self, step_seconds: float) -> None:
        self._step_seconds = step_seconds
        self._begin = 0.0

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Note the time."""
        self._begin = time.monotonic()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Wait for the rest of the step's time."""
        time.sleep(max(0.0, self._begin + self._step_seconds - time.monotonic()))


def main() -> None:
    """Train the job of a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", type=Path)
    parser.add_argument("--step-seconds", type=float, required=True)
    options = parser.parse_args()
    train(read_job(options.job), before=[Pace(options.step_seconds)])


if __name__ == "__main__":
    main()
