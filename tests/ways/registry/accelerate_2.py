"""2 processes of one job, started by accelerate."""

from __future__ import annotations

from several_processes import launch
from way import Place

TITLE = "`accelerate launch`, 2 processes on 2 of 8 GPUs"
PAGE = "several_gpus.md"
REQUIRES = ("torch", "accelerate", "datasets", "peft", "trl")
PROFILE = "h100x8"
DEVICES = tuple(range(2))


def commands(place: Place) -> list[list[str]]:
    """As a person starts it."""
    return launch("accelerate", 2, place)
