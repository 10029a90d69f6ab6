"""LLaMA-Factory: DPO with LoRA."""

from __future__ import annotations

import llama_factory
from way import Place

TITLE = "LLaMA-Factory, `cardcallback run -- llamafactory-cli train`, DPO"
PAGE = "run.md"
NOT_HERE = {
    "push": "LLaMA-Factory 0.9.5 fails by itself when it pushes after DPO: TRL's create_model_card() does not know the "
    "argument tasks",
}
REQUIRES = ("torch", "datasets", "llamafactory", "peft", "trl")


def commands(place: Place) -> list[list[str]]:
    """As a person starts it."""
    return llama_factory.commands(place, "dpo", push_to_hub=False)
