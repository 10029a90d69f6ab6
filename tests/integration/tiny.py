"""A random Llama of a few thousand parameters, its tokenizer and its trainers: nothing is downloaded."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any, Literal

TrainerKind = Literal["plain", "peft", "sft", "sft-peft", "dpo"]
TRAINER_KINDS: tuple[TrainerKind, ...] = ("plain", "peft", "sft", "sft-peft")
STEPS = 4

_WORDS = re.findall(r"\w+", "the quick brown fox jumps over a lazy dog and then sleeps in warm sun all day")
_LENGTH = 8


def make_tokenizer() -> Any:
    """A word-level tokenizer of a score of words."""
    from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: PLC0415 - only where a training test runs
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415 - as above

    vocabulary = {word: index for index, word in enumerate(["<pad>", "<eos>", "<unk>", *dict.fromkeys(_WORDS)])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))  # noqa: S106 - a token of text
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    special = dict(zip(("pad_token", "eos_token", "unk_token"), vocabulary, strict=False))
    # No token types, which no Llama takes.
    names = ["input_ids", "attention_mask"]
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, model_input_names=names, **special)


def make_model(folder: Path) -> Any:
    """The model, loaded from ``folder``, so that its configuration holds a local path as a person's would."""
    import torch  # noqa: PLC0415 - as above
    from transformers import LlamaConfig, LlamaForCausalLM  # noqa: PLC0415 - as above

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32,
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=64,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return LlamaForCausalLM.from_pretrained(folder)


def lora_settings() -> Any:
    """LoRA of rank 2 on the query projection."""
    from peft import LoraConfig  # noqa: PLC0415 - as above

    return LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj"], task_type="CAUSAL_LM")


def training_settings(folder: Path, **options: Any) -> dict[str, Any]:
    """The arguments of a training of ``STEPS`` steps on the CPU that writes to ``folder``, and ``options``."""
    return {
        "output_dir": str(folder),
        "max_steps": STEPS,
        "per_device_train_batch_size": 2,
        "per_device_eval_batch_size": 2,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": True,
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
        **options,
    }


def make_trainer(kind: TrainerKind, folder: Path, *, base_folder: Path, **options: Any) -> Any:
    """A trainer of ``STEPS`` steps that writes to ``folder``; other options are its arguments' or its own.

    ``model`` is what it trains in place of a new one in ``base_folder``.
    """
    model = options.pop("model", None)
    own = {name: options.pop(name) for name in ("callbacks", "train_dataset") if name in options}
    settings = training_settings(folder, **options)
    model, tokenizer = make_model(base_folder) if model is None else model, make_tokenizer()
    if kind == "dpo":
        return _preferring(model, tokenizer, settings, own)
    if kind in {"sft", "sft-peft"}:
        return _supervised(model, tokenizer, settings, own, adapter=kind == "sft-peft")
    return _plain(model, tokenizer, settings, own, adapter=kind == "peft")


def _plain(model: Any, tokenizer: Any, settings: dict[str, Any], own: dict[str, Any], *, adapter: bool) -> Any:
    from transformers import Trainer, TrainingArguments  # noqa: PLC0415 - as above

    if adapter:
        from peft import get_peft_model  # noqa: PLC0415 - as above

        model = get_peft_model(model, lora_settings())
    identifiers = [tokenizer(" ".join(_WORDS[start : start + _LENGTH]))["input_ids"] for start in range(_LENGTH)]
    rows = [{"input_ids": row, "labels": row} for row in identifiers]
    return Trainer(
        model=model,
        args=TrainingArguments(**settings),
        train_dataset=rows,
        eval_dataset=rows[:2],
        processing_class=tokenizer,
        **own,
    )


def _supervised(model: Any, tokenizer: Any, settings: dict[str, Any], own: dict[str, Any], *, adapter: bool) -> Any:
    from datasets import Dataset  # noqa: PLC0415 - as above
    from trl import SFTConfig, SFTTrainer  # noqa: PLC0415 - as above

    texts = Dataset.from_dict({"text": [" ".join(_WORDS[start : start + _LENGTH]) for start in range(_LENGTH)]})
    return SFTTrainer(
        model=model,
        args=SFTConfig(**small_settings(SFTConfig), **settings),
        eval_dataset=texts.select(range(2)),
        processing_class=tokenizer,
        peft_config=lora_settings() if adapter else None,
        **{"train_dataset": texts, **own},
    )


def _preferring(model: Any, tokenizer: Any, settings: dict[str, Any], own: dict[str, Any]) -> Any:
    from datasets import Dataset  # noqa: PLC0415 - as above
    from trl import DPOConfig, DPOTrainer  # noqa: PLC0415 - as above

    pairs = [
        {"prompt": f"the {word}", "chosen": " ".join(_WORDS[:3]), "rejected": " ".join(_WORDS[3:6])}
        for word in _WORDS[:_LENGTH]
    ]
    data = Dataset.from_list(pairs)
    return DPOTrainer(
        model=model,
        args=DPOConfig(**small_settings(DPOConfig), **settings),
        train_dataset=data,
        eval_dataset=data.select(range(2)),
        processing_class=tokenizer,
        **own,
    )


def small_settings(config: Any) -> dict[str, Any]:
    """Of what TRL sets for large models, what its version knows."""
    known = inspect.signature(config).parameters
    small = {"max_length": 16, "bf16": False, "gradient_checkpointing": False}
    return {name: value for name, value in small.items() if name in known}
