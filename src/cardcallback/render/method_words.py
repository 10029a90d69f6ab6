"""What trainers log of a method itself (rewards, margins, KL, lengths): its names in words, and what matters first."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cardcallback.record import RunRecord, Training
from cardcallback.render.text import escape_markdown
from cardcallback.units import format_percent, format_result

REWARD = "reward"
_LABELS = {
    REWARD: "Reward",
    "rewards/accuracies": "Reward accuracy",
    "rewards/margins": "Reward margin",
    "accuracy": "Accuracy",
    "margin": "Reward margin",
    "mean_reward": "Mean reward",
    "self_distillation/reward_mean": "Mean reward (self_distillation/reward_mean)",
    "rewards/chosen": "Reward of chosen answers",
    "rewards/rejected": "Reward of rejected answers",
    "kl": "KL divergence",
    "objective/kl": "KL divergence",
    "entropy": "Entropy",
    "completions/mean_length": "Answer length, tokens",
    "completions/clipped_ratio": "Answers cut off at the length limit",
}
_ORDER = {name: place for place, name in enumerate(_LABELS)}
# What says less, with the trainer's own name where its documentation says more than a few words can.
_LESSER = {
    "mean_token_accuracy": "Token accuracy",
    "logps/chosen": "Log-probability of chosen answers",
    "logps/rejected": "Log-probability of rejected answers",
    "logits/chosen": "Mean logit of chosen answers",
    "logits/rejected": "Mean logit of rejected answers",
    "log_odds_chosen": "Log odds of chosen answers over rejected ones (log_odds_chosen)",
    "log_odds_ratio": "Log sigmoid of these odds (log_odds_ratio)",
    "nll_loss": "Loss on the chosen answers (nll_loss)",
    "aux_loss": "Loss of the experts' router (aux_loss)",
    "policy_loss": "Loss without its entropy part (policy_loss)",
    "reward_std": "Spread of rewards (reward_std)",
    "min_reward": "Lowest reward",
    "max_reward": "Highest reward",
    "frac_reward_zero_std": "Groups whose answers all had one reward (frac_reward_zero_std)",
    "clip_ratio": "Clipped at either bound (clip_ratio)",
    "clip_ratio/low_mean": "Clipped at the lower bound (clip_ratio/low_mean)",
    "clip_ratio/low_min": "Clipped at the lower bound, least (clip_ratio/low_min)",
    "clip_ratio/high_mean": "Clipped at the upper bound (clip_ratio/high_mean)",
    "clip_ratio/high_max": "Clipped at the upper bound, most (clip_ratio/high_max)",
    "clip_ratio/region_mean": "Clipped at either bound (clip_ratio/region_mean)",
    "cispo_clip_ratio": "Clipped at the upper bound (cispo_clip_ratio)",
    "completions/min_length": "Shortest answer, tokens",
    "completions/max_length": "Longest answer, tokens",
    "completions/mean_terminated_length": "Length of answers that were not cut off, tokens",
    "completions/min_terminated_length": "Shortest answer that was not cut off, tokens",
    "completions/max_terminated_length": "Longest answer that was not cut off, tokens",
    "tools/call_frequency": "Tool calls to an answer",
    "tools/failure_frequency": "Tool calls that failed",
    "sampling/sampling_logp_difference/mean": "Log-probability, generator against trainer: mean difference",
    "sampling/sampling_logp_difference/max": "Log-probability, generator against trainer: largest difference",
    "sampling/importance_sampling_ratio/mean": "Probability, trainer over generator: mean ratio",
    "sampling/importance_sampling_ratio/min": "Probability, trainer over generator: smallest ratio",
    "sampling/importance_sampling_ratio/max": "Probability, trainer over generator: largest ratio",
    "objective/entropy": "Entropy",
    "objective/scores": "Score by the reward model or judge",
    "objective/scores_margin": "Margin of these scores",
    "objective/rlhf_reward": "Score less the KL penalty (objective/rlhf_reward)",
    "objective/non_score_reward": "KL penalty (objective/non_score_reward)",
    "self_distillation/distillation_loss": "Distillation loss (self_distillation/distillation_loss)",
    "self_distillation/policy_loss": "Policy loss (self_distillation/policy_loss)",
    "v_star": "Best value of a prompt, estimated from the reference's answers (v_star)",
    "implicit_reward": "Log-probability ratio, scaled by beta (implicit_reward)",
    "iw_opd/mean_weight": "Mean importance weight (iw_opd/mean_weight)",
    "iw_opd/mean_advantage": "Mean advantage (iw_opd/mean_advantage)",
    "val/contain_eos_token": "Answers that ended by themselves (val/contain_eos_token)",
}
_ONE_FUNCTION = re.compile(r"rewards/(.+)/mean")
_SPREAD_OF_FUNCTION = re.compile(r"rewards/(.+)/std")
_OF_FUNCTION = re.compile(r"rewards/.+/(mean|std)")
_FUNCTION_RANK, _OTHER_RANK, _LAST_RANK = _ORDER["mean_reward"] + 0.5, len(_ORDER), len(_ORDER) + 1
# Spreads, extremes and raw scores say the least to who did not write the trainer.
_DETAIL = re.compile(
    r".*(_std|/std|/min\w*|/max\w*|_min|_max|terminated_length|zero_std)|(min|max)_.*|logits/.*|logps/.*"
)
_SHARE = re.compile(
    r"(.*[/_])?(accuracy|accuracies|clipped_ratio|clip_ratio|frac_reward_zero_std|failure_frequency|contain_eos_token)"
    r"|clip_ratio/.*"
)
_REINFORCED = frozenset({"GRPO", "RLOO", "GMPO", "A2PO", "PPO", "reinforcement learning"})
_EMBEDDING_LIBRARIES = frozenset({"sentence_transformers", "setfit"})
# Their batches count each of the answers to one prompt, without rewards as the aim.
_SAMPLED = frozenset({"SDPO", "self-distillation"})
# Why images and sounds have no token count.
_NO_TEXTS = "the training batches hold no input_ids"
_PAIRED = frozenset({"DPO", "ORPO", "CPO", "SimPO", "TPO", "online DPO", "reward modelling"})


def is_reinforced(training: Training) -> bool:
    """Whether the model learns from rewards of its own answers: the loss then says nothing of how good they are."""
    return training.objective in _REINFORCED


def without_repetitions(names: Iterable[str]) -> list[str]:
    """Where one function rates all answers its reward is the reward; ``names`` without "eval_".

    TRL's self-distillations log one loss under the method's name and under the family's.
    """
    listed = [name for name in names if name not in {"sdpo/distillation_loss", "sdft/distillation_loss"}]
    alone = sum(_ONE_FUNCTION.fullmatch(name) is not None for name in listed) == 1 and REWARD in listed
    return [name for name in listed if not (alone and _OF_FUNCTION.fullmatch(name))]


def metric_rank(name: str) -> float:
    """A lower rank tells more of what the method is for; ``name`` without "eval_"."""
    if _ONE_FUNCTION.fullmatch(name):
        return _FUNCTION_RANK
    return _LAST_RANK if _DETAIL.fullmatch(name) else _ORDER.get(name, _OTHER_RANK)


def metric_label(name: str) -> str:
    """The name in words where there are some, as Markdown."""
    for pattern, words in ((_ONE_FUNCTION, "Reward by"), (_SPREAD_OF_FUNCTION, "Spread of the reward by")):
        if matched := pattern.fullmatch(name):
            return f"{words} {escape_markdown(matched.group(1))}"
    return _LABELS.get(name) or escape_markdown(_LESSER.get(name, name))


def metric_words(name: str, value: float) -> str:
    """The value as a share or a plain number."""
    return format_percent(value) if _SHARE.fullmatch(name) and 0 <= value <= 1 else format_result(value)


def change_words(before: str, after: str, *, grew: bool) -> str:
    """How a printed figure changed: "fell from 1.9 to 1.1", "stayed at 1.1"."""
    return f"stayed at {after}" if before == after else f"{'rose' if grew else 'fell'} from {before} to {after}"


def example_noun(record: RunRecord) -> str:
    """What a batch counts: an answer that was generated, a pair of them, or a sequence."""
    if record.training.objective in _PAIRED:
        return "pair"
    if record.training.trainer_library in _EMBEDDING_LIBRARIES:
        return "example"
    if _NO_TEXTS in (record.training.tokens.reason or ""):
        return "example"
    several = is_reinforced(record.training) or record.training.objective in _SAMPLED
    generated = "num_generations" in record.training.hyperparameters and several
    return "generated answer" if generated else "sequence"


def held_out_loss_words(kind: str | None) -> str:
    """What a held-out loss is called in a sentence: by its method where its figure means nothing elsewhere."""
    return f"Held-out {escape_markdown(kind)}" if kind and kind.lower().endswith("loss") else "Held-out loss"
