"""See every training batch as it goes into ``training_step``, before anything is computed from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cardcallback.hooks.wrapping import Call, GuardFactory, Hook, guard_or_own, watch_method

_TOPIC = "tokens"


def watch_training_step(
    trainer: Any, *, on_batch: Callable[[Any, Any], None], guard: GuardFactory | None = None
) -> None:
    """Call ``on_batch(inputs, num_items_in_batch)`` before each ``training_step`` of this trainer.

    That is once for each batch of a gradient accumulation, and never for an evaluation.
    ``num_items_in_batch`` is what transformers gives its loss to divide by, ``None`` where it gives nothing.
    Calling this again for the same trainer replaces what is called.
    """

    def before(call: Call) -> None:
        on_batch(call.argument(1, "inputs"), call.argument(2, "num_items_in_batch"))

    task = "count the tokens of the training batches"
    watch_method(trainer, "training_step", _TOPIC, Hook(task=task, guard=guard_or_own(guard), before=before))
