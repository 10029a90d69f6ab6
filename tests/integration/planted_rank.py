"""One process of a job on a machine whose every name tells on somebody; ends as it is told to.

Arguments: output folder, folder of the base model, data file, a file that is made when all of the job's live files have
been seen, and how it ends: "raises", with secrets in the words, or "killed".
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from datasets import load_dataset
from planted import HOST, TOKEN, USER, machine_names
from tiny import make_trainer
from transformers import TrainerCallback

from cardcallback import CardCallback

_STEPS = 40
_LONGEST_WAIT_SECONDS = 120.0


class End(TrainerCallback):
    """Ends in the middle, once the watcher has seen what is there while it runs."""

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Killed or raised."""
        del control
        if state.global_step == _STEPS // 2:
            _wait_until_seen()
        if state.global_step == _STEPS // 2 and sys.argv[5] == "raises":
            msg = f"{TOKEN} of {USER} is not valid at https://{HOST}.analytical.example{args.output_dir}"
            raise OSError(13, msg, args.output_dir)
        if state.global_step == _STEPS // 2:
            os.kill(os.getpid(), signal.SIGKILL)


def _wait_until_seen() -> None:
    deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
    while not Path(sys.argv[4]).exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def main() -> None:
    """Train."""
    for owner, name, value in machine_names():
        setattr(owner, name, value)
    output_folder, base_folder, data = (Path(argument) for argument in sys.argv[1:4])
    make_trainer(
        "sft",
        output_folder,
        base_folder=base_folder / os.environ["RANK"],
        train_dataset=load_dataset("json", data_files=str(data), split="train"),
        max_steps=_STEPS,
        save_strategy="steps",
        save_steps=5,
        run_name=f"{USER}-{HOST}",
        hub_model_id=f"{USER}/tiny",
        hub_token=TOKEN,
        callbacks=[End(), CardCallback(location="DE", charts=False)],
    ).train()


main()
