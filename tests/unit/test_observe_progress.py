"""Progress, tokens, the published step and evaluations, from plain stand-ins of the Trainer's state."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardcallback.observe import (
    StepCounts,
    TokenBaseline,
    evaluation_of_published,
    evaluation_result,
    perplexity,
    token_baseline,
    with_progress,
)
from cardcallback.record import TOKEN_CROSS_ENTROPY, Dataset, Quantization, Training


def state(**fields: Any) -> SimpleNamespace:
    """A ``TrainerState`` in the middle of nothing."""
    defaults: dict[str, Any] = {
        "global_step": 10,
        "max_steps": 20,
        "epoch": 0.5,
        "num_input_tokens_seen": 0,
        "log_history": [],
        "best_model_checkpoint": None,
        "train_batch_size": 2,
    }
    return SimpleNamespace(**{**defaults, **fields})


SFT = Training(objective="SFT", loss_kind=TOKEN_CROSS_ENTROPY, loss_covers="answer tokens only")
RESTORES = msgspec.structs.replace(
    SFT, hyperparameters={"load_best_model_at_end": True, "metric_for_best_model": "loss", "greater_is_better": False}
)
ENDED = [{"step": 20, "loss": 1.0}, {"step": 20, "train_loss": 1.1}]


def test_progress_is_the_states() -> None:
    """Steps, plan, epochs and, without restoring, the last step's weights."""
    now = with_progress(SFT, state=state())
    assert (now.steps, now.planned_steps, now.epochs) == (10, 20, 0.5)
    assert (now.published_step, now.published_reason) == (10, "last step")


def test_a_stream_has_no_epochs() -> None:
    """The Trainer calls all planned steps one epoch of it, though they read a part of it, or went over it twice."""
    streaming = msgspec.structs.replace(SFT, dataset=Dataset(streamed=True))
    assert with_progress(streaming, state=state(global_step=20, epoch=1.0)).epochs is None


def test_the_evaluation_of_published_weights_is_the_one_logged_at_their_step() -> None:
    """Of all held-out sets then, and of no other step; nothing where the last step's weights are published."""
    log = [
        {"step": 15, "loss": 1.2, "epoch": 0.7},
        {"step": 15, "eval_en_loss": 1.5, "eval_en_runtime": 1.0},
        {"step": 15, "eval_loss": 1.0, "eval_runtime": 1.0},
        {"step": 20, "eval_loss": 3.0, "eval_runtime": 1.0},
    ]
    restored = msgspec.structs.replace(SFT, steps=20, published_step=15, published_reason="lowest held-out loss")
    found = evaluation_of_published(log, restored)
    assert found is not None
    assert (found.loss, found.step, found.perplexity) == (1.0, 15, math.e)
    assert found.metrics == {"eval_loss": 1.0, "eval_en_loss": 1.5}
    assert evaluation_of_published(log[3:], restored) is None
    last = msgspec.structs.replace(SFT, steps=20, published_step=20, published_reason="last step")
    assert evaluation_of_published(log, last) is None


def test_the_restored_checkpoint_is_what_is_published(tmp_path: Path) -> None:
    """After the closing summary the weights are the best checkpoint's."""
    best = tmp_path / "checkpoint-15"
    best.mkdir()
    now = with_progress(RESTORES, state=state(global_step=20, best_model_checkpoint=str(best), log_history=ENDED))
    assert (now.published_step, now.published_reason) == (15, "lowest held-out loss")


def test_before_the_end_nothing_is_restored(tmp_path: Path) -> None:
    """A push in mid-run, or an interrupted run, publishes the current step."""
    best = tmp_path / "checkpoint-5"
    best.mkdir()
    now = with_progress(RESTORES, state=state(best_model_checkpoint=str(best), log_history=[{"step": 10, "loss": 1.0}]))
    assert (now.published_step, now.published_reason) == (10, "last step")


