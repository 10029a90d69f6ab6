"""Where a person saves the weights to."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cardcallback.hooks import watch_saves


class Trainer:
    """Saves, or fails to."""

    def __init__(self, folder: Path) -> None:
        self.args = SimpleNamespace(output_dir=str(folder))

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:  # noqa: FBT001, FBT002 - the real signature
        """As transformers'."""
        del _internal_call
        if output_dir == "full":
            raise OSError("no space left")


def test_each_save_is_told_of_with_its_folder(tmp_path: Path) -> None:
    """The output folder where none is named, by place and by name."""
    trainer: Any = Trainer(tmp_path)
    told: list[Path] = []
    watch_saves(trainer, on_saved=told.append)
    trainer.save_model()
    trainer.save_model("elsewhere")
    trainer.save_model(output_dir="named")
    assert told == [tmp_path, Path("elsewhere"), Path("named")]


def test_a_save_that_fails_is_none(tmp_path: Path) -> None:
    """Its exception goes on, and nothing is told."""
    trainer: Any = Trainer(tmp_path)
    told: list[Path] = []
    watch_saves(trainer, on_saved=told.append)
    watch_saves(None, on_saved=told.append)
    with pytest.raises(OSError, match="no space"):
        trainer.save_model("full")
    assert told == []
