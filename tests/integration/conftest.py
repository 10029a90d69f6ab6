"""What the training tests share: no network, one thread, a recorder where the Hub would be."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from loaded_python import LoadedPython

from simulator_fixtures import simulate

__all__ = ["simulate"]

# Read when the libraries are imported, so set before any test module imports them.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> object:
    """The recorder in the Hub's place."""
    from hub_recorder import install_recorder  # noqa: PLC0415 - imports transformers

    return install_recorder(monkeypatch)


@pytest.fixture
def base_folder(tmp_path: Path) -> Path:
    """Where the base model lies: a path no card may show."""
    return tmp_path / "private-place" / "base"


@pytest.fixture
def output_folder(tmp_path: Path) -> Path:
    """Where the trainer writes."""
    return tmp_path / "tiny"


@pytest.fixture(scope="session")
def loaded_python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadedPython]:
    """Starts scripts in processes of their own that have loaded torch and transformers already."""
    with contextlib.closing(LoadedPython(tmp_path_factory.mktemp("loaded-python"), os.environ)) as python:
        yield python
