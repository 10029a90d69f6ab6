"""What a method is for comes first: rewards where the loss says nothing, margins and accuracies before raw scores."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from section_records import RECORDS, with_training

from cardcallback.record import Evaluation, EvaluationResult, RunRecord, Tokens
from cardcallback.render.card.objectives import is_causal
from cardcallback.render.method_words import example_noun, metric_label, metric_rank, metric_words
from cardcallback.render.pictures.choice import LOSS_PICTURE, picture_alt_text
from cardcallback.render.section import render_section
from cardcallback.testing.records import make_record

STEPS = 20


def _grpo(evaluation: Evaluation | None = None) -> RunRecord:
    curves = {
        "loss": tuple((float(step), 1e-8 * step) for step in range(1, STEPS + 1)),
        "reward": tuple((float(step), step / 10) for step in range(1, STEPS + 1)),
        "rewards/length/mean": tuple((float(step), step / 10) for step in range(1, STEPS + 1)),
        "kl": tuple((float(step), 0.01) for step in range(1, STEPS + 1)),
        "completions/mean_length": tuple((float(step), 100.0 + step) for step in range(1, STEPS + 1)),
        "completions/clipped_ratio": tuple((float(step), 0.25) for step in range(1, STEPS + 1)),
    }
    record = make_record(curves=curves, evaluation=evaluation or Evaluation())
    settings = record.training.hyperparameters | {"num_generations": 4, "beta": 0.0, "packing": None}
    return with_training(
        record,
        objective="GRPO",
        trainer="GRPOTrainer",
        loss_kind="GRPO loss",
        loss_covers=None,
        hyperparameters={name: value for name, value in settings.items() if value is not None},
        tokens=Tokens(non_padding=5_000_000, source="TRL num_tokens (prompts and generated answers)"),
    )


def _result(reward: float, loss: float) -> EvaluationResult:
    metrics = {"eval_reward": reward, "eval_rewards/length/mean": reward, "eval_reward_std": 0.3}
    return EvaluationResult(loss=loss, kind="GRPO loss", step=450, examples=64, metrics=metrics)


def test_a_run_that_learns_from_rewards_is_told_by_them() -> None:
    """Without an evaluation: what was logged, from the mean of its first tenth to that of its last."""
    section = render_section(_grpo())
    assert "Reward rose from 0.150 to 1.95 while training." in section
    assert "| While training, mean of the first and last 2 values logged | Beginning | End |" in section
    assert "| Reward | 0.150 | 1.95 |" in section
    assert "| KL divergence | 0.0100 | 0.0100 |" in section
    assert "| Answers cut off at the length limit | 25.0 % | 25.0 % |" in section
    assert "Reward by length" not in section
    assert "5.00 M tokens of prompts and generated answers" in section
    assert "16 generated answers, 4 to each of 4 prompts" in section
    alt_text = picture_alt_text(_grpo(), LOSS_PICTURE)
    assert alt_text.startswith("Reward over 20 steps")


def test_held_out_rewards_take_the_place_of_the_loss() -> None:
    """The loss of such a method is about 0 whatever the answers are worth."""
    section = render_section(_grpo(Evaluation(before=_result(1.0, 0.0), after=_result(2.0, 7e-9))))
    visible = section.partition("<details>")[0]
    assert "Held-out reward rose from 1.00 to 2.00." in visible
    assert "| Reward | 1.00 | 2.00 |" in visible
    assert visible.index("| Reward |") < visible.index("| GRPO loss, which says little of the answers |")
    assert "| Spread of rewards (reward_std) | 0.300 | 0.300 |" in visible


def test_several_reward_functions_have_rows_of_their_own() -> None:
    """With one function its reward is the reward; with two each is told."""
    record = _grpo()
    record = replace(record, curves=record.curves | {"rewards/style/mean": record.curves["reward"]})
    section = render_section(record)
    assert "| Reward by length | 0.150 | 1.95 |" in section
    assert "| Reward by style | 0.150 | 1.95 |" in section


def test_an_ordinary_run_has_no_such_table() -> None:
    """A trainer's habit of logging entropy makes no method of it."""
    record = make_record()
    record = replace(record, curves=record.curves | {"entropy": record.curves["loss"]})
    assert "While training," not in render_section(record)


def test_no_accuracy_of_equal_rewards_is_a_beginning() -> None:
    """At the first step a model is its own reference, and trainers count equal rewards as 0 %: no rise begins there."""
    curves = {
        "rewards/accuracies": ((1.0, 0.0), (2.0, 0.5), (3.0, 0.75)),
        "rewards/margins": ((1.0, 0.0), (2.0, 0.1), (3.0, 0.4)),
    }
    section = render_section(make_record(curves=curves, evaluation=Evaluation()))
    assert "| Reward accuracy | 50.0 % | 75.0 % |" in section
    assert "| Reward margin | 0 | 0.400 |" in section
    left_out = "; of the reward accuracy those of unequal rewards"
    assert f"| While training, first and last value logged{left_out} |" in section
    worse = curves | {"rewards/margins": ((1.0, -0.2), (2.0, 0.1), (3.0, 0.4))}
    section = render_section(make_record(curves=worse, evaluation=Evaluation()))
    assert "| Reward accuracy | 0 % | 75.0 % |" in section
    assert left_out not in section


