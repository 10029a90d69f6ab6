"""Telling files of weights from others of the same name, without reading all of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

# The names that transformers and PEFT give; any other could be a person's own.
_NAME = re.compile(r"(adapter_model|model|pytorch_model)(-\d{5}-of-(?P<count>\d{5}))?\.(safetensors|bin)")
# Over all files of a model: a training waits for them, and they may lie far away.
_PIECES = 64
_FEWEST_PIECES = 2
_PIECE_BYTES = 4096
_MARK_DIGITS = 16


def weights_marks(folder: Path) -> dict[str, str]:
    """A mark of each file of weights in a folder, by name: of its size and of pieces all over it.

    A training of all weights changes every piece; a model of one file is read to at most 260 KiB.
    """
    marks = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        named = _NAME.fullmatch(path.name)
        if named is not None and path.is_file():
            pieces = max(_FEWEST_PIECES, _PIECES // max(1, int(named["count"] or 1)))
            marks[path.name] = _mark(path, pieces)
    return marks


def same_weights(there: Mapping[str, str], marked: Mapping[str, str]) -> bool | None:
    """Whether files of weights are certainly those that were marked, or certainly not; None where nothing tells.

    A file that only one of them has says nothing: other names are those of a merged or exported model.
    """
    both = there.keys() & marked.keys()
    return all(there[name] == marked[name] for name in both) if both else None


def _mark(path: Path, pieces: int) -> str:
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for place in range(pieces):
            file.seek(size * place // pieces)
            digest.update(file.read(_PIECE_BYTES))
        # Where rounding or padding hides a change elsewhere, the end still has the last tensor.
        file.seek(max(0, size - _PIECE_BYTES))
        digest.update(file.read())
    return digest.hexdigest()[:_MARK_DIGITS]
