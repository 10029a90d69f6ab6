"""A process of its own that trains and reports to one tracker: tracked_process.py FOLDER TRACKER HOW IT ENDS.

Endings: "completed", "failed", "SIGTERM", and "bare", which is completed without the callback. Prints what it asked of
the network, and when, on CLOCK_BOOTTIME, its training began and its logs were written.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

asked: set[tuple[str, str]] = set()


def _notice(event: str, arguments: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.bind", "socket.sendto", "urllib.Request"} or event.startswith("socket.get"):
        address = arguments[-1] if arguments else ""
        # Ports of this machine's own differ from run to run.
        asked.add((event, str(address[0]) if isinstance(address, tuple) else "local"))


sys.addaudithook(_notice)

from tracked import STEPS, Unhurried, between, measured, tracked_trainer  # noqa: E402 - after the hook
from transformers import TrainerCallback  # noqa: E402 - likewise


class Terminated(TrainerCallback):
    """As a scheduler ends a job."""

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The last step never ends."""
        del args, control
        if state.global_step == STEPS - 1:
            os.kill(os.getpid(), signal.SIGTERM)


def main(folder: Path, tracker: str, ending: str) -> None:
    """Train until that end."""
    now_seconds = lambda: time.clock_gettime(time.CLOCK_BOOTTIME)  # noqa: E731 - nothing to name
    error = RuntimeError("the data ended") if ending == "failed" else None
    callbacks: list[TrainerCallback] = [Unhurried(1.0 if ending == "completed" else 0.2, error)]
    callbacks += [] if ending == "bare" else [measured()]
    callbacks += [Terminated()] if ending == "SIGTERM" else []
    trainer = tracked_trainer(folder, tracker, *callbacks)
    first, last = between(trainer, now_seconds)
    with contextlib.suppress(RuntimeError):
        trainer.train()
    times = {"begins": [first.begin_seconds, last.begin_seconds], "logs": [first.log_seconds, last.log_seconds]}
    print("\ntold", json.dumps({"asked": sorted(asked), **times}))  # noqa: T201 - to the test


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
