"""LLaMA-Factory: SFT with LoRA."""

from __future__ import annotations

import llama_factory
from way import Place

TITLE = "LLaMA-Factory, `cardcallback run -- llamafactory-cli train`, SFT"
PAGE = "run.md"
REQUIRES = ("torch", "datasets", "llamafactory", "peft", "trl")


def commands(place: Place) -> list[list[str]]:
    """As a person starts it."""
    return llama_factory.commands(place, "sft")
