"""The held-out table: what may stand side by side, and that nothing vanishes."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from section_records import RECORDS

from cardcallback.record import Evaluation, EvaluationResult, RunRecord
from cardcallback.render.card.values import card_values
from cardcallback.render.section import render_section
from cardcallback.testing import make_record


def _of(before: EvaluationResult | None, after: EvaluationResult) -> RunRecord:
    return replace(make_record(), evaluation=Evaluation(before=before, after=after))


def test_different_sets_are_never_side_by_side() -> None:
    """Sixteen examples before and sixty-four after: two lines, no table, no word of falling."""
    section = render_section(RECORDS["different_sets"]())
    assert "| Base, NF4 |" not in section
    assert "- Base, NF4 (16 examples, answer tokens only): loss per token 1.87, perplexity 6.49" in section
    assert "- This model (step 450), NF4 (64 examples, answer tokens only): loss per token 1.04" in section
    assert "different sets" in section
    assert "fell" not in section.split("\n\n")[1]
    assert "512 held-out examples; the evaluations above are of 16 and 64 examples" in section
    values = card_values(RECORDS["different_sets"]())
    assert values["perplexity_base"] == "6.49 (NF4 weights, 16 examples, another set than the other figure's)"


def test_other_metrics_are_of_another_set() -> None:
    """The same number of examples under other metric names is another evaluation."""
    before = EvaluationResult(loss=None, step=0, examples=16, metrics={"test_loss": 2.0})
    after = EvaluationResult(loss=1.0, step=450, examples=16, metrics={"eval_loss": 1.0})
    section = render_section(_of(before, after))
    assert "test_loss (another set) 2.00" in section
    assert "cannot be compared" in section


def test_every_named_set_has_its_row() -> None:
    """The losses of several sets come first and all; no one set's size stands for them."""
    names = [f"eval_{letter}_{what}" for letter in "abcdefg" for what in ("accuracy", "loss")]
    result = EvaluationResult(loss=None, step=450, examples=16, metrics=dict.fromkeys(names, 0.5))
    section = render_section(_of(replace(result, step=0), result))
    assert "| Held-out sets | Base | This model (step 450) |" in section
    for letter in "abcdefg":
        assert f"| {letter}_loss | 0.500 | 0.500 |" in section
    assert "| e_accuracy | 50.0 % | 50.0 % |" in section
    assert "| f_accuracy |" not in section
    assert "2 more metrics in the record." in section


@pytest.mark.parametrize(("later", "side_by_side"), [(None, True), (16, True), (64, False)])
def test_sets_known_by_name_are_the_same_ones_also_where_nobody_counted(
    later: int | None, *, side_by_side: bool
) -> None:
    """A quick evaluation's speed does not tell its size: that makes it no other set."""
    before = EvaluationResult(loss=None, step=0, examples=16, metrics={"eval_easy_loss": 2.0, "eval_hard_loss": 3.0})
    section = render_section(_of(before, replace(before, step=450, examples=later)))
    assert ("| easy_loss | 2.00 | 2.00 |" in section) is side_by_side
    assert ("cannot be compared" not in section) is side_by_side


def test_what_only_the_first_evaluation_had_is_shown() -> None:
    """Where the record knows the names of one side only, they have rows."""
    before = EvaluationResult(loss=2.0, step=0, metrics={"eval_accuracy": 0.25})
    section = render_section(_of(before, EvaluationResult(loss=1.0, step=450)))
    assert "| Accuracy | 25.0 % | not measured |" in section


def test_no_accuracy_of_a_model_against_itself() -> None:
    """Nothing is preferred where all rewards are 0: the 0 % has its reason, and an accuracy that was one has none."""
    after = EvaluationResult(loss=0.4, step=450, metrics={"eval_rewards/accuracies": 1.0, "eval_rewards/margins": 2.0})
    tied = EvaluationResult(loss=0.7, step=0, metrics={"eval_rewards/accuracies": 0.0, "eval_rewards/margins": 0.0})
    wrong = replace(tied, metrics={"eval_rewards/accuracies": 0.0, "eval_rewards/margins": -0.1})
    assert "the model is its own reference" in render_section(_of(tied, after))
    assert "the model is its own reference" not in render_section(_of(wrong, after))
