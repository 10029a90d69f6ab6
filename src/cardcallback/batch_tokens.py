"""Counting the tokens of one process's training batches while its Trainer trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardcallback.guard import Guard
from cardcallback.hooks import watch_training_step
from cardcallback.observe import StepTokens, plan_counting
from cardcallback.record import Training

# Logged numbers which the Trainer can have only after all the device's work before.
_WAITED_FOR = frozenset({"loss", "eval_loss", "train_loss"})
_CLOSING = "train_loss"


def count_batches(training: Training, *, args: Any, trainer: Any, model: Any, guard: Guard) -> StepTokens:
    """Count the batches of that trainer from now on; ``training`` is what its run is."""
    counter = StepTokens(plan_counting(training, args=args, trainer=trainer, model=model))
    watch_training_step(trainer, on_batch=counter.add, keep=counter.keep, guard=guard)
    return counter


def was_waited_for(logs: Mapping[str, Any]) -> bool:
    """Whether the Trainer waited for the device before it logged this, so that reading a sum waits for nothing."""
    return not _WAITED_FOR.isdisjoint(logs)


def is_closing(logs: Mapping[str, Any]) -> bool:
    """Whether it is what the Trainer logs after its last batch."""
    return _CLOSING in logs
