"""How many more calls to the file system a save takes with us: on a slow folder training waits for each of them."""

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
    """Counts those of the main thread from the second step on, which saves, until the next one begins."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._step, self.by_step = folder.absolute(), 0, [0] * (STEPS + 1)
        for module, name in (*((os, name) for name in NAMES), (io, "open")):
            monkeypatch.setattr(module, name, self._counting(getattr(module, name)))

    def _counting(self, original: Any) -> Any:
        def call(path: Any = ".", *args: Any, **kwargs: Any) -> Any:
            in_main = threading.current_thread() is threading.main_thread()
            if in_main and isinstance(path, (str, os.PathLike)) and str(path).startswith(str(self._folder)):
                self.by_step[self._step] += 1
            return original(path, *args, **kwargs)

        return call

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The step before is over, its save included."""
        del args, control, kwargs
        self._step = state.global_step + 1


def calls_by_step(folder: Path, base_folder: Path, callbacks: list[TrainerCallback]) -> list[int]:
    """Those of a training that saves after its second step."""
    with pytest.MonkeyPatch.context() as patched:
        calls = Calls(folder, patched)
        options: dict[str, Any] = {"save_strategy": "steps", "save_steps": 2}
        make_trainer("plain", folder, base_folder=base_folder, callbacks=[*callbacks, calls], **options).train()
    return calls.by_step


def test_a_save_takes_few_calls_and_a_step_none(tmp_path: Path, base_folder: Path) -> None:
    """A summary in the checkpoint, written, read back and put in its place; the record is the journal's thread's."""
    bare = calls_by_step(tmp_path / "bare", base_folder, [])
    measured = calls_by_step(tmp_path / "measured", base_folder, [CardCallback(quiet=True)])
    more = [with_us - without for with_us, without in zip(measured, bare, strict=True)]
    assert (more[1], more[3]) == (0, 0)
    assert 0 < more[2] <= 16, more
