"""The gaps between readings, and what the work around them says of the energy used in them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cardcallback.energy.asleep import NEVER_ASLEEP, NOT_SLEPT, Asleep, Slept
from cardcallback.energy.ceiling import SUSTAINED_MARGIN, Ceiling

# Time that nobody watched is taken to be like the time around it only where that is so many times as long, and was seen
# in so many pieces of its length: that the highest of them all is the one that is missing is as rare as they are many.
_LIKE_SHARE = 0.05
_FEWEST_PIECES = 16
# ... and of a device at work: one that idles draws less than this share of what it may, and may begin to work unseen.
_WORKING_SHARE = 0.25
_BESIDE_SECONDS = 1.5
# Shorter pieces say little that the highest reading does not.
_SHORTEST_PIECE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Between:
    """Gaps between two readings each: how long all of them, the longest and the shortest are.

    For ``slept_seconds`` of them the machine was suspended, and right after it the gauge showed ``watts_after``.
    """

    seconds: float = 0.0
    longest_seconds: float = 0.0
    shortest_seconds: float = math.inf
    slept_seconds: float = 0.0
    watts_after: float = 0.0

    def joined(self, seconds: float, slept: Slept = NOT_SLEPT) -> Between:
        """These and one more."""
        if seconds <= 0:
            return self
        # Readings beside a gap stand for a part of the sleep too.
        known = slept.gauge_joules is not None and 0 < slept.seconds <= seconds + _BESIDE_SECONDS
        watts = (slept.gauge_joules or 0.0) / slept.seconds if known else 0.0
        return Between(
            self.seconds + seconds,
            max(self.longest_seconds, seconds),
            min(self.shortest_seconds, seconds),
            self.slept_seconds + (min(slept.seconds, seconds) if known else 0.0),
            max(self.watts_after, watts),
        )


@dataclass(slots=True)
class _Pieces:
    """Pieces of about one length: how many, the extremes of their mean power, and one that waits for its neighbour."""

    count: int = 0
    longest_seconds: float = 0.0
    lowest_watts: float = math.inf
    highest_watts: float = 0.0
    waiting: tuple[float, float] | None = None


class SustainedPower:
    """The highest and the lowest mean power over watched pieces of a fraction of a second, of twice that and so on."""

    def __init__(self) -> None:
        self._lengths: list[_Pieces] = []
        self._seconds = self._joules = 0.0

    def add(self, seconds: float, joules: float) -> None:
        """What was watched next."""
        self._seconds += seconds
        self._joules += joules
        if self._seconds >= _SHORTEST_PIECE_SECONDS:
            self._keep(self._seconds, self._joules)
            self._seconds = self._joules = 0.0

    def break_off(self) -> None:
        """What follows does not join on."""
        self._seconds = self._joules = 0.0
        for pieces in self._lengths:
            pieces.waiting = None

    def bounds(self, seconds: float) -> tuple[float, float] | None:
        """The lowest and highest mean over pieces no longer than that; ``None`` where too few were watched."""
        enough = [one for one in self._lengths if one.count >= _FEWEST_PIECES and one.longest_seconds <= seconds]
        return (enough[-1].lowest_watts, enough[-1].highest_watts) if enough else None

    def _keep(self, seconds: float, joules: float) -> None:
        for level in range(len(self._lengths) + 1):
            if level == len(self._lengths):
                self._lengths.append(_Pieces())
            pieces, watts = self._lengths[level], joules / seconds
            pieces.count += 1
            pieces.longest_seconds = max(pieces.longest_seconds, seconds)
            pieces.lowest_watts = min(pieces.lowest_watts, watts)
            pieces.highest_watts = max(pieces.highest_watts, watts)
            if pieces.waiting is None:
                pieces.waiting = (seconds, joules)
                return
            seconds, joules = seconds + pieces.waiting[0], joules + pieces.waiting[1]
            pieces.waiting = None


class Gaps:
    """Streaming sums over the time that one gauge did not see.

    ``edge_joules`` is how far off the readings beside gaps may be, unrelated to each other. ``held_joules`` is held to
    have been used right before readings that follow gaps: a mean that is made anew only while the device is on tells of
    the time before it was off.
    """

    def __init__(self) -> None:
        self.edge_joules = self.held_joules = 0.0
        self.seconds = self.lead_seconds = self.longest_seconds = 0.0
        self._between_seconds = 0.0  # with readings before and after
        self._shortest_between_seconds = math.inf
        self._around = SustainedPower()
        self._watched_seconds = self._watched_joules = 0.0

    def add_watched(self, seconds: float, joules: float) -> None:
        """What was seen next."""
        self._around.add(seconds, joules)
        self._watched_seconds += seconds
        self._watched_joules += joules

    def add_lead(self, seconds: float) -> None:
        """The gap before the first reading."""
        self.lead_seconds = seconds
        self._count(seconds)

    def add_between(self, seconds: float, *, held_joules: float, edge_joules: float) -> None:
        """A gap between two readings."""
        self.held_joules += held_joules
        self.edge_joules = math.hypot(self.edge_joules, edge_joules)
        self._around.break_off()
        self._between_seconds += seconds
        self._shortest_between_seconds = min(self._shortest_between_seconds, seconds)
        self._count(seconds)

    def most_joules(
        self, all_seconds: float, watched_seconds: float, ceiling: Ceiling, asleep: Asleep = NEVER_ASLEEP
    ) -> float | None:
        """The most energy of ``all_seconds`` of gaps, those of the begin and the end included; ``None``: no bound."""
        between = Between(self._between_seconds, shortest_seconds=self._shortest_between_seconds)
        ends_seconds = max(all_seconds - self._between_seconds, 0.0)
        return self.most_between(between, ends_seconds, watched_seconds, ceiling, asleep)

    def most_between(
        self, between: Between, ends_seconds: float, watched_seconds: float, ceiling: Ceiling, asleep: Asleep
    ) -> float | None:
        """The same of gaps between readings, in parts of which the device slept, and of those at begin and end."""
        awake_seconds = max(between.seconds - asleep.seconds, 0.0)
        _, like_around = self.like_around(awake_seconds, between.shortest_seconds, ceiling)
        whole = ceiling.joules_in_gap(ends_seconds + awake_seconds, watched_seconds)
        ends = ceiling.joules_in_gap(ends_seconds, watched_seconds)
        parts = math.inf if ends is None else ends + like_around
        most = min(math.inf if whole is None else whole, parts)
        return None if math.isinf(most) else most + asleep.most_joules

    def watts_around(self, seconds: float) -> tuple[float, float] | None:
        """The lowest and highest mean power over watched pieces no longer than that; ``None`` where too few were."""
        return self._around.bounds(seconds)

    def like_around(self, seconds: float, shortest_seconds: float, ceiling: Ceiling) -> tuple[float, float]:
        """The least and most energy of pieces of time, none shorter than that, if the work went on as around them.

        Zero and infinite where too little was watched to say so, or the device may not have been at work.
        """
        is_short = seconds <= _LIKE_SHARE * self._watched_seconds
        around = self.watts_around(shortest_seconds) if is_short and self._at_work(ceiling.limit_watts) else None
        if around is None:
            return 0.0, math.inf
        lowest_watts, highest_watts = around
        return lowest_watts / SUSTAINED_MARGIN * seconds, SUSTAINED_MARGIN * highest_watts * seconds

    def _at_work(self, limit_watts: float | None) -> bool:
        return limit_watts is not None and self._watched_joules >= _WORKING_SHARE * limit_watts * self._watched_seconds

    def _count(self, seconds: float) -> None:
        self.seconds += seconds
        self.longest_seconds = max(self.longest_seconds, seconds)
