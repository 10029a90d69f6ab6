"""What is noted of a run in progress."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from msgspec.structs import replace

from cardcallback.errors import CardCallbackWarning
from cardcallback.guard import Guard
from cardcallback.observe import CountingPlan, StepTokens
from cardcallback.observed_run import ObservedRun
from cardcallback.record import TOKEN_CROSS_ENTROPY
from cardcallback.settings import Settings


class LongHistory(list[dict[str, Any]]):
    """A history whose newest entries may be asked for, and which must not be gone through."""

    def __iter__(self) -> NoReturn:
        """One entry a step, and so as many as the run is long."""
        raise AssertionError("the whole history was read")

    __reversed__ = __iter__


def test_tokens_of_the_moment_of_a_log() -> None:
    """TRL's own total or the one it just logged, without going through all that was logged before."""
    observed = ObservedRun(Settings(), Guard())
    args = SimpleNamespace(include_num_input_tokens_seen="no")
    history = LongHistory([{"loss": 2.0, "step": 1, "num_tokens": 64}, {"loss": 1.0, "step": 2, "num_tokens": 128}])
    state = SimpleNamespace(num_input_tokens_seen=0, log_history=history)
    counting = SimpleNamespace(args=args, _total_train_tokens=130)
    assert observed.tokens_at_log({"loss": 1.0}, state, counting) == 130
    assert observed.tokens_at_log({"loss": 1.0}, state, SimpleNamespace(args=args)) == 128
    history.append({"loss": 0.5, "step": 3})  # without a total: an older one would be of another moment
    assert observed.tokens_at_log({"loss": 0.5}, state, SimpleNamespace(args=args)) is None


def test_tokens_are_not_of_a_moment_that_the_device_had_not_reached() -> None:
    """A log of things known on the host comes while the device still works at earlier batches."""
    observed = ObservedRun(Settings(), Guard())
    trainer = SimpleNamespace(args=SimpleNamespace(include_num_input_tokens_seen="no"), _total_train_tokens=130)
    state = SimpleNamespace(num_input_tokens_seen=0, log_history=[])
    assert observed.tokens_at_log({"learning_rate": 0.1}, state, trainer) is None


@pytest.mark.expects_failure
@pytest.mark.parametrize("may_wait", [True, False])
def test_batches_that_cannot_be_counted_cost_no_record(may_wait: bool) -> None:  # noqa: FBT001 - a case
    """They were kept, and so show it only where the record is made, which goes on without tokens."""
    torch = pytest.importorskip("torch")
    observed, counter = ObservedRun(Settings(), Guard()), StepTokens(CountingPlan())
    observed._tokens = counter
    ids = torch.ones(2, 3, dtype=torch.int64)
    for mask in (ids.clone(), ids.clone(), SimpleNamespace(_version=0, device=ids.device)):
        counter.add({"input_ids": ids, "attention_mask": mask, "labels": ids.clone()})
    with pytest.warns(CardCallbackWarning, match="could not read the tokens"):
        counts = observed.read_tokens(may_wait=may_wait)
    assert counts is not None
    assert (counts.tokens, counts.reasons["non_padding"]) == ({}, "counting them failed")


def test_a_held_out_loss_outside_training_that_is_no_number_is_noted() -> None:
    """The log history of the training does not hold it, and the card is to say more than that there is none."""
    observed = ObservedRun(Settings(), Guard())
    observed.evaluated({"eval_loss": 1.5, "eval_runtime": 0.1}, step=0, outside=True)
    observed.evaluated({"eval_loss": math.nan, "eval_runtime": 0.1}, step=6, outside=True)
    assert observed.notes[1:] == ["eval_loss was not a finite number at 1 logged step, first at step 6."]


def test_a_thousand_evaluations_are_noted_once() -> None:
    """In the order in which each note became true; the newest result stands."""
    observed = ObservedRun(Settings(), Guard())
    observed.training = replace(observed.training, loss_kind=TOKEN_CROSS_ENTROPY)
    for step in range(1000):
        observed.evaluated({"eval_loss": 1.0 + step}, step=step, outside=step >= 500)
    inside, outside = observed.notes
    assert "mean over examples" in inside
    assert outside == "Evaluations outside training are shown; their energy is not in the total."
    assert observed.evaluation.after is not None
    assert observed.evaluation.after.loss == 1000.0


def test_a_run_that_went_back_to_earlier_weights_has_their_evaluation(tmp_path: Path) -> None:
    """The newest is of weights that nobody gets."""
    observed = ObservedRun(Settings(), Guard())
    observed.training = replace(observed.training, hyperparameters={"load_best_model_at_end": True})
    log: list[dict[str, float]] = []
    for step, loss in ((2, 1.0), (4, 3.0)):
        log.append({"step": step, "eval_loss": loss})
        observed.evaluated(log[-1], step=step, outside=False)
    best = tmp_path / "checkpoint-2"
    best.mkdir()
    state = SimpleNamespace(
        global_step=4, max_steps=4, epoch=1.0, best_model_checkpoint=str(best), log_history=[*log, {"train_loss": 2.0}]
    )
    observed.progress(state)
    assert observed.evaluation.after is not None
    assert (observed.evaluation.after.step, observed.evaluation.after.loss) == (2, 1.0)