def test_a_best_checkpoint_that_is_gone_leaves_the_step_unknown(tmp_path: Path) -> None:
    """The Trainer only warns then; which weights are held nobody can say."""
    gone = str(tmp_path / "checkpoint-15")
    now = with_progress(RESTORES, state=state(best_model_checkpoint=gone, log_history=ENDED))
    assert now.published_step is None
    assert "no longer there" in str(now.published_reason)
    assert str(tmp_path) not in str(now.published_reason)


def test_another_metric_is_named(tmp_path: Path) -> None:
    """The best by accuracy is not the lowest loss."""
    best = tmp_path / "checkpoint-15"
    best.mkdir()
    settings = {"load_best_model_at_end": True, "metric_for_best_model": "eval_accuracy", "greater_is_better": True}
    training = msgspec.structs.replace(SFT, hyperparameters=settings)
    now = with_progress(training, state=state(best_model_checkpoint=str(best), log_history=ENDED))
    assert now.published_reason == "best held-out accuracy"


def test_trl_tokens_are_this_sessions() -> None:
    """TRL goes on counting over a second train(); what it had counted before is taken off."""
    trainer = SimpleNamespace(_total_train_tokens=500)
    baseline = token_baseline(trainer, state(global_step=4))
    trainer._total_train_tokens = 1300
    tokens = with_progress(SFT, state=state(), trainer=trainer, baseline=baseline).tokens
    assert (tokens.non_padding, tokens.processed) == (800, None)
    assert "in the loss" in str(tokens.reason)


def test_logged_tokens_of_an_earlier_session_are_not_counted() -> None:
    """After a resume the history still holds the first session's entries, and TRL starts again at zero."""
    history = [{"step": 5, "num_tokens": 9000}, {"step": 8, "num_tokens": 300}]
    baseline = TokenBaseline(step=5)
    assert with_progress(SFT, state=state(log_history=history), baseline=baseline).tokens.non_padding == 300
    assert with_progress(SFT, state=state(log_history=history[:1]), baseline=baseline).tokens.non_padding is None


@pytest.mark.parametrize(
    ("setting", "processed", "non_padding"),
    [("all", 700, None), (True, 700, None), ("non_padding", None, 700)],
)
def test_the_trainers_own_count_is_of_the_kind_asked_for(
    setting: object, processed: int | None, non_padding: int | None
) -> None:
    """With "all" padding counts, with "non_padding" it does not; the resumed part is taken off."""
    args = SimpleNamespace(include_num_input_tokens_seen=setting)
    seen = state(num_input_tokens_seen=1000)
    tokens = with_progress(SFT, state=seen, args=args, baseline=TokenBaseline(seen_tokens=300)).tokens
    assert (tokens.processed, tokens.non_padding) == (processed, non_padding)


def test_an_older_trainer_counts_padding_whatever_it_was_asked_for() -> None:
    """Transformers before 5 has a switch: the word passes, and every token is counted."""

    @dataclass
    class OldArguments:
        include_num_input_tokens_seen: bool | None = False

    args = OldArguments(include_num_input_tokens_seen="non_padding")  # type: ignore[arg-type]
    tokens = with_progress(SFT, state=state(num_input_tokens_seen=700), args=args).tokens
    assert (tokens.processed, tokens.non_padding) == (700, None)


def test_batches_fill_in_what_the_trainer_does_not_count() -> None:
    """TRL's tokens without padding stand; the other kinds come from the batches, and both are named."""
    counted = StepCounts(tokens={"processed": 1000, "non_padding": 800, "in_loss": 300})
    trainer = SimpleNamespace(_total_train_tokens=800)
    tokens = with_progress(SFT, state=state(), trainer=trainer, counted=counted).tokens
    assert (tokens.processed, tokens.non_padding, tokens.in_loss) == (1000, 800, 300)
    assert tokens.source == "TRL num_tokens, training batches"
    assert (tokens.reason, tokens.disagreement) == (None, None)


