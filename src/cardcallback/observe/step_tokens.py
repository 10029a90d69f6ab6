"""Tokens of the training batches, counted by kind on the device they lie on, without waiting for it.

torch is not imported: a tensor's own methods count and add. They draw no random numbers and touch nothing
that a gradient flows through.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cardcallback.observe.device_sum import DeviceSum
from cardcallback.observe.kept_batches import Batch, KeptBatches
from cardcallback.observe.objective import ON_POLICY
from cardcallback.observe.plain import integer, read
from cardcallback.observe.shared_batches import processes_of_split_batch, processes_of_whole_batch
from cardcallback.record import CUSTOM_LOSS, TOKEN_KINDS, TokenKind, Training

SOURCE = "training batches"

# Labels with this value are left out of the loss: PyTorch's default.
_IGNORED = -100
# Adding to a lazily built graph would change what is compiled.
_EAGER_DEVICES = frozenset({"cpu", "cuda", "mps", "xpu", "npu", "hpu"})
_SHIFTED = frozenset({"SFT", "language modelling"})
_UNSHIFTED = frozenset({"masked language modelling", "sequence-to-sequence"})
_BY_COLUMN = frozenset({"sentence_transformers", "setfit"})
_NO_IDS = "the training batches hold no input_ids"
_NO_BATCH = "no training batch was seen"
_NOT_READ = "the run was interrupted before they could be read without waiting for the GPU"
_FAILED = "counting them failed"
_DEVICE_FAILED = "the device they were counted on failed"
_SEVERAL_PROCESSES = "several processes trained, and only this one's batches were seen"
_GENERATED = "the answers are written while training, and nobody counted them"
_CHANGED = "the training changed some of its batches in place before they were counted"
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
        return {"in_loss": f"the loss is {training.loss_kind}, not one over labelled tokens"}
    if read(read(model, "active_peft_config"), "is_prompt_learning") is True:
        return {"in_loss": "learned prompts stand before the labels"}
    return {}


@dataclass(frozen=True, kw_only=True, slots=True)
class StepCounts:
    """Tokens by kind as they were last read, and why a kind has none; ``batches`` had been added by then.

    ``at_least``: of kinds that have none what had been read of them before. ``complete``: these are the last ones.
    """

    tokens: Mapping[TokenKind, int] = field(default_factory=dict)
    reasons: Mapping[TokenKind, str] = field(default_factory=dict)
    at_least: Mapping[TokenKind, int] = field(default_factory=dict)
    batches: int = 0
    complete: bool = False


OF_ONE_PROCESS = StepCounts(reasons=dict.fromkeys(TOKEN_KINDS, _SEVERAL_PROCESSES))


class StepTokens:
    """Adds up the batches of one session.

    ``add`` only keeps the batch, or starts work on its own device; ``settle`` reads the sums, and is for moments at
    which the Trainer has waited for the device anyway. ``read`` is what it read last, for any thread.
    """

    def __init__(self, plan: CountingPlan) -> None:
        self._plan = plan
        self._reasons: dict[TokenKind, str] = dict(plan.unknown)
        self._whole: dict[TokenKind, int] = {}
        self._sums: dict[TokenKind, DeviceSum] = {"non_padding": DeviceSum(), "in_loss": DeviceSum(_IGNORED)}
        self._kept = KeptBatches()
        self._found: dict[TokenKind, list[Any]] = {kind: [] for kind in self._sums}
        self._settled: dict[TokenKind, int] = {}
        self._batches = 0
        self.read = StepCounts(reasons=dict.fromkeys(TOKEN_KINDS, _NO_BATCH))
        self._closed = len(self._reasons) == len(TOKEN_KINDS)

    def add(self, inputs: Any, num_items_in_batch: Any = None) -> bool:
        """One training batch, as ``training_step`` is given it; whether the next one is counted too."""
        if self._closed:
            return False
        self._batches += 1
        try:
            if not self._kept.keep(inputs, num_items_in_batch):
                self._count([(inputs, num_items_in_batch)])
            elif self._kept.is_full:
                self._count_kept()
        except Exception:  # goes on to whoever guards the step; what was counted is no figure any more
            self._lose(_FAILED)
            raise
        return not self._closed

    def close(self) -> None:
        """Count nothing more: the session is over."""
        self._closed = True

    def settle(self, *, may_wait: bool = True) -> StepCounts:
        """Read the sums; with ``may_wait`` False only those whose device has nothing left to do."""
        # Asked before anything is counted or added up, which gives the device work again.
        busy = () if may_wait else self._busy_kinds()
        self._count_last(busy)
        for kind, total in self._sums.items():
            if total and kind in busy:
                self._lose(_NOT_READ, kind)
            elif total:
                self._read(kind, total)
        self.read = self.counts()
        return self.read

    def snapshot(self) -> StepCounts:
        """The sums as of now, or none where a device would have to be waited for; counting goes on."""
        if not self._busy_kinds():
            return self.settle(may_wait=False)
        return StepCounts(reasons=dict.fromkeys(TOKEN_KINDS, _NOT_READ), at_least=self.read.tokens)

    def last(self) -> StepCounts:
        """What was read last, for any thread; complete where counting was closed and all of it has been read."""
        read = self.read  # once: another thread may replace it
        return replace(read, complete=self._closed and read.batches == self._batches)

    def counts(self) -> StepCounts:
        """The sums as last read; touches no device."""
        counted = {
            kind: self._whole.get(kind, 0) + self._settled.get(kind, 0)
            for kind in TOKEN_KINDS
            if kind in self._whole or kind in self._settled
        }
        tokens = {kind: count for kind, count in counted.items() if kind not in self._reasons}
        reasons = {kind: self._reasons.get(kind, _NO_BATCH) for kind in TOKEN_KINDS if kind not in tokens}
        at_least = {kind: count for kind, count in counted.items() if count and reasons.get(kind) == _NOT_READ}
        return StepCounts(tokens=tokens, reasons=reasons, at_least=at_least, batches=self._batches)

    def _read(self, kind: TokenKind, total: DeviceSum) -> None:
        try:
            self._settled[kind] = self._settled.get(kind, 0) + total.take()
        except RuntimeError:
            self._lose(_DEVICE_FAILED, kind)

    def _busy_kinds(self) -> Collection[TokenKind]:
        """Those whose sums cannot be read without waiting for their device."""
        return {kind for kind, total in self._sums.items() if not (self._kept.is_idle and total.is_idle())}

    def _count_last(self, busy: Collection[TokenKind]) -> None:
        try:
            self._count_kept(busy)
        except RuntimeError:
            self._lose(_DEVICE_FAILED, *self._sums)
        except Exception:  # as in add
            self._lose(_FAILED)
            raise

    def _count_kept(self, busy: Collection[TokenKind] = ()) -> None:
        batches, unchanged = self._kept.take()
        self._count(batches, busy)
        if not unchanged:
            self._lose(_CHANGED, *self._sums)

    def _count(self, batches: Sequence[Batch], busy: Collection[TokenKind] = ()) -> None:
        for inputs, num_items in batches:
            self._add(inputs, num_items)
        for kind, tensors in self._found.items():
            if tensors and kind in busy:
                self._lose(_NOT_READ, kind)
            elif tensors:
                self._sums[kind].add_count(tensors)
                tensors.clear()

    def _add(self, inputs: Any, num_items: Any) -> None:
        parts = _columns(inputs) if self._plan.by_column else (inputs,) if isinstance(inputs, Mapping) else ()
        if not parts:
            self._lose(_NO_IDS)
        for part in parts:
            self._add_part(part, num_items)

    def _add_part(self, inputs: Mapping[str, Any], num_items: Any) -> None:
        ids: Any = inputs.get("input_ids")
        if not hasattr(ids, "numel"):
            self._lose(_NO_IDS)
            return
        if not self._whole and ids.device.type not in _EAGER_DEVICES:
            self._lose("batches on this kind of device are not counted")
            return
        if "processed" not in self._reasons:
            self._add_whole("processed", ids.numel())
        if "non_padding" not in self._reasons:
            self._add_non_padding(inputs, ids)
        if "in_loss" not in self._reasons:
            self._add_in_loss(inputs, num_items)

    def _add_non_padding(self, inputs: Mapping[str, Any], ids: Any) -> None:
        mask = inputs.get("attention_mask")
        if mask is not None:
            if mask.numel() != ids.numel() or mask.is_floating_point():
                self._lose("the attention masks are not one mark a token", "non_padding")
                return
            self._found["non_padding"].append(mask)
        elif ids.shape[0] == 1 and inputs.get("position_ids") is not None and not self._plan.filled_up:
            self._add_whole("non_padding", ids.numel())  # flattened: all sequences of the batch end to end
        else:
            self._lose("the batches carry no attention mask that would tell padding", "non_padding")

    def _add_in_loss(self, inputs: Mapping[str, Any], given: Any) -> None:
        if self._plan.given_in_loss and given is not None:
            if isinstance(given, int):
                self._add_whole("in_loss", given)
            else:
                self._sums["in_loss"].add(given)
            return
        targets = inputs.get("shift_labels")
        if targets is None:
            labels = inputs.get("labels")
            targets = labels[..., 1:] if labels is not None and self._plan.labels_shifted else labels
        if targets is None:
            self._lose("the batches carry no labels", "in_loss")
            return
        self._found["in_loss"].append(targets)

    def _add_whole(self, kind: TokenKind, count: int) -> None:
        self._whole[kind] = self._whole.get(kind, 0) + count

    def _lose(self, reason: str, *kinds: TokenKind) -> None:
        for kind in kinds or TOKEN_KINDS:
            self._reasons.setdefault(kind, reason)
            if kind in self._sums:
                self._sums[kind].drop()
                self._found[kind].clear()
        if len(self._reasons) == len(TOKEN_KINDS):
            self._kept.drop()
            self._closed = True


def _columns(inputs: Any) -> Sequence[Mapping[str, Any]]:
    """The model's inputs of each text column, whose names begin with the column's."""
    if not isinstance(inputs, Mapping):
        return ()
    ids, mask = "_input_ids", "_attention_mask"
    prefixes = [name.removesuffix(ids) for name in inputs if isinstance(name, str) and name.endswith(ids)]
    return [{"input_ids": inputs[prefix + ids], "attention_mask": inputs.get(prefix + mask)} for prefix in prefixes]
