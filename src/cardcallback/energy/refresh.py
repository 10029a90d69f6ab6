"""How often an energy counter is renewed, seen from readings that lie closer together than that."""

from __future__ import annotations

from collections import deque

from cardcallback.energy.twins import twin_of

# What is assumed of a counter that nobody published it of and that was not read often enough to see it:
# ten times what NVIDIA's other counters show, and as far apart as such a counter is read.
ASSUMED_REFRESH_SECONDS = 1.0
_FEWEST_CHANGES = 5
_MOST_KEPT = 16


class RefreshWatch:
    """The distances of a counter's changes, each as long as the readings around it allow."""

    def __init__(self) -> None:
        self.distances: deque[float] = deque(maxlen=_MOST_KEPT)
        self._unchanged_since: float | None = None  # the last reading before the change before
        self._previous: tuple[float, float] | None = None
        self._first: float | None = None
        self._last_change = 0.0
        self._value_since = 0.0
        self._longest_repeat_seconds = 0.0
        self._seconds: float | None = None

    def copy(self) -> RefreshWatch:
        """An independent copy."""
        twin = twin_of(self)
        twin.distances = self.distances.copy()
        return twin

    @property
    def seconds(self) -> float | None:
        """How far apart changes lie at most; ``None`` before enough were seen."""
        return self._seconds  # kept: it is asked for at every reading, and after the first ones never another

    @property
    def saw_it_rest(self) -> bool:
        """Whether readings lay close enough to see a value stay; where each shows another, they bound it alone."""
        return self._longest_repeat_seconds > 0

    def _by_changes(self) -> float | None:
        count = len(self.distances)
        if count < _FEWEST_CHANGES or self._unchanged_since is None or self._first is None:
            return None
        # A reading that came late makes one distance long; a counter that is renewed late makes many so.
        most = sorted(self.distances)[(3 * count) // 4]
        # Where every reading shows a change, their number in all the time says more.
        seen = min(most, (self._last_change - self._first) / count)
        # Readings that see no value for half as long as this tell nothing beyond their own distance.
        return min(seen, max(2 * self._longest_repeat_seconds, ASSUMED_REFRESH_SECONDS))

    def add(self, at_seconds: float, joules: float) -> None:
        """One reading, in order of time; only the first of a session tell, where they are closest."""
        previous, self._previous = self._previous, (at_seconds, joules)
        if previous is None:
            self._value_since = at_seconds
        if previous is None or len(self.distances) == _MOST_KEPT:
            return
        if joules == previous[1]:
            self._longest_repeat_seconds = max(self._longest_repeat_seconds, at_seconds - self._value_since)
            self._seconds = self._by_changes()
            return
        repeated, self._value_since = previous[0] > self._value_since, at_seconds
        self._first = previous[0] if self._first is None else self._first
        if self._unchanged_since is not None:
            distance = at_seconds - self._unchanged_since
            if repeated or self._seconds is None or distance <= self._seconds:
                self.distances.append(distance)
            else:  # readings that lie further apart than it is renewed, each with a change: it may have been many
                self._first += at_seconds - self._last_change
        self._unchanged_since, self._last_change = previous[0], at_seconds
        self._seconds = self._by_changes()
