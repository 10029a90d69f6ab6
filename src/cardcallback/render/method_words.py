"""What trainers log of a method itself (rewards, margins, KL, lengths): its names in words, and what matters first."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cardcallback.record import RunRecord, Training
from cardcallback.render.text import escape_markdown
from cardcallback.units import format_number, format_percent

REWARD = "reward"
_LABELS = {
    REWARD: "Reward",
    "rewards/accuracies": "Reward accuracy",
    "rewards/margins": "Reward margin",
    "accuracy": "Accuracy",
    "margin": "Reward margin",
    "mean_reward": "Mean reward",
    "rewards/chosen": "Reward of chosen answers",
    "rewards/rejected": "Reward of rejected answers",
    "kl": "KL divergence",
    "objective/kl": "KL divergence",
    "entropy": "Entropy",
    "completions/mean_length": "Answer length, tokens",
    "completions/clipped_ratio": "Answers cut off at the length limit",
}
_ORDER = {name: place for place, name in enumerate(_LABELS)}
_ONE_FUNCTION = re.compile(r"rewards/(.+)/mean")
_OF_FUNCTION = re.compile(r"rewards/.+/(mean|std)")
_FUNCTION_RANK, _OTHER_RANK, _LAST_RANK = _ORDER["mean_reward"] + 0.5, len(_ORDER), len(_ORDER) + 1
# Spreads, extremes and raw scores say the least to who did not write the trainer.
_DETAIL = re.compile(
    r".*(_std|/std|/min\w*|/max\w*|_min|_max|terminated_length|zero_std)|(min|max)_.*|logits/.*|logps/.*"
)
_SHARE = re.compile(r"(.*[/_])?(accuracy|accuracies|clipped_ratio)")
_REINFORCED = frozenset({"GRPO", "RLOO", "GMPO", "A2PO", "PPO", "reinforcement learning"})
_EMBEDDING_LIBRARIES = frozenset({"sentence_transformers", "setfit"})
_PAIRED = frozenset({"DPO", "ORPO", "CPO", "SimPO", "TPO", "online DPO", "reward modelling"})


def is_reinforced(training: Training) -> bool:
    """Whether the model learns from rewards of its own answers: the loss then says nothing of how good they are."""
    return training.objective in _REINFORCED


def without_a_lone_function(names: Iterable[str]) -> list[str]:
    """Where one function rates all answers its reward is the reward; ``names`` without "eval_"."""
    listed = list(names)
    alone = sum(_ONE_FUNCTION.fullmatch(name) is not None for name in listed) == 1 and REWARD in listed
    return [name for name in listed if not (alone and _OF_FUNCTION.fullmatch(name))]


def metric_rank(name: str) -> float:
    """A lower rank tells more of what the method is for; ``name`` without "eval_"."""
    if _ONE_FUNCTION.fullmatch(name):
        return _FUNCTION_RANK
    return _LAST_RANK if _DETAIL.fullmatch(name) else _ORDER.get(name, _OTHER_RANK)


def metric_label(name: str) -> str:
    """The name in words where there are some, as Markdown."""
    one = _ONE_FUNCTION.fullmatch(name)
    return f"Reward by {escape_markdown(one.group(1))}" if one else _LABELS.get(name) or escape_markdown(name)


def metric_words(name: str, value: float) -> str:
    """The value as a share or a plain number."""
    return format_percent(value) if _SHARE.fullmatch(name) and 0 <= value <= 1 else format_number(value)


def change_words(before: str, after: str, *, grew: bool) -> str:
    """How a printed figure changed: "fell from 1.9 to 1.1", "stayed at 1.1"."""
    return f"stayed at {after}" if before == after else f"{'rose' if grew else 'fell'} from {before} to {after}"


def example_noun(record: RunRecord) -> str:
    """What a batch counts: an answer that was generated, a pair of them, or a sequence."""
    if record.training.objective in _PAIRED:
        return "pair"
    if record.training.trainer_library in _EMBEDDING_LIBRARIES:
        return "example"
    generated = "num_generations" in record.training.hyperparameters and is_reinforced(record.training)
    return "generated answer" if generated else "sequence"


def held_out_loss_words(kind: str | None) -> str:
    """What a held-out loss is called in a sentence: by its method where its figure means nothing elsewhere."""
    return f"Held-out {escape_markdown(kind)}" if kind and kind.lower().endswith("loss") else "Held-out loss"
