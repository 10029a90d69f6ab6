"""A tiny training that ends in some way: python ending_process.py WAY FOLDER [with] [strict].

``with``: beside our callback; ``strict``: every warning is an error from here on.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tiny import make_trainer
from transformers import TrainerCallback

_STEP = 3
_BAD_READ = {"data": 7, "first batch": 1}
_STEP_SECONDS = 0.3  # the simulated counter is renewed each tenth of a second
_REST_SECONDS = 60.0  # of a thread that its process does not wait for


class WayOut(TrainerCallback):
    """Leaves at the third step."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self._leave = leave

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Long enough for a sensor to see something."""
        del args, control, kwargs
        time.sleep(_STEP_SECONDS)
        if state.global_step == _STEP:
            self._leave()


class FailsAtBegin(TrainerCallback):
    """Another callback, whose training's begin fails before ours is told of it."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """As one whose tracker cannot be reached."""
        del args, state, control, kwargs
        raise ConnectionError("no tracker there")


def _interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def _run_out_of_memory() -> None:
    raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")


def _stop_and_continue() -> None:
    """As SLURM does: SIGTERM to a process that is stopped, then SIGCONT."""
    child = os.fork()
    if child == 0:
        parent = os.getppid()
        os.kill(parent, signal.SIGSTOP)
        os.kill(parent, signal.SIGTERM)
        os.kill(parent, signal.SIGCONT)
        os._exit(0)
    os.waitpid(child, 0)


def _kill(signum: int) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), signum)


def _kill_and_rest() -> None:
    """A thread that computes while its interpreter ends may bring the process down, in torch, beside us or not."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_REST_SECONDS)


def _lose_the_folder(folder: Path) -> Callable[[], None]:
    """Nothing of ours can be written any more, and then the person's own failure comes."""

    def leave() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.write_text("no longer a folder")
        _run_out_of_memory()

    return leave


class Rows(list[Any]):
    """Rows of which one that is read cannot be."""

    reads = 0
    bad_read = 1

    def __getitem__(self, index: Any) -> Any:
        self.reads += 1
        if self.reads == self.bad_read:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().__getitem__(index)


def _requeue(*_: Any) -> None:
    """As a SLURM job's own handler: ask for another place, then leave."""
    sys.exit(75)


def _save_and_exit(trainer: Any) -> Callable[..., None]:
    """As Axolotl's handler of Ctrl-C."""

    def handler(*_: Any) -> None:
        trainer.save_model()
        sys.exit(0)

    return handler


WAYS: dict[str, Callable[[], None]] = {
    "nothing": lambda: None,
    "interrupt": _interrupt,
    "exit": lambda: sys.exit(7),
    "memory": _run_out_of_memory,
    "data": lambda: None,
    "first batch": lambda: None,
    "no data": lambda: None,
    "bad callback": lambda: None,
    "TERM": _kill(signal.SIGTERM),
    "thread": _kill(signal.SIGTERM),
    "thread with handler": _kill_and_rest,
    "USR1": _kill(signal.SIGUSR1),
    "stopped": _stop_and_continue,
    "checkpoint": _kill(signal.SIGTERM),
    "requeue": _kill(signal.SIGUSR1),
    "ignored": _kill(signal.SIGTERM),
    "axolotl": _interrupt,
}


def _prepare(trainer: Any, way: str) -> None:
    if way in _BAD_READ:
        trainer.train_dataset = Rows(trainer.train_dataset)
        trainer.train_dataset.bad_read = _BAD_READ[way]
    if way == "no data":
        trainer.train_dataset = None
    if way == "bad callback":
        trainer.callback_handler.callbacks.insert(0, FailsAtBegin())
    if way == "axolotl":
        signal.signal(signal.SIGINT, _save_and_exit(trainer))


def main(way: str, folder: Path, *, ours: bool, strict: bool) -> None:
    """Train until the way out is reached."""
    # A shell that starts the tests in the background has them ignore Ctrl-C, which a child inherits.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    leave = WAYS[way] if way != "no folder" else _lose_the_folder(folder / "tiny")
    callbacks: list[Any] = [WayOut(leave)]
    if ours:
        from cardcallback import CardCallback  # noqa: PLC0415 - without it the process must not know of us

        callbacks.insert(0, CardCallback())
    options: dict[str, Any] = {"enable_jit_checkpoint": True, "max_steps": 200} if way == "checkpoint" else {}
    if way == "TERM":
        options["save_strategy"] = "steps"
        options["save_steps"] = 2
    if way == "ignored":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if way == "thread with handler":
        signal.signal(signal.SIGTERM, _requeue)
    if way == "requeue":
        signal.signal(signal.SIGUSR1, _requeue)
    trainer = make_trainer("plain", folder / "tiny", base_folder=folder / "base", callbacks=callbacks, **options)
    _prepare(trainer, way)
    if strict:
        warnings.simplefilter("error")
    if way.startswith("thread"):
        _train_in_a_thread(trainer)
    else:
        trainer.train()


def _train_in_a_thread(trainer: Any) -> None:
    """As servers and notebooks' widgets do."""
    thread = threading.Thread(target=trainer.train, daemon=True)
    thread.start()
    thread.join()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), ours="with" in sys.argv, strict="strict" in sys.argv)
