"""Unsloth's trainers of GPU mode, forced on a CPU: the classes it generates in place of TRL's."""

from __future__ import annotations

import os

from way import Place

TITLE = "Unsloth, its generated GPU trainer (on a CPU), `callbacks=[CardCallback()]`"
PAGE = "unsloth.md"
REQUIRES = ("torch", "unsloth")


def train(place: Place) -> None:
    """Its patches as on a GPU; the model's own GPU kernels cannot run here."""
    os.environ["UNSLOTH_ALLOW_CPU"] = "1"
    import unsloth  # noqa: F401, PLC0415 - before the libraries that it changes

    del os.environ["UNSLOTH_ALLOW_CPU"]  # with it TRL's trainers are left as they are
    from unsloth.models.rl import PatchFastRL  # noqa: PLC0415 - as above

    PatchFastRL()
    from tiny import make_trainer  # noqa: PLC0415 - as above

    from cardcallback import CardCallback  # noqa: PLC0415 - as above

    trainer = make_trainer("sft", place.output, base_folder=place.base, callbacks=[CardCallback()], **place.arguments())
    assert type(trainer).__name__ == "UnslothSFTTrainer"
    trainer.evaluate()
    trainer.train()
    trainer.evaluate()
    trainer.push_to_hub()
