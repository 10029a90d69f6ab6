"""Marks of files of weights: another training is seen, a copy is not another."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cardcallback.stages import weights_marks
from cardcallback.stages.weights import weights_changed

SIZE = 3_000_000


def _weights(folder: Path, name: str = "model.safetensors", *, byte: int = 1) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(bytes([byte]) * SIZE)
    return folder


def test_a_copy_has_the_same_marks(tmp_path: Path) -> None:
    """They depend on the content alone."""
    there = _weights(tmp_path / "there")
    shutil.copytree(there, tmp_path / "copy")
    assert weights_marks(tmp_path / "copy") == weights_marks(there)
    assert not weights_changed(tmp_path / "copy", weights_marks(there))


@pytest.mark.parametrize("place", [0, SIZE // 2, SIZE - 1])
def test_a_change_anywhere_that_is_read_is_seen(tmp_path: Path, place: int) -> None:
    """Begin, middle and end; a shorter file too."""
    folder = _weights(tmp_path)
    marks = weights_marks(folder)
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(place)
        file.write(b"\xff")
    assert weights_changed(folder, marks)
    (folder / "model.safetensors").write_bytes(b"\1" * (SIZE - 1))
    assert weights_changed(folder, marks)


@pytest.mark.parametrize(
    "name", ["model-00001-of-00002.safetensors", "adapter_model.safetensors", "pytorch_model.bin", "adapter_model.bin"]
)
def test_the_names_of_weights(tmp_path: Path, name: str) -> None:
    """Those that the libraries give; a name of a person's own stays out of the record."""
    assert list(weights_marks(_weights(tmp_path, name))) == [name]
    assert list(weights_marks(_weights(tmp_path, "somebody.safetensors"))) == [name]


def test_nothing_is_claimed_without_something_to_compare(tmp_path: Path) -> None:
    """No marks, no file of that name, or no folder at all."""
    marks = weights_marks(_weights(tmp_path / "there"))
    assert not weights_changed(tmp_path / "there", {})
    assert not weights_changed(_weights(tmp_path / "merged", "adapter_model.safetensors"), marks)
    assert not weights_changed(tmp_path / "nowhere", marks)
