"""How far training got, and which step's weights are the ones being published."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from cardcallback import handlers
from cardcallback.curves import log_entries
from cardcallback.observe.objective import objective_from_history
from cardcallback.observe.plain import integer, number, read
from cardcallback.observe.step_tokens import StepCounts
from cardcallback.observe.tokens import TokenBaseline, count_tokens
from cardcallback.record import Training

_CHECKPOINT_STEP = re.compile(r"checkpoint-(\d+)[/\\]?$")
LAST_STEP = "last step"
LOWEST_LOSS = "lowest held-out loss"


def with_progress(
    training: Training,
    *,
    state: Any,
    args: Any = None,
    model: Any = None,
    trainer: Any = None,
    baseline: TokenBaseline | None = None,
    counted: StepCounts | None = None,
) -> Training:
    """``training`` with steps, epochs, tokens and the published step as ``state`` has them now.

    The best checkpoint's weights are the published ones only once the Trainer has restored them, which it
    does after its closing summary (the log entry with ``train_loss``) and before ``on_train_end``.

    Args:
        training: the description so far.
        state: the ``TrainerState``.
        args: the training arguments; they say how the Trainer counts tokens.
        model: not read; accepted because the Trainer passes it.
        trainer: where found, for TRL's own token total.
        baseline: ``token_baseline`` of this session's begin; a resumed run needs it.
        counted: tokens of this session's training batches, where those were seen.
    """
    del model
    args = args if args is not None else read(trainer, "args")
    history = log_entries(read(state, "log_history"))
    steps = integer(read(state, "global_step")) or 0
    step, reason = _published(training, state, history, steps)
    described = _named_by_logs(training, history)
    planned = integer(read(state, "max_steps"))
    return msgspec.structs.replace(
        described,
        steps=steps,
        planned_steps=planned if planned and planned > 0 else training.planned_steps,
        # Of a stream nobody knows the length: the Trainer counts all planned steps as one epoch, whatever was read.
        epochs=None if training.dataset.streamed else number(read(state, "epoch")),
        tokens=count_tokens(
            described.objective, state=state, args=args, trainer=trainer, baseline=baseline, counted=counted
        ),
        hyperparameters=_with_real_batch(described, state, args),
        published_step=step,
        published_reason=reason,
    )


def training_completed(log_history: object) -> bool:
    """Whether the Trainer has logged its closing summary; an interrupted training never does."""
    return any("train_loss" in entry for entry in reversed(log_entries(log_history)))


def _published(
    training: Training, state: object, history: Sequence[Mapping[str, Any]], steps: int
) -> tuple[int | None, str | None]:
    best = read(state, "best_model_checkpoint")
    restores = training.hyperparameters.get("load_best_model_at_end") is True
    if not (restores and isinstance(best, str) and training_completed(history)):
        return steps, LAST_STEP
    matched = _CHECKPOINT_STEP.search(best)
    step = int(matched.group(1)) if matched else integer(read(state, "best_global_step"))
    if step is None or not _exists(best):
        # The Trainer only warns when the folder is gone: the weights may be the last step's.
        return None, "not known: the best checkpoint is no longer there"
    return step, _best_reason(training)


def _exists(folder: str) -> bool:
    try:
        return Path(folder).is_dir()
    except OSError as error:
        handlers.pass_on(error)
        return False


def _best_reason(training: Training) -> str:
    metric = training.hyperparameters.get("metric_for_best_model") or "loss"
    metric = str(metric).removeprefix("eval_")
    if metric == "loss" and training.hyperparameters.get("greater_is_better") is not True:
        return LOWEST_LOSS
    return f"best held-out {metric}"


def _named_by_logs(training: Training, history: Sequence[Mapping[str, Any]]) -> Training:
    """Logged quantities tell a method whose classes nobody knows; its loss is then no token cross-entropy."""
    if training.objective not in {None, "language modelling"}:
        return training
    found = objective_from_history(set(chain.from_iterable(history)))
    return training if found is None else msgspec.structs.replace(training, objective=found, loss_kind=None)


def _with_real_batch(training: Training, state: object, args: object) -> dict[str, Any]:
    """Settings with the batch that ``auto_find_batch_size`` settled on, where it did."""
    settings = dict(training.hyperparameters)
    found = integer(read(state, "train_batch_size"))
    asked = integer(read(args, "train_batch_size"))
    effective = settings.get("effective_batch_size")
    if settings.get("auto_find_batch_size") is True and found and asked and isinstance(effective, int):
        devices = max(1, integer(read(args, "n_gpu")) or 1)
        per_device = max(1, found // devices)
        before = integer(settings.get("per_device_train_batch_size")) or per_device
        settings["per_device_train_batch_size"] = per_device
        settings["effective_batch_size"] = effective * per_device // before
    return settings
