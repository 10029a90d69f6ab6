"""Whether a counter's rate changed while power went on as before: then it is the counter that contradicts itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from cardcallback.energy.blocks import Block
from cardcallback.energy.result import CONSISTENT_SHARE

# Fewer blocks, or less time, before or after a change show no rate.
_FEWEST_BLOCKS, _SHORTEST_SECONDS = 8, 15.0
# A change is told from chance where it is so many times what the intervals scatter by.
_SCATTERS = 6.0
# A gauge that may lock onto the work is believed to follow it only where it agreed so closely before.
_CLOSE_SHARE = CONSISTENT_SHARE / 4
# A stretch in so many parts shows how much its rate varies.
_PARTS = 8
# Each half of a time of one rate is as the whole, to this share of the change: of a rate that drifts it is not.
_UNEVEN = 0.2
# Power goes on as before where it changes by no more than this share of what the counter's rate does, ...
_GOES_ON = 0.25
# ... and where it hardly ever does by chance: jumps half as large as the counter's are so rare in the rest of the run.
_HALF, _RARE, _FEWEST_ELSEWHERE = 0.5, 0.05, 20
_SHORTEST_WINDOW_SECONDS = 4.0
# Windows are tried in steps of this part of them: one fits the work's period best.
_FINE = 6
# Readings of a gauge that works are not the same for ever.
_ALIVE_SHARE, _SAME = 0.5, 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class RateChange:
    """From block number ``first`` on the counter counts ``share`` more than before: less where that is negative.

    ``apart_before`` is how far both were apart until then, ``scatter`` how far these shares may usually be off, by how
    much the blocks vary.
    """

    first: int
    share: float
    apart_before: float
    scatter: float

    @property
    def wrong_share(self) -> float:
        """How far off, as a share of it, what was counted may be where nobody knows at which of both rates it was."""
        return abs(self.share) / min(1 + self.share, 1.0)


def rate_change(blocks: Sequence[Block], *, gauge_may_lock: bool) -> RateChange | None:
    """The moment from which on a counter that agreed with the gauge counts at another rate, until the end.

    ``None`` where there is none, and where the work may have changed with it: then nobody knows which of the two is
    wrong. A gauge that fails jumps itself, while the counter goes on.
    """
    both = _Both(blocks)
    if both.count < 2 * _FEWEST_BLOCKS:
        return None
    first = both.best_split()
    before, after = both.ratio(0, first), both.ratio(first, both.count)
    if not (before > 0 and after > 0):
        return None
    share = before / after - 1
    # Readings that meet the work now and then are apart from the counter by chance too.
    close = min(_CLOSE_SHARE + both.scatter_in(0, first), CONSISTENT_SHARE) if gauge_may_lock else CONSISTENT_SHARE
    agreed = abs(before - 1) <= close
    if agreed and both.changes(first, share) and both.power_goes_on(first, share):
        return RateChange(first=first, share=share, apart_before=abs(before - 1), scatter=both.scatter(first))
    return None


class _Both:
    """Counter and gauge in blocks, as sums from the begin so that those of any stretch cost nothing."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        sums = [block.whole for block in blocks]
        counter, power = [one.counter_joules for one in sums], [one.power_joules for one in sums]
        self.count = len(sums)
        self._seconds = _running([one.seconds for one in sums])
        self._counter, self._power = _running(counter), _running(power)
        self._counter_squared = _running([one * one for one in counter])
        self._power_squared = _running([one * one for one in power])
        self._product = _running([one * other for one, other in zip(counter, power, strict=True)])

    def ratio(self, begin: int, end: int) -> float:
        """Power's energy over the counter's, 0 where either is not there."""
        counter = _between(self._counter, begin, end)
        return max(_between(self._power, begin, end) / counter, 0.0) if counter > 0 else 0.0

    def best_split(self) -> int:
        """Where two rates, one before and one after, explain the blocks best."""
        splits = range(_FEWEST_BLOCKS, self.count - _FEWEST_BLOCKS + 1)
        return min(splits, key=lambda at: self._unexplained(0, at) + self._unexplained(at, self.count))

    def changes(self, first: int, share: float) -> bool:
        """Whether the ratio is one before and another after, by more than chance."""
        parts = ((0, first), (first, self.count))
        if min(_between(self._seconds, *part) for part in parts) < _SHORTEST_SECONDS:
            return False
        if abs(share) <= max(CONSISTENT_SHARE, _SCATTERS * self.scatter(first)):
            return False
        return all(self._is_even(*part, _UNEVEN * abs(share)) for part in parts)

    def scatter(self, first: int) -> float:
        """How far the two ratios may usually be off together, as a share."""
        return math.hypot(self.scatter_in(0, first), self.scatter_in(first, self.count))

    def power_goes_on(self, first: int, share: float) -> bool:
        """Whether power around the change is as it was, in work where it hardly ever changes so much by chance."""
        watts = [self._watts(self._power, at, at + 1) for at in range(first, self.count)]
        different = sum(abs(now - then) > _SAME * abs(then) for then, now in pairwise(watts))
        if different < _ALIVE_SHARE * (len(watts) - 1):
            return False
        window = 2
        while window <= min(first, self.count - first):
            if self._goes_on_over(window, first, share):
                return True
            window += max(window // _FINE, 1)
        return False

    def _goes_on_over(self, window: int, first: int, share: float) -> bool:
        if min(_between(self._seconds, first - window, first), _between(self._seconds, first, first + window)) < (
            _SHORTEST_WINDOW_SECONDS
        ):
            return False
        power, counter = self._jump(self._power, first, window), self._jump(self._counter, first, window)
        if abs(power) > _GOES_ON * abs(share) or abs(counter - share) > _HALF * abs(share):
            return False
        elsewhere = [*range(window, first - window + 1), *range(first + window, self.count - window + 1)]
        jumps = sum(abs(self._jump(self._power, at, window)) >= _HALF * abs(share) for at in elsewhere)
        return len(elsewhere) >= _FEWEST_ELSEWHERE and jumps <= _RARE * len(elsewhere)

    def _jump(self, joules: Sequence[float], at: int, window: int) -> float:
        """By which share its power over so many blocks is more than over as many before."""
        then = self._watts(joules, at - window, at)
        return self._watts(joules, at, at + window) / then - 1 if then > 0 else math.inf

    def _watts(self, joules: Sequence[float], begin: int, end: int) -> float:
        seconds = _between(self._seconds, begin, end)
        return _between(joules, begin, end) / seconds if seconds > 0 else 0.0

    def _is_even(self, begin: int, end: int, most: float) -> bool:
        middle, whole = (begin + end) // 2, self.ratio(begin, end)
        halves = (self.ratio(begin, middle), self.ratio(middle, end))
        return all(abs(half - whole) <= most * whole for half in halves)

    def scatter_in(self, begin: int, end: int) -> float:
        """How far the ratio of that stretch may usually be off, by how much it varies from one part to the next.

        In parts of many blocks: what is blurred where two blocks meet is in one of them and not in the other.
        """
        ratio, counter = self.ratio(begin, end), _between(self._counter, begin, end)
        if not (ratio > 0 and counter > 0):
            return math.inf
        size = max((end - begin) // _PARTS, 1)
        parts = [(at, min(at + size, end)) for at in range(begin, end, size)]
        left = (_between(self._power, *part) - ratio * _between(self._counter, *part) for part in parts)
        return math.hypot(*left) / (ratio * counter)

    def _unexplained(self, begin: int, end: int) -> float:
        """The squares of what one rate leaves over."""
        counter = _between(self._counter_squared, begin, end)
        shared = _between(self._product, begin, end) ** 2 / counter if counter > 0 else 0.0
        return _between(self._power_squared, begin, end) - shared


def _running(values: Sequence[float]) -> list[float]:
    return list(accumulate(values, initial=0.0))


def _between(running: Sequence[float], begin: int, end: int) -> float:
    return running[end] - running[begin]
