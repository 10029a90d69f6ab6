"""What was merged into a model is known of the model that PEFT gives back, and of no other."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from cardcallback.earlier_stages import remember_training, search_earlier_stages
from cardcallback.guard import Guard
from cardcallback.hooks import adapter_folders, watch_adapter_loads
from cardcallback.settings import Settings
from cardcallback.testing import make_record


class Base:
    """A model without adapters."""

    name_or_path = ""


@pytest.fixture
def over(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a model with adapters over a base, of classes in the places where PEFT has its own."""

    class BaseTuner:
        active_adapters = ("default",)

        def __init__(self, model: Any) -> None:
            self.model = model

        def merge_and_unload(self, *_: Any, **__: Any) -> Any:
            """As PEFT's, whose third argument is ``adapter_names``."""
            return self.model

    class PeftModel:
        active_adapters = ("default",)

        def __init__(self, model: Any) -> None:
            self.base_model = BaseTuner(model)

        def load_adapter(self, model_id: Any, adapter_name: str) -> None:
            """As PEFT's."""

    monkeypatch.setitem(sys.modules, "peft.peft_model", SimpleNamespace(PeftModel=PeftModel))
    monkeypatch.setitem(sys.modules, "peft.tuners.tuners_utils", SimpleNamespace(BaseTuner=BaseTuner))
    watch_adapter_loads({})
    watch_adapter_loads({})
    return PeftModel


def test_the_base_model_has_the_merged_adapters_folder(tmp_path: Path, over: Any) -> None:
    """So has what lies over it next; an adapter that was loaded and not merged is nobody's."""
    base = Base()
    model = over(base)
    model.load_adapter(tmp_path, "default")
    model.load_adapter(tmp_path / "..", "reference")
    assert adapter_folders(base) == ()
    assert model.base_model.merge_and_unload() is base
    del model
    assert adapter_folders(base) == (tmp_path.resolve(),)
    assert adapter_folders(over(base)) == (tmp_path.resolve(),)
    assert adapter_folders(over(Base())) == ()


def test_named_adapters_are_the_merged_ones(tmp_path: Path, over: Any) -> None:
    """The person says which, by place or by name."""
    for given, named in (((False, False, ["other"]), {}), ((), {"adapter_names": ["other"]})):
        base = Base()
        model = over(base)
        model.load_adapter(tmp_path, "default")
        model.load_adapter(tmp_path.parent, "other")
        model.base_model.merge_and_unload(*given, **named)
        assert adapter_folders(base) == (tmp_path.parent.resolve(),)


def test_a_merged_training_is_the_stage_before(over: Any) -> None:
    """SFT of an adapter, merged, then DPO in the same process; without the merge the base was never trained."""
    state, record = SimpleNamespace(global_step=0), make_record(run_id="sft")

    def before(model: Any) -> list[str | None]:
        lineage: Any = SimpleNamespace(run_id="dpo")
        search = search_earlier_stages(model, Settings(), lineage, state, Guard())
        assert search is not None
        search.wait(30.0)
        return [stage.run_id for stage in search.found.stages]

    base = Base()
    model = over(base)
    remember_training(model, replace(record, stages=record.stages[-1:]))
    assert before(base) == []
    assert before(over(base)) == []
    model.base_model.merge_and_unload()
    del model
    assert before(base) == ["sft"]
    assert before(over(base)) == ["sft"]
