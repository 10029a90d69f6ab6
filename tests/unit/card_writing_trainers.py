"""Trainers that write, save and push cards without training, for the tests of the hooks."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any


class Base:
    """As much of a trainer as writes and pushes cards."""

    def __init__(self, folder: Path, *, main: bool = True, strategy: str = "every_save") -> None:
        self.args = types.SimpleNamespace(output_dir=str(folder), hub_strategy=strategy)
        self.model: Any = object()
        self.main = main
        self.log: list[str] = []

    def is_world_process_zero(self) -> bool:
        """Whether this is the process that writes."""
        return self.main

    def create_model_card(self, model_name: str | None = None) -> str | None:
        """The parent's card."""
        self.log.append("card written")
        return model_name

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:  # noqa: FBT001, FBT002 - the real signature
        """Save weights, without a card."""
        self.log.append(f"saved {output_dir} {_internal_call}")

    def push_to_hub(self) -> None:
        """Upload without writing a card first."""
        self.log.append("uploaded")

    def _push_from_checkpoint(self, checkpoint_folder: str) -> None:
        self.log.append(f"uploaded {checkpoint_folder}")

    def _save_checkpoint(self) -> None:
        self.create_model_card()


class Child(Base):
    """A subclass that calls its parent, as TRL's do."""

    def create_model_card(self, model_name: str | None = None) -> str | None:
        """The child's card."""
        return super().create_model_card(model_name)


class Broken(Base):
    """A trainer whose own card writing fails."""

    def create_model_card(self, model_name: str | None = None) -> str | None:
        """Fail."""
        raise OSError(model_name)


class Told:
    """What the hooks said."""

    def __init__(self, trainer: Any = None) -> None:
        self.cards: list[Path] = []
        self.trainer = trainer

    def __call__(self, card: Path) -> None:
        """Take note."""
        self.cards.append(card)
        if self.trainer is not None:
            self.trainer.log.append("told")
