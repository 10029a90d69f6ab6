"""Differences of an energy counter, checked against the power readings, bridged where it misbehaves."""

from __future__ import annotations

import math
from collections import defaultdict, deque

from cardcallback.energy.agreement import RECENT, Agreement
from cardcallback.energy.ceiling import IMPOSSIBLE_WATTS, Ceiling
from cardcallback.energy.gaps import Between
from cardcallback.energy.intervals import BothWays, Check, Counted, CounterPoint, Event, watched_joules
from cardcallback.energy.lone import Grain, LateStart, Refused
from cardcallback.energy.refresh import ASSUMED_REFRESH_SECONDS, RefreshWatch
from cardcallback.energy.restarts import may_have_begun_anew, was_paused
from cardcallback.energy.traits import CounterTraits
from cardcallback.energy.twins import twin_of

# A counter that is renewed often and shows the same for longer stands still.
_STILLNESS_SECONDS, _STILL_STEPS = 5.0, 3


class CounterAccount:
    """Running sums over the intervals between counter readings."""

    def __init__(self, traits: CounterTraits) -> None:
        self.traits = traits
        self.refresh = RefreshWatch()
        self.call_seconds = 0.0  # the longest call that answered
        self.first: CounterPoint | None = None
        self.anchor: CounterPoint | None = None  # the latest reading at which the counter had moved
        self.still_until: float | None = None
        self.counted_joules = self.counted_seconds = self._short_joules = self._short_seconds = 0.0
        self.bridged_joules = self.bridged_seconds = self.longest_bridged_seconds = 0.0
        self.unbridged = Between()
        self.least_in_gaps_joules = 0.0  # of what is in the bridged joules
        self.without_gauge_seconds = 0.0  # counted while the gauge had failed
        self.refused_alone = Refused()  # where no gauge watched
        self.grain, self.late_start = Grain(), LateStart()
        self.pieces = 1
        self.agreement = Agreement()
        self.rate_doubt_joules = 0.0  # since when its rate is another is known to within this
        self.highest = Ceiling(0.0, 0.0)  # of what was counted
        self.events: defaultdict[Event, int] = defaultdict(int)
        self.recent: deque[Counted] = deque(maxlen=RECENT)
        self._may_take_back = self._bridging = False  # take back the newest of them
        self._lacking_joules = 0.0  # by power, in the interval before, which power told therefore
        self._check = Check(slack_joules=0.0)  # of the interval that is looked at

    def copy(self) -> CounterAccount:
        """An independent copy."""
        twin = twin_of(self)
        twin.events = self.events.copy()
        twin.recent = self.recent.copy()
        twin.refresh = self.refresh.copy()
        twin.agreement = self.agreement.copy()
        return twin

    @property
    def refresh_seconds(self) -> float:
        """How old the counter's value may be: as published, else as seen, else what its readings' distance allows."""
        refresh_seconds = self.traits.refresh_seconds or self.refresh.seconds or ASSUMED_REFRESH_SECONDS
        return max(refresh_seconds, self.call_seconds)

    def stale_joules(self, ceiling: Ceiling) -> float:
        """How far the value that it shows may lie behind the energy used."""
        return ceiling.joules_within(self.refresh_seconds) + self.resolution_joules

    @property
    def resolution_joules(self) -> float:
        """The smallest step it shows: as published, or as its changes share it."""
        return max(self.traits.resolution_joules, self.grain.step_joules)

    @property
    def highest_believed(self) -> Ceiling:
        """The highest mean power of what was counted, or stands although the gauge rules it out."""
        trusted = self.agreement.trusted_against_gauge
        watts = trusted.counter_joules / trusted.seconds if trusted.seconds > 0 else 0.0
        return Ceiling(watts, trusted.seconds) if watts > self.highest.highest_watts else self.highest

    @property
    def still_at_the_end_seconds(self) -> float:
        """How long the newest readings have shown the same value."""
        return self.still_until - self.anchor.at_seconds if self.still_until is not None and self.anchor else 0.0

    @property
    def usual_watts(self) -> float:
        """The mean power of what was counted so far, 0 before anything was."""
        return self.counted_joules / self.counted_seconds if self.counted_seconds > 0 else 0.0

    @property
    def stillness_seconds(self) -> float:
        """How long this counter may show the same value without anything being wrong."""
        return max(_STILLNESS_SECONDS, _STILL_STEPS * self._step_seconds)

    @property
    def _step_seconds(self) -> float:
        """How long one of its steps lasts."""
        step = self.resolution_joules / self.usual_watts if self.usual_watts > 0 else 0.0
        return max(self.refresh_seconds, step)

    @property
    def best_joules(self) -> float:
        """Energy from the first reading to the anchor: counted where good, bridged where not."""
        return self.counted_joules + self.bridged_joules

    def add(self, point: CounterPoint, check: Check) -> None:
        """The next reading, in order of time."""
        self.refresh.add(point.at_seconds, point.joules)
        self._check = check
        self._compare_no_more_since(check.gauge_failed_since)
        if self.anchor is None:
            self.first = self.anchor = point
            return
        if point.at_seconds <= self.anchor.at_seconds:
            return
        change = point.joules - self.anchor.joules
        if change == 0:
            self.still_until = point.at_seconds
            return
        self.grain = self.grain.joined(change, stood_still=self.still_at_the_end_seconds > self.refresh_seconds)
        if self._seconds(point) > self.traits.turn_seconds:
            self.events["turn"] += 1
            self._bridge(point)
        elif change > 0 and may_have_begun_anew(self.anchor, point, check, went_back=self.events["reset"] > 0):
            self.events["restart"] += 1
            self._bridge_with_restart(point, change)
        elif change < 0:
            self._backward(point, change, check)
        elif not self._lost_energy(point, change) and self._plausible(point, change, check):
            self._count(point, change)
        else:
            self._implausible(point, change, check)
        self.anchor = point
        self.still_until = None

    def _bridge_with_restart(self, point: CounterPoint, change: float) -> None:
        """Bridge what may hide a restart: at least what the counter went ahead by was used, whether it did or not."""
        before = self.best_joules
        self._bridge(point)
        unseen_joules = max(change - (self.best_joules - before), 0.0)
        self.bridged_joules += unseen_joules
        self.least_in_gaps_joules += unseen_joules

    def _backward(self, point: CounterPoint, change: float, check: Check) -> None:
        if self.traits.wraps_at is not None and self._plausible(point, change + self.traits.wraps_at, check):
            self.events["wrap"] += 1
            self._count(point, change + self.traits.wraps_at)
            return
        self.events["reset"] += 1
        if self._stood_still(point):
            self._take_back()
        self._bridge(point)

    def _implausible(self, point: CounterPoint, change: float, check: Check) -> None:
        stopped = self._stood_still(point) or self._may_have_stopped_unseen
        if stopped:
            stopped_in = self.recent[-1] if self._caught_up(point, change, check) else None
            self._take_back()
            if stopped_in is not None:
                self._count(point, stopped_in.joules + change)  # not what it shows now less what it did: it may wrap
                return
        if stopped or self._is_forbidden(point, change, check):  # in another unit throughout: no gauge is refuted
            self.events["standstill" if stopped else "forbidden"] += 1
            self._bridge(point)
            return
        # Work may begin at once and a gauge tell it late: what the device's limit allows is not ruled out.
        limit_joules = check.allowed_joules if math.isfinite(check.allowed_joules) else 0.0
        possible = change <= max(check.most_joules, limit_joules)
        integral = self._integral(point)
        self.events["dispute" if possible else "forbidden" if integral is None else "jump"] += 1
        if integral is None and change > check.allowed_joules:
            self.refused_alone = self.refused_alone.joined(self._seconds(point), change)
        if integral is not None and self.anchor is not None:
            seconds = self._seconds(point)
            self._note_highest(change if possible else 0.0, seconds)
            weak_seconds = check.weak_seconds(self.anchor.at_seconds, point.at_seconds)
            self.agreement.refuse(BothWays(seconds, change, integral, weak_seconds), possible=possible)
        self._bridge(point)
        self._lacking_joules = max(integral - change, 0.0) if integral is not None else 0.0

    def _stood_still(self, point: CounterPoint) -> bool:
        return self.still_at_the_end_seconds > self._seconds(point) / 2

    @property
    def _may_have_stopped_unseen(self) -> bool:
        """Whether it stood still, if only briefly, right after an interval that nobody watched: it may have before."""
        newest = self.recent[-1] if self._may_take_back else None
        unwatched = newest is not None and newest.integral is None
        return unwatched and self.still_at_the_end_seconds > _STILL_STEPS * self._step_seconds

    def _lost_energy(self, point: CounterPoint, change: float) -> bool:
        """Whether it moved on from such a standstill by less than the gauge saw, as one that catches up does not.

        What an interval of minutes may hide is worth more doubt than what lag blurs in a second.
        """
        integral = self._integral(point) if self._may_have_stopped_unseen else None
        still_share = self.still_at_the_end_seconds / self._seconds(point)
        return integral is not None and change < integral * (1 - still_share / 2)

    def _caught_up(self, point: CounterPoint, change: float, check: Check) -> bool:
        newest = self.recent[-1] if self._may_take_back else None
        return newest is not None and newest.caught_up_by(change, self._seconds(point), self._integral(point), check)

    def _plausible(self, point: CounterPoint, change: float, check: Check) -> bool:
        if change < 0 or self._is_forbidden(point, change, check):
            return False
        seconds, integral = self._seconds(point), self._integral(point)
        if integral is None:
            if self._stood_still(point) and self.anchor is not None and check.falls_short(change, self.anchor, point):
                return False
            return change <= check.unwatched_joules and self._plausible_alone(point, change / seconds)
        # A counter that stood still shows what it lacked before, and power has told that already.
        shows_it_late = abs(change - integral - self._lacking_joules) < abs(change - integral) / 2
        return check.agree(change, integral) and not (shows_it_late and self._stood_still(point))

    def _is_forbidden(self, point: CounterPoint, change: float, check: Check) -> bool:
        # A machine that was suspended had its devices off, which a counter tells whose unit was seen to be right.
        return check.forbids(change, may_have_been_off=self.counted_seconds > 0 and was_paused(self.anchor, point))

    def _plausible_alone(self, point: CounterPoint, watts: float) -> bool:
        seconds = self._seconds(point)
        # A device may go from idle to full load at once; two refreshes may fall into a short interval.
        if watts > IMPOSSIBLE_WATTS * (1 + self.refresh_seconds / seconds):
            return False
        long = seconds > 2 * self.stillness_seconds
        return not (self._stood_still(point) and long and watts < self.usual_watts / 2)

    def _integral(self, point: CounterPoint) -> float | None:
        """Energy the gauge saw since the anchor; ``None`` where it did not see all of it, or had failed."""
        if self.anchor is None or self._check.gauge_failed:
            return None
        return watched_joules(self.anchor.power, point.power)

    def distrust_stillness(self, *, gauge_saw: bool) -> None:
        """Before closing: a counter that stands still stopped somewhere in the interval before.

        Where the gauge saw the end too, nothing is lost by believing that early.
        """
        patience = _STILL_STEPS * self._step_seconds if gauge_saw else self.stillness_seconds
        if self.still_at_the_end_seconds > patience:
            self._take_back()

    def _take_back(self) -> None:
        """Forget the newest counted interval, in the middle of which the counter may have stopped."""
        if not self._may_take_back:
            return
        newest = self.recent.pop()
        self.counted_joules -= newest.joules
        self.counted_seconds -= newest.seconds
        self.agreement.take_back(newest)
        self.anchor = newest.begin
        self._may_take_back = False

    def _compare_no_more_since(self, seconds: float) -> None:
        """Forget what the gauge said since then: it had failed, which shows only after a while."""
        while self.recent and self.recent[-1].begin.at_seconds + self.recent[-1].seconds > seconds:
            newest = self.recent.pop()
            self._may_take_back = False
            self.agreement.compare_no_more(newest)

    def _seconds(self, point: CounterPoint) -> float:
        return point.at_seconds - self.anchor.at_seconds if self.anchor else 0.0

    def _count(self, point: CounterPoint, joules: float) -> None:
        seconds = self._seconds(point)
        self.counted_joules += joules
        self.counted_seconds += seconds
        self._note_highest(joules, seconds)
        self._bridging, self._lacking_joules = False, 0.0
        self._may_take_back = self.anchor is not None and self.anchor.power is not None
        if self.anchor is not None:
            self.recent.append(Counted(self.anchor, seconds, joules, self._integral(point), self._check.slept))
            self.agreement.count(self.recent[-1])
            if self.anchor is self.first and self.recent[-1].integral is None:
                self.late_start = LateStart(self.still_at_the_end_seconds, seconds, joules)
        self.without_gauge_seconds += seconds if self._check.gauge_failed else 0.0

    def _note_highest(self, joules: float, seconds: float) -> None:
        # One refresh more or less falls into a short interval: such ones are taken together.
        if seconds <= 2 * self.refresh_seconds:
            self._short_joules = joules = self._short_joules + joules
            self._short_seconds = seconds = self._short_seconds + seconds
        if seconds > 2 * self.refresh_seconds:
            self._short_joules = self._short_seconds = 0.0
            watts = max(joules - self.resolution_joules, 0.0) / seconds
            self.highest = Ceiling(max(self.highest.highest_watts, watts), max(self.highest.averaging_seconds, seconds))

    def _bridge(self, point: CounterPoint) -> None:
        if not self._bridging:
            self.pieces += 1
        self._bridging, self._may_take_back, self._lacking_joules = True, False, 0.0
        seconds = self._seconds(point)
        if self.anchor is None or self.anchor.power is None or point.power is None:
            self.unbridged = self.unbridged.joined(seconds)
            return
        gap = min(max(point.power.gap_seconds - self.anchor.power.gap_seconds, 0.0), seconds)
        self.bridged_joules += point.power.joules - self.anchor.power.joules
        self.bridged_seconds += seconds - gap
        self.longest_bridged_seconds = max(self.longest_bridged_seconds, seconds)
        self.unbridged = self.unbridged.joined(gap, self._check.slept)
