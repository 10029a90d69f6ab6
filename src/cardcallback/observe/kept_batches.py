"""Small batches, kept for a moment and counted together.

They come with short steps, to which one count costs more than all the rest of ours: an operation of torch, and code
that a step's own work has driven out of the processor's caches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cardcallback.observe.device_sum import is_idle

# A larger batch takes its step so long that to count it at once is nothing.
_SMALL_TOKENS = 4_096
# Half a mebibyte on the device, with 8 bytes for each mark, label and token's number.
_MOST_TOKENS = 16_384
_MOST_BATCHES = 32
_COUNTED = ("attention_mask", "shift_labels", "labels")


class Batch(NamedTuple):
    """What is read of one batch, and what transformers gives its loss to divide by."""

    inputs: Any
    num_items: Any


class _Kept(NamedTuple):
    batch: Batch
    versions: tuple[Any, ...]


class KeptBatches:
    """Keeps batches of a training that leaves them as they are, which its first two tell."""

    def __init__(self) -> None:
        self._first: _Kept | None = None
        self._may_keep = False
        self._kept: list[_Kept] = []
        self._tokens = 0

    def keep(self, inputs: Any, num_items: Any) -> bool:
        """Whether it is kept, to be counted with others later; only its tensors are, since mappings are emptied."""
        if not self._may_keep:
            self._learn(inputs)
            return False
        get = inputs.get
        ids = get("input_ids")
        size = ids.numel()
        if size > _SMALL_TOKENS:
            return False
        mask, targets, labels = get("attention_mask"), get("shift_labels"), get("labels")
        read = {
            "input_ids": ids,
            "attention_mask": mask,
            "position_ids": get("position_ids"),
            "shift_labels": targets,
            "labels": labels,
        }
        versions = (getattr(mask, "_version", 0), getattr(targets, "_version", 0), getattr(labels, "_version", 0))
        self._kept.append(_Kept(Batch(read, num_items), versions))
        self._tokens += size
        return True

    @property
    def is_full(self) -> bool:
        """Whether they should be counted now."""
        return len(self._kept) >= _MOST_BATCHES or self._tokens > _MOST_TOKENS

    @property
    def is_idle(self) -> bool:
        """Whether the device that they lie on has nothing left to do."""
        return all(is_idle(kept.batch.inputs["input_ids"]) for kept in self._kept[-1:])

    def take(self) -> tuple[list[Batch], bool]:
        """All that are kept, and whether each of them is as it was given."""
        kept, self._kept, self._tokens = self._kept, [], 0
        return [one.batch for one in kept], all(_versions(one.batch.inputs) == one.versions for one in kept)

    def drop(self) -> None:
        """Forget them."""
        self._kept, self._tokens, self._first, self._may_keep = [], 0, None, False

    def _learn(self, inputs: Any) -> None:
        if not isinstance(inputs, Mapping) or not hasattr(inputs.get("input_ids"), "numel"):
            return
        if self._first is not None:
            self._may_keep = _versions(self._first.batch.inputs) == self._first.versions
            self._first = None
            return
        try:
            self._first = _Kept(Batch({name: inputs.get(name) for name in _COUNTED}, None), _versions(inputs))
        except RuntimeError:  # tensors of torch's inference mode do not tell whether they were changed
            self._first = None


def _versions(inputs: Mapping[str, Any]) -> tuple[Any, ...]:
    """Every change in place raises a tensor's version."""
    return tuple(getattr(inputs.get(name), "_version", 0) for name in _COUNTED)
