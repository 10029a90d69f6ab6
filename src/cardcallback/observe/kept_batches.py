"""Small batches, kept for a moment and counted together.

They come with short steps, to which one count costs more than all the rest of ours: an operation of torch, and code
that a step's own work has driven out of the processor's caches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardcallback import handlers
from cardcallback.observe.device_sum import is_idle

# A larger batch takes its step so long that to count it at once is nothing.
_SMALL_TOKENS = 4_096
# A third of a mebibyte on the device, with 8 bytes for each mark and label.
_ROOM_TOKENS = 16_384
# So that no more than 256 are kept, whose sizes, masks and labels the count looks at one by one; as many share the cost
# of a count's few operations, which is that of some thirty batches.
_LEAST_ROOM_TOKENS = 64
_WATCHED = ("attention_mask", "shift_labels", "labels")


# What is counted of one batch, and only that is kept of it, since mappings are emptied: how many tokens it has; their
# mask, None where every token is one of a sequence; how many are in the loss, where transformers has told; else the
# labels, and whether their first position is no target; at last the versions of mask and labels, which every change in
# place raises. No named one, which costs a call.
Batch = tuple[int, Any, Any, Any, bool, int, int]


class KeptBatches:
    """Keeps batches of a training that leaves them as they are, which its first two tell.

    Args:
        takes_given: transformers' own count of the tokens in the loss is taken where there is one.
        shifts: position 0 of the labels is no target.
        reads_labels: tokens in the loss are counted at all; may change.
    """

    # In the object itself, and not in a dictionary of its own, which at a step is out of the processor's caches.
    __slots__ = (
        *("_first", "_kept", "_may_keep", "_room_tokens", "_shifts", "_takes_given", "_writes_into_them"),
        "reads_labels",
    )

    def __init__(self, *, takes_given: bool, shifts: bool, reads_labels: bool) -> None:
        self._takes_given = takes_given
        self._shifts = shifts
        self.reads_labels = reads_labels
        self._first: tuple[Mapping[str, Any], tuple[Any, ...]] | None = None
        self._may_keep = self._writes_into_them = False
        self._kept: list[Batch] = []
        self._room_tokens = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def tokens(self) -> int:
        """How many tokens they hold, with padding; for any thread."""
        return sum(tokens for tokens, *_ in self._kept.copy())

    @property
    def is_full(self) -> bool:
        """Whether those that are kept should be counted now."""
        return self._may_keep and self._room_tokens <= 0

    def keep(self, inputs: Any, num_items: Any) -> bool:
        """Whether it is kept, to be counted with others later; one append, between whose halves no signal comes.

        This is all that is done at most steps, right after work that left nothing of ours in the processor's caches.
        """
        if self._room_tokens <= 0:
            return False
        labels, unshifted, labels_version = None, False, 0
        try:
            get = inputs.get
            mask, tokens = get("attention_mask"), get("input_ids").numel()
            if mask is None or tokens > _SMALL_TOKENS:
                return False
            if num_items is None or not self._takes_given:
                num_items = None
                if self.reads_labels:
                    labels = get("shift_labels")
                    if labels is None:
                        labels, unshifted = get("labels"), self._shifts
                    labels_version = labels._version  # noqa: SLF001 - torch's own, documented in its notes alone
            mask_version = mask._version  # noqa: SLF001 - as above
        except (AttributeError, RuntimeError) as error:  # unlike the first two, or of torch's inference mode
            handlers.pass_on(error)
            return False
        self._kept.append((tokens, mask, num_items, labels, unshifted, mask_version, labels_version))
        self._room_tokens -= max(_LEAST_ROOM_TOKENS, tokens)
        return True

    def learn(self, inputs: Any) -> None:
        """From a batch that was not kept: whether the training writes into its batches."""
        if self._may_keep or self._writes_into_them:
            return
        ids = inputs.get("input_ids") if isinstance(inputs, Mapping) else None
        if not hasattr(ids, "numel") or not _has_no_more(inputs.get("attention_mask"), ids):
            return
        if self._first is not None:
            first, versions = self._first
            self._first = None
            self._may_keep = _versions(first) == versions and _lie_apart(first, inputs)
            self._writes_into_them = not self._may_keep
            self._room_tokens = _ROOM_TOKENS if self._may_keep else 0
            return
        try:
            self._first = ({name: inputs.get(name) for name in _WATCHED}, _versions(inputs))
        except RuntimeError:  # tensors of torch's inference mode do not tell whether they were changed
            self._first = None

    @property
    def is_idle(self) -> bool:
        """Whether the device that they lie on has nothing left to do."""
        return all(is_idle(mask) for _, mask, *_ in self._kept[-1:])

    def take(self) -> tuple[list[Batch], bool]:
        """All that are kept, and whether each of them is as it was given."""
        kept, self._kept = self._kept, []
        self._room_tokens = _ROOM_TOKENS if self._may_keep else 0
        unchanged = True
        for _, mask, _, labels, _, mask_version, labels_version in kept:
            if mask._version != mask_version or (labels is not None and labels._version != labels_version):  # noqa: SLF001 - as in keep
                unchanged = False
        return kept, unchanged

    def close(self) -> None:
        """Keep no more; those that are kept may still be taken."""
        self._first, self._may_keep, self._room_tokens = None, False, 0


def _has_no_more(mask: Any, ids: Any) -> bool:
    """Whether it has one mark a token: one for each two of them would hold far more of the device than it may."""
    return mask is None or (hasattr(mask, "numel") and mask.numel() <= ids.numel())


def _lie_apart(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether both lie in memories of their own: one that is filled anew through NumPy raises no version."""
    known = [(_address(first[name]), _address(second.get(name))) for name in _WATCHED]
    return not any(one is not None and one == other for one, other in known)


def _address(tensor: Any) -> int | None:
    try:
        return tensor.data_ptr() if hasattr(tensor, "data_ptr") else None
    except RuntimeError as error:  # a tensor without memory of its own, such as a nested one
        handlers.pass_on(error)
        return None


def _versions(inputs: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(getattr(inputs.get(name), "_version", 0) for name in _WATCHED)
