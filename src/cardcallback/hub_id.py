"""What a model's id on the Hub looks like: the one rule for what is asked for, found and published."""

from __future__ import annotations

import re

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_HUB_ID = re.compile(rf"{_PART}/{_PART}")
_FILE_ENDINGS = (".git", ".gguf", ".safetensors")
_CHECKPOINT = re.compile(r"(?:[\w.-]+-)?checkpoint-\d+")
# What people and trainers call the folder that checkpoints are written to.
OUTPUT_FOLDERS = frozenset(
    ["output", "outputs", "out", "checkpoint", "checkpoints", "ckpt", "ckpts", "model", "models", "run", "runs",
     "result", "results", "log", "logs", "save", "saves", "saved", "tmp", "temp", "data", "local", "cache", "artifacts",
     "work", "workspace", "exp", "experiment", "experiments", "trainer_output", "tmp_trainer", "test_trainer",
     "trainer", "train", "training", "trained", "finetune", "finetuned", "ft", "lora", "qlora", "sft", "dpo", "orpo",
     "kto", "grpo", "adapter", "adapters", "weights"]
)  # fmt: skip
# A model's size in its name.
_SIZE = re.compile(r"\d+(?:x\d+)?[bm]")
# Ids from before the Hub had namespaces; any other bare name is as likely a folder.
_BARE_IDS = frozenset(
    [
        "gpt2",
        "gpt2-medium",
        "gpt2-large",
        "gpt2-xl",
        "distilgpt2",
        "bert-base-uncased",
        "bert-base-cased",
        "bert-large-uncased",
        "bert-large-cased",
        "bert-base-multilingual-cased",
        "distilbert-base-uncased",
        "distilbert-base-cased",
        "roberta-base",
        "roberta-large",
        "distilroberta-base",
        "xlm-roberta-base",
        "xlm-roberta-large",
        "albert-base-v2",
        "t5-small",
        "t5-base",
        "t5-large",
        "t5-3b",
        "t5-11b",
        "xlnet-base-cased",
        "openai-gpt",
        "camembert-base",
    ]
)


def is_hub_id(text: object) -> bool:
    """Whether ``text`` has the form of a model's id on the Hub; says nothing about its existence."""
    if not isinstance(text, str) or "--" in text or ".." in text or text.endswith(_FILE_ENDINGS):
        return False
    return text in _BARE_IDS or _HUB_ID.fullmatch(text) is not None


def is_hub_checkpoint(text: str) -> bool:
    """Whether ``text`` is an id such as "ada/checkpoint-500", and not the folder that a trainer writes."""
    owner, _, name = text.partition("/")
    # "gemma-3-4b-sft/checkpoint-500" is a run's folder: people name theirs for a model or a method.
    words = set(re.split(r"[-_.]", owner.lower()))
    is_of_run = not words.isdisjoint(OUTPUT_FOLDERS) or any(_SIZE.fullmatch(word) for word in words)
    return is_hub_id(text) and _CHECKPOINT.fullmatch(name) is not None and not is_of_run
