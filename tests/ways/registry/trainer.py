"""transformers' own Trainer."""

from __future__ import annotations

from way import Place

TITLE = "transformers `Trainer`, `callbacks=[CardCallback()]`"
PAGE = "trainer.md"
REQUIRES = ("torch", "accelerate")


def train(place: Place) -> None:
    """As a script does it."""
    from tiny import make_trainer  # noqa: PLC0415 - imports torch

    from cardcallback import CardCallback  # noqa: PLC0415 - imports transformers

    trainer = make_trainer(
        "plain", place.output, base_folder=place.base, callbacks=[CardCallback()], **place.arguments()
    )
    trainer.train()
    trainer.push_to_hub()
