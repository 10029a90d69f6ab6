"""A plain Trainer on models of other kinds: each named by what its class is for, and a perplexity only of text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="training tests need torch")

from tiny import STEPS, training_settings

from cardcallback import CardCallback, load_run

pytestmark = [pytest.mark.training, pytest.mark.matrix]

_TEXT = {"vocab_size": 32, "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
_VISION = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
_IDENTIFIERS = [4, 5, 6, 7, 8, 9]

Made = tuple[Any, dict[str, Any]]  # a model and one row


def _regression() -> Made:
    from transformers import BertConfig, BertForSequenceClassification  # noqa: PLC0415 - only where a test runs

    model = BertForSequenceClassification(BertConfig(**_TEXT, num_labels=1))
    return model, {"input_ids": _IDENTIFIERS, "labels": 0.5}


def _answering() -> Made:
    from transformers import BertConfig, BertForQuestionAnswering  # noqa: PLC0415 - as above

    return BertForQuestionAnswering(BertConfig(**_TEXT)), {
        "input_ids": _IDENTIFIERS,
        "start_positions": 1,
        "end_positions": 2,
    }


def _images() -> Made:
    import torch  # noqa: PLC0415 - as above
    from transformers import ViTConfig, ViTForImageClassification  # noqa: PLC0415 - as above

    model = ViTForImageClassification(ViTConfig(**_VISION, image_size=8, patch_size=4, num_labels=3))
    return model, {"pixel_values": torch.ones(3, 8, 8), "labels": 1}


def _segments() -> Made:
    import torch  # noqa: PLC0415 - as above
    from transformers import SegformerConfig, SegformerForSemanticSegmentation  # noqa: PLC0415 - as above

    stage = {"depths": [1], "sr_ratios": [1], "hidden_sizes": [8], "patch_sizes": [7], "strides": [4]}
    heads = {"num_attention_heads": [2], "mlp_ratios": [2], "decoder_hidden_size": 8}
    config = SegformerConfig(num_encoder_blocks=1, num_labels=3, **stage, **heads)
    row = {"pixel_values": torch.ones(3, 16, 16), "labels": torch.zeros(16, 16, dtype=torch.long)}
    return SegformerForSemanticSegmentation(config), row


def _seen_text() -> Made:
    import torch  # noqa: PLC0415 - as above
    from transformers import (  # noqa: PLC0415 - as above
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
    )

    vision = CLIPVisionConfig(**_VISION, image_size=8, patch_size=4).to_dict()
    text = LlamaConfig(**_TEXT, num_key_value_heads=1).to_dict()
    config = LlavaConfig(vision_config=vision, text_config=text, image_token_index=31, vision_feature_layer=-1)
    identifiers = [31, 31, 31, 31, *_IDENTIFIERS]  # a place for each of the picture's four patches
    return LlavaForConditionalGeneration(config), {
        "input_ids": identifiers,
        "labels": identifiers,
        "attention_mask": [1] * len(identifiers),
        "pixel_values": torch.ones(3, 8, 8),
    }


KINDS: dict[str, tuple[Callable[[], Made], str]] = {
    "regression": (_regression, "sequence"),
    "question answering": (_answering, "sequence"),
    "image classification": (_images, "example"),
    "semantic segmentation": (_segments, "example"),
    "image-text language modelling": (_seen_text, "sequence"),
}


@pytest.mark.parametrize("objective", KINDS)
def test_a_model_is_named_by_what_it_is_for(objective: str, output_folder: Path) -> None:
    """Its objective, its loss by that name without a perplexity, and what a batch holds."""
    from transformers import Trainer, TrainingArguments  # noqa: PLC0415 - as above

    make, noun = KINDS[objective]
    model, row = make()
    trainer = Trainer(
        model=model,
        args=TrainingArguments(**training_settings(output_folder)),
        train_dataset=[row] * 8,
        eval_dataset=[row] * 2,
        callbacks=[CardCallback(quiet=True)],
    )
    trainer.train()
    trainer.evaluate()
    record = load_run(output_folder)
    card = (output_folder / "README.md").read_text(encoding="utf-8")
    assert (record.training.objective, record.training.steps) == (objective, STEPS)
    assert record.training.loss_kind == f"{objective} loss"
    assert record.evaluation.after is not None
    assert record.evaluation.after.perplexity is None
    assert "| Perplexity |" not in card
    assert f"| Batch | 2 {noun}s |" in card
