"""What the ways by ``cardcallback run`` share: the command line, its files, and a script that knows nothing of us."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from way import REPO_ID, STEPS, Place

DATASET = "pairs-of-words"
_WORDS = re.findall(r"\w+", "the quick brown fox jumps over a lazy dog and then sleeps in warm sun all day")
# A training script as somebody wrote it before there was a card: no word of ours in it.
SCRIPT = """\
from pathlib import Path

from tiny import make_trainer
from way import Place

place = Place(Path.cwd())
trainer = make_trainer("{kind}", place.output, base_folder=place.base, **place.arguments())
trainer.train()
trainer.push_to_hub()
"""


def launched(*command: str) -> list[str]:
    """``cardcallback run`` with this command, by the Python that runs here."""
    return [sys.executable, "-m", "cardcallback", "run", "--", *command]


def program(name: str) -> str:
    """A program of the environment that runs here."""
    return str(Path(sys.executable).with_name(name))


def write_script(place: Place, kind: str) -> Path:
    """The script, in the way's folder."""
    script = place.work / "train.py"
    script.write_text(SCRIPT.format(kind=kind), encoding="utf-8")
    return script


def write_rows(file: Path, rows: list[dict[str, Any]]) -> None:
    """Data as lines of JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def texts() -> list[dict[str, str]]:
    """Rows to learn by heart."""
    return [{"text": " ".join(_WORDS[start : start + 8])} for start in range(8)]


def preferences() -> list[dict[str, str]]:
    """Rows with a better and a worse answer."""
    chosen, rejected = " ".join(_WORDS[:3]), " ".join(_WORDS[3:6])
    return [{"prompt": f"the {word}", "chosen": chosen, "rejected": rejected} for word in _WORDS[:8]]


def write_settings(place: Place, **settings: Any) -> Path:
    """A YAML file of a trainer's arguments and of these."""
    common = {
        "model_name_or_path": str(place.base),
        "output_dir": str(place.output),
        "max_steps": STEPS,
        "per_device_train_batch_size": 2,
        "logging_steps": 10,
        "report_to": place.reporters,
        "use_cpu": True,
        "bf16": False,
        "push_to_hub": True,
        "hub_model_id": REPO_ID,
    }
    file = place.work / "train.yaml"
    file.write_text(json.dumps({**common, **settings}), encoding="utf-8")  # JSON is YAML too
    return file