def test_counts_that_differ_are_told() -> None:
    """The trainer's own stands, and the difference is a sentence."""
    counted = StepCounts(tokens={"non_padding": 790}, reasons={"processed": "no ids", "in_loss": "no labels"})
    trainer = SimpleNamespace(_total_train_tokens=800)
    tokens = with_progress(SFT, state=state(), trainer=trainer, counted=counted).tokens
    assert tokens.non_padding == 800
    assert tokens.source == "TRL num_tokens"
    assert tokens.reason == "tokens with padding: no ids; tokens in the loss: no labels"
    assert "800" in str(tokens.disagreement)
    assert "790" in str(tokens.disagreement)


def test_batches_alone_are_enough() -> None:
    """A plain Trainer that was not asked to count; one reason for both kinds that are missing."""
    counted = StepCounts(tokens={"processed": 64}, reasons={"non_padding": "no mask", "in_loss": "no mask"})
    tokens = with_progress(SFT, state=state(), counted=counted).tokens
    assert (tokens.processed, tokens.non_padding, tokens.source) == (64, None, "training batches")
    assert tokens.reason == "tokens without padding and tokens in the loss: no mask"


def test_generated_tokens_are_said_to_be_that() -> None:
    """GRPO counts prompts and answers in the Trainer's counter without being asked."""
    training = Training(objective="GRPO")
    args = SimpleNamespace(include_num_input_tokens_seen="no")
    tokens = with_progress(training, state=state(num_input_tokens_seen=50), args=args).tokens
    assert tokens.non_padding == 50
    assert "generated" in str(tokens.source)


def test_two_counters_in_one_are_no_figure() -> None:
    """GRPO and the Trainer both adding to one counter give a number that means nothing."""
    args = SimpleNamespace(include_num_input_tokens_seen="all")
    tokens = with_progress(Training(objective="GRPO"), state=state(num_input_tokens_seen=50), args=args).tokens
    assert (tokens.processed, tokens.non_padding) == (None, None)
    assert "include_num_input_tokens_seen" in str(tokens.reason)


def test_filled_up_flat_batches_count_padding() -> None:
    """Padding-free batches filled to a multiple have no mask: their total is of all tokens."""
    args = SimpleNamespace(include_num_input_tokens_seen="no", padding_free=True, pad_to_multiple_of=64)
    trainer = SimpleNamespace(_total_train_tokens=640)
    tokens = with_progress(SFT, state=state(), args=args, trainer=trainer).tokens
    assert (tokens.processed, tokens.non_padding) == (640, None)


def test_nobody_counted() -> None:
    """Then there is no figure, and the reason names the setting."""
    tokens = with_progress(SFT, state=state()).tokens
    assert tokens.non_padding is None
    assert "include_num_input_tokens_seen" in str(tokens.reason)


def test_logged_rewards_name_a_method_its_classes_hide() -> None:
    """A renamed trainer that logs chosen and rejected rewards trains preferences; its loss has no perplexity."""
    unnamed = msgspec.structs.replace(SFT, objective="language modelling")
    history = [{"step": 1, "rewards/chosen": 0.1, "rewards/rejected": 0.0}]
    now = with_progress(unnamed, state=state(log_history=history))
    assert (now.objective, now.loss_kind) == ("preference optimisation", None)


def test_the_batch_that_fitted_is_the_one_reported() -> None:
    """auto_find_batch_size may shrink the batch after training began."""
    settings = {"auto_find_batch_size": True, "per_device_train_batch_size": 8, "effective_batch_size": 32}
    training = msgspec.structs.replace(SFT, hyperparameters=settings)
    args = SimpleNamespace(train_batch_size=8, n_gpu=1)
    now = with_progress(training, state=state(train_batch_size=4), args=args)
    assert now.hyperparameters["per_device_train_batch_size"] == 4
    assert now.hyperparameters["effective_batch_size"] == 16


