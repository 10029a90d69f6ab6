"""The energy of one device: counter, integral and the best of both, fed reading by reading."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace

from cardcallback.energy.asleep import Sleeps
from cardcallback.energy.ceiling import Ceiling
from cardcallback.energy.changed import RateWatch, corrected_since
from cardcallback.energy.closing import better_of, close_best, close_counter
from cardcallback.energy.comparison import LONG_EDGE_SECONDS, compare, gauge_of
from cardcallback.energy.counter import CounterAccount
from cardcallback.energy.history import NEVER, Cumulative, FadingHistory
from cardcallback.energy.integral import PowerIntegral
from cardcallback.energy.intervals import Check, CounterPoint, shown, watched_joules
from cardcallback.energy.moving import LatestResult, Standings, standings
from cardcallback.energy.notes import LATE_NOTE, account_notes, gauge_notes, sleep_notes
from cardcallback.energy.phases import PhaseSums
from cardcallback.energy.result import AccountResult, PhaseSum, Visit
from cardcallback.energy.traits import CounterTraits, PowerTraits

# Counter readings that may wait for the power readings to catch up with them: as many as come within a second's lag
# while a counter's refresh is watched for.
_MOST_QUEUED = 128


class EnergyAccount:
    """Streaming account of one device; its memory does not grow with the run.

    Args:
        counter: the energy counter's traits, or ``None`` without one.
        power: the power gauge's traits, or ``None`` without one.
        begin_seconds: when the window begins, on the same clock as the readings.
        limit_watts: what the device may draw, as its driver or maker says; ``None`` where neither does.
    """

    def __init__(
        self,
        *,
        counter: CounterTraits | None,
        power: PowerTraits | None,
        begin_seconds: float = 0.0,
        limit_watts: float | None = None,
    ) -> None:
        self.begin_seconds, self._limit_watts = begin_seconds, limit_watts
        self._integral = PowerIntegral(power, begin_seconds, limit_watts=limit_watts) if power is not None else None
        self._counter = CounterAccount(counter) if counter is not None else None
        self._waiting: deque[CounterPoint] = deque()
        self._was_lost = False
        self._late: tuple[tuple[CounterPoint, float], ...] = ()  # the latest one, with how long its call took
        self._rates = RateWatch(gauge_may_lock=power is not None and power.may_lock)
        self._best = FadingHistory()
        self._lead_joules = 0.0
        self._begin_power: Cumulative | None = None  # kept, since the history forgets detail
        self._phases = PhaseSums(begin_seconds, self._best_at, self._mark_doubt, self._most_in_gap)
        self._sleeps, self._latest = Sleeps(power), LatestResult(begin_seconds)

    def add_counter(self, at_seconds: float, joules: float) -> None:
        """A reading of the energy counter, in joules."""
        if self._counter is None:
            msg = "this account was opened without a counter"
            raise ValueError(msg)
        self._waiting.append(CounterPoint(at_seconds, shown(joules), None, after_loss=self._was_lost))
        self._was_lost, self._late = False, ()
        self._settle()

    def add_late_counter(self, at_seconds: float, joules: float, call_seconds: float) -> None:
        """A reading that is true of some moment within a long call: it tells as long as no better one follows."""
        self._late = ((CounterPoint(at_seconds, shown(joules), None, after_loss=self._was_lost), call_seconds),)

    def note_loss(self) -> None:
        """The device was lost since the latest readings: its counter may have begun anew."""
        self._was_lost = True

    def note_sleep(self, begin_seconds: float, end_seconds: float) -> None:
        """The machine was suspended, and the device perhaps with it; told before the readings that follow."""
        self._sleeps.add(begin_seconds, end_seconds)

    def add_power(self, at_seconds: float, watts: float) -> None:
        """A reading of the power gauge, in watts."""
        if self._integral is None:
            msg = "this account was opened without a power gauge"
            raise ValueError(msg)
        self._integral.add(at_seconds, shown(watts))
        self._sleeps.add_power(at_seconds, watts, self._integral.traits.gap_after_seconds)
        self._settle()

    def note_call(self, seconds: float) -> None:
        """A reading of the counter may be true of any moment within so long a call."""
        if self._counter is not None:
            self._counter.call_seconds = max(self._counter.call_seconds, seconds)

    def read_power_every(self, interval_seconds: float, delivered_seconds: float = 0.0) -> None:
        """From now on the power gauge is read at this interval, and each reading is at most so late."""
        if self._integral is not None:
            self._integral.read_every(interval_seconds, delivered_seconds)

    def mark_phase(self, phase: str, begin_seconds: float, end_seconds: float) -> None:
        """One visit of a phase, told after it ended; its begin may lie far back."""
        if end_seconds > begin_seconds:
            self._phases.add(Visit(phase, begin_seconds, end_seconds))
            self._settle()

    def result(self, end_seconds: float, *, explained: bool = True) -> AccountResult:
        """The energies of the window from the begin to ``end_seconds``; changes nothing.

        Where it need not be ``explained``, comparison and notes are left out, which are a quarter of the work.
        """
        duration = max(end_seconds - self.begin_seconds, 0.0)
        account = self._settled_counter(end_seconds)
        ceiling = self._ceiling(account.highest_believed if account is not None else None)
        gauge = gauge_of(self._integral, ceiling, duration, self._sleeps)
        alone, gaps = account is None or account.anchor is None or account.counted_seconds <= 0, self._sleeps.gaps
        integrated = self._integral.result(end_seconds, alone=alone, asleep=gaps) if self._integral else None
        if account is None or account.anchor is None:
            notes = self._gauge_notes(alone=True, still_seconds=gauge.still.seconds)
            made = AccountResult(
                duration_seconds=duration, counter=None, integrated=integrated, best=integrated, notes=notes
            )
            self._latest.keep(made if self._counter is None else None, self._standings(end_seconds))
            return made
        end = CounterPoint(end_seconds, 0.0, self._gauge_at(end_seconds))
        bridged = account.bridged_seconds > 0 or end_seconds - account.anchor.at_seconds > LONG_EDGE_SECONDS
        change = self._rates.change(account.agreement, anew=explained)
        notes = ()
        if explained:
            notes = account_notes(account, gauge, change)
            notes += self._gauge_notes(alone=bridged, still_seconds=gauge.still.seconds)
            notes += (LATE_NOTE,) if any(seconds <= account.call_seconds for _, seconds in self._late) else ()
        account.distrust_stillness(gauge_saw=watched_joules(account.anchor.power, end.power) is not None)
        begin_power = self._begin_power or self._gauge_at(self.begin_seconds, end_seconds)
        begin = CounterPoint(self.begin_seconds, 0.0, begin_power)
        counter = close_counter(account, begin, end, gauge)
        believed = account if change is None else corrected_since(account, change, gauge.relative_doubt)
        best = close_best(believed, begin, end, gauge, integrated) if counter is not None else None
        best = integrated if best is None else better_of(best, integrated, account, gauge, duration)
        counted = change is None and best is not None and best.method != "integrated_power"
        step = believed.agreement.doubted_sleep(gauge.sleeps.lowest_awake_watts, account.refresh_seconds)
        made = AccountResult(
            duration_seconds=duration,
            counter=counter,
            integrated=integrated,
            best=best,
            consistency=compare(believed, gauge) if explained else None,
            notes=(*notes, *sleep_notes(*step, best)) if explained else (),
        )
        self._latest.compared = tuple(self._waiting)[-1:]
        self._latest.keep(made if counted else None, self._standings(end_seconds))
        return made

    def moved_on(self, end_seconds: float) -> AccountResult | None:
        """The energies, by moving the latest result on to ``end_seconds``; ``None`` where that cannot tell."""
        return self._latest.moved_on(self._standings(end_seconds), self.ceiling)

    def phases(self) -> dict[str, PhaseSum]:
        """The sum over all visits of each phase, those that just ended included; changes nothing."""
        sums = self._phases.all()
        change = self._rates.change(self._counter.agreement, anew=False) if self._counter is not None else None
        if change is not None:  # any visit may lie after it
            for phase in sums.values():
                phase.doubt_joules += change.wrong_share * abs(phase.joules)
        return sums

    @property
    def ceiling(self) -> Ceiling:
        """The most energy the device can have used in a time; not known before any reading."""
        return self._ceiling(self._counter.highest if self._counter is not None else None)

    @property
    def counter(self) -> CounterAccount | None:
        """The sums over the counter's intervals, as far as the gauge has caught up; ``None`` without a counter."""
        return self._counter

    def _ceiling(self, by_counter: Ceiling | None) -> Ceiling:
        by_gauge = self._integral.ceiling if self._integral is not None else Ceiling(0.0, 0.0, self._limit_watts)
        # What the gauge does not see in its moments the counter may hold.
        if by_counter is None or by_counter.highest_watts <= by_gauge.highest_watts:
            by_counter = by_gauge
        doubted = self._integral is not None and self._integral.sieve.doubts_limit
        return replace(by_counter, limit_watts=None if doubted else self._limit_watts)

    def _settle(self) -> None:
        if self._begin_power is None and self._integral is not None and self._gauge_reaches(self.begin_seconds):
            self._begin_power = self._gauge_at(self.begin_seconds)
        while self._waiting and (self._gauge_reaches(self._waiting[0].at_seconds) or len(self._waiting) > _MOST_QUEUED):
            self._count(self._waiting.popleft())
        self._phases.settle(self._known_to)

    def _gauge_reaches(self, seconds: float) -> bool:
        return self._integral is None or (self._integral.readings > 0 and self._integral.lagged_to >= seconds)

    def _known_to(self, seconds: float) -> bool:
        if self._counter is None:
            return self._gauge_reaches(seconds)
        return self._best.last is not None and self._best.last.at_seconds >= seconds

    def _count(self, point: CounterPoint) -> None:
        if self._counter is None:
            return
        before, counted_seconds = self._counter.anchor, self._counter.counted_seconds
        power = self._gauge_at(point.at_seconds)
        self._feed(self._counter, replace(point, power=power))
        anchor = self._counter.anchor
        if anchor is None or anchor is before:
            return
        if before is not None and self._integral is not None and self._counter.counted_seconds != counted_seconds:
            seconds = self._counter.counted_seconds - counted_seconds
            begin = before.at_seconds + min(seconds, 0.0)  # less than before: its newest interval was taken back
            self._integral.witness(begin, begin + abs(seconds), told=seconds > 0)
        if before is None:
            first = self._begin_power
            self._lead_joules = power.joules - first.joules if power is not None and first is not None else 0.0
        joules = self._lead_joules + self._counter.best_joules
        self._best.append(Cumulative(anchor.at_seconds, joules, self._counter.unbridged.seconds))

    def _standings(self, end_seconds: float) -> Standings:
        told = (self._was_lost, self._late, self._sleeps.newest_end_seconds)
        counted = None if self._counter is None or self._best.last is None else (self._counter, self._best.last)
        waiting = tuple(one for one in self._latest.compared if one in self._waiting)
        return standings(end_seconds, counted, waiting, self._integral, told)

    def _settled_counter(self, end_seconds: float) -> CounterAccount | None:
        if self._counter is None:
            return None
        account = self._counter.copy()
        newest = self._waiting[-1] if self._waiting else self._counter.anchor
        told = newest is not None and self._gauge_saw(newest.at_seconds, end_seconds)  # better than by a late one
        for point, call_seconds in (*((one, 0.0) for one in self._waiting), *(() if told else self._late)):
            account.call_seconds = max(account.call_seconds, call_seconds)
            self._feed(account, replace(point, power=self._gauge_at(point.at_seconds, end_seconds)))
        return account

    def _gauge_saw(self, begin_seconds: float, end_seconds: float) -> bool:
        return watched_joules(self._gauge_at(begin_seconds, end_seconds), self._gauge_at(end_seconds)) is not None

    def _feed(self, counter: CounterAccount, point: CounterPoint) -> None:
        since = counter.anchor.at_seconds if counter.anchor is not None else point.at_seconds
        seconds = point.at_seconds - since
        ceiling = self._ceiling(counter.highest)
        most, allowed = ceiling.most_shown(seconds + counter.refresh_seconds, counter.resolution_joules)
        # A gauge that is back shows how the device works by now; one that is gone or has failed knows nothing of it.
        integral = self._integral
        failed_since = math.inf if integral is None else integral.failed_since(since, point.at_seconds)
        is_back = integral is not None and failed_since == math.inf and self._gauge_reaches(point.at_seconds)
        check = Check(
            slack_joules=self._slack_joules(counter, seconds),
            most_joules=most,
            allowed_joules=allowed,
            unwatched_joules=most if is_back else allowed,
            least_joules=ceiling.least_joules(seconds),
            gauge_still=integral.stillness.latest if integral is not None else NEVER,
            gauge_failed_since=failed_since,
            gauge_sees_everything=integral is not None and integral.sees_everything,
            slept=self._sleeps.within((since, point.at_seconds)),
        )
        counter.add(point, check)

    def _gauge_at(self, seconds: float, silent_until: float | None = None) -> Cumulative | None:
        return self._integral.at(seconds, silent_until=silent_until) if self._integral is not None else None

    def _gauge_notes(self, *, alone: bool, still_seconds: float) -> tuple[str, ...]:
        if self._integral is None:
            return ()
        # Beside a counter a gauge that stands still is found out by it.
        still = self._integral.stillness.longest_seconds if alone else 0.0
        return gauge_notes(self._integral.sieve, still, spanned=alone and still_seconds > 0)

    def _slack_joules(self, counter: CounterAccount, seconds: float) -> float:
        """How far one interval of a healthy counter may be from the gauge."""
        stale = counter.stale_joules(self._ceiling(counter.highest))
        if self._integral is None:
            return stale
        return stale + 2 * self._integral.edge_joules + self._integral.sampling_joules(seconds)

    def _best_at(self, seconds: float) -> Cumulative | None:
        newest = self._best.last
        if newest is None:
            return self._gauge_at(seconds)
        if seconds <= newest.at_seconds:
            return self._best.at(seconds) or self._gauge_at(seconds)
        now, then = self._gauge_at(seconds), self._gauge_at(newest.at_seconds)
        if now is None or then is None:
            return None
        return Cumulative(
            seconds,
            newest.joules + now.joules - then.joules,
            newest.gap_seconds + now.gap_seconds - then.gap_seconds,
        )

    def _most_in_gap(self, gap_seconds: float, watched_seconds: float) -> float | None:
        return self.ceiling.joules_in_gap(gap_seconds, watched_seconds)

    def _mark_doubt(self, mark: Cumulative) -> float:
        """A straight line between two points is off by at most a quarter of their distance at the highest power."""
        line = self.ceiling.joules_within(mark.spacing_seconds / 4)
        edge = self._integral.edge_joules if self._integral is not None else 0.0
        return math.hypot(line, edge if self._counter is None else self._counter.stale_joules(self.ceiling))
