"""Axolotl by its own command, with the plugin named in its YAML."""

from __future__ import annotations

import json
import sys

from way import REPO_ID, STEPS, Place

TITLE = "Axolotl, one plugin in its YAML"
PAGE = "axolotl.md"
REQUIRES = ("torch", "axolotl")
_BASE = "base"  # Axolotl puts its YAML into the card: a relative path, as its page advises


def prepare(place: Place) -> None:
    """The configuration, the data, and the base model where the configuration names it."""
    (place.work / _BASE).symlink_to(place.base, target_is_directory=True)
    texts = [{"text": f"the quick brown {animal} jumps over a lazy dog"} for animal in ("fox", "dog")] * 160
    (place.work / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in texts), encoding="utf-8")
    settings = {
        "plugins": ["cardcallback.integrations.axolotl.CardCallbackPlugin"],
        "base_model": _BASE,
        "datasets": [{"path": "texts.jsonl", "ds_type": "json", "type": "completion"}],
        "val_set_size": 0.1,
        "eval_steps": STEPS // 2,
        "dataset_prepared_path": "prepared",
        "output_dir": place.output.name,
        "hub_model_id": REPO_ID,
        "adapter": "lora",
        "lora_r": 2,
        "lora_alpha": 4,
        "lora_target_modules": ["q_proj"],
        "sequence_len": 64,
        "micro_batch_size": 2,
        "gradient_accumulation_steps": 1,
        "max_steps": STEPS,
        "learning_rate": 0.001,
        "optimizer": "adamw_torch",
        "lr_scheduler": "linear",
        "bf16": False,
        "fp16": False,
        "tf32": False,
        "logging_steps": 10,
        "save_strategy": "no",
        "use_tensorboard": place.reporters == "tensorboard",
        "dataset_num_proc": 1,
        "dataloader_num_workers": 0,
    }
    lines = (f"{name}: {json.dumps(value)}\n" for name, value in settings.items())
    (place.work / "config.yaml").write_text("".join(lines), encoding="utf-8")


def commands(place: Place) -> list[list[str]]:
    """What a person types, in this Python."""
    del place
    command = [sys.executable, "-m", "axolotl.cli.main", "train", "config.yaml", "--launcher", "python"]
    return [["env", "AXOLOTL_DO_NOT_TRACK=1", "ACCELERATE_USE_CPU=1", *command]]
