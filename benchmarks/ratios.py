"""How much longer steps take with one callback than with another, and how sure that is."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

_RESAMPLES = 2000
_INTERVAL = (0.025, 0.975)


class Spent(NamedTuple):
    """Seconds by the clock, of all the process's threads on processors, and of the training thread alone."""

    wall: float
    processor: float
    thread: float

    def since(self, begin: Spent, steps: int) -> Spent:
        """What each of so many steps took since ``begin``."""
        return Spent(*((now - then) / steps for now, then in zip(self, begin, strict=True)))


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """A ratio of times, with the interval that holds it in 95 of 100 cases."""

    value: float
    low: float
    high: float

    def verdict(self, most: float, control: Ratio) -> str:
        """Whether it is within a budget, as far as the intervals tell: ``control`` is of a thing with itself.

        Within it is only what was measured beside a control that is 1, and known as well as the budget asks.
        """
        if self.low > most * max(control.high, 1.0):
            return "BROKEN"
        margin = most - 1.0
        is_sure = 1.0 - margin <= control.low <= 1.0 <= control.high <= 1.0 + margin
        return "kept" if is_sure and self.high <= most else "not resolved"


def ratio_of(own: Sequence[float], bare: Sequence[float], together: int) -> Ratio:
    """The median over blocks of ``together`` pairs, each the ratio of sums: work that is not in each pair counts too.

    The interval is by resampling the blocks. What is left over at the end belongs to no block, unless there is none.
    """
    whole = len(own) // together or 1
    blocks = [slice(place * together, (place + 1) * together) for place in range(whole)]
    ratios = [sum(own[block]) / sum(bare[block]) for block in blocks]
    drawn = random.Random(0)  # noqa: S311 - resampling; the same each time
    medians = sorted(statistics.median(drawn.choices(ratios, k=whole)) for _ in range(_RESAMPLES))
    low, high = (medians[int(share * _RESAMPLES)] for share in _INTERVAL)
    return Ratio(value=statistics.median(ratios), low=low, high=high)
