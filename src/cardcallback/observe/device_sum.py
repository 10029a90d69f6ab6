"""A sum of numbers that lie on a device, or are counted there, read only when someone asks for it.

torch is found, never imported; whoever gives tensors has loaded it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from cardcallback import handlers

# An addition for each number would cost a short step as much again as the counting.
_MOST_NEW = 64


class DeviceSum:
    """Adds whole numbers, each a tensor of one element on one device.

    ``ignored`` is the value of elements that do not count where tensors are counted.
    """

    def __init__(self, ignored: int = 0) -> None:
        self._ignored = ignored
        self._new: list[Any] = []
        self._total: Any = None

    def __bool__(self) -> bool:
        return bool(self._new) or self._total is not None

    def add(self, number: Any) -> None:
        """One more; starts work on its device and waits for nothing."""
        self.add_all([number])

    def add_all(self, numbers: Sequence[Any]) -> None:
        """As many more; the same."""
        self._new += numbers
        if len(self._new) >= _MOST_NEW:
            self._add_up()

    def add_count(self, elements: Any) -> None:
        """The number of its elements that count; starts work on their device and waits for nothing."""
        # Not a sum: masks of packed sequences may number them.
        self.add((elements if self._ignored == 0 else elements != self._ignored).count_nonzero())

    def is_idle(self) -> bool:
        """Whether the device has nothing left to do, so that reading the sum would not wait."""
        total = [] if self._total is None else [self._total]
        return all(is_idle(number) for number in (*total, *self._new))

    def take(self) -> int:
        """The sum since the last ``take``; waits for the device.

        Raises:
            RuntimeError: the device failed.
        """
        if self._new:
            self._add_up()
        total = 0 if self._total is None else int(self._total.item())
        self._total = None  # only now, since Ctrl-C may end the waiting
        return total

    def drop(self) -> None:
        """Forget it."""
        self._new.clear()
        self._total = None

    def _add_up(self) -> None:
        torch = sys.modules["torch"]
        # transformers' own counts are whole numbers in a float, which alone would lose some beyond 2 ** 24.
        new = torch.stack(self._new).sum(dtype=torch.int64)
        self._total = new if self._total is None else self._total + new
        self._new.clear()


def joined(tensors: Sequence[Any]) -> Any:
    """All elements of them in one tensor, with no operation for each where their rows are equally long or many."""
    if len(tensors) == 1:
        return tensors[0]
    torch, shapes = sys.modules["torch"], {tensor.shape for tensor in tensors}
    if len({shape[1:] for shape in shapes}) == 1:
        return torch.cat(tensors)
    if len({shape[:-1] for shape in shapes}) == 1:
        return torch.cat(tensors, -1)
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def joined_without_first(tensors: Sequence[Any]) -> Any:
    """The same without the first element of each row."""
    if len({tensor.shape for tensor in tensors}) == 1 and tensors[0].dim() > 1:
        return joined(tensors)[..., 1:]
    return joined([tensor[..., 1:] for tensor in tensors])


def is_idle(tensor: Any) -> bool:
    """Whether the tensor's device has nothing left to do; False where that cannot be told without waiting."""
    if tensor.device.type == "cpu":
        return True
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    try:
        if tensor.device.type != "cuda" or cuda is None or not cuda.is_initialized():
            return False  # it cannot be told without waiting
        return bool(cuda.current_stream(tensor.device).query())
    except (RuntimeError, AttributeError) as error:
        handlers.pass_on(error)
        return False  # an error on the device: whatever is read there fails too