def test_perplexity_is_the_exponential_of_a_token_cross_entropy() -> None:
    """Only of that loss, and only while the result is a number."""
    assert perplexity(1.043, TOKEN_CROSS_ENTROPY) == pytest.approx(2.8377, abs=1e-4)
    assert perplexity(1.0, "DPO loss") is None
    assert perplexity(1.0, None) is None
    assert perplexity(None, TOKEN_CROSS_ENTROPY) is None
    assert perplexity(1e6, TOKEN_CROSS_ENTROPY) is None
    assert perplexity(-1.0, TOKEN_CROSS_ENTROPY) is None


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_perplexity_is_finite_or_absent(loss: float) -> None:
    """No loss makes an infinity or a NaN."""
    found = perplexity(loss, TOKEN_CROSS_ENTROPY)
    assert found is None or (math.isfinite(found) and found >= 1)


METRICS = {
    "eval_loss": 1.5,
    "eval_accuracy": 0.7,
    "eval_runtime": 2.0,
    "eval_samples_per_second": 4.0,
    "eval_steps_per_second": 1.0,
    "epoch": 1.0,
    "eval_nothing": float("nan"),
    "eval_/home/somebody/x_loss": 1.0,
}


def test_an_evaluation_carries_what_its_loss_is() -> None:
    """Loss, kind, coverage, weights and size; speeds, NaN and paths are left out."""
    training = msgspec.structs.replace(
        SFT,
        steps=10,
        published_step=10,
        published_reason="last step",
        dataset=Dataset(evaluation_examples=8),
        quantization=Quantization(method="bitsandbytes", kind="NF4"),
    )
    result = evaluation_result(METRICS, training, step=10)
    assert (result.loss, result.kind, result.covers, result.weights) == (
        1.5,
        TOKEN_CROSS_ENTROPY,
        "answer tokens only",
        "NF4",
    )
    assert result.perplexity == pytest.approx(math.exp(1.5))
    assert result.examples == 8
    assert result.metrics == {"eval_loss": 1.5, "eval_accuracy": 0.7}


def test_another_held_out_set_has_its_own_size() -> None:
    """evaluate() with other data is not the set the trainer was built with."""
    training = msgspec.structs.replace(SFT, dataset=Dataset(evaluation_examples=512))
    assert evaluation_result(METRICS, training, step=0).examples == 8


def test_a_rounded_speed_does_not_make_a_size() -> None:
    """An evaluation too short to tell its size leaves it unknown rather than wrong."""
    training = msgspec.structs.replace(SFT, dataset=Dataset(evaluation_examples=512))
    metrics = {"eval_loss": 1.0, "eval_runtime": 0.0011, "eval_samples_per_second": 90000.0}
    assert evaluation_result(metrics, training, step=0).examples is None


@pytest.mark.parametrize(("hard", "examples"), [(12, None), (8, 8)])
def test_sets_that_one_call_evaluated_have_no_size_in_common(hard: int, examples: int | None) -> None:
    """Outside training the figures of all come together; the first set's size is not everybody's."""
    sizes = {"easy": 8, "hard": hard}
    metrics = {f"eval_{name}_loss": 2.0 for name in sizes}
    metrics |= {f"eval_{name}_runtime": 0.5 for name in sizes}
    metrics |= {f"eval_{name}_samples_per_second": size / 0.5 for name, size in sizes.items()}
    training = msgspec.structs.replace(SFT, dataset=Dataset(evaluation_examples=8 + hard))
    assert evaluation_result(metrics, training, step=0).examples == examples


def test_evaluating_restored_weights_is_of_their_step() -> None:
    """After the best checkpoint came back, an evaluation at the last step is of that checkpoint."""
    training = msgspec.structs.replace(SFT, steps=20, published_step=15, published_reason="lowest held-out loss")
    assert evaluation_result(METRICS, training, step=20).step == 15
    assert evaluation_result(METRICS, training, step=0).step == 0


def test_one_of_several_held_out_sets_keeps_its_name() -> None:
    """Its loss stands among the metrics, not as the held-out loss."""
    result = evaluation_result({"eval_maths_loss": 2.0, "eval_maths_runtime": 1.0}, SFT, step=1)
    assert result.loss is None
    assert result.perplexity is None
    assert result.metrics == {"eval_maths_loss": 2.0}
