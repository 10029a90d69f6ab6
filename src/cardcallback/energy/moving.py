"""A result moved on by what was counted since, where nothing else happened: a small part of the work of a new one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from cardcallback.energy.ceiling import Ceiling
from cardcallback.energy.counter import CounterAccount
from cardcallback.energy.history import Cumulative
from cardcallback.energy.integral import PowerIntegral
from cardcallback.energy.intervals import CounterPoint
from cardcallback.energy.result import AccountResult, EnergyResult

# A moved result knows nothing of what the intervals since are like beside the gauge: it must not grow old.
_LONGEST_SECONDS = 10.0
_SHARE_OF_WINDOW = 0.1
# Without readings for longer than usual a new result has to say what that means.
_LONGEST_REST_SECONDS = 2.5
_STEPS_PER_E = 10


@dataclass(frozen=True, slots=True)
class Standing:
    """What an account's running sums say at the end of a window.

    Attributes:
        end_seconds: the window's end.
        known: the energy up to the newest reading.
        watts: what stands for the time after that.
        happened: what changes with all that happens but counting.
    """

    end_seconds: float
    known: Cumulative
    watts: float
    happened: tuple[object, ...]

    @property
    def rest_seconds(self) -> float:
        """How long before the window's end its newest reading is."""
        return max(self.end_seconds - self.known.at_seconds, 0.0)


@dataclass(frozen=True, slots=True)
class Standings:
    """How an account stands by what its best energy rests on, and by its counter and its gauge alone.

    ``None`` before there are any sums; of one that is not counted the best is the gauge's.
    """

    best: Standing | None
    counter: Standing | None
    gauge: Standing | None


def standings(
    end_seconds: float,
    counted: tuple[CounterAccount, Cumulative] | None,
    waiting: tuple[CounterPoint, ...],
    integral: PowerIntegral | None,
    told: tuple[object, ...],
) -> Standings:
    """How the sums stand.

    Args:
        end_seconds: the window's end.
        counted: the counter's sums and the best energy up to its anchor; ``None``: only the gauge tells.
        waiting: the newest counter reading that waits for the gauge and is in the latest result; a newer one may be a
            step, which nobody knows before they are compared.
        integral: the gauge's sums; ``None`` without one.
        told: what else the account was told of.
    """
    happened = told if integral is None else (*told, *_happened_to(integral))
    gauge = None if integral is None else _by_gauge(end_seconds, integral, happened)
    if counted is None:
        return Standings(gauge, None, gauge)
    counter = _by_counter(end_seconds, counted, waiting, happened)
    ends = None if integral is None else integral.ends_watts
    return Standings(counter if counter is None or ends is None else replace(counter, watts=ends[1]), counter, gauge)


def _by_counter(
    end_seconds: float,
    counted: tuple[CounterAccount, Cumulative],
    waiting: tuple[CounterPoint, ...],
    happened: tuple[object, ...],
) -> Standing | None:
    counter, best = counted
    newest = (*waiting, counter.anchor)[0]
    if newest is None or counter.anchor is None or newest.after_loss:
        return None
    known = replace(best, at_seconds=newest.at_seconds, joules=best.joules + newest.joules - counter.anchor.joules)
    troubles = sum(counter.events.values()), counter.pieces, counter.still_until
    seen = counter.refresh_seconds, _step_of(counter.highest.highest_watts)
    return Standing(end_seconds, known, counter.usual_watts, (*happened, *troubles, *seen, best.gap_seconds))


def _by_gauge(end_seconds: float, integral: PowerIntegral, happened: tuple[object, ...]) -> Standing | None:
    known = integral.at(integral.lagged_to)
    if known is None:
        return None
    ends, seconds = integral.ends_watts, known.at_seconds - integral.begin_seconds
    watts = ends[1] if ends is not None else known.joules / seconds if seconds > 0 else 0.0
    return Standing(end_seconds, known, watts, happened)


def _happened_to(integral: PowerIntegral) -> tuple[object, ...]:
    begin_seconds, end_seconds = integral.stillness.latest
    still_since = begin_seconds if end_seconds - begin_seconds > _LONGEST_REST_SECONDS else None
    sieve = integral.sieve
    sieved = sieve.doubt_joules, sieve.lacking_joules, sieve.doubts_limit
    return integral.gaps.seconds, still_since, sieved, _step_of(integral.highest)


def _step_of(highest_watts: float) -> int:
    """Of steps of about a tenth: what was not seen may be as much as the highest power, and bounds say so anew."""
    return math.floor(_STEPS_PER_E * math.log(highest_watts)) if highest_watts > 0 else 0


class LatestResult:
    """The latest result of a window that began at ``begin_seconds``, where it may be moved on.

    ``compared``: the newest counter reading in it, where that waited for the gauge.
    """

    def __init__(self, begin_seconds: float) -> None:
        self._begin_seconds = begin_seconds
        self._result: AccountResult | None = None
        self.compared: tuple[CounterPoint, ...] = ()
        self._then = Standings(None, None, None)

    def keep(self, result: AccountResult | None, then: Standings) -> None:
        """A new one, with how the sums stood; ``None``: one that may not be moved on."""
        self._result, self._then = result, then

    def moved_on(self, now: Standings, ceiling: Ceiling) -> AccountResult | None:
        """It as of ``now``, every energy of it; ``None`` where only a new one can tell.

        Bounds keep their share of the energy, and are wider by what a longer rest after the newest reading may hide.
        """
        latest, then = self._result, self._then
        if latest is None or latest.best is None or latest.best.high is None or now.best is None:
            return None
        best = self._moved(latest.best, then.best, now.best, ceiling)
        # Where nothing else happened, its energy up to the newest reading gains what the best one does.
        counter = self._moved(latest.counter, then.counter, now.counter, ceiling)
        integrated = best
        if latest.integrated is not latest.best:
            integrated = self._moved(latest.integrated, then.gauge, now.gauge, ceiling)
        left_out = (counter is None) != (latest.counter is None) or (integrated is None) != (latest.integrated is None)
        if best is None or left_out:
            return None
        duration = max(now.best.end_seconds - self._begin_seconds, 0.0)
        return AccountResult(duration_seconds=duration, counter=counter, integrated=integrated, best=best)

    def _moved(
        self, result: EnergyResult | None, then: Standing | None, now: Standing | None, ceiling: Ceiling
    ) -> EnergyResult | None:
        if result is None or result.joules <= 0 or now is None or then is None or now.happened != then.happened:
            return None
        seconds, age_seconds = now.end_seconds - then.end_seconds, now.end_seconds - self._begin_seconds
        if not 0 <= seconds <= min(_LONGEST_SECONDS, _SHARE_OF_WINDOW * age_seconds):
            return None
        if max(then.rest_seconds, now.rest_seconds) > _LONGEST_REST_SECONDS:
            return None
        gained = now.known.joules - then.known.joules
        new_seconds = now.known.at_seconds - then.known.at_seconds
        if not 0 <= gained <= ceiling.joules_if_allowed(new_seconds + _LONGEST_REST_SECONDS):
            return None
        joules = result.joules + gained + now.watts * now.rest_seconds - then.watts * then.rest_seconds
        grown = joules / result.joules
        rest_joules = ceiling.joules_within(max(now.rest_seconds - then.rest_seconds, 0.0))
        return replace(
            result,
            joules=joules,
            low=max(joules - (result.joules - result.low) * grown - rest_joules, 0.0),
            high=None if result.high is None else joules + (result.high - result.joules) * grown + rest_joules,
        )
