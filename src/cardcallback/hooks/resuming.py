"""Know which checkpoint a training goes on from: no event of transformers names it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias

from cardcallback import handlers
from cardcallback.hooks.wrapping import Call, GuardFactory, Hook, guard_or_own, watch_method, watch_of

# What a training is to go on from: True is whichever is the last in its output folder, None is nothing.
ResumesFrom: TypeAlias = Path | Literal[True] | None

_TOPIC = "resume"
_ARGUMENT = "resume_from_checkpoint"

_UPLOADING_STRATEGIES = frozenset({"checkpoint", "all_checkpoints"})


def watch_resume(
    trainer: Any, *, on_checkpoint: Callable[[ResumesFrom], None], guard: GuardFactory | None = None
) -> None:
    """Call ``on_checkpoint`` when ``train()`` begins, with what it is asked to resume from; no file is looked at.

    It is called again with the folder that is really loaded, where the trainer chooses one by itself. Calling this
    again for the same trainer replaces what is called.
    """

    def asked(call: Call) -> None:
        wanted = call.argument(0, _ARGUMENT)
        on_checkpoint(True if wanted is True else _path(wanted))

    def loaded(call: Call) -> None:
        found = _path(call.argument(0, _ARGUMENT))
        if found is not None:
            on_checkpoint(found)

    for method, before in (("train", asked), ("_load_from_checkpoint", loaded)):
        hook = Hook(task="see what training resumes from", guard=guard_or_own(guard), before=before)
        watch_method(trainer, method, _TOPIC, hook)


def output_folder(args: Any) -> Path:
    """The trainer's output folder, whatever working directory the program changes to from now on."""
    folder = Path(args.output_dir)
    try:
        return folder.absolute()
    except OSError as error:  # the working directory was removed
        handlers.pass_on(error)
        return folder


def checkpoint_folder(trainer: Any, output_dir: Path, step: int) -> Path:
    """Where the trainer saves its checkpoint of ``step``: of a trial of a search in a folder of the trial's own.

    Of a program that changed its working directory it may lie elsewhere than in ``output_dir``, which was then.
    """
    trial, choose = getattr(trainer, "_trial", None), getattr(trainer, "_get_output_dir", None)
    name = f"checkpoint-{step}"
    then = output_dir / name
    now = Path(choose(trial=trial)) / name if callable(choose) else then
    return now if now == then or trial is not None or now.is_dir() else then


def saves_checkpoint(trainer: Any) -> bool:
    """Whether the trainer is saving a checkpoint right now, as far as it is watched."""
    watch = watch_of(trainer)
    return watch is not None and watch.is_running("_save_checkpoint")


def uploads_checkpoints(trainer: Any) -> bool:
    """Whether checkpoints go to the Hub as they are."""
    args = getattr(trainer, "args", None)
    return bool(getattr(args, "push_to_hub", False)) and getattr(args, "hub_strategy", None) in _UPLOADING_STRATEGIES


def _path(value: Any) -> Path | None:
    return Path(value) if isinstance(value, (str, os.PathLike)) and os.fspath(value) else None
