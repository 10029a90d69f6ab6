"""Telling files of weights from others of the same name, without reading all of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

# The names that transformers and PEFT give; any other could be a person's own.
_NAME = re.compile(r"(adapter_model|model|pytorch_model)(-\d{5}-of-\d{5})?\.(safetensors|bin)")
_PIECES = 64
_PIECE_BYTES = 4096
_MARK_DIGITS = 16


def weights_marks(folder: Path) -> dict[str, str]:
    """A mark of each file of weights in a folder, by name: of its size and of pieces all over it.

    A training of all weights changes every piece; at most 256 KiB of a file are read.
    """
    marks = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if _NAME.fullmatch(path.name) and path.is_file():
            marks[path.name] = _mark(path)
    return marks


def weights_changed(folder: Path, marks: Mapping[str, str]) -> bool:
    """Whether a file of weights in a folder is certainly not the one of that name that was marked.

    One that is not there says nothing: other names are those of a merged or exported model.
    """
    if not marks:
        return False
    try:
        there = weights_marks(folder)
    except OSError:
        return False  # what cannot be read tells nothing
    return any(there[name] != mark for name, mark in marks.items() if name in there)


def _mark(path: Path) -> str:
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for place in range(_PIECES):
            file.seek(size * place // _PIECES)
            digest.update(file.read(_PIECE_BYTES))
        # Where rounding or padding hides a change elsewhere, the end still has the last tensor.
        file.seek(max(0, size - _PIECE_BYTES))
        digest.update(file.read())
    return digest.hexdigest()[:_MARK_DIGITS]
