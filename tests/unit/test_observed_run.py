"""What is noted of a run in progress."""

from __future__ import annotations

from msgspec.structs import replace

from cardcallback.guard import Guard
from cardcallback.observed_run import ObservedRun
from cardcallback.record import TOKEN_CROSS_ENTROPY
from cardcallback.settings import Settings


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
