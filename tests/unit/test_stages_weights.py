"""Marks of files of weights: another training is seen, a copy is not another."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cardcallback.stages import weights_marks
from cardcallback.stages.weights import same_weights

SIZE = 300_000


def _weights(folder: Path, name: str = "model.safetensors", *, byte: int = 1) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(bytes([byte]) * SIZE)
    return folder


def test_a_copy_has_the_same_marks(tmp_path: Path) -> None:
    """They depend on the content alone."""
    there = _weights(tmp_path / "there")
    shutil.copytree(there, tmp_path / "copy")
    assert weights_marks(tmp_path / "copy") == weights_marks(there)
    assert same_weights(weights_marks(tmp_path / "copy"), weights_marks(there)) is True


@pytest.mark.parametrize("place", [0, SIZE // 2, SIZE - 1])
def test_a_change_anywhere_that_is_read_is_seen(tmp_path: Path, place: int) -> None:
    """Begin, middle and end; a shorter file too."""
    folder = _weights(tmp_path)
    marks = weights_marks(folder)
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(place)
        file.write(b"\xff")
    assert same_weights(weights_marks(folder), marks) is False
    (folder / "model.safetensors").write_bytes(b"\1" * (SIZE - 1))
    assert same_weights(weights_marks(folder), marks) is False


@pytest.mark.parametrize(
    "name", ["model-00001-of-00002.safetensors", "adapter_model.safetensors", "pytorch_model.bin", "adapter_model.bin"]
)
def test_the_names_of_weights(tmp_path: Path, name: str) -> None:
    """Those that the libraries give; a name of a person's own stays out of the record."""
    assert list(weights_marks(_weights(tmp_path, name))) == [name]
    assert list(weights_marks(_weights(tmp_path, "somebody.safetensors"))) == [name]


def test_a_large_model_of_many_files_is_not_read_longer_than_one(tmp_path: Path) -> None:
    """A change at the begin or the end of any of them is still seen."""
    names = [f"model-{number:05d}-of-00040.safetensors" for number in range(1, 41)]
    for name in names:
        _weights(tmp_path, name)
    marks = weights_marks(tmp_path)
    assert list(marks) == names
    _weights(tmp_path, names[17], byte=2)
    changed = weights_marks(tmp_path)
    assert [name for name in names if changed[name] != marks[name]] == [names[17]]


def test_nothing_is_claimed_without_something_to_compare(tmp_path: Path) -> None:
    """No marks, no file of that name, or no folder at all."""
    marks = weights_marks(_weights(tmp_path / "there"))
    assert same_weights(marks, {}) is None
    assert same_weights(weights_marks(_weights(tmp_path / "merged", "adapter_model.safetensors")), marks) is None
    assert same_weights(weights_marks(tmp_path / "nowhere"), marks) is None
