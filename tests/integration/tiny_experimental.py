"""TRL's experimental trainers on the tiny Llama of ``tiny``: each by its method's name, as far as this TRL has it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from tiny import make_model, make_tokenizer, small_settings, training_settings
from tiny_methods import word_reward

PROMPTS = ("the quick", "a lazy", "brown fox", "dog sleeps")
ANSWERS = ("brown fox jumps", "dog sleeps in sun", "jumps over a dog", "in warm sun all day")
_TEMPLATE = "{% for message in messages %}{{ message['content'] + ' ' }}{% endfor %}"
_SHORT = {"max_completion_length": 4}
_SAMPLED = {**_SHORT, "num_generations": 2}

# The module, the classes' first part, settings, and which data it takes.
METHODS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "distillation": ("trl", "Distillation", _SHORT, "prompts"),
    "gkd": ("trl.experimental.gkd", "GKD", {"max_new_tokens": 4}, "chats"),
    "iw_opd": ("trl.experimental.iw_opd", "IWOPD", {**_SHORT, "max_length": 32}, "chats"),
    "sdft": ("trl.experimental.sdft", "SDFT", {**_SAMPLED, "distillation_topk": 4}, "demonstrated"),
    "sdpo": ("trl.experimental.sdpo", "SDPO", {**_SAMPLED, "distillation_topk": 4}, "asked"),
    "gmpo": ("trl.experimental.gmpo", "GMPO", _SAMPLED, "prompts"),
    "a2po": (
        "trl.experimental.a2po",
        "A2PO",
        {**_SHORT, "num_value_samples": 2, "filter_all_incorrect": False},
        "prompts",
    ),
    "online_dpo": ("trl.experimental.online_dpo", "OnlineDPO", {"max_new_tokens": 4}, "prompts"),
    "tpo": ("trl.experimental.tpo", "TPO", {}, "triples"),
}
_TAUGHT = frozenset({"distillation", "gkd", "iw_opd"})
_REWARDED = frozenset({"sdpo", "gmpo", "a2po", "online_dpo"})


def make_experimental(name: str, folder: Path, *, base_folder: Path, callbacks: list[Any]) -> Any:
    """The trainer; raises ImportError where the installed TRL has no such method."""
    module, begin, settings, kind = METHODS[name]
    found = importlib.import_module(module)
    try:
        config, trainer = getattr(found, f"{begin}Config"), getattr(found, f"{begin}Trainer")
    except AttributeError as error:
        raise ImportError(name) from error
    tokenizer = make_tokenizer()
    tokenizer.chat_template = None if kind in {"prompts", "triples"} else _TEMPLATE
    own: dict[str, Any] = {}
    if name in _TAUGHT:
        teacher_folder = base_folder.with_name("teacher")
        own["teacher_model"] = make_model(teacher_folder)
        tokenizer.save_pretrained(teacher_folder)
    if name in _REWARDED:
        own["reward_funcs"] = [chat_reward if kind == "asked" else word_reward]
    return trainer(
        model=make_model(base_folder),
        args=config(**training_settings(folder, **{**small_settings(config), **settings})),
        train_dataset=_data(kind),
        processing_class=tokenizer,
        callbacks=callbacks,
        **own,
    )


def chat_reward(completions: list[Any], **_: Any) -> list[float]:
    """As ``word_reward``, for answers that are messages."""
    return word_reward([completion[0]["content"] for completion in completions])


def _data(kind: str) -> Any:
    from datasets import Dataset  # noqa: PLC0415 - only where a training test runs

    asked = [[{"role": "user", "content": prompt}] for prompt in PROMPTS]
    columns: dict[str, dict[str, list[Any]]] = {
        "prompts": {"prompt": [*PROMPTS]},
        "asked": {"prompt": asked},
        "demonstrated": {"prompt": asked, "privileged_context": [*ANSWERS]},
        "chats": {
            "messages": [
                [*question, {"role": "assistant", "content": answer}]
                for question, answer in zip(asked, ANSWERS, strict=True)
            ]
        },
        "triples": {
            "prompt": [*PROMPTS],
            "chosen": [*ANSWERS],
            "rejected": [*ANSWERS[1:], ANSWERS[0]],
            "reference": [*ANSWERS],
        },
    }
    return Dataset.from_dict(columns[kind])
