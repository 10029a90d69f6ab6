"""A script that knows nothing of us."""

from __future__ import annotations

import sys

from launched_ways import launched, write_script
from way import Place

TITLE = "a script, `cardcallback run -- python train.py`"
PAGE = "run.md"
REQUIRES = ("torch", "datasets", "peft", "trl")


def commands(place: Place) -> list[list[str]]:
    """As a person starts it."""
    return [launched(sys.executable, str(write_script(place, "sft-peft")))]
