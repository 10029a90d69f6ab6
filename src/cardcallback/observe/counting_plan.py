"""How the batches of one trainer are to be counted: decided once, from what its run is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cardcallback.observe.objective import ON_POLICY
from cardcallback.observe.plain import integer, read
from cardcallback.observe.shared_batches import processes_of_split_batch, processes_of_whole_batch
from cardcallback.record import CUSTOM_LOSS, ENCODER_DECODER_OBJECTIVES, TOKEN_KINDS, TokenKind, Training

_SHIFTED = frozenset({"SFT", "language modelling"})
_UNSHIFTED = frozenset({"masked language modelling"}) | ENCODER_DECODER_OBJECTIVES
_BY_COLUMN = frozenset({"sentence_transformers", "setfit"})
_GENERATED = "the answers are written while training, and nobody counted them"
_SHARED_BATCHES = "several processes are given the same batch (tensor, context or sequence parallelism)"


@dataclass(frozen=True, kw_only=True, slots=True)
class CountingPlan:
    """How the batches of one trainer are to be read.

    ``labels_shifted``: position 0 of each row is no target, as in causal language modelling; ``None``: labels
    are no tokens. ``given_in_loss``: transformers' own count is of exactly the batch it comes with.
    ``filled_up``: flattened batches may end in padding that nothing marks. ``by_column``: each text
    column has token numbers of its own, and all of them go through the model. ``unknown`` holds the reason for each
    kind that cannot be counted.
    """

    labels_shifted: bool | None = None
    given_in_loss: bool = False
    filled_up: bool = False
    by_column: bool = False
    unknown: Mapping[TokenKind, str] = field(default_factory=dict)


def plan_counting(training: Training, *, args: object, trainer: object, model: object) -> CountingPlan:
    """Decide it once, before the first batch, from what the run is."""
    if processes_of_whole_batch(trainer, model) * processes_of_split_batch(trainer) > 1:
        return CountingPlan(unknown=dict.fromkeys(TOKEN_KINDS, _SHARED_BATCHES))
    if training.objective in ON_POLICY:
        return CountingPlan(unknown=dict.fromkeys(TOKEN_KINDS, _GENERATED))
    shifted = True if training.objective in _SHIFTED else False if training.objective in _UNSHIFTED else None
    return CountingPlan(
        labels_shifted=shifted,
        given_in_loss=_is_given(args, trainer, shifted=shifted),
        filled_up=_fills_up(args, trainer),
        by_column=training.trainer_library in _BY_COLUMN,
        unknown=_uncounted_loss(training, model, shifted=shifted),
    )


def _is_given(args: object, trainer: object, *, shifted: bool | None) -> bool:
    """Whether ``num_items_in_batch`` is the number of this batch's targets.

    transformers before 5 counted position 0 too (its trainers have no ``_loss_shifts_labels``), with several
    GPUs it divides, of several processes it gathers them all, and under accumulation it is of all batches of the step.
    """
    single = (integer(read(args, "n_gpu")) or 0) <= 1 and (integer(read(args, "world_size")) or 1) <= 1
    return (
        single
        and integer(read(args, "gradient_accumulation_steps")) == 1
        and shifted is True
        and read(trainer, "_loss_shifts_labels") is True
    )


def _fills_up(args: object, trainer: object) -> bool:
    collator = read(trainer, "data_collator")
    return any(integer(read(owner, "pad_to_multiple_of")) for owner in (collator, args))


def _uncounted_loss(training: Training, model: object, *, shifted: bool | None) -> dict[TokenKind, str]:
    if training.loss_kind in {None, CUSTOM_LOSS}:
        return {"in_loss": "code of the person's own computes the loss, or nothing tells what it is made of"}
    if shifted is None:
        return {"in_loss": f"the loss is {training.loss_kind}, not one known to be over labelled tokens"}
    if read(read(model, "active_peft_config"), "is_prompt_learning") is True:
        return {"in_loss": "learned prompts stand before the labels"}
    return {}
