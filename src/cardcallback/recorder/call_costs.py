"""What a sensor's calls cost its driver: the usual one, and whether it has to be judged anew."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection

# Costs are judged after this many calls: the first ones of a driver are slow. Two that are both slow are enough.
CALLS_TO_JUDGE = 5
_CALLS_TO_JUDGE_SLOW = 2
SLOW_CALL_SECONDS = 0.001
# After as many slow calls in a row as tell a cost, one that takes so small a part of the quickest of them shows that
# the driver was held up, and is not any more.
_QUICKER = 8.0
_COSTS_KEPT = 9
# No more quick calls in a row are ever needed than are kept beside the slow ones before them.
_MOST_QUICK_NEEDED = 4
# A call that takes so many times as long as the median was held up.
HELD_UP = 2.0


class CallCosts:
    """The costs of one sensor's calls that answered.

    Args:
        fewest: how many of them tell, beside the rule for slow ones.
    """

    def __init__(self, fewest: int = CALLS_TO_JUDGE) -> None:
        self._fewest = fewest
        self._first: list[float] = []
        self._latest: deque[float] = deque(maxlen=_COSTS_KEPT)
        self._usual_seconds: float | None = None
        self._changed = False
        self._calls = self._judge_at = 0
        self._quick_needed = 1

    def add(self, seconds: float) -> None:
        """A call that answered took so long."""
        self._changed = True
        self._calls += 1
        self._latest.append(seconds)
        if len(self._first) < CALLS_TO_JUDGE:
            self._first.append(seconds)

    def turned_quick(self, seconds: float) -> bool:
        """Whether with a call of ``seconds`` its driver, which was slow, shows that it is quick again.

        The first time one quick call tells; where costs were learned anew in vain, more in a row have to.
        """
        quick = self._quick_needed - 1  # before this one
        if len(self._latest) < CALLS_TO_JUDGE + quick or self._latest[-1 - quick] < SLOW_CALL_SECONDS:
            return False  # most readings need no more than that
        latest = (*self._latest, seconds)
        slow, later = latest[-CALLS_TO_JUDGE - quick - 1 : -1 - quick], latest[-1 - quick :]
        return min(slow) >= max(SLOW_CALL_SECONDS, _QUICKER * max(later))

    def take_as_usual(self, seconds: float) -> None:
        """All its calls take so long: none came in time to tell."""
        self._first = [seconds] * CALLS_TO_JUDGE
        self._changed = True

    def forget(self) -> None:
        """What was learned is not true any more."""
        self._first = []
        self._latest.clear()
        self._changed = True
        self._calls = self._judge_at = 0
        self._quick_needed = min(2 * self._quick_needed, _MOST_QUICK_NEEDED)

    @property
    def usual_seconds(self) -> float | None:
        """How long a call takes; ``None`` before enough were made to tell."""
        # Kept: whenever one sensor's cost is judged, those of all others are asked for.
        if self._changed:
            self._usual_seconds = self._by_calls()
            self._changed = False
        return self._usual_seconds

    def beside(self, others_seconds: float) -> float | None:
        """The same, where one slow call tells: its driver usually takes so long for others."""
        if self._first and SLOW_CALL_SECONDS <= min(self._first) <= HELD_UP * others_seconds:
            return min(self._first)
        return self.usual_seconds

    def are_new(self) -> bool:
        """Whether the cost is to be judged: as soon as it is known, and again after ever more calls."""
        # The count first: it is all that most readings need.
        if CALLS_TO_JUDGE < self._calls < self._judge_at or self.usual_seconds is None:
            return False
        self._judge_at = 2 * max(self._calls, CALLS_TO_JUDGE)
        return True

    def _by_calls(self) -> float | None:
        costs = sorted(self._first)
        slow = bool(costs) and costs[0] >= SLOW_CALL_SECONDS
        if len(costs) < (min(self._fewest, _CALLS_TO_JUDGE_SLOW) if slow else self._fewest):
            return None
        if len(costs) < CALLS_TO_JUDGE:
            return costs[0]
        # A machine that is busy when a run begins makes the first calls slow; a driver that is held up for a while
        # later is no reason to read rarely ever after. One that was seen to change may change again.
        return min(_usual(costs), _usual(self._latest)) if self._quick_needed == 1 else _usual(self._latest)


def _usual(costs: Collection[float]) -> float:
    """The mean of calls without those that something held up."""
    ordered = sorted(costs)
    middle = len(ordered) // 2
    most = HELD_UP * (ordered[middle] + ordered[-1 - middle]) / 2
    kept = [cost for cost in ordered if cost <= most]
    return math.fsum(kept) / len(kept)
