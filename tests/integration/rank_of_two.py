"""One of two processes of a job, as a launcher starts it, which trains four times on the CPU.

Without the callback; with it in both processes; with it in the last alone; and with it in both, until the last one
fails. Arguments: a folder for each training's files and for what this process saw of the first two, and the folder of
the base model. ``GPU_OF_RANK`` is as for ``rank_of_job.py``.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

os.environ["CUDA_VISIBLE_DEVICES"] = os.environ["GPU_OF_RANK"].split(",")[int(os.environ["LOCAL_RANK"])]

import numpy as np
import torch
from tiny import make_trainer
from transformers import TrainerCallback, set_seed

from cardcallback import CardCallback

STEPS = 16
_STEP_SECONDS = 0.2  # a process that nobody invites looks for some time before it says so
_IS_LAST = os.environ["RANK"] == "1"


class Steps(TrainerCallback):
    """Makes steps take a while, and the last process fail in the middle if that is asked for."""

    def __init__(self, seconds: float, *, fails: bool = False) -> None:
        self._seconds = seconds
        self._fails = fails and _IS_LAST

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A step of a larger model."""
        del args, control
        time.sleep(self._seconds)
        if self._fails and state.global_step == STEPS // 2:
            raise ArithmeticError("of a person's own")


def train(folder: Path, base_folder: Path, callbacks: list[TrainerCallback]) -> dict[str, Any]:
    """What one training leaves that may not depend on who watched."""
    set_seed(7)
    trainer = make_trainer(
        "plain",
        folder,
        base_folder=base_folder,
        callbacks=callbacks,
        max_steps=STEPS,
        learning_rate=0.01,
        gradient_accumulation_steps=2,
        eval_strategy="steps",
        eval_steps=STEPS // 2,
        save_strategy="steps",
        save_steps=STEPS // 2,
    )
    for layer in trainer.model.modules():
        if hasattr(layer, "attention_dropout"):
            layer.attention_dropout = 0.2
    trainer.train()
    timed = ("runtime", "per_second")
    weights = b"".join(value.numpy().tobytes() for value in trainer.model.state_dict().values())
    drawn = (random.random(), float(np.random.random()), float(torch.rand(1)))  # noqa: NPY002, S311 - what trainers use
    return {
        "logged": [{k: v for k, v in one.items() if not k.endswith(timed)} for one in trainer.state.log_history],
        "weights": hashlib.sha256(weights).hexdigest(),
        "drawn": drawn,
    }


def main() -> None:
    """Train."""
    folder, base_folder = Path(sys.argv[1]), Path(sys.argv[2]) / os.environ["RANK"]
    bare = train(folder / "bare", base_folder, [Steps(0.0)])
    measured = train(folder / "measured", base_folder, [Steps(_STEP_SECONDS), CardCallback(charts=False)])
    (folder / f"seen-{os.environ['RANK']}.json").write_text(json.dumps([bare, measured]))
    sys.stderr.write("alone:\n")
    train(folder / "alone", base_folder, [Steps(_STEP_SECONDS), *([CardCallback()] if _IS_LAST else [])])
    sys.stderr.write("fails:\n")
    train(folder / "failed", base_folder, [Steps(_STEP_SECONDS, fails=True), CardCallback(charts=False)])


main()
