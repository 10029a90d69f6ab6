"""LLaMA-Factory's two stages, started by ``cardcallback run``."""

from __future__ import annotations

import json
import os
from typing import Any

from launched_ways import DATASET, launched, preferences, program, texts, write_settings
from way import Place

_COLUMNS = {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"}


def commands(place: Place, stage: str, **options: Any) -> list[list[str]]:
    """Files as LLaMA-Factory wants them, and its command; with options beside or instead of the usual ones."""
    data = place.work / "data"
    data.mkdir()
    described: dict[str, Any] = {"file_name": f"{DATASET}.json"}
    rows: list[dict[str, Any]] = preferences()
    if stage == "sft":
        rows = [{"instruction": "the", "input": "", "output": row["text"]} for row in texts()]
    else:
        described |= {"ranking": True, "columns": _COLUMNS}
    (data / f"{DATASET}.json").write_text(json.dumps(rows), encoding="utf-8")
    (data / "dataset_info.json").write_text(json.dumps({DATASET: described}), encoding="utf-8")
    settings = write_settings(
        place,
        stage=stage,
        do_train=True,
        dataset=DATASET,
        dataset_dir=str(data),
        template="empty",
        cutoff_len=32,
        finetuning_type="lora",
        lora_rank=2,
        lora_target="q_proj",
        preprocessing_num_workers=1,
        **options,
    )
    # It imports torchaudio, which is not there for this torch, and uses it only for sound.
    (place.work / "torchaudio.py").touch()
    path = os.pathsep.join([str(place.work), "${PYTHONPATH}"])
    return [["sh", "-c", f'PYTHONPATH="{path}" exec "$@"', "sh", *_command(str(settings))]]


def _command(settings: str) -> list[str]:
    return launched(program("llamafactory-cli"), "train", settings)
