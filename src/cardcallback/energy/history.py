"""A cumulative series that is fine near its end and coarser the further back one asks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

_POINTS_PER_LEVEL = 64

Stretch = tuple[float, float]  # begin and end, seconds
NEVER: Stretch = (float("inf"), float("-inf"))


def overlap_seconds(one: Stretch, other: Stretch) -> float:
    """How much time two stretches share."""
    return max(min(one[1], other[1]) - max(one[0], other[0]), 0.0)


@dataclass(frozen=True, slots=True)
class Cumulative:
    """Joules and unseen seconds since the begin, at one time.

    ``spacing_seconds`` is the distance of the two points the value was interpolated between.
    """

    at_seconds: float
    joules: float
    gap_seconds: float
    spacing_seconds: float = 0.0


class FadingHistory:
    """Points of a cumulative series; memory grows with the logarithm of their number.

    Level k keeps the newest points at every 2**k-th append, so that the spacing around a time is at most
    about three percent of its age.
    """

    def __init__(self) -> None:
        self._levels: list[deque[Cumulative]] = []
        self._appended = 0

    @property
    def last(self) -> Cumulative | None:
        """The newest point."""
        return self._levels[0][-1] if self._levels else None

    def append(self, point: Cumulative) -> None:
        """Add a point; points must come in order of time."""
        for level in range(len(self._levels) + 1):
            if self._appended % (1 << level):
                break
            if level == len(self._levels):
                # A coarser level starts just before the one below it would forget its first point.
                if level and self._appended + (1 << level) < _POINTS_PER_LEVEL << (level - 1):
                    break
                older = self._levels[-1] if self._levels else ()
                self._levels.append(deque(list(older)[::2], maxlen=_POINTS_PER_LEVEL))
            self._levels[level].append(point)
        self._appended += 1

    def at(self, seconds: float) -> Cumulative | None:
        """The series at a time, interpolated; ``None`` before its first point or after its last."""
        for level in self._levels:
            if level[0].at_seconds <= seconds:
                return _interpolated(_with_newest(level, self._levels[0][-1]), seconds)
        return None


def _with_newest(level: deque[Cumulative], newest: Cumulative) -> Iterator[Cumulative]:
    yield from level
    yield newest


def _interpolated(points: Iterator[Cumulative], seconds: float) -> Cumulative | None:
    before = next(points)
    for after in points:
        if after.at_seconds >= seconds:
            return between(before, after, seconds)
        before = after
    return before if before.at_seconds == seconds else None


def between(before: Cumulative, after: Cumulative, seconds: float) -> Cumulative:
    """The straight line through two points, at a time."""
    spacing = after.at_seconds - before.at_seconds
    share = (seconds - before.at_seconds) / spacing if spacing > 0 else 1.0
    return Cumulative(
        at_seconds=seconds,
        joules=before.joules + share * (after.joules - before.joules),
        gap_seconds=before.gap_seconds + share * (after.gap_seconds - before.gap_seconds),
        spacing_seconds=spacing,
    )
