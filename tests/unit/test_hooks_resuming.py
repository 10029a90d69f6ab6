"""What a training is asked to resume from, and where its checkpoints lie."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cardcallback.hooks import ResumesFrom, checkpoint_folder, watch_resume


class Trainer:
    """Loads what it is asked for, or what it chooses by itself."""

    def __init__(self, folder: Path, chosen: str | None = None) -> None:
        self.args = SimpleNamespace(output_dir=str(folder))
        self.chosen = chosen

    def train(self, resume_from_checkpoint: Any = None) -> Any:
        """As far as the checkpoint is concerned."""
        if self.chosen is not None:
            self._load_from_checkpoint(self.chosen)
        return resume_from_checkpoint

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        del resume_from_checkpoint, model


def _told(trainer: Trainer, *arguments: Any, **named: Any) -> list[ResumesFrom]:
    told: list[ResumesFrom] = []
    watch_resume(trainer, on_checkpoint=told.append)
    trainer.train(*arguments, **named)
    return told


@pytest.mark.parametrize(("wanted", "told"), [(None, None), (False, None), ("", None), ("a/b", Path("a/b"))])
def test_what_train_is_asked_for(tmp_path: Path, wanted: Any, told: Path | None) -> None:
    """By place or by name; nothing is nothing."""
    assert _told(Trainer(tmp_path), wanted) == [told]
    assert _told(Trainer(tmp_path), resume_from_checkpoint=wanted) == [told]


def test_true_is_told_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which one is the last is for whoever may wait for the folder; the thread that trains looks at no file."""

    def looked(*_: Any) -> None:
        pytest.fail("the folder was looked at")

    for name in ("scandir", "listdir", "stat"):
        monkeypatch.setattr(os, name, looked)
    assert _told(Trainer(tmp_path), True) == [True]  # noqa: FBT003 - the real signature
    assert _told(Trainer(tmp_path), resume_from_checkpoint=True) == [True]


def test_a_trainer_that_chooses_by_itself(tmp_path: Path) -> None:
    """The folder that is really loaded is told last."""
    assert _told(Trainer(tmp_path, chosen="own/checkpoint-3")) == [None, Path("own/checkpoint-3")]


def test_a_path_object_is_a_path(tmp_path: Path) -> None:
    """Not only text names a folder."""
    assert _told(Trainer(tmp_path), tmp_path / "checkpoint-1") == [tmp_path / "checkpoint-1"]


def test_checkpoints_of_a_trial_have_a_folder_of_their_own(tmp_path: Path) -> None:
    """The trainer says where; without a trial they lie in the output folder."""
    searching = SimpleNamespace(_trial="third", _get_output_dir=lambda trial: str(tmp_path / f"run-{trial}"))
    assert checkpoint_folder(searching, tmp_path, 5) == tmp_path / "run-third" / "checkpoint-5"
    assert checkpoint_folder(None, tmp_path, 5) == tmp_path / "checkpoint-5"
