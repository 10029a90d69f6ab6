"""A series thinned while it grows: a fixed number of buckets whose width doubles when they run out."""

from __future__ import annotations

from array import array
from typing import Literal

from cardcallback.record import Point

Reduction = Literal["mean", "maximum"]
MOST_POINTS = 1000


class ThinnedTrace:
    """At most ``most_points`` points over any length of time, in memory that is reserved at once.

    Args:
        reduction: what a point is of the readings it stands for.
        bucket_seconds: width of the first buckets; about the distance of two readings.
        most_points: how many buckets there are.
    """

    def __init__(self, reduction: Reduction, bucket_seconds: float, most_points: int = MOST_POINTS) -> None:
        self.reduction: Reduction = reduction
        self._width = bucket_seconds
        self._most = most_points
        self._counts = array("q", bytes(8 * most_points))
        self._values = array("d", bytes(8 * most_points))
        self._times = array("d", bytes(8 * most_points))
        self._used = 0  # buckets up to the last one that holds a reading
        self.newest: Point | None = None

    def add(self, at_seconds: float, value: float) -> None:
        """One reading; one from before the begin (negative) counts to the first bucket."""
        self.newest = (at_seconds, value)
        bucket = max(int(at_seconds / self._width), 0)
        while bucket >= self._most:
            self._halve()
            bucket //= 2
        self._put(bucket, 1, value, at_seconds)

    def points(self) -> tuple[Point, ...]:
        """(mean time of the readings, their mean or maximum), in order; empty buckets are left out."""
        return tuple(
            (self._times[i] / count, self._values[i] / count if self.reduction == "mean" else self._values[i])
            for i, count in enumerate(self._counts[: self._used])
            if count
        )

    def _halve(self) -> None:
        self._used = 0
        for target in range(self._most):
            first = 2 * target
            pair = [
                (self._counts[source], self._values[source], self._times[source])
                for source in (first, first + 1)
                if source < self._most
            ]
            self._counts[target], self._values[target], self._times[target] = 0, 0.0, 0.0
            for count, value, seconds in pair:
                if count:
                    self._put(target, count, value, seconds)
        self._width *= 2

    def _put(self, bucket: int, count: int, value: float, seconds: float) -> None:
        """Add readings to a bucket; ``value`` and ``seconds`` are their sums (their maximum, for maxima)."""
        if self.reduction == "mean" or self._counts[bucket] == 0:
            self._values[bucket] += value
        else:
            self._values[bucket] = max(self._values[bucket], value)
        self._used = max(self._used, bucket + 1)
        self._counts[bucket] += count
        self._times[bucket] += seconds
