"""PEFT's kinds of adapters on a tiny Llama: names, their own settings, what share is trained, no false perplexity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="training tests need torch")
pytest.importorskip("peft", reason="adapters need PEFT")

from tiny import make_model, make_trainer

from cardcallback import CardCallback, load_run
from cardcallback.record import TOKEN_CROSS_ENTROPY, RunRecord

pytestmark = [pytest.mark.training, pytest.mark.matrix]

_LAYERS = ["q_proj", "v_proj"]
# The configuration's class, its settings, the name on the card, and what has to stand in the adapter's row.
KINDS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "ia3": ("IA3Config", {"target_modules": _LAYERS, "feedforward_modules": []}, "IA3", "layers q_proj v_proj"),
    "prompt": ("PromptTuningConfig", {"num_virtual_tokens": 3}, "prompt tuning", "num_virtual_tokens 3"),
    "prefix": ("PrefixTuningConfig", {"num_virtual_tokens": 3}, "prefix tuning", "num_virtual_tokens 3"),
    "p-tuning": ("PromptEncoderConfig", {"num_virtual_tokens": 3}, "p-tuning", "encoder_num_layers 2"),
    "loha": ("LoHaConfig", {"r": 2, "alpha": 4, "target_modules": _LAYERS}, "LoHa", "r 2, alpha 4, layers"),
    "lokr": ("LoKrConfig", {"r": 2, "alpha": 4, "target_modules": _LAYERS}, "LoKr", "r 2, alpha 4,"),
    "vera": ("VeraConfig", {"r": 4, "target_modules": _LAYERS}, "VeRA", "VeRA, r 4,"),
    "oft": ("OFTConfig", {"oft_block_size": 4, "target_modules": _LAYERS}, "OFT", "OFT, oft_block_size 4,"),
    "boft": ("BOFTConfig", {"boft_block_size": 2, "target_modules": _LAYERS}, "BOFT", "boft_block_size 2"),
    "layer-norm": ("LNTuningConfig", {}, "LayerNorm tuning", "post_attention_layernorm"),
    "fourier": ("FourierFTConfig", {"n_frequency": 4, "target_modules": _LAYERS}, "FourierFT", "n_frequency 4"),
    "vb-lora": (
        "VBLoRAConfig",
        {"r": 2, "num_vectors": 8, "vector_length": 2, "topk": 1, "target_modules": _LAYERS},
        "VB-LoRA",
        "num_vectors 8",
    ),
    "tokens": (
        "TrainableTokensConfig",
        {"token_indices": [1, 2]},
        "training of single tokens' embeddings",
        "embed_tokens",
    ),
}


def _trained(name: str, settings: dict[str, Any], folder: Path, base_folder: Path) -> tuple[RunRecord, str]:
    import peft  # noqa: PLC0415 - only where a training test runs

    config = getattr(peft, name)(task_type="CAUSAL_LM", **settings)
    model = peft.get_peft_model(make_model(base_folder), config)
    trainer = make_trainer("plain", folder, base_folder=base_folder, model=model, callbacks=[CardCallback(quiet=True)])
    trainer.train()
    trainer.evaluate()
    record = load_run(folder)
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    assert record.training.trainable_parameters == trained > 0
    return record, (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_an_adapter_has_a_row_of_its_own(kind: str, output_folder: Path, base_folder: Path) -> None:
    """By its name, with what its kind has and no rank or alpha beside; loaded with PEFT; a perplexity that is one."""
    name, settings, title, words = KINDS[kind]
    record, card = _trained(name, settings, output_folder, base_folder)
    adapter = record.training.adapter
    assert adapter is not None
    assert (record.training.method, adapter.kind, record.training.lora) == (title, title, None)
    row = next(line for line in card.splitlines() if line.startswith("| Adapter |"))
    assert words in row
    assert "alpha" not in row or "alpha" in settings
    assert "trainable parameters (" in row
    assert "library_name: peft" in card
    assert record.training.loss_kind == TOKEN_CROSS_ENTROPY
    # A random model of 32 tokens knows nothing, but a loss that held more than the tokens' would be far above.
    assert record.evaluation.after is not None
    assert record.evaluation.after.perplexity is not None


def test_what_adalora_adds_to_the_loss_is_in_no_perplexity(output_folder: Path, base_folder: Path) -> None:
    """PEFT adds its penalty to the held-out loss as well, so that its exponential would say nothing of the tokens."""
    settings = {"init_r": 4, "target_r": 2, "total_step": 20, "lora_alpha": 4, "target_modules": _LAYERS}
    record, card = _trained("AdaLoraConfig", settings, output_folder, base_folder)
    after = record.evaluation.after
    assert after is not None
    assert after.loss is not None
    assert after.perplexity is None
    assert "| Perplexity |" not in card
    assert "orthogonal regularisation" in card
    assert "r 4, alpha 4, layers q_proj v_proj, AdaLoRA, to r 2 on average;" in card
