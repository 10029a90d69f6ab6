"""sentence-transformers' CrossEncoderTrainer."""

from __future__ import annotations

from way import Place

TITLE = "sentence-transformers `CrossEncoderTrainer`, `callbacks=[CardCallback()]`"
PAGE = "trainer.md"
REQUIRES = ("torch", "datasets", "sentence_transformers")


def train(place: Place) -> None:
    """As a script does it."""
    from tiny_embeddings import make_cross_encoder_trainer  # noqa: PLC0415 - imports torch

    from cardcallback import CardCallback  # noqa: PLC0415 - imports transformers

    callbacks = [CardCallback()]
    trainer = make_cross_encoder_trainer(place.output, base_folder=place.base, callbacks=callbacks, **place.arguments())
    trainer.evaluate()
    trainer.train()
    trainer.evaluate()
    trainer.push_to_hub()


def export(place: Place) -> None:
    """Saved anew by its own class."""
    from sentence_transformers import CrossEncoder  # noqa: PLC0415 - as above

    CrossEncoder(str(place.output), device="cpu").save_pretrained(str(place.merged))
