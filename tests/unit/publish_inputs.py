"""Runs to publish, and folders as other tools leave them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cardcallback.cli import main
from cardcallback.record import encode
from cardcallback.testing import make_record

PICTURES = {name: b"\x89PNG\r\n\x1a\n" + name.encode() for name in ("loss_curve.png", "power_and_memory.png")}
# In the form in which Unsloth's merged push writes a card; names are made up.
MERGED_CARD = """---
base_model: google/gemma-3-4b-it
tags:
- text-generation-inference
- transformers
- unsloth
license: apache-2.0
language:
- en
---

# Uploaded finetuned  model

- **Developed by:** ada
- **License:** apache-2.0
- **Finetuned from model :** google/gemma-3-4b-it

[<img src="https://example.org/made.png" width="200"/>](https://example.org)
"""
# In the form of its GGUF push: an empty line stands in the front matter.
GGUF_CARD = """---
tags:
- gguf
- llama.cpp

---

# scribe : GGUF

## Available Model files:
- `scribe.Q4_K_M.gguf`
"""
HUB_CARD = """---
library_name: transformers
tags: []
---

# Model Card for Model ID

<!-- Provide a quick summary of what the model is/does. -->

## Environmental Impact

- **Hardware Type:** [More Information Needed]
- **Hours used:** [More Information Needed]
"""


def make_output(parent: Path, name: str = "out", *, private: bool = False, **changes: Any) -> Path:
    """An output folder of a run with its record and pictures."""
    folder = parent / name
    pictures = folder / "training_run"
    pictures.mkdir(parents=True)
    for picture, content in PICTURES.items():
        (pictures / picture).write_bytes(content)
    record = folder / "_cardcallback" / "training_run" if private else pictures
    record.mkdir(parents=True, exist_ok=True)
    (record / "record.json").write_text(encode(make_record(**({"carbon": None} | changes))))
    return folder


def make_target(parent: Path, kind: str = "merged", card: str | None = MERGED_CARD) -> Path:
    """A folder with exported weights and the card that came with them."""
    folder = parent / kind
    folder.mkdir()
    if kind == "gguf":
        (folder / "scribe.Q4_K_M.gguf").write_bytes(b"GGUF")
    elif kind == "adapter":
        (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 16}))
        (folder / "adapter_model.safetensors").write_bytes(b"adapter")
    else:
        (folder / "config.json").write_text(json.dumps({"model_type": "gemma3"}))
        (folder / "model.safetensors").write_bytes(b"weights")
    if card is not None:
        (folder / "README.md").write_bytes(card.encode())
    return folder


def run(*arguments: str | Path) -> int:
    """The exit code of ``cardcallback publish``."""
    with pytest.raises(SystemExit) as stop:
        main(["publish", *map(str, arguments)])
    return int(stop.value.code or 0)


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder`` with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
