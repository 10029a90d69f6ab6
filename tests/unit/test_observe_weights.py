"""Quantisation and adapters, from configurations and modules."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from observe_stand_ins import named, observe


def config(**fields: object) -> SimpleNamespace:
    """A model of nothing but a quantisation configuration."""
    return SimpleNamespace(config=SimpleNamespace(quantization_config=fields))


def test_quantisation_by_configuration() -> None:
    """As a mapping read from a file: bitsandbytes, others, and none."""
    four = observe(model=config(quant_method="bitsandbytes", load_in_4bit=True, bnb_4bit_quant_type="nf4")).quantization
    assert four is not None
    assert (four.method, four.bits, four.kind) == ("bitsandbytes", 4, "NF4")
    gptq = observe(model=config(quant_method="gptq", bits=4)).quantization
    assert gptq is not None
    assert (gptq.method, gptq.bits, gptq.kind) == ("gptq", 4, "GPTQ")
    assert observe(model=config(quant_method="gguf", dequantize=True)).quantization is None
    assert observe(model=config(quant_method="/home/somebody")).quantization is None
    assert observe(model=SimpleNamespace()).quantization is None


class Model:
    """Submodules by name."""

    def __init__(self, **modules: object) -> None:
        self.modules = {name.replace("__", "."): module for name, module in modules.items()}
        self.config = SimpleNamespace(quantization_config=None)

    def named_modules(self) -> list[tuple[str, object]]:
        """As torch's."""
        return list(self.modules.items())

    def parameters(self) -> list[object]:
        """None."""
        return []


LINEAR = named("Linear", module="torch.nn")


def four_bit(kind: str) -> object:
    """A bitsandbytes layer."""
    layer: Any = named("Linear4bit", module="bitsandbytes.nn")()
    layer.weight = SimpleNamespace(quant_type=kind, compress_statistics=True)
    layer.compute_dtype = "torch.bfloat16"
    return layer


def test_quantised_modules_outrank_the_configuration() -> None:
    """Weights unpacked from a GGUF file and quantised again: both are named."""
    model = Model(q=four_bit("nf4"))
    model.config.quantization_config = {"quant_method": "gguf"}
    found = observe(model=model).quantization
    assert found is not None
    assert (found.bits, found.kind, found.double, found.compute_dtype) == (4, "NF4", True, "bf16")
    assert found.loaded_from == "GGUF"


def test_a_noted_earlier_quantisation_is_kept() -> None:
    """Whoever unpacked a file may say which it was; a path is no such note."""
    model = Model(q=four_bit("fp4"))
    model.config.dequantized_from = "GGUF Q4_K_M"
    found = observe(model=model).quantization
    assert found is not None
    assert found.loaded_from == "GGUF Q4_K_M"
    model.config.dequantized_from = "/home/somebody/x.gguf"
    found = observe(model=model).quantization
    assert found is not None
    assert found.loaded_from is None


def adapted(**settings: object) -> Model:
    """Both projections of one layer wrapped by LoRA."""
    wrapped: Any = LINEAR()
    wrapped.lora_A = {"default": object()}
    model = Model(l0__q_proj=wrapped, l0__q_proj__base_layer=LINEAR(), lm_head=LINEAR())
    values = {"peft_type": "LORA", "r": 16, "lora_alpha": 32, "target_modules": {"q_proj"}, **settings}
    model.peft_config = {"default": SimpleNamespace(**values)}  # type: ignore[attr-defined]  # as PEFT adds it
    model.get_output_embeddings = lambda: model.modules["lm_head"]  # type: ignore[attr-defined]  # the same
    return model


def test_lora_is_read_from_configuration_and_modules() -> None:
    """Rank and alpha from PEFT; that all linear layers but the head are wrapped from the model."""
    lora = observe(model=adapted(use_dora=True, init_lora_weights="pissa_niter_4")).lora
    assert lora is not None
    assert (lora.rank, lora.alpha, lora.target_modules, lora.all_linear) == (16, 32.0, ("q_proj",), True)
    assert lora.variants == ("DoRA", "PiSSA")


def test_a_linear_layer_left_out_is_seen() -> None:
    """One projection without an adapter: not all linear layers."""
    model = adapted()
    model.modules["l0.k_proj"] = LINEAR()
    lora = observe(model=model).lora
    assert lora is not None
    assert lora.all_linear is False


def test_layers_of_an_adapter_beside_the_trained_one_are_none_of_its() -> None:
    """Of two that are loaded only the active one's layers are told."""
    model = adapted()
    other: Any = LINEAR()
    other.lora_A = {"earlier": object()}
    model.modules["l0.v_proj"] = other
    model.active_adapter = "default"  # type: ignore[attr-defined]  # as PEFT's
    lora = observe(model=model).lora
    assert lora is not None
    assert lora.target_modules == ("q_proj",)


def test_the_method_is_named() -> None:
    """QLoRA is LoRA over four-bit weights; another adapter has its own name."""
    assert observe(model=adapted()).method == "LoRA"
    model = adapted()
    model.modules["l0.q_proj.base_layer"] = four_bit("nf4")
    assert observe(model=model).method == "QLoRA"
    prompt = Model()
    prompt.peft_config = {"default": SimpleNamespace(peft_type="PROMPT_TUNING")}  # type: ignore[attr-defined]
    training = observe(model=prompt)
    assert (training.method, training.lora) == ("prompt tuning", None)


@pytest.mark.parametrize(
    ("sharding", "method", "total"),
    [("FSDPModule", "full fine-tuning", 64), ("FullyShardedDataParallel", None, None)],
)
def test_a_sharded_model_s_parameters(sharding: str, method: str | None, total: int | None) -> None:
    """The parameters of FSDP's second version know their whole size; those of its first one do not."""
    layer: Any = LINEAR()
    layer._parameters = {"weight": SimpleNamespace(numel=lambda: 64, dtype="torch.float32", requires_grad=True)}
    training = observe(model=named("Sharded", named(sharding), Model)(l0=layer))
    assert (training.method, training.total_parameters) == (method, total)


def test_packed_weights_in_shards_have_no_known_size() -> None:
    """A shard of them does not tell how many weights it stands for; the method is known all the same."""
    model: Any = named("Sharded", named("FSDPModule"), Model)(l0__q_proj=four_bit("nf4"))
    model.peft_config = adapted().peft_config
    training = observe(model=model)
    assert (training.method, training.total_parameters) == ("QLoRA", None)


def test_an_adapter_beside_the_trained_one_does_not_count() -> None:
    """The frozen copy that DPO trains against is neither of the base model nor of what is trained."""

    def layer(*, size: int, is_trained: bool) -> object:
        made: Any = LINEAR()
        weight = SimpleNamespace(numel=lambda: size, dtype="torch.float32", requires_grad=is_trained)
        made._parameters = {"weight": weight}
        return made

    model: Any = adapted()
    model.modules |= {
        "l0.q_proj.base_layer": layer(size=100, is_trained=False),
        "l0.q_proj.lora_A.default": layer(size=8, is_trained=True),
        "l0.q_proj.lora_A.ref": layer(size=8, is_trained=False),
    }
    model.peft_config["ref"] = model.peft_config["default"]
    model.active_adapters = ["default"]
    training = observe(model=model)
    assert (training.trainable_parameters, training.total_parameters) == (8, 108)
