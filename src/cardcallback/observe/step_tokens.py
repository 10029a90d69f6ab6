"""Tokens of the training batches, counted by kind on the device they lie on, without waiting for it.

torch is not imported: a tensor's own methods count and add. They draw no random numbers and touch nothing
that a gradient flows through.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cardcallback import handlers
from cardcallback.observe.counting_plan import CountingPlan
from cardcallback.observe.device_sum import DeviceSum, joined, joined_without_first
from cardcallback.observe.kept_batches import Batch, KeptBatches
from cardcallback.record import TOKEN_KINDS, TokenKind

SOURCE = "training batches"

# Labels with this value are left out of the loss: PyTorch's default.
_IGNORED = -100
# Adding to a lazily built graph would change what is compiled.
_EAGER_DEVICES = frozenset({"cpu", "cuda", "mps", "xpu", "npu", "hpu"})
_NO_IDS = "the training batches hold no input_ids"
_NO_BATCH = "no training batch was seen"
_NOT_READ = "the run was interrupted before they could be read without waiting for the GPU"
_FAILED = "counting them failed"
_DEVICE_FAILED = "the device they were counted on failed"
_SEVERAL_PROCESSES = "several processes trained, and only this one's batches were seen"
_ODD_MASKS = "the attention masks are not one mark a token"
_CHANGED = "the training changed some of its batches in place before they were counted"


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
    which the Trainer has waited for the device anyway. ``read`` is what it read last, for any thread. ``keep`` says
    whether a batch is only kept until later, which nothing can interrupt halfway; else ``add`` is for it.
    """

    def __init__(self, plan: CountingPlan) -> None:
        self._plan = plan
        self._reasons: dict[TokenKind, str] = dict(plan.unknown)
        self._whole: dict[TokenKind, int] = {}
        self._sums: dict[TokenKind, DeviceSum] = {"non_padding": DeviceSum(), "in_loss": DeviceSum(_IGNORED)}
        self._kept = KeptBatches(
            takes_given=plan.given_in_loss,
            shifts=bool(plan.labels_shifted),
            reads_labels="in_loss" not in plan.unknown,
        )
        self.keep = self._kept.keep
        self._settled: dict[TokenKind, int] = {}
        self._counted_batches = 0
        self.read = StepCounts(reasons=dict.fromkeys(TOKEN_KINDS, _NO_BATCH))
        self._closed = len(self._reasons) == len(TOKEN_KINDS)

    def add(self, inputs: Any, num_items_in_batch: Any = None) -> bool:
        """One training batch, as ``training_step`` is given it; whether the next one is counted too."""
        if self._closed:
            return False
        try:
            if self._kept.is_full:
                self._count_kept()
            if not self.keep(inputs, num_items_in_batch):
                self._counted_batches += 1
                self._kept.learn(inputs)
                self._count(list(self._parts(inputs, num_items_in_batch)))
        except BaseException:  # Ctrl-C too goes on up; what was counted in part is no figure any more
            self._lose(_FAILED)
            raise
        return not self._closed

    def close(self) -> None:
        """Count nothing more: the session is over."""
        self._closed = True
        self._kept.close()

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
        """What was read last, for any thread; complete where counting was closed and all of it has been read.

        Before anything was read, what the batches' sizes tell.
        """
        read = self.read  # once: another thread may replace it
        if not read.batches:
            read = replace(read, reasons=self._why_unknown(), at_least=self._of_sizes())
        return replace(read, complete=self._closed and read.batches == self._batches())

    def counts(self) -> StepCounts:
        """The sums as last read; touches no device."""
        counted = {
            kind: self._whole.get(kind, 0) + self._settled.get(kind, 0)
            for kind in TOKEN_KINDS
            if kind in self._whole or kind in self._settled
        }
        tokens = {kind: count for kind, count in counted.items() if kind not in self._reasons}
        reasons = {kind: reason for kind, reason in self._why_unknown().items() if kind not in tokens}
        at_least = {kind: count for kind, count in counted.items() if count and reasons.get(kind) == _NOT_READ}
        return StepCounts(tokens=tokens, reasons=reasons, at_least=at_least, batches=self._batches())

    def _why_unknown(self) -> Mapping[TokenKind, str]:
        unread = _NOT_READ if self._batches() else _NO_BATCH
        return {kind: self._reasons.get(kind, unread) for kind in TOKEN_KINDS}

    def _of_sizes(self) -> Mapping[TokenKind, int]:
        count = self._whole.get("processed", 0) + self._kept.tokens
        return {"processed": count} if count and "processed" not in self._reasons else {}

    def _batches(self) -> int:
        return self._counted_batches + len(self._kept)

    def _read(self, kind: TokenKind, total: DeviceSum) -> None:
        try:
            self._settled[kind] = self._settled.get(kind, 0) + total.take()
        except RuntimeError as error:
            handlers.pass_on(error)
            self._lose(_DEVICE_FAILED, kind)

    def _busy_kinds(self) -> Collection[TokenKind]:
        """Those whose sums cannot be read without waiting for their device."""
        return {kind for kind, total in self._sums.items() if not (self._kept.is_idle and total.is_idle())}

    def _count_last(self, busy: Collection[TokenKind]) -> None:
        try:
            self._count_kept(busy)
        except RuntimeError as error:
            handlers.pass_on(error)
            self._lose(_DEVICE_FAILED, *self._sums)
        except BaseException:  # raised on; of what was counted in part nothing is known, Ctrl-C or not
            self._lose(_FAILED)
            raise

    def _count_kept(self, busy: Collection[TokenKind] = ()) -> None:
        # First, so that another thread never sees fewer batches than there were.
        self._counted_batches += len(self._kept)
        batches, unchanged = self._kept.take()
        if batches:
            self._count(batches, busy)
        if not unchanged:
            self._lose(_CHANGED, *self._sums)

    def _parts(self, inputs: Any, num_items: Any) -> Iterable[Batch]:
        """What is counted of a batch that is not kept; several parts of one whose columns are models' inputs each."""
        parts = _columns(inputs) if self._plan.by_column else (inputs,) if isinstance(inputs, Mapping) else ()
        if not parts:
            self._lose(_NO_IDS)
        for part in parts:
            ids: Any = part.get("input_ids")
            if not hasattr(ids, "numel"):
                self._lose(_NO_IDS)
                return
            if not self._whole and ids.device.type not in _EAGER_DEVICES:
                self._lose("batches on this kind of device are not counted")
                return
            yield self._part(part, ids, num_items)

    def _part(self, inputs: Mapping[str, Any], ids: Any, num_items: Any) -> Batch:
        mask = inputs.get("attention_mask")
        # Flattened: all sequences of the batch end to end.
        flattened = ids.shape[0] == 1 and inputs.get("position_ids") is not None and not self._plan.filled_up
        if mask is None and not flattened:
            self._lose("the batches carry no attention mask that would tell padding", "non_padding")
        if not (mask is None or hasattr(mask, "numel")):
            self._lose(_ODD_MASKS, "non_padding")
            mask = None
        labels, unshifted = inputs.get("shift_labels"), False
        if labels is None:
            labels, unshifted = inputs.get("labels"), bool(self._plan.labels_shifted)
        labels = labels if hasattr(labels, "numel") else None
        given = num_items if self._plan.given_in_loss else None
        return ids.numel(), mask, given, labels, unshifted, 0, 0

    def _count(self, batches: Sequence[Batch], busy: Collection[TokenKind] = ()) -> None:
        if not batches:
            return
        tokens, masks, given, labels, unshifted, _, _ = zip(*batches, strict=True)
        self._add_whole("processed", tokens)
        if "non_padding" not in self._reasons:
            self._add_non_padding(tokens, masks, busy)
        if "in_loss" not in self._reasons:
            self._add_in_loss(given, labels, unshifted, busy)

    def _add_non_padding(self, tokens: Sequence[int], masks: Sequence[Any], busy: Collection[TokenKind]) -> None:
        unmarked = [count for count, mask in zip(tokens, masks, strict=True) if mask is None]
        self._add_whole("non_padding", unmarked)
        if len(unmarked) == len(masks):
            return
        marks = joined([mask for mask in masks if mask is not None])
        if marks.numel() != sum(tokens) - sum(unmarked) or marks.is_floating_point():
            self._lose(_ODD_MASKS, "non_padding")
        else:
            self._add_count("non_padding", marks, busy)

    def _add_in_loss(
        self, given: Sequence[Any], labels: Sequence[Any], unshifted: Sequence[bool], busy: Collection[TokenKind]
    ) -> None:
        told = [number for number in given if number is not None]
        whole = [number for number in told if isinstance(number, int)]
        self._add_whole("in_loss", whole)
        self._sums["in_loss"].add_all([number for number in told if not isinstance(number, int)] if whole else told)
        if len(told) == len(given):
            return
        read = [one for one, number in zip(zip(labels, unshifted, strict=True), given, strict=True) if number is None]
        if any(one is None for one, _ in read):
            self._lose("the batches carry no labels", "in_loss")
            return
        for first_is_none, join in ((False, joined), (True, joined_without_first)):
            tensors = [one for one, is_unshifted in read if is_unshifted is first_is_none]
            if tensors:
                self._add_count("in_loss", join(tensors), busy)

    def _add_count(self, kind: TokenKind, elements: Any, busy: Collection[TokenKind]) -> None:
        if kind in busy:
            self._lose(_NOT_READ, kind)
        else:
            self._sums[kind].add_count(elements)

    def _add_whole(self, kind: TokenKind, counts: Sequence[int]) -> None:
        if counts and kind not in self._reasons:
            self._whole[kind] = self._whole.get(kind, 0) + sum(counts)

    def _lose(self, reason: str, *kinds: TokenKind) -> None:
        for kind in kinds or TOKEN_KINDS:
            self._reasons.setdefault(kind, reason)
            if kind in self._sums:
                self._sums[kind].drop()
        self._kept.reads_labels = "in_loss" not in self._reasons
        if len(self._reasons) == len(TOKEN_KINDS):
            self.close()
            self._counted_batches += len(self._kept)
            self._kept.take()


def _columns(inputs: Any) -> Sequence[Mapping[str, Any]]:
    """The model's inputs of each text column, whose names begin with the column's."""
    if not isinstance(inputs, Mapping):
        return ()
    ids, mask = "_input_ids", "_attention_mask"
    prefixes = [name.removesuffix(ids) for name in inputs if isinstance(name, str) and name.endswith(ids)]
    return [{"input_ids": inputs[prefix + ids], "attention_mask": inputs.get(prefix + mask)} for prefix in prefixes]
