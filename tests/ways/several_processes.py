"""What the ways share that a launcher starts in several processes, each of which sees one GPU of eight.

The launcher starts this file: several_processes.py WORK_FOLDER.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from way import Place

LAUNCHERS = {
    "torchrun": ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node"),
    # Its launcher of several GPUs also where there is none, where it would start one process.
    "accelerate": (
        *("-m", "accelerate.commands.launch", "--multi_gpu", "--num_machines", "1"),
        *("--mixed_precision", "no", "--dynamo_backend", "no", "--num_processes"),
    ),
}


def launch(launcher: str, processes: int, place: Place) -> list[list[str]]:
    """The command that trains in so many processes."""
    return [[sys.executable, *LAUNCHERS[launcher], str(processes), __file__, str(place.work)]]


def train(place: Place) -> None:
    """What each process does: see the GPU of its own number, train, and push where it is the first."""
    os.environ["CUDA_VISIBLE_DEVICES"] = os.environ["LOCAL_RANK"]
    from tiny import make_trainer  # noqa: PLC0415 - imports torch, which reads the line above
    from transformers import AutoModelForCausalLM  # noqa: PLC0415 - as above

    from cardcallback import CardCallback  # noqa: PLC0415 - imports transformers

    trainer = make_trainer(
        "sft-peft",
        place.output,
        base_folder=place.base,
        model=AutoModelForCausalLM.from_pretrained(place.base),
        callbacks=[CardCallback()],
        **place.arguments(),
    )
    trainer.evaluate()
    trainer.train()
    trainer.evaluate()
    trainer.push_to_hub()


if __name__ == "__main__":
    train(Place(Path(sys.argv[1])))
