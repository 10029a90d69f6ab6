"""The base model: a Hub id or nothing, never a folder."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardcallback.hub_id import is_hub_id
from cardcallback.observe import find_base_model, model_folders, weights_names
from cardcallback.stages import ModelFolder


def model_named(name: object, **more: object) -> SimpleNamespace:
    """A model whose configuration says it was loaded from ``name``."""
    return SimpleNamespace(config=SimpleNamespace(_name_or_path=name), name_or_path=name, **more)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("google/gemma-3-4b-it", "google/gemma-3-4b-it"),
        ("gpt2", "gpt2"),
        ("/home/u/.cache/huggingface/hub/models--google--gemma-3-1b-it/snapshots/abc123", "google/gemma-3-1b-it"),
        ("C:\\hub\\models--google--gemma\\snapshots\\abc", "google/gemma"),
        ("/cache/models--gpt2/snapshots/abc/", "gpt2"),
    ],
)
def test_hub_names_are_found(name: str, expected: str) -> None:
    """An id, or a snapshot folder of the Hub's cache, names the model."""
    found = find_base_model(model_named(name))
    assert (found.hub_id, found.reason) == (expected, None)


@pytest.mark.parametrize(
    "name",
    [
        "/home/somebody/models/gemma",
        "./out/model",
        "../model",
        "~/model",
        "C:\\Users\\somebody\\model",
        "outputs/my-model",
        "trainer_output/gemma",
        "tmp_trainer/gemma",
        "somebody/checkpoint-500",
        "my-model",
        "a/b/c",
        "models--x",
        "org/model.gguf",
    ],
)
def test_folders_are_not_named(name: str) -> None:
    """A local path gives no id and a reason with the cure."""
    found = find_base_model(model_named(name))
    assert found.hub_id is None
    assert "local folder" in str(found.reason)
    assert "base_model=" in str(found.reason)
    assert name not in str(found.reason)


def test_a_folder_that_looks_like_an_id_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An "org/name" that exists on disk was loaded from there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "google" / "gemma").mkdir(parents=True)
    assert find_base_model(model_named("google/gemma")).hub_id is None


def test_the_person_knows_best() -> None:
    """What the person says wins over what the model says."""
    assert find_base_model(model_named("a/b"), "google/gemma-3-270m").hub_id == "google/gemma-3-270m"


def test_a_path_from_the_person_is_refused() -> None:
    """Also the argument is never a path."""
    found = find_base_model(model_named("a/b"), "/home/somebody/model")
    assert found.hub_id is None
    assert found.reason is not None
    assert "somebody" not in found.reason


def test_pefts_own_word_comes_first() -> None:
    """An adapter's configuration names its base model."""
    model = model_named("", peft_config={"default": SimpleNamespace(base_model_name_or_path="google/gemma-3-1b-it")})
    assert find_base_model(model).hub_id == "google/gemma-3-1b-it"


def test_a_model_without_a_name_says_so() -> None:
    """A model built in the script has no base."""
    found = find_base_model(model_named(""))
    assert found.hub_id is None
    assert "no Hub id" in str(found.reason)


@given(st.text(max_size=120))
def test_no_text_becomes_a_path(text: str) -> None:
    """Whatever a configuration holds, the id found is of the form organisation/name or a known bare one."""
    found = find_base_model(model_named(text)).hub_id
    assert found is None or (is_hub_id(found) and not found.startswith(("/", ".", "~")) and "\\" not in found)


def folders_of(model: object) -> tuple[ModelFolder, ...]:
    """The folders that its weights were loaded from."""
    return model_folders(weights_names(model))


def test_the_folders_of_a_model(tmp_path: Path) -> None:
    """Of an adapter's base and of the model itself, each once; a Hub id or a lost folder is none."""
    base, own = tmp_path / "base", tmp_path / "own"
    for folder in (base, own):
        folder.mkdir()
    adapters = {name: SimpleNamespace(base_model_name_or_path=str(base)) for name in ("default", "second")}
    assert folders_of(model_named(str(own), peft_config=adapters)) == (ModelFolder(path=base), ModelFolder(path=own))
    assert folders_of(model_named("google/gemma-3-4b-it")) == ()
    assert folders_of(model_named(str(tmp_path / "gone"))) == ()
    assert folders_of(model_named("a\0b")) == folders_of(model_named("x" * 5000)) == folders_of(None) == ()


def test_a_folder_of_the_hubs_cache_is_told_apart(tmp_path: Path) -> None:
    """Its files are a published model's."""
    snapshot = tmp_path / "models--org--name" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    assert folders_of(model_named(str(snapshot))) == (ModelFolder(path=snapshot, is_cached=True),)
