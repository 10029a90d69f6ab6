"""Models and devices that a text names, whoever's copy or however it is written."""

from __future__ import annotations

import re

from cardcallback.catalogue import gpus_named_in

# A copy of a model, such as "unsloth/gemma-3-4b-it-unsloth-bnb-4bit", is that model.
_OF_A_COPY = re.compile(r"(?:-(?:unsloth|bnb|[48]bit|gptq|awq|gguf|mlx|hf|int[48]|bf16|fp8|quantized))+$")
# Besides those of the catalogue.
_OTHER_KIND = re.compile(
    r"(?<!\w)(?:TPU(?=s|\b)|Trainium|Gaudi|[RG]TX ?\d{4}(?: ?Ti)?(?=\b)|MI\d{3}X?(?=\b)|[VP]100(?=\b))"
)


def as_named(hub_id: str) -> str:
    """A model's name without its owner and how a copy of it is quantised."""
    return _OF_A_COPY.sub("", hub_id.rpartition("/")[2].lower())


def devices_in(text: str) -> set[str]:
    """The devices that a text names, each by one name."""
    others = (found.replace(" ", "") for found in _OTHER_KIND.findall(text))
    return {row.name for row in gpus_named_in(text)} | set(others)
