"""TRL's RLOOTrainer."""

from __future__ import annotations

from way import Place

TITLE = "TRL `RLOOTrainer`, `callbacks=[CardCallback()]`"
PAGE = "trainer.md"
REQUIRES = ("torch", "datasets", "peft", "trl")


def train(place: Place) -> None:
    """As a script does it."""
    from tiny_methods import make_method  # noqa: PLC0415 - imports torch

    from cardcallback import CardCallback  # noqa: PLC0415 - imports transformers

    callbacks = [CardCallback()]
    trainer = make_method("rloo", place.output, base_folder=place.base, callbacks=callbacks, **place.arguments())
    trainer.evaluate()
    trainer.train()
    trainer.evaluate()
    trainer.push_to_hub()
