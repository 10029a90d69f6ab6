"""Versions of what really ran: only what this process has loaded, by its distribution's own word."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from cardcallback.observe.plain import class_names, read

# Module name to distribution name, in the order a card lists them.
_DISTRIBUTIONS = {
    "transformers": "transformers",
    "trl": "trl",
    "peft": "peft",
    "unsloth": "unsloth",
    "axolotl": "axolotl",
    "llamafactory": "llamafactory",
    "sentence_transformers": "sentence-transformers",
    "setfit": "setfit",
    "codecarbon": "codecarbon",
    "torch": "torch",
    "bitsandbytes": "bitsandbytes",
    "datasets": "datasets",
    "accelerate": "accelerate",
    "deepspeed": "deepspeed",
    "flash_attn": "flash-attn",
    "liger_kernel": "liger-kernel",
    "huggingface_hub": "huggingface_hub",
    "tokenizers": "tokenizers",
    "cardcallback": "cardcallback",
}
_CODECARBON = (
    "CodeCarbon followed this training too. Its figures, of a CPU and memory that it estimates and of a place that it "
    "finds itself, are not part of these; where the metadata has codecarbon as its source, that figure is CodeCarbon's."
)
_SETFIT = "The figures are of SetFit's embedding phase; its classification head is trained afterwards."
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+!_-]{0,39}")


def observe_software(*, loaded: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Version by name of Python, the loaded libraries, and the CUDA that torch was built for.

    Args:
        loaded: modules by name; ``sys.modules`` unless a test gives others.
    """
    modules = sys.modules if loaded is None else loaded
    found = {"python": platform.python_version()}
    for module, distribution in _DISTRIBUTIONS.items():
        if module in modules and (text := _version(distribution)) is not None:
            found[distribution] = text
    cuda = read(read(modules.get("torch"), "version"), "cuda")
    if isinstance(cuda, str) and _VERSION.fullmatch(cuda):
        found["cuda"] = cuda
    return found


def surrounding_notes(trainer: object) -> tuple[str, ...]:
    """Sentences about what else happens to the model, or follows its training, and is in none of our figures."""
    callbacks = read(read(trainer, "callback_handler"), "callbacks")
    followed = isinstance(callbacks, list) and any("CodeCarbonCallback" in class_names(one) for one in callbacks)
    has_head = read(trainer, "setfit_model") is not None
    return (*([_CODECARBON] if followed else []), *([_SETFIT] if has_head else []))


# Of the library that was loaded, whatever is installed meanwhile; and to read it takes long.
version_of = cache(version)


@cache
def _version(distribution: str) -> str | None:
    try:
        text = version_of(distribution)
    except PackageNotFoundError:
        return None  # a source tree on the path has no version to tell
    return text if _VERSION.fullmatch(text) else None
