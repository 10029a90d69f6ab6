"""Calls to the file system that the thread which trains makes with us: a folder that hangs would keep it."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from tiny import STEPS, make_trainer
from transformers import TrainerCallback

from cardcallback import CardCallback

pytestmark = pytest.mark.training
NAMES = ("stat", "lstat", "open", "mkdir", "replace", "rename", "unlink", "chmod", "scandir", "listdir")


class Calls(TrainerCallback):
    """Counts those of the main thread by step, a save's with the step before it, and all of the folder's own thread."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._step, self.by_step, self.beside = folder.absolute(), 0, [0] * (STEPS + 1), 0
        for module, name in (*((os, name) for name in NAMES), (io, "open")):
            monkeypatch.setattr(module, name, self._counting(getattr(module, name)))

    def _counting(self, original: Any) -> Any:
        def call(path: Any = ".", *args: Any, **kwargs: Any) -> Any:
            if isinstance(path, (str, os.PathLike)) and str(path).startswith(str(self._folder)):
                self.by_step[self._step] += threading.current_thread() is threading.main_thread()
                self.beside += threading.current_thread().name == "cardcallback-files"
            return original(path, *args, **kwargs)

        return call

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The step before is over, its save included."""
        del args, control, kwargs
        self._step = state.global_step + 1


def calls_of(folder: Path, base_folder: Path, callbacks: list[TrainerCallback]) -> Calls:
    """Those of a training that saves after its second step."""
    with pytest.MonkeyPatch.context() as patched:
        calls = Calls(folder, patched)
        options: dict[str, Any] = {"save_strategy": "steps", "save_steps": 2}
        make_trainer("plain", folder, base_folder=base_folder, callbacks=[*callbacks, calls], **options).train()
    return calls


def test_the_thread_that_trains_makes_no_call(tmp_path: Path, base_folder: Path) -> None:
    """From begin to end, at a step and at a save: all of ours are made in the thread that has the folder."""
    bare = calls_of(tmp_path / "bare", base_folder, [])
    measured = calls_of(tmp_path / "measured", base_folder, [CardCallback(quiet=True)])
    assert measured.by_step == bare.by_step
    assert measured.by_step[2] > 0, "the trainer's own save"
    assert (bare.beside, measured.beside > 0) == (0, True)
