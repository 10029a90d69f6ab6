"""TRL's command line: direct preference optimisation."""

from __future__ import annotations

from launched_ways import DATASET, launched, preferences, program, write_rows, write_settings
from way import Place

TITLE = "TRL's command line, `cardcallback run -- trl dpo --config ...`"
PAGE = "run.md"
REQUIRES = ("torch", "accelerate", "datasets", "trl")


def commands(place: Place) -> list[list[str]]:
    """As a person starts it."""
    write_rows(place.work / DATASET / "train.jsonl", preferences())
    own = {"max_length": 16, "gradient_checkpointing": False, "dtype": "float32"}
    settings = write_settings(place, dataset_name=DATASET, **own)
    return [launched(program("trl"), "dpo", "--config", str(settings))]
