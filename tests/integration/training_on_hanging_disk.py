"""Trains a tiny model on the CPU into a folder whose disk hangs from some moment on.

Arguments: output folder, folder of the base model, and when: "begin", "middle" or "end". Tells when that happens, and
how long ``train()`` went on after its last step.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tiny import make_trainer
from transformers import TrainerCallback

from cardcallback import CardCallback

_STEPS = 40


class Freeze(TrainerCallback):
    """Freezes the disk, so that whoever writes into it waits until it is thawed."""

    def __init__(self, folder: Path, when: str) -> None:
        self._folder, self._when = folder, when
        self.ended = 0.0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Before the callback's own begin."""
        self._freeze("begin")

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """In the middle."""
        del args, control
        time.sleep(0.05)
        if state.global_step == _STEPS // 2:
            self._freeze("middle")

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """Before the callback's own end."""
        self._freeze("end")
        self.ended = time.monotonic()

    def _freeze(self, moment: str) -> None:
        if moment == self._when:
            subprocess.run(["fsfreeze", "--freeze", str(self._folder)], check=True)  # noqa: S607 - the system's


def main() -> None:
    """Train."""
    output_folder, base_folder, when = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    freeze = Freeze(output_folder.parent, when)
    callbacks = [freeze, CardCallback(charts=False)]
    trainer = make_trainer(
        "plain", output_folder, base_folder=base_folder, max_steps=_STEPS, callbacks=callbacks, save_strategy="no"
    )
    trainer.train()
    sys.stdout.write(f"ended after: {time.monotonic() - freeze.ended}\n")
    sys.stdout.flush()


main()