def test_what_was_evaluated_is_not_told_twice() -> None:
    """A quantity of the held-out table is left out of the other."""
    record = RECORDS["dpo_after_sft"]()
    record = replace(record, curves=record.curves | {"rewards/accuracies": record.curves["rewards/chosen"]})
    assert "| Reward accuracy |" in render_section(record)
    after = record.evaluation.after
    assert after is not None
    named = replace(after, metrics={f"eval_{name}": value for name, value in after.metrics.items()})
    evaluation = Evaluation(before=record.evaluation.before, after=named)
    assert "While training," not in render_section(replace(record, evaluation=evaluation))


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("reward", "rewards/length/mean"),
        ("rewards/accuracies", "rewards/margins"),
        ("rewards/margins", "logits/chosen"),
        ("rewards/length/mean", "rewards/length/std"),
        ("kl", "entropy"),
        ("entropy", "mean_token_accuracy"),
        ("mean_token_accuracy", "completions/min_length"),
        ("accuracy", "min_reward"),
    ],
)
def test_what_says_more_comes_first(first: str, later: str) -> None:
    """Means before spreads, comparisons before raw scores."""
    assert metric_rank(first) < metric_rank(later)


def test_names_of_functions_are_a_persons_words() -> None:
    """They are escaped."""
    assert metric_label("rewards/a*b*c/mean") == "Reward by a\\*b\\*c"


@pytest.mark.parametrize(
    ("name", "label", "words"),
    [
        ("clip_ratio/low_mean", "Clipped at the lower bound (clip_ratio/low_mean)", "2.50 %"),
        ("frac_reward_zero_std", "Groups whose answers all had one reward (frac_reward_zero_std)", "2.50 %"),
        ("rewards/a_judge/std", "Spread of the reward by a_judge", "0.0250"),
        ("completions/mean_terminated_length", "Length of answers that were not cut off, tokens", "0.0250"),
        ("somebodys/own_figure", "somebodys/own_figure", "0.0250"),
    ],
)
def test_what_says_less_is_in_words_too(name: str, label: str, words: str) -> None:
    """The trainer's name beside them where its documentation says more; a name that is not known stays as it is."""
    assert metric_label(name) == label
    assert metric_words(name, 0.025) == words


def test_every_quantity_of_the_online_trainers_has_words() -> None:
    """What TRL's GRPO and RLOO log, by their own source."""
    found = importlib.util.find_spec("trl")
    if found is None or found.origin is None:
        pytest.skip("TRL is not installed")
    folder = Path(found.origin).parent / "trainer"
    source = "".join((folder / f"{method}_trainer.py").read_text(encoding="utf-8") for method in ("grpo", "rloo"))
    logged = set(re.findall(r'_metrics\[mode\]\["([^"]+)"\]', source)) - {"num_tokens"}
    assert "reward" in logged
    # The second is a setting that changes; the third is of a loss whose paper alone explains it.
    assert {name for name in logged if metric_label(name) == name} <= {"entropy_coef", "vespo/phi_seq_mean"}


@pytest.mark.parametrize("objective", ["DPO", "ORPO", "SimPO"])
def test_preferences_are_counted_in_pairs_of_a_causal_model(objective: str) -> None:
    """Whichever of the methods compares them."""
    record = with_training(make_record(), objective=objective)
    assert example_noun(record) == "pair"
    assert is_causal(objective)


def test_what_holds_no_texts_is_counted_in_examples() -> None:
    """Images and sounds are no sequences of tokens; answers that are sampled are counted one by one."""
    untold = Tokens(reason="tokens without padding and tokens with padding: the training batches hold no input_ids")
    record = with_training(make_record(), objective="image classification", tokens=untold)
    assert example_noun(record) == "example"
    settings = record.training.hyperparameters | {"num_generations": 2}
    record = with_training(make_record(), objective="SDPO", hyperparameters=settings)
    assert example_noun(record) == "generated answer"


def test_one_loss_under_two_names_is_one_row() -> None:
    """TRL's self-distillations log theirs under the method's name and the family's."""
    metrics = {"eval_sdpo/distillation_loss": 0.5, "eval_self_distillation/distillation_loss": 0.5}
    after = EvaluationResult(loss=0.5, kind="SDPO loss", step=450, examples=64, metrics=metrics)
    section = render_section(make_record(evaluation=Evaluation(after=after)))
    assert section.count("distillation_loss") == 1
