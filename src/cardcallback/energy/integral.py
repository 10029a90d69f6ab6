"""The integral of power readings over time, corrected for their lag, with what was not seen kept apart."""

from __future__ import annotations

import math
from dataclasses import replace

from cardcallback.energy.asleep import NEVER_ASLEEP, Asleep
from cardcallback.energy.ceiling import Ceiling
from cardcallback.energy.gaps import Gaps
from cardcallback.energy.grain import Grain
from cardcallback.energy.history import Cumulative, FadingHistory
from cardcallback.energy.missed import MissedWork
from cardcallback.energy.result import EnergyResult
from cardcallback.energy.sieve import ReadingSieve
from cardcallback.energy.stillness import NEVER_STILL, StillDoubt, Stillness
from cardcallback.energy.traits import PowerTraits

# A bound of this many standard deviations of the error of independent samples.
_DEVIATIONS = 3.0
# Readings further apart than so many refreshes, at distances that vary, meet the work at random.
_IN_STEP_REFRESHES = 2.0
# In a part of a run the work may change so much more than in the whole.
_UNEVEN = 1.5
# How many steps as large as the highest reading the work is taken to make beside those that were seen.
_UNLEARNED_STEPS = 4


class PowerIntegral:
    """Streaming integral of one gauge from ``begin_seconds`` on.

    A reading is the mean over the past, so it stands for the time ``traits.lag_seconds`` earlier. Before
    the begin the power is taken to have been what the first reading says; after the last reading, what
    that one says. Both assumptions are in the bounds. ``limit_watts``: what the device may draw, if known.
    """

    def __init__(self, traits: PowerTraits, begin_seconds: float = 0.0, *, limit_watts: float | None = None) -> None:
        self.traits = traits
        self.begin_seconds = begin_seconds
        self.limit_watts = limit_watts
        self.sieve = ReadingSieve(traits)
        self.lowest = math.inf
        self.highest = 0.0
        self.readings = 0
        self.gaps = Gaps()
        self._history = FadingHistory()
        self.stillness = Stillness()
        self._ceiling = Ceiling(0.0, traits.averaging_seconds, limit_watts)
        self._grain = Grain()
        self._gap_after_seconds = traits.gap_after_seconds
        self._first_watts = self._last_watts = 0.0
        self._last_at = -math.inf
        self._joules = 0.0
        self._unseen_seconds = self._unseen_squared = 0.0
        self._missed, self._missed_of_renewals = MissedWork(traits), MissedWork(traits)
        self._steps = 0
        self._blind_joules = 0.0
        self._sum = self._sum_squared = 0.0

    def read_every(self, interval_seconds: float, delivered_seconds: float) -> None:
        """From now on it is read at this interval, and each reading is at most so late."""
        self.traits = replace(self.traits, interval_seconds=interval_seconds, delivered_seconds=delivered_seconds)
        # The next reading was planned before, maybe for much later than others from now on: that is no loss.
        self._gap_after_seconds = max(self._gap_after_seconds, self.traits.gap_after_seconds)

    def add(self, at_seconds: float, watts: float) -> None:
        """One reading; one that cannot be true, or is not later than the one before, is left out."""
        for moment, power in self.sieve.pass_on(at_seconds, watts, self.ceiling):
            self._add(moment, power)

    def _add(self, at_seconds: float, watts: float) -> None:
        if at_seconds <= self._last_at:
            return
        self.stillness.add(at_seconds, watts)
        stood_seconds = self._grain.add(at_seconds, watts)
        if self.readings == 0:
            self._begin(at_seconds, watts)
        else:
            self._extend(at_seconds, watts)
            if stood_seconds > 0:
                self._missed_of_renewals.add(watts - self._last_watts, stood_seconds)
        self._last_at, self._last_watts = at_seconds, watts
        self._gap_after_seconds = self.traits.gap_after_seconds
        self._remember(self.lagged_to)
        self.lowest, self.highest = min(self.lowest, watts), max(self.highest, watts)
        self.readings += 1
        self._sum += watts
        self._sum_squared += watts * watts

    @property
    def lagged_to(self) -> float:
        """The time up to which readings say what happened."""
        return self._last_at - self.traits.lag_seconds

    @property
    def refresh_seconds(self) -> float:
        """How old a reading may be: as published, or longer where readings were seen to stand for longer."""
        return max(self.traits.refresh_seconds, self._grain.renewal_seconds)

    @property
    def sees_everything(self) -> bool:
        """Whether each moment is in some reading: as published, unless readings stood for longer than they average."""
        return self.traits.sees_everything and self._grain.renewal_seconds <= self.traits.sight_seconds

    @property
    def ceiling(self) -> Ceiling:
        """The most energy the device can have used in a time."""
        if self._ceiling.highest_watts != self.highest:
            self._ceiling = replace(self._ceiling, highest_watts=self.highest)
        return self._ceiling

    @property
    def ends_watts(self) -> tuple[float, float] | None:
        """The first and the newest reading; ``None`` before any, and for readings of passing moments."""
        return (self._first_watts, self._last_watts) if self.readings and self.sees_everything else None

    @property
    def edge_joules(self) -> float:
        """What a cut through the integral may be off by, anywhere in it."""
        reading = max(self.highest - self.lowest, 0.0) * self.traits.interval_seconds / 8
        return self._edge_doubt(self.highest) + reading

    def at(self, seconds: float, *, silent_until: float | None = None) -> Cumulative | None:
        """Energy from the begin to a time; ``None`` without any reading.

        Later than the readings reach, the last one is held as long as it may be, and then it is a gap. Whether it
        is one is judged by ``silent_until``, up to which no reading came, where that is later.
        """
        if self.readings == 0:
            return None
        if seconds <= self.lagged_to:
            lead_gap = min(max(seconds - self.begin_seconds, 0.0), self.gaps.lead_seconds)
            return self._history.at(seconds) or Cumulative(seconds, 0.0, lead_gap)
        held, gap = self._held(seconds, silent_until)
        return Cumulative(seconds, self._joules + held * self._last_watts, self.gaps.seconds + gap)

    def reaches(self, seconds: float) -> bool:
        """Whether readings stand for that time, or the last one may be held until then."""
        return self.readings > 0 and self._held(seconds)[1] == 0

    @property
    def relative_doubt(self) -> float:
        """The doubt from sampling and from the gauge's own blindness, as a share of the energy."""
        if self.readings == 0 or self._joules <= 0:
            return 0.0
        seen = max(self.lagged_to - self.begin_seconds - self.gaps.seconds, 0.0)
        blind = self._blind_doubt(self._joules, seen)
        return (self._sampling_doubt() + max(blind) + self._rounding_joules(seen)) / self._joules

    def still_doubt(self, watched_seconds: float) -> StillDoubt:
        """What stretches of one value that its other readings do not explain leave open.

        Args:
            watched_seconds: for how long the gauge was read.
        """
        stretches = self.stillness.unusual(self.lowest)
        seconds = sum(one.alone_seconds for one in stretches)
        joules = sum(one.alone_seconds * one.watts for one in stretches)
        most = self.ceiling.joules_in_gap(seconds, watched_seconds)
        shortest_seconds = min((one.alone_seconds for one in stretches if one.alone_seconds > 0), default=0.0)
        least, like_around = self.gaps.like_around(seconds, shortest_seconds, self.ceiling)
        most = min(math.inf if most is None else most, like_around)
        return StillDoubt(seconds, max(joules - least, 0.0), max(most - joules, 0.0))

    def witness(self, begin_seconds: float, end_seconds: float, *, told: bool) -> None:
        """A counter told the energy of that time, or did not after all: a still gauge costs nothing there."""
        lag = self.traits.lag_seconds
        self.stillness.witness(begin_seconds + lag, end_seconds + lag, told=told)

    def failed_since(self, begin_seconds: float, end_seconds: float) -> float:
        """Since when it repeats one reading though its readings flicker; infinite unless for most of that time."""
        lag, (begin, end) = self.traits.lag_seconds, self.stillness.stuck
        failed_seconds = min(end - lag, end_seconds) - max(begin - lag, begin_seconds)
        return begin - lag if failed_seconds > (end_seconds - begin_seconds) / 2 else math.inf

    def sampling_joules(self, seconds: float) -> float:
        """How far the integral of a stretch may be off where the gauge looks only now and then."""
        if self.sees_everything or self.readings == 0:
            return 0.0
        step = max(self.traits.interval_seconds, self.refresh_seconds)
        variance = max(self._sum_squared / self.readings - (self._sum / self.readings) ** 2, 0.0)
        return _DEVIATIONS * math.sqrt(variance * step * seconds)

    def stretch_joules(self, seconds: float) -> float:
        """The same by what neighbouring readings show: less for work that changes slowly."""
        seen = max(self.lagged_to - self.begin_seconds - self.gaps.seconds, seconds, self.traits.interval_seconds)
        return min(self.sampling_joules(seconds), _UNEVEN * self._sampling_doubt() * math.sqrt(seconds / seen))

    def result(self, end_seconds: float, *, alone: bool = False, asleep: Asleep = NEVER_ASLEEP) -> EnergyResult | None:
        """The energy from the begin to ``end_seconds``; ``None`` without any reading.

        ``alone``: no counter tells whether the gauge stood still. ``asleep``: gaps in which the device slept.
        """
        total = self.at(end_seconds)
        if total is None:
            return None
        held, tail_gap = self._held(end_seconds) if end_seconds > self.lagged_to else (0.0, 0.0)
        seen = max(end_seconds - self.begin_seconds - total.gap_seconds, 0.0)
        # The edges, those of gaps too, and the steps between fall into the work unrelated to each other.
        edges = math.hypot(
            self._edge_doubt(self._first_watts), self._edge_doubt(self._last_watts), self.gaps.edge_joules
        )
        doubt = math.hypot(edges, self._sampling_doubt()) + self.ceiling.joules_within(held - self.traits.lag_seconds)
        doubt += self._rounding_joules(seen) + self.sieve.doubt_joules
        blind_low, blind_high = self._blind_doubt(total.joules, seen)
        still = self.still_doubt(seen) if alone else NEVER_STILL
        more = still.more_joules + self.sieve.lacking_joules
        return EnergyResult(
            joules=max(total.joules, 0.0),  # a first reading that reaches back before the begin takes that part off
            low=max(total.joules - doubt - blind_low - still.less_joules - self.gaps.held_joules, 0.0),
            high=self._high(total, doubt + blind_high + more, seen, asleep) if tail_gap == 0 else None,
            method="integrated_power",
            gap_seconds=total.gap_seconds,
            longest_gap_seconds=max(self.gaps.longest_seconds, tail_gap),
            # The gauge is blind for a share of the time that its readings reach, and only of that.
            unseen_seconds=seen - max(seen - self._unseen_seconds, 0.0) * (1 - self.traits.blind_share),
        )

    def _begin(self, at_seconds: float, watts: float) -> None:
        self._first_watts = watts
        late = at_seconds - self.traits.lag_seconds - self.begin_seconds
        if late > self.traits.gap_after_seconds:
            half = self.traits.sight_seconds / 2
            self._joules = watts * half
            self.gaps.add_lead(late - half)
        else:
            # Negative where the reading reaches back before the begin: that part is not this window's.
            self._joules = watts * late

    def _extend(self, at_seconds: float, watts: float) -> None:
        step = at_seconds - self._last_at
        unseen = max(0.0, step - self.traits.sight_seconds)
        if unseen > self._gap_after_seconds:
            half = self.traits.sight_seconds / 2
            self._joules += self._last_watts * half
            self._remember(self.lagged_to + half)
            edges = math.hypot(self._edge_doubt(self._last_watts), self._edge_doubt(watts))
            self.gaps.add_between(step - 2 * half, held_joules=watts * half, edge_joules=edges)
            self._remember(at_seconds - self.traits.lag_seconds - half)
            self._joules += watts * half
            self._missed.break_off()
            return
        joules = step * (watts + self._last_watts) / 2
        self._joules += joules
        self.gaps.add_watched(step, joules)
        self._unseen_seconds += unseen
        self._missed.add(watts - self._last_watts, step)
        self._unseen_squared += unseen * unseen
        self._steps += 1
        if step <= _IN_STEP_REFRESHES * self.traits.refresh_seconds:
            # Work in step with the gauge hides as much in each refresh; what a longer step adds is chance.
            seconds = min(step, self.traits.refresh_seconds) * self.traits.blind_share
            self._blind_joules += abs(watts - self._last_watts) * seconds

    def _remember(self, at_seconds: float) -> None:
        self._history.append(Cumulative(at_seconds, self._joules, self.gaps.seconds))

    def _held(self, seconds: float, silent_until: float | None = None) -> tuple[float, float]:
        """How long the last reading is held up to a time after it, and the gap that follows."""
        beyond = seconds - self.lagged_to
        silent = max(seconds, silent_until if silent_until is not None else seconds) - self.lagged_to
        if silent - self.traits.lag_seconds <= self._gap_after_seconds + self.traits.delivered_seconds:
            return beyond, 0.0
        half = min(self.traits.sight_seconds / 2, beyond)
        return half, beyond - half

    def _edge_doubt(self, watts: float) -> float:
        """What cutting a window of the gauge's mean at an edge may cost, in joules.

        Known is the energy of the whole averaging window; unknown is when in it it was used: at most all of
        it at once. The refresh adds up to half of itself at the highest power of so short a time.
        """
        ceiling, window, refresh = self.ceiling, self.traits.averaging_seconds, self.refresh_seconds
        burst_watts = ceiling.highest_part(min(window, refresh) or window)
        steadiness = min(watts / burst_watts, 1.0) if burst_watts > 0 else 1.0
        return window * watts * (1 - steadiness) / 2 + ceiling.joules_within(refresh / 2)

    def _high(self, total: Cumulative, doubt_joules: float, seen_seconds: float, asleep: Asleep) -> float | None:
        in_gaps = self.gaps.most_joules(total.gap_seconds, seen_seconds, self.ceiling, asleep)
        return None if in_gaps is None or math.isinf(doubt_joules) else total.joules + doubt_joules + in_gaps

    def _sampling_doubt(self) -> float:
        # Two readings that agree by chance show no swing at all: some steps of the largest are added.
        unlearned = _UNLEARNED_STEPS * self.highest**2 * self._unseen_squared / max(self._steps, 1)
        stood = self._missed_of_renewals.variance if self._grain.renewal_seconds > 0 else 0.0
        return _DEVIATIONS * math.sqrt(max(self._missed.variance, stood) + unlearned)

    def _rounding_joules(self, seconds: float) -> float:
        """A steady load is always rounded the same way, so that half a step stays half a step.

        Steps that only show in the readings may be cut off as well as rounded: then it is a whole one.
        """
        return max(self.traits.resolution_watts / 2, self._grain.step_watts) * seconds

    def _blind_doubt(self, joules: float, seen_seconds: float) -> tuple[float, float]:
        if not self.traits.may_lock:
            return self._blind_joules / 2, self._blind_joules / 2
        blind = seen_seconds * self.traits.blind_share
        share = self.traits.blind_share * joules
        return max(share - blind * self.lowest, 0.0), max(blind * self.highest - share, 0.0)
