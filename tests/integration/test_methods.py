"""Each method's trainer, really trained: its name, its settings, its curves and its card."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="training tests need torch")
pytest.importorskip("peft", reason="training tests need peft")
pytest.importorskip("trl", reason="training tests need trl")

from tiny import STEPS, make_model, make_tokenizer
from tiny_methods import make_method

from cardcallback import CardCallback, load_run
from cardcallback.record import TOKEN_CROSS_ENTROPY, RunRecord

sys.path.append(str(Path(__file__).parents[1] / "unit"))

from docs_pages import DOCS, blocks

pytestmark = pytest.mark.training

# The name on the card, settings that have to be in the record, and curves that have to be kept.
METHODS: dict[str, tuple[str, dict[str, Any], set[str]]] = {
    "dpo": (
        "DPO",
        {"beta": 0.1, "loss_type": "sigmoid", "reference_model": "a copy of the model that training began from"},
        {"rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies"},
    ),
    "kto": (
        "KTO",
        {"beta": 0.1, "desirable_weight": 1.0, "undesirable_weight": 1.0},
        {"kl", "rewards/chosen", "rewards/rejected"},
    ),
    "reward": ("reward modelling", {}, {"accuracy", "margin", "mean_reward"}),
    "grpo": (
        "GRPO",
        {
            "beta": 0.0,
            "num_generations": 2,
            "max_completion_length": 4,
            "epsilon": 0.2,
            "temperature": 1.0,
            "reference_model": "none, beta is 0",
            "reward_functions": "word_reward",
        },
        {"reward", "rewards/word_reward/mean", "entropy", "completions/mean_length"},
    ),
    "rloo": (
        "RLOO",
        {
            "beta": 0.05,
            "num_generations": 2,
            "epsilon": 0.2,
            "reference_model": "a copy of the model that training began from",
        },
        {"reward", "kl", "completions/mean_length"},
    ),
    "seq2seq": ("sequence-to-sequence", {}, {"loss", "eval_loss"}),
}


def _trained(name: str, folder: Path, base_folder: Path, **options: Any) -> tuple[RunRecord, str, Any]:
    """The record and the card of a training, and its trainer."""
    trainer = make_method(name, folder, base_folder=base_folder, callbacks=[CardCallback(quiet=True)], **options)
    trainer.train()
    return load_run(folder), (folder / "README.md").read_text(encoding="utf-8"), trainer


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_named_with_its_settings_and_curves(name: str, output_folder: Path, base_folder: Path) -> None:
    """Objective, own settings and curves are in the record and on the card; a perplexity only of token losses."""
    objective, settings, curves = METHODS[name]
    options = {"eval_strategy": "steps", "eval_steps": STEPS}
    record, card, _ = _trained(name, output_folder, base_folder, **options)
    training = record.training
    assert training.objective == objective
    assert {key: training.hyperparameters.get(key) for key in settings} == settings
    assert curves <= set(record.curves)
    for curve in curves:
        assert [step for step, _ in record.curves[curve]] in ([*range(1, STEPS + 1)], [STEPS])
    assert f"| Method | {objective} with full fine-tuning" in card
    after = record.evaluation.after
    assert after is not None
    is_token_loss = name == "seq2seq"
    assert (training.loss_kind == TOKEN_CROSS_ENTROPY) is is_token_loss
    assert (after.perplexity is not None) is is_token_loss
    assert ("| Perplexity |" in card) is is_token_loss
    assert str(base_folder) not in card


@pytest.mark.parametrize(("name", "noun"), [("grpo", "generated answers"), ("rloo", "generated answers")])
def test_tokens_of_generated_answers_are_the_trainers_own(
    name: str, noun: str, output_folder: Path, base_folder: Path
) -> None:
    """Prompts and answers as TRL counts them; what it does not count has a reason."""
    record, card, trainer = _trained(name, output_folder, base_folder)
    tokens = record.training.tokens
    assert tokens.non_padding == trainer.state.num_input_tokens_seen > 0
    assert (tokens.processed, tokens.in_loss) == (None, None)
    assert tokens.reason
    assert f"tokens of prompts and {noun}" in card
    assert "While training" in card
    assert "| Reward |" in card
    assert "GRPO loss" not in card.partition("<details>")[0]


@pytest.mark.parametrize("name", ["dpo", "kto", "reward"])
def test_tokens_of_pairs_are_both_answers(name: str, output_folder: Path, base_folder: Path) -> None:
    """TRL's own total without padding; the batches' with it; none of them in a token loss."""
    record, _, trainer = _trained(name, output_folder, base_folder)
    tokens = record.training.tokens
    assert tokens.in_loss is None
    if not hasattr(trainer, "_total_train_tokens"):  # older versions count nothing, and name their columns otherwise
        assert tokens.non_padding is None
        assert "the training batches hold no input_ids" in str(tokens.reason)
        return
    assert tokens.non_padding == trainer._total_train_tokens > 0
    assert tokens.processed is not None
    assert tokens.processed >= tokens.non_padding
    assert "not one known to be over labelled tokens" in str(tokens.reason)


def test_an_adapter_is_its_own_reference(output_folder: Path, base_folder: Path) -> None:
    """With LoRA the reference is the base model without it, and the card says so."""
    record, card, _ = _trained("dpo", output_folder, base_folder, adapter=True)
    assert record.training.hyperparameters["reference_model"] == "the base model with the adapter switched off"
    assert "reference model: the base model with the adapter switched off" in card
    assert record.training.method == "LoRA"


def test_the_example_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base_folder: Path) -> None:
    """docs/methods.md: what stands there trains, and its reward function and reference model are on the card."""
    from datasets import Dataset  # noqa: PLC0415 - only where a training test runs

    monkeypatch.chdir(tmp_path)
    (example,) = (block.text for block in blocks(DOCS / "methods.md", "python"))
    prompts = Dataset.from_dict({"prompt": ["the quick", "a lazy", "brown fox", "dog sleeps"]})
    exec(example, {"model": make_model(base_folder), "tokenizer": make_tokenizer(), "prompts": prompts})  # noqa: S102 - a page of ours
    card = (tmp_path / "my-model" / "README.md").read_text(encoding="utf-8")
    assert "reward by short" in card
    assert "reference model: a copy of the model that training began from" in card


@pytest.mark.matrix
@pytest.mark.parametrize("name", ["orpo", "cpo"])
def test_methods_that_need_no_reference(name: str, output_folder: Path, base_folder: Path) -> None:
    """They say so; their tokens are absent with the reason."""
    record, card, _ = _trained(name, output_folder, base_folder)
    assert record.training.objective == name.upper()
    assert record.training.hyperparameters["reference_model"] == "none, the method needs none"
    assert record.training.tokens.non_padding is None
    assert "the training batches hold no input" in str(record.training.tokens.reason)
    assert "reference model: none, the method needs none" in card


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("grpo", {"beta": 0.1}, "a copy of the model that training began from"),
        ("grpo", {"beta": 0.1, "adapter": True}, "the base model with the adapter switched off"),
        ("kto", {"precompute_ref_log_probs": True}, "the model as training began, read once before training"),
        ("dpo", {"sync_ref_model": True}, "a copy of the model that training began from, updated while training"),
    ],
    ids=str,
)
def test_what_answers_are_compared_with(
    name: str, options: dict[str, Any], expected: str, output_folder: Path, base_folder: Path
) -> None:
    """The reference model in words, for each of the ways that TRL has one."""
    record, _, _ = _trained(name, output_folder, base_folder, **options)
    assert record.training.hyperparameters["reference_model"] == expected


@pytest.mark.matrix
def test_training_with_and_without_is_the_same(output_folder: Path, base_folder: Path) -> None:
    """The losses of methods that generate are bit for bit those of a run without the callback."""

    def losses(folder: Path, callbacks: Callable[[], list[Any]]) -> list[float]:
        trainer = make_method("grpo", folder, base_folder=base_folder, callbacks=callbacks())
        trainer.train()
        return [entry["reward"] for entry in trainer.state.log_history if "reward" in entry]

    watched = losses(output_folder / "watched", lambda: [CardCallback(quiet=True)])
    assert watched == losses(output_folder / "alone", list)
    assert len(watched) == STEPS
