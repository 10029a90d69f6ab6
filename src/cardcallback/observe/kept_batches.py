"""Small batches, kept for a moment and counted together.

They come with short steps, to which one count costs more than all the rest of ours: an operation of torch, and code
that a step's own work has driven out of the processor's caches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardcallback.observe.device_sum import is_idle

# A larger batch takes its step so long that to count it at once is nothing.
_SMALL_TOKENS = 4_096
# Half a mebibyte on the device, with 8 bytes for each mark, label and token's number.
_MOST_TOKENS = 16_384
_MOST_BATCHES = 32
_COUNTED = ("attention_mask", "shift_labels", "labels")


# What is read of one batch, and what transformers gives its loss to divide by.
Batch = tuple[Any, Any]
# A batch with the versions of its tensors, which every change in place raises; no named one, which costs a call.
_Kept = tuple[Any, Any, tuple[Any, ...]]


class KeptBatches:
    """Keeps batches of a training that leaves them as they are, which its first two tell.

    ``is_full``: they should be counted now.
    """

    def __init__(self) -> None:
        self.is_full = False
        self._first: _Kept | None = None
        self._may_keep = self._writes_into_them = False
        self._kept: list[_Kept] = []
        self._tokens = 0

    def keep(self, inputs: Any, num_items: Any) -> bool:
        """Whether it is kept, to be counted with others later; only its tensors are, since mappings are emptied."""
        if not self._may_keep:
            self._learn(inputs)
            return False
        try:
            get = inputs.get
            ids = get("input_ids")
            size = ids.numel()
            mask, targets, labels = get("attention_mask"), get("shift_labels"), get("labels")
            versions = (getattr(mask, "_version", 0), getattr(targets, "_version", 0), getattr(labels, "_version", 0))
        except (AttributeError, RuntimeError):  # unlike the first two: no tokens in it, or of torch's inference mode
            return False
        if size > _SMALL_TOKENS:
            return False
        read = {
            "input_ids": ids,
            "attention_mask": mask,
            "position_ids": get("position_ids"),
            "shift_labels": targets,
            "labels": labels,
        }
        kept = self._kept
        kept.append((read, num_items, versions))
        self._tokens += size
        self.is_full = len(kept) >= _MOST_BATCHES or self._tokens > _MOST_TOKENS
        return True

    @property
    def is_idle(self) -> bool:
        """Whether the device that they lie on has nothing left to do."""
        return all(is_idle(inputs["input_ids"]) for inputs, _, _ in self._kept[-1:])

    def take(self) -> tuple[list[Batch], bool]:
        """All that are kept, and whether each of them is as it was given."""
        kept = self._kept
        self._empty()
        unchanged = all(_versions(inputs) == versions for inputs, _, versions in kept)
        return [(inputs, num_items) for inputs, num_items, _ in kept], unchanged

    def drop(self) -> None:
        """Forget them."""
        self._empty()
        self._first, self._may_keep = None, False

    def _empty(self) -> None:
        self._kept, self._tokens, self.is_full = [], 0, False

    def _learn(self, inputs: Any) -> None:
        if self._writes_into_them or not isinstance(inputs, Mapping) or not hasattr(inputs.get("input_ids"), "numel"):
            return
        if self._first is not None:
            first, _, versions = self._first
            self._may_keep, self._first = _versions(first) == versions, None
            self._writes_into_them = not self._may_keep
            return
        try:
            self._first = ({name: inputs.get(name) for name in _COUNTED}, None, _versions(inputs))
        except RuntimeError:  # tensors of torch's inference mode do not tell whether they were changed
            self._first = None


def _versions(inputs: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(getattr(inputs.get(name), "_version", 0) for name in _COUNTED)
