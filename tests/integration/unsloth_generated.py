"""Trains with the trainers that Unsloth generates for a GPU, on a CPU: python unsloth_generated.py SFT|DPO FOLDER.

Prints the events that a callback beside ours was told of, as JSON in the last line.
"""

from __future__ import annotations

import os

os.environ["UNSLOTH_ALLOW_CPU"] = "1"  # its GPU mode may be imported without a GPU ...
import unsloth  # noqa: F401 - before the libraries that it changes

del os.environ["UNSLOTH_ALLOW_CPU"]  # ... which otherwise leaves TRL's trainers as they are
from unsloth.models.rl import PatchFastRL

PatchFastRL()

import json  # noqa: E402 - as above
import sys  # noqa: E402 - as above
from pathlib import Path  # noqa: E402 - as above
from typing import Any  # noqa: E402 - as above

from tiny import make_trainer  # noqa: E402 - as above
from transformers import TrainerCallback  # noqa: E402 - as above

from cardcallback import CardCallback  # noqa: E402 - as above


class Events(TrainerCallback):
    """Notes the names of the events it is told of."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getattribute__(self, name: str) -> Any:
        """Every event's method notes its name."""
        if name.startswith("on_"):
            return lambda *_, **__: self.names.add(name)
        return super().__getattribute__(name)


def main() -> None:
    """Train, with an evaluation and a checkpoint on the way."""
    kind, folder = sys.argv[1], Path(sys.argv[2])
    events = Events()
    trainer = make_trainer(
        "dpo" if kind == "DPO" else "sft",
        folder / "out",
        base_folder=folder / "private-place" / "base",
        callbacks=[CardCallback(base_model="example/tiny-llama"), events],
        eval_strategy="steps",
        eval_steps=2,
        save_strategy="steps",
        save_steps=2,
        **({"beta": 0.2} if kind == "DPO" else {}),
    )
    trainer.evaluate()
    trainer.train()
    trainer.evaluate()
    trainer.save_model()
    trainer.create_model_card()
    sys.stdout.write(json.dumps({"trainer": type(trainer).__name__, "events": sorted(events.names)}) + "\n")


if __name__ == "__main__":
    main()
