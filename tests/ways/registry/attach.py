"""A trainer that exists already."""

from __future__ import annotations

from way import Place

TITLE = "any of these, `attach(trainer)`"
PAGE = "trainer.md"
REQUIRES = ("torch", "datasets", "peft", "trl")


def train(place: Place) -> None:
    """As a notebook does it."""
    from tiny import make_trainer  # noqa: PLC0415 - imports torch

    from cardcallback import attach  # noqa: PLC0415 - imports transformers

    trainer = make_trainer("sft-peft", place.output, base_folder=place.base, **place.arguments())
    attach(trainer)
    trainer.train()
    trainer.push_to_hub()
