"""A run's folder with cards of a person and of a trainer in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from cardcallback.record import RunRecord
from cardcallback.run_folder import RunFolder
from cardcallback.testing import make_record

RUN_ID = make_record().run_id
HEADING = "## Training, hardware and environmental impact"
TRL_CARD = """---
library_name: peft
tags:
- trl
---

# Model Card for out

It has been trained using [TRL](https://github.com/huggingface/trl).

## Citations

None.
"""
PERSONS_CARD = """---
license: mit # chosen by us
---

# My model

Written by hand, with care.
"""


def open_folder(folder: Path, run_id: str = RUN_ID, **changes: Any) -> RunFolder:
    """A run's folder after training began in it."""
    settings = {"card": "README.md", "template": None, "publish": "all"} | changes
    opened = RunFolder(folder, run_id=run_id, **settings)
    opened.begin()
    return opened


def record_of(run_id: str, **changes: Any) -> RunRecord:
    """A record under a run id."""
    return make_record(run_id=run_id, **changes)


def leave_completed_run(folder: Path) -> str:
    """Complete a run in the folder and return its card."""
    opened = open_folder(folder, "earlier")
    opened.weights_are_ours()
    record = record_of("earlier")
    card = opened.write_card(record, pictures=False).card
    opened.write_record(msgspec.structs.replace(record, card=card))
    return (folder / "README.md").read_text()
