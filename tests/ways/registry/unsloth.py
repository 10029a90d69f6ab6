"""Unsloth without a GPU: its CPU path."""

from __future__ import annotations

from way import Place

TITLE = "Unsloth on a CPU, `callbacks=[CardCallback()]`"
PAGE = "unsloth.md"
REQUIRES = ("torch", "unsloth")


def train(place: Place) -> None:
    """As its notebooks do it."""
    from unsloth import FastLanguageModel  # isort: skip # noqa: PLC0415 - before the libraries that it changes

    from tiny import make_trainer  # noqa: PLC0415 - as above

    from cardcallback import CardCallback  # noqa: PLC0415 - as above

    model, _ = FastLanguageModel.from_pretrained(str(place.base), max_seq_length=64, load_in_4bit=False)
    model = FastLanguageModel.get_peft_model(model, r=2, lora_alpha=4)
    trainer = make_trainer(
        "sft", place.output, base_folder=place.base, model=model, callbacks=[CardCallback()], **place.arguments()
    )
    trainer.evaluate()
    trainer.train()
    trainer.evaluate()
    trainer.push_to_hub()


def export(place: Place) -> None:
    """By Unsloth's own merged export."""
    from unsloth import FastLanguageModel  # noqa: PLC0415 - as above

    model, tokenizer = FastLanguageModel.from_pretrained(str(place.output), max_seq_length=64, load_in_4bit=False)
    model.save_pretrained_merged(str(place.merged), tokenizer, save_method="merged_16bit")
