"""TRL's and transformers' other trainers on the tiny Llama of ``tiny``, each by its method's name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tiny import lora_settings, make_model, make_tokenizer, small_settings, training_settings

_PROMPTS = ("the quick", "a lazy", "brown fox", "dog sleeps")
_ANSWERS = ("brown fox jumps", "dog sleeps in sun", "jumps over a dog", "in warm sun all day")

Build = Callable[[Path, Path, dict[str, Any]], Any]


def make_method(name: str, folder: Path, *, base_folder: Path, **options: Any) -> Any:
    """The trainer of a method, with few and quick steps; it writes to ``folder``.

    ``options`` are its arguments' settings, or the trainer's own ``callbacks`` and ``adapter``
    (``True``: LoRA on the query projection).
    """
    return METHODS[name](folder, base_folder, options)


def _built(folder: Path, config: Any, options: dict[str, Any], **defaults: Any) -> tuple[Any, dict[str, Any]]:
    """The method's arguments, and what of ``options`` is the trainer's own."""
    own = {"callbacks": options.pop("callbacks", None)}
    if options.pop("adapter", False):
        own["peft_config"] = lora_settings()
    return config(**training_settings(folder, **{**small_settings(config), **defaults, **options})), own


def _rows(**columns: Any) -> Any:
    from datasets import Dataset  # noqa: PLC0415 - only where a training test runs

    return Dataset.from_dict(columns)


def _pairs() -> Any:
    rejected = (*_ANSWERS[1:], _ANSWERS[0])
    return _rows(prompt=[*_PROMPTS], chosen=[*_ANSWERS], rejected=[*rejected])


def _causal(trainer: Any, config: Any, data: Any, **defaults: Any) -> Build:
    def build(folder: Path, base_folder: Path, options: dict[str, Any]) -> Any:
        args, own = _built(folder, config, options, **defaults)
        return trainer(
            model=make_model(base_folder),
            args=args,
            train_dataset=data,
            eval_dataset=data.select(range(2)),
            processing_class=make_tokenizer(),
            **own,
        )

    return build


def _dpo(folder: Path, base_folder: Path, options: dict[str, Any]) -> Any:
    from trl import DPOConfig, DPOTrainer  # noqa: PLC0415 - as above

    return _causal(DPOTrainer, DPOConfig, _pairs())(folder, base_folder, options)


def _kto(folder: Path, base_folder: Path, options: dict[str, Any]) -> Any:
    from trl import KTOConfig, KTOTrainer  # noqa: PLC0415 - as above

    labels = [True, False, True, False]
    data = _rows(prompt=[*_PROMPTS], completion=[*_ANSWERS], label=labels)
    return _causal(KTOTrainer, KTOConfig, data)(folder, base_folder, options)


def _reward(folder: Path, base_folder: Path, options: dict[str, Any]) -> Any:
    from transformers import AutoModelForSequenceClassification  # noqa: PLC0415 - as above
    from trl import RewardConfig, RewardTrainer  # noqa: PLC0415 - as above

    make_model(base_folder)
    args, own = _built(folder, RewardConfig, options)
    return RewardTrainer(
        model=AutoModelForSequenceClassification.from_pretrained(base_folder, num_labels=1),
        args=args,
        train_dataset=_pairs(),
        eval_dataset=_pairs().select(range(2)),
        processing_class=make_tokenizer(),
        **own,
    )


def word_reward(completions: list[str], **_: Any) -> list[float]:
    """A reward that differs between answers: their number of words."""
    return [float(len(text.split())) for text in completions]


def _online(trainer: Any, config: Any) -> Build:
    def build(folder: Path, base_folder: Path, options: dict[str, Any]) -> Any:
        defaults = {"num_generations": 2, "max_completion_length": 4}
        args, own = _built(folder, config, options, **defaults)
        data = _rows(prompt=[*_PROMPTS])
        return trainer(
            model=make_model(base_folder),
            reward_funcs=[word_reward],
            args=args,
            train_dataset=data,
            eval_dataset=data.select(range(2)),
            processing_class=make_tokenizer(),
            **own,
        )

    return build


def _grpo(folder: Path, base_folder: Path, options: dict[str, Any]) -> Any:
    from trl import GRPOConfig, GRPOTrainer  # noqa: PLC0415 - as above

    return _online(GRPOTrainer, GRPOConfig)(folder, base_folder, options)


def _rloo(folder: Path, base_folder: Path, options: dict[str, Any]) -> Any:
    from trl import RLOOConfig, RLOOTrainer  # noqa: PLC0415 - as above

    return _online(RLOOTrainer, RLOOConfig)(folder, base_folder, options)


def _orpo(folder: Path, base_folder: Path, options: dict[str, Any]) -> Any:
    try:
        from trl.experimental.orpo import ORPOConfig, ORPOTrainer  # noqa: PLC0415 - as above
    except ImportError:  # before TRL had experimental trainers
        from trl import ORPOConfig, ORPOTrainer  # noqa: PLC0415 - as above

    return _causal(ORPOTrainer, ORPOConfig, _pairs())(folder, base_folder, options)


def _cpo(folder: Path, base_folder: Path, options: dict[str, Any]) -> Any:
    try:
        from trl.experimental.cpo import CPOConfig, CPOTrainer  # noqa: PLC0415 - as above
    except ImportError:  # as above
        from trl import CPOConfig, CPOTrainer  # noqa: PLC0415 - as above

    # Older versions cut prompts too, and want that to be shorter than the whole.
    prompt = {"max_prompt_length": 8} if "max_prompt_length" in inspect.signature(CPOConfig).parameters else {}
    return _causal(CPOTrainer, CPOConfig, _pairs(), **prompt)(folder, base_folder, options)


def _seq2seq(folder: Path, base_folder: Path, options: dict[str, Any]) -> Any:
    import torch  # noqa: PLC0415 - as above
    from transformers import (  # noqa: PLC0415 - as above
        DataCollatorForSeq2Seq,
        Seq2SeqTrainer,
        Seq2SeqTrainingArguments,
        T5Config,
        T5ForConditionalGeneration,
    )

    torch.manual_seed(0)
    tokenizer = make_tokenizer()
    sizes = {"vocab_size": 32, "d_model": 8, "d_kv": 4, "d_ff": 16, "num_layers": 1, "num_heads": 2}
    config = T5Config(**sizes, decoder_start_token_id=0, pad_token_id=0, eos_token_id=1)
    T5ForConditionalGeneration(config).save_pretrained(base_folder)
    model = T5ForConditionalGeneration.from_pretrained(base_folder)
    rows = [
        {"input_ids": tokenizer(prompt)["input_ids"], "labels": tokenizer(answer)["input_ids"]}
        for prompt, answer in zip(_PROMPTS, _ANSWERS, strict=True)
    ]
    args, own = _built(folder, Seq2SeqTrainingArguments, options)
    return Seq2SeqTrainer(
        model=model,
        args=args,
        train_dataset=rows,
        eval_dataset=rows[:2],
        processing_class=tokenizer,
        data_collator=DataCollatorForSeq2Seq(tokenizer, model=model),
        **own,
    )


METHODS: dict[str, Build] = {
    "seq2seq": _seq2seq,
    "dpo": _dpo,
    "kto": _kto,
    "reward": _reward,
    "grpo": _grpo,
    "rloo": _rloo,
    "orpo": _orpo,
    "cpo": _cpo,
}
