"""PEFT's adapters that are no LoRA: named, with the settings that their kind has, and told on the card as adapters."""

from __future__ import annotations

from dataclasses import field, make_dataclass
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from observe_stand_ins import CAUSAL, observe

from cardcallback.record import Adapter, RunRecord, Training
from cardcallback.render.card.objectives import library_of
from cardcallback.render.exported import export_sentence
from cardcallback.render.section.recipe import recipe
from cardcallback.testing import make_record

TRAINED, TOTAL = 1_000_000, 271_000_000


def _config(**settings: Any) -> Any:
    """A configuration as PEFT writes them: a data class."""
    fields = [(name, type(value), field(default=value)) for name, value in settings.items()]
    return make_dataclass("SomeConfig", fields)()


def _module(**children: object) -> Any:
    module = SimpleNamespace()
    module.__dict__["_modules"] = children
    return module


def _adapted(config: Any, **modules: Any) -> Training:
    model = CAUSAL()
    model.__dict__.update(
        peft_config={"default": config},
        active_adapter="default",
        named_modules=lambda: [(name.replace("__", "."), module) for name, module in modules.items()],
    )
    return observe(model=model)


@pytest.mark.parametrize(
    ("settings", "kind", "kept"),
    [
        ({"peft_type": "LOHA", "r": 2, "alpha": 4, "module_dropout": 0.0}, "LoHa", {"r": 2, "alpha": 4}),
        ({"peft_type": "OFT", "r": 0, "oft_block_size": 4, "coft": False}, "OFT", {"oft_block_size": 4}),
        ({"peft_type": "IA3", "inference_mode": True, "init_ia3_weights": True}, "IA3", {}),
        (
            {"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 3, "token_dim": 8, "num_layers": 1},
            "prompt tuning",
            {"num_virtual_tokens": 3},
        ),
        ({"peft_type": "SHIRA", "mask_type": "random", "bias": "none"}, "SHiRA", {"mask_type": "random"}),
        ({"peft_type": "NEWEST", "rank_of_it": 7, "folder": "data"}, "NEWEST", {"rank_of_it": 7}),
    ],
    ids=str,
)
def test_a_kind_has_its_own_settings(settings: dict[str, Any], kind: str, kept: dict[str, Any]) -> None:
    """What is on, by PEFT's names; nothing of files, of the base model's shape, or in free words."""
    training = _adapted(_config(**settings))
    assert training.adapter is not None
    assert (training.method, training.lora) == (kind, None)
    assert (training.adapter.kind, training.adapter.settings) == (kind, kept)


def test_the_wrapped_layers_and_what_is_trained_beside_them() -> None:
    """PEFT keeps each original layer; a head that is trained whole, and single tokens, are named."""
    training = _adapted(
        _config(peft_type="VERA", r=4),
        model__q_proj=_module(base_layer=object()),
        model__up=_module(weight=object()),
        lm_head=_module(modules_to_save=object(), original_module=object()),
        embed_tokens=_module(token_adapter=object()),
    )
    assert training.adapter is not None
    assert training.adapter.target_modules == ("q_proj",)
    assert training.adapter.also_trained == ("lm_head", "embed_tokens (single tokens)")


def test_a_lora_beside_a_trained_head() -> None:
    """The recipe of a LoRA run is not whole without it."""
    head = _module(modules_to_save=object(), original_module=object())
    training = _adapted(_config(peft_type="LORA", r=8, lora_alpha=16), score=head)
    assert training.lora is not None
    assert training.adapter is None
    assert training.lora.also_trained == ("score",)
    assert "also trained: score" in " ".join(recipe(_record(training)))


def _record(training: Training) -> RunRecord:
    changed = msgspec.structs.replace(
        training, base_model="google/gemma-3-270m", trainable_parameters=TRAINED, total_parameters=TOTAL
    )
    return msgspec.structs.replace(make_record(), training=changed)


def test_the_card_of_an_adapter_that_is_no_lora() -> None:
    """A row of its own without rank or alpha that it does not have, the base model's own size, PEFT as its library."""
    adapter = Adapter(kind="IA3", target_modules=("k_proj", "v_proj"))
    record = _record(Training(method="IA3", adapter=adapter))
    text = "\n".join(recipe(record))
    assert "| Adapter | IA3, layers k_proj v_proj; 1.00 M trainable parameters (0.37 %) |" in text
    assert "| LoRA |" not in text
    assert "alpha" not in text
    assert "gemma-3-270m, 270 M parameters |" in text
    assert library_of(record.training) == "peft"
    assert "merged" in str(export_sentence(record, "model"))


def test_what_is_trained_whole_is_no_adapter() -> None:
    """Neither by its library nor by its size."""
    record = _record(Training(method="full fine-tuning"))
    assert library_of(record.training) == "transformers"
    assert "gemma-3-270m, 271 M parameters |" in "\n".join(recipe(record))
