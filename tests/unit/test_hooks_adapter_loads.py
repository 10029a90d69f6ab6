"""Where adapters were loaded from, seen without PEFT's help and without changing what is loaded."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cardcallback.hooks import adapter_folders, watch_adapter_loads


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> type:
    """A class in the place where PEFT has its mixed models."""

    class PeftMixedModel:
        active_adapters: Any = ("default",)

        def load_adapter(self, model_id: Any, adapter_name: str | None = None, **more: Any) -> Any:
            """As PEFT's."""
            if model_id == "broken":
                raise OSError("no adapter")
            return model_id, adapter_name, more

    monkeypatch.setitem(sys.modules, "peft.mixed_model", SimpleNamespace(PeftMixedModel=PeftMixedModel))
    return PeftMixedModel


@pytest.fixture
def kind(untouched: type) -> type:
    """The same, watched."""
    watch_adapter_loads({})
    watch_adapter_loads({})
    return untouched


@pytest.mark.parametrize("value", ["1", "true", "nonsense"])
def test_switched_off_nothing_is_wrapped(untouched: type, value: str) -> None:
    """Also where the switch is neither on nor off, of which the construction tells."""
    before = vars(untouched)["load_adapter"]
    watch_adapter_loads({"CARDCALLBACK_DISABLE": value})
    assert vars(untouched)["load_adapter"] is before
    watch_adapter_loads({"CARDCALLBACK_DISABLE": "0"})
    assert vars(untouched)["load_adapter"] is not before


def test_the_folder_is_kept_and_the_call_is_as_it_was(tmp_path: Path, kind: type) -> None:
    """By place and by name, and wrapped once however often it is watched."""
    model: Any = kind()
    assert model.load_adapter(tmp_path, "default", is_trainable=True) == (tmp_path, "default", {"is_trainable": True})
    assert adapter_folders(model) == (tmp_path.resolve(),)
    other: Any = kind()
    assert other.load_adapter(model_id=str(tmp_path)) == (str(tmp_path), None, {})
    assert adapter_folders(other) == (tmp_path.resolve(),)
    assert not hasattr(kind.load_adapter.__wrapped__, "__wrapped__")  # type: ignore[attr-defined]


def test_a_reference_beside_the_trained_adapter_is_no_part_of_it(tmp_path: Path, kind: type) -> None:
    """Only what is active; where that is not known, all that was loaded."""
    (tmp_path / "reference").mkdir()
    model: Any = kind()
    model.load_adapter(tmp_path)
    model.load_adapter(tmp_path / "reference", "reference")
    assert adapter_folders(model) == (tmp_path.resolve(),)
    model.active_adapters = lambda: ["reference"]
    assert adapter_folders(model) == ((tmp_path / "reference").resolve(),)
    model.active_adapters = None
    assert len(adapter_folders(model)) == 2


def test_what_is_no_folder_is_nothing(kind: type) -> None:
    """A Hub id, a load that fails, and an object that was never loaded into."""
    model: Any = kind()
    model.load_adapter("google/adapter")
    with pytest.raises(OSError, match="no adapter"):
        model.load_adapter("broken")
    assert adapter_folders(model) == ()
    assert adapter_folders(7) == adapter_folders(None) == ()
