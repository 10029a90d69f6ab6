"""2 processes of one job, started by torchrun."""

from __future__ import annotations

from several_processes import launch
from way import Place

TITLE = "`torchrun`, 2 processes on 2 of 8 GPUs"
PAGE = "several_gpus.md"
REQUIRES = ("torch", "accelerate", "datasets", "peft", "trl")
PROFILE = "h100x8"
DEVICES = tuple(range(2))


def commands(place: Place) -> list[list[str]]:
    """As a person starts it."""
    return launch("torchrun", 2, place)
