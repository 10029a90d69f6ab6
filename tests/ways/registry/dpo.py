"""TRL's DPOTrainer."""

from __future__ import annotations

from way import Place

TITLE = "TRL `DPOTrainer`, `callbacks=[CardCallback()]`"
PAGE = "trainer.md"
REQUIRES = ("torch", "datasets", "trl")


def train(place: Place) -> None:
    """As a script does it."""
    from tiny import make_trainer  # noqa: PLC0415 - imports torch

    from cardcallback import CardCallback  # noqa: PLC0415 - imports transformers

    trainer = make_trainer("dpo", place.output, base_folder=place.base, callbacks=[CardCallback()], **place.arguments())
    trainer.evaluate()
    trainer.train()
    trainer.evaluate()
    trainer.push_to_hub()
