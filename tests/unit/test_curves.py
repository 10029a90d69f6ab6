"""Curves: what is kept of a log history, and what is not."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardcallback.curves import curves_from_history, history_notes, log_entries, publishable_name, thin

_VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=3000)


def test_quantities_become_points_by_step() -> None:
    """Training, held-out and reward figures each become a curve of (step, value)."""
    history = [
        {"step": 1, "epoch": 0.1, "loss": 2.0, "rewards/chosen": 0.5, "num_tokens": 10},
        {"step": 2, "epoch": 0.2, "eval_loss": 1.5, "eval_runtime": 3.0, "eval_samples_per_second": 4.0},
    ]
    assert curves_from_history(history) == {
        "loss": ((1.0, 2.0),),
        "eval_loss": ((2.0, 1.5),),
        "rewards/chosen": ((1.0, 0.5),),
    }


def test_what_was_evaluated_after_training_is_no_point() -> None:
    """An evaluation of restored weights is logged at the last step but belongs to another."""
    history = [
        {"step": 10, "eval_loss": 1.2},
        {"step": 10, "train_loss": 1.0, "train_runtime": 5.0},
        {"step": 10, "eval_loss": 1.1},
    ]
    assert curves_from_history(history)["eval_loss"] == ((10.0, 1.2),)


def test_train_runtime_in_every_entry_is_no_end() -> None:
    """Counting tokens puts train_runtime into each entry; training goes on."""
    history = [{"step": step, "loss": 1.0 / step, "train_runtime": 1.0} for step in (1, 2, 3)]
    assert [step for step, _ in curves_from_history(history)["loss"]] == [1, 2, 3]


def test_a_step_logged_twice_keeps_its_last_value() -> None:
    """One step is one point."""
    assert curves_from_history([{"step": 1, "loss": 2.0}, {"step": 1, "loss": 1.0}]) == {"loss": ((1.0, 1.0),)}


def test_values_that_are_no_numbers_are_named_and_left_out() -> None:
    """NaN and infinity never reach a record; a note says where they were."""
    history = [{"step": 1, "loss": math.nan, "grad_norm": math.inf}, {"step": 2, "loss": 1.0, "grad_norm": math.nan}]
    assert curves_from_history(history) == {"loss": ((2.0, 1.0),)}
    assert history_notes(history) == (
        "grad_norm was not a finite number at 2 logged steps, first at step 1.",
        "loss was not a finite number at 1 logged step, first at step 1.",
    )


def test_a_zero_that_stands_for_nan_is_no_loss() -> None:
    """The trainer's NaN filter logs 0 for a loss that was NaN: no curve falls to it, and a note says so."""
    history = [
        {"step": 1, "loss": 4.14, "grad_norm": 1.0},
        {"step": 2, "loss": 0.0, "grad_norm": math.nan},
        {"step": 3, "loss": 0.0, "grad_norm": np.float32("nan")},
        {"step": 3, "train_loss": 1.38},
    ]
    assert curves_from_history(history)["loss"] == ((1.0, 4.14),)
    assert history_notes(history)[1] == (
        "loss was not a finite number at 2 logged steps, first at step 2: the gradient norm shows it, "
        "and the 0 that the trainer logged in its place is left out."
    )


def test_a_loss_of_zero_and_an_overflowing_gradient_are_good() -> None:
    """A loss may be 0 (GRPO begins so), and mixed precision skips steps whose gradient overflows."""
    history = [{"step": 1, "loss": 0.0, "grad_norm": 0.5}, {"step": 2, "loss": 2.5, "grad_norm": math.inf}]
    assert curves_from_history(history)["loss"] == ((1.0, 0.0), (2.0, 2.5))
    assert history_notes(history) == ("grad_norm was not a finite number at 1 logged step, first at step 2.",)


def test_a_clean_history_has_no_notes() -> None:
    """Nothing odd, nothing said."""
    assert history_notes([{"step": 1, "loss": 1.0}]) == ()


@pytest.mark.parametrize(
    "entry", [{"loss": 1.0}, {"step": None, "loss": 1.0}, {"step": 1, "loss": "1.0"}, {"step": 1, "loss": True}, {}]
)
def test_odd_entries_are_skipped(entry: dict[str, object]) -> None:
    """An entry without a step, or a value that is no number, is no point."""
    assert curves_from_history([entry]) == {}


@pytest.mark.parametrize(
    "name",
    [
        "eval_/home/somebody/held_out.json_loss",
        "eval_data/home/somebody_loss",
        "rewards/../../secret",
        "loss\n",
        "<script>",
        "user@example.com",
        "eval_" + "a" * 40,
        7,
    ],
)
def test_names_that_tell_of_a_person_are_not_published(name: object) -> None:
    """A held-out set's name may be a path or a key: its curve is left out."""
    assert not publishable_name(name)
    assert curves_from_history([{"step": 1, name: 1.0}]) == {}  # type: ignore[dict-item]  # on purpose


@pytest.mark.parametrize(
    "name", ["loss", "eval_loss", "rewards/chosen", "rewards/my_reward/mean", "eval_math-set_loss"]
)
def test_ordinary_names_are_published(name: str) -> None:
    """The libraries' own names pass."""
    assert publishable_name(name)


def test_the_number_of_curves_is_bounded() -> None:
    """A thousand logged quantities do not make a record of a thousand curves; the losses stay."""
    entry = {f"quantity_{index}": 1.0 for index in range(1000)} | {"step": 1, "loss": 2.0, "eval_loss": 3.0}
    curves = curves_from_history([entry])
    assert len(curves) == 64
    assert {"loss", "eval_loss"} <= set(curves)


@given(_VALUES, st.integers(4, 50))
def test_thinning_keeps_ends_and_extremes(values: list[float], limit: int) -> None:
    """However much is thinned away, first, last, smallest and largest stay, in order, within the limit."""
    points = [(float(step), value) for step, value in enumerate(values)]
    kept = thin(points, limit=limit)
    assert len(kept) <= max(limit, 0)
    assert kept[0] == points[0]
    assert kept[-1] == points[-1]
    assert min(v for _, v in kept) == min(values)
    assert max(v for _, v in kept) == max(values)
    assert list(kept) == sorted(set(kept))
    assert set(kept) <= set(points)


def test_long_curves_are_thinned_to_a_thousand_even_points() -> None:
    """A hundred thousand points become about a thousand, with no hole."""
    curve = curves_from_history([{"step": step, "loss": 1.0 + step % 7} for step in range(100_000)])["loss"]
    assert 950 <= len(curve) <= 1000
    assert max(b[0] - a[0] for a, b in itertools.pairwise(curve)) <= 210


@pytest.mark.parametrize("history", [None, "words", 7, {"loss": 1.0}])
def test_what_is_no_log_history_has_no_entries(history: object) -> None:
    """A person's code may put anything there, which must not cost the run's other figures."""
    assert log_entries(history) == []


def test_what_is_no_entry_of_a_log_history_is_left_out() -> None:
    """A callback of somebody's appended its own things to it."""
    entry = {"step": 1, "loss": 2.0}
    assert log_entries([entry, "words", None, 3.0]) == [entry]


def test_a_number_too_large_for_any_curve_is_not_finite() -> None:
    """A whole number has no largest one; what cannot be drawn is named as an infinity is."""
    history = [{"step": 1, "loss": 10**400}, {"step": 2, "loss": 1.0}]
    assert curves_from_history(history) == {"loss": ((2.0, 1.0),)}
    assert history_notes(history) == ("loss was not a finite number at 1 logged step, first at step 1.",)
