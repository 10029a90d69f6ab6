"""One process of a job on a machine whose every name tells on somebody; ends as it is told to.

Arguments: output folder, folder of the base model, data file, and how it ends: "raises", with secrets in the words, or
"killed".
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


class End(TrainerCallback):
    """Makes steps take a while, and ends in the middle."""

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Killed or raised."""
        del control
        time.sleep(0.1)
        if state.global_step == _STEPS // 2 and sys.argv[4] == "raises":
            msg = f"{TOKEN} of {USER} is not valid at https://{HOST}.analytical.example{args.output_dir}"
            raise OSError(13, msg, args.output_dir)
        if state.global_step == _STEPS // 2:
            os.kill(os.getpid(), signal.SIGKILL)


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
