"""A sum of numbers that lie on a device, or are counted there, read only when someone asks for it.

torch is found, never imported; whoever gives tensors has loaded it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

# An addition for each number would cost a short step as much again as the counting.
_MOST_NEW = 32


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
        self._new.append(number)
        if len(self._new) >= _MOST_NEW:
            self._add_up()

    def add_count(self, tensors: Sequence[Any]) -> None:
        """The number of their elements that count, all together; starts work on their device and waits for nothing."""
        elements = tensors[0]
        if len(tensors) > 1:
            if len({tensor.shape[1:] for tensor in tensors}) > 1:
                tensors = [tensor.reshape(-1) for tensor in tensors]
            elements = sys.modules["torch"].cat(tensors)
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
        total, self._total = self._total, None
        return 0 if total is None else int(total.item())

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


def is_idle(tensor: Any) -> bool:
    """Whether the tensor's device has nothing left to do; False where that cannot be told without waiting."""
    if tensor.device.type == "cpu":
        return True
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    try:
        if tensor.device.type != "cuda" or cuda is None or not cuda.is_initialized():
            return False  # it cannot be told without waiting
        return bool(cuda.current_stream(tensor.device).query())
    except (RuntimeError, AttributeError):
        return False  # an error on the device: whatever is read there fails too
