"""TRL's command line: supervised fine-tuning."""

from __future__ import annotations

from launched_ways import DATASET, launched, program, texts, write_rows, write_settings
from way import Place

TITLE = "TRL's command line, `cardcallback run -- trl sft --config ...`"
PAGE = "run.md"
REQUIRES = ("torch", "accelerate", "datasets", "peft", "trl")


def commands(place: Place) -> list[list[str]]:
    """As a person starts it."""
    write_rows(place.work / DATASET / "train.jsonl", texts())
    own = {"max_length": 16, "gradient_checkpointing": False, "dtype": "float32", "use_peft": True}
    settings = write_settings(place, dataset_name=DATASET, lora_task_type="CAUSAL_LM", **own)
    return [launched(program("trl"), "sft", "--config", str(settings))]
