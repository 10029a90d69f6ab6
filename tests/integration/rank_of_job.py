"""One process of a job, as a launcher starts it: trains a tiny model on the CPU with the callback.

Arguments: output folder, folder of the base model, and for tests what goes wrong: "killed", "stuck" or "stopped"
(just before the end) in the last rank, "first killed" in rank 0, "waits" in all (for whoever ends them); or "sharded",
to train a model that FSDP holds in shards. ``GPU_OF_RANK`` holds the GPU that each local rank may see (or several,
"1+2"), as a launcher's own wrapper would set it, and ``STEPS_OF_JOB`` how many steps are done.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from told_ranks import LOCAL_RANK, PROCESSES, RANK

os.environ["CUDA_VISIBLE_DEVICES"] = os.environ["GPU_OF_RANK"].split(",")[LOCAL_RANK].replace("+", ",")

from tiny import make_trainer
from transformers import TrainerCallback

from cardcallback import CardCallback

STEPS = int(os.environ.get("STEPS_OF_JOB", "40"))
# Longer than a silence that is worth a word.
_LONG_SECONDS = 22.0
_VERY_LONG_SECONDS = 600.0


class Trouble(TrainerCallback):
    """Makes steps take a while, and a rank go wrong as it is told to."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.is_last = RANK == PROCESSES - 1
        self.is_killed = kind == ("killed" if self.is_last else "first killed" if RANK == 0 else None)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Killed in the middle."""
        del args, control
        time.sleep(0.1)
        if self.kind == "stuck" and self.is_last and state.global_step == STEPS // 2:
            os.kill(os.getpid(), signal.SIGSTOP)
        if self.is_killed and state.global_step == STEPS // 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind == "waits" and state.global_step == STEPS // 2:
            sys.stdout.write("waits\n")
            sys.stdout.flush()
            time.sleep(_VERY_LONG_SECONDS)

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """Stopped just before its own end, with the others' end a while later."""
        if self.kind == "stopped":
            if self.is_last:
                os.kill(os.getpid(), signal.SIGSTOP)
            time.sleep(_LONG_SECONDS)


class Lasted(TrainerCallback):
    """Notes how long the training lasted, from its begin to its end, by a clock that is not the callback's."""

    def __init__(self) -> None:
        self.begun = 0.0
        self.seconds = 0.0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """The callback's session begins around this."""
        self.begun = time.clock_gettime(time.CLOCK_BOOTTIME)

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """It ends around this."""
        self.seconds = time.clock_gettime(time.CLOCK_BOOTTIME) - self.begun


def shard_on_a_processor() -> None:
    """Let accelerate shard here too, which it does on accelerators only: it is told that the processors are some."""
    from accelerate import PartialState  # noqa: PLC0415 - only where it is asked for
    from accelerate.utils import DistributedType  # noqa: PLC0415 - as above

    original = PartialState.__init__

    def made(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.distributed_type = DistributedType.MULTI_GPU

    PartialState.__init__ = made


def main() -> None:
    """Train, and tell in rank 0 the shortest and the longest that the measurement may have lasted."""
    output_folder, base_folder, kind = Path(sys.argv[1]), Path(sys.argv[2]), (*sys.argv[3:], "")[0]
    options: dict[str, Any] = {}
    if kind == "sharded":
        shard_on_a_processor()
        options = {"fsdp": True, "fsdp_config": {"version": 2}}
    if kind == "waits":
        options = {"logging_steps": 3}
    outer, inner = Lasted(), Lasted()
    trainer = make_trainer(
        "plain",
        output_folder,
        base_folder=base_folder / str(RANK),
        max_steps=STEPS,
        callbacks=[Trouble(kind), outer, CardCallback(charts=False), inner],
        **options,
    )
    trainer.train()
    if RANK == 0:
        sys.stdout.write(f"lasted: {outer.begun + outer.seconds - inner.begun} {outer.seconds}\n")


main()
