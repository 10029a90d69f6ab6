"""From the running sums of a counter to results with bounds, for one window."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from cardcallback.energy.ceiling import IMPOSSIBLE_WATTS
from cardcallback.energy.comparison import (
    LONG_EDGE_SECONDS,
    Gauge,
    beyond_chance,
    compare,
    contradiction,
    cut_doubt,
    is_impossible,
)
from cardcallback.energy.counter import CounterAccount
from cardcallback.energy.intervals import CounterPoint
from cardcallback.energy.restarts import keeps_going_back
from cardcallback.energy.result import Consistency, EnergyResult

# How much further off than over the time in which the counter watched it a gauge may be where it stands alone.
_BEYOND_SHOWN = 2.0
# A counter whose refresh is only bounded from above may well be younger than half of that.
_KNOWN_AGE_SECONDS = 0.25
# How far beyond a gauge that agrees the truth may lie, as a share of its distance from the counter.
_BEYOND_THE_GAUGE = 0.25
# ... and beyond one that does not, by chance: this part of the bound of what it may have missed.
_BY_CHANCE = 0.4
# A gauge that was compared for less of the time was not shown to be right throughout.
_COMPARED_SHARE = 0.5


def close_best(
    account: CounterAccount, begin: CounterPoint, end: CounterPoint, gauge: Gauge, integrated: EnergyResult | None
) -> EnergyResult:
    """The best energy of the window ``begin`` to ``end`` (whose ``joules`` mean nothing).

    Counted where the counter behaves, integrated where it does not. The bounds always hold what the gauge
    says too: two sensors that agree within two percent may both be less than that off.
    """
    lead, tail = _edges(account, begin, end, gauge)
    joules = account.best_joules + lead.joules + tail.joules + _age_joules(account, lead, tail, gauge)
    trusted = account.agreement.trusted_against_gauge
    joules += trusted.counter_joules - trusted.power_joules
    bridged = account.bridged_joules - trusted.power_joules
    verdict = compare(account, gauge)
    share = _bridge_doubt(account, gauge, verdict, (lead, tail))
    edges = (_edge_doubt(lead, gauge, share), _edge_doubt(tail, gauge, share))
    cuts, alone_joules = cut_doubt(account, gauge), share * abs(bridged) + account.rate_doubt_joules
    under, over = (math.hypot(cuts, *ends) + alone_joules for ends in zip(*edges, strict=True))
    gap = account.unbridged.seconds + lead.gap_seconds + tail.gap_seconds
    below, above = _if_the_other_is_right(account)
    still_below, still_above = _if_it_stood_still(account, lead, tail, gauge)
    less, more = account.agreement.hidden_step(gauge.gaps.watts_around, account.refresh_seconds)
    asleep, _ = account.agreement.doubted_sleep(gauge.sleeps.lowest_awake_watts, account.refresh_seconds)
    low, high = joules - under - max(below, less, asleep) - still_below, joules + over + max(above, more) + still_above
    if account.late_start.still_seconds > account.stillness_seconds:
        before, lacking = account.late_start.doubt(account.counted_seconds, account.counted_joules, gauge.ceiling)
        low, high = low - before, high + lacking
    apart = beyond_chance(verdict or contradiction(account, gauge), gauge)
    if apart is not None and integrated is not None:
        alone = bridged + sum(edge.joules for edge in (lead, tail) if edge.by_gauge)
        counted = joules + _more_by_the_counter(alone, apart)
        low, high = min(low, counted - under), max(high, counted + over)
        other, other_doubt = _other_figure(account, joules, apart, integrated, gauge)
        low, high = min(low, other - math.hypot(other_doubt, under)), max(high, other + math.hypot(other_doubt, over))
    watched = end.at_seconds - begin.at_seconds - gap
    in_gaps = _most_in_gaps(account, lead.gap_seconds + tail.gap_seconds, watched, gauge)
    least = account.least_in_gaps_joules
    ends_unseen = tail.gap_seconds > 0 and not (tail.by_gauge and gauge.reaches_end)
    pure = account.pieces == 1 and not lead.long and not tail.long
    return EnergyResult(
        joules=joules,
        low=0.0 if account.refused_alone.refute(account.counted_seconds) else max(low, 0.0),
        high=None if ends_unseen or in_gaps is None or math.isinf(high) else high + max(in_gaps - least, 0.0),
        method="counter" if pure or trusted.seconds > 0 else "counter_bridged",
        gap_seconds=gap,
        longest_gap_seconds=max(account.unbridged.longest_seconds, lead.gap_seconds, tail.gap_seconds),
    )


def _most_in_gaps(account: CounterAccount, ends_seconds: float, watched_seconds: float, gauge: Gauge) -> float | None:
    """The most energy of what no sensor told, between readings and at the window's ends; ``None``: no bound.

    Where only the counter told, and more than the device's limit allows, either of the two may be wrong.
    """
    between = account.unbridged
    asleep = gauge.sleeps.asleep(between.slept_seconds, between.watts_after)
    most = gauge.gaps.most_between(between, ends_seconds, watched_seconds, gauge.ceiling, asleep)
    return None if most is None else max(most, account.refused_alone.joules)


def better_of(
    best: EnergyResult,
    integrated: EnergyResult | None,
    account: CounterAccount,
    gauge: Gauge,
    window_seconds: float,
) -> EnergyResult:
    """``best``, or what the gauge says where the counter only confirms that, or is none."""
    if integrated is None:
        return best
    best = _within_the_gauge(best, integrated, account, gauge)
    if account.traits.resolution_joules > 0 and integrated.is_surer_than(best):
        return integrated  # a counter of coarse steps confirms it and is worse by itself
    if integrated.gap_seconds > best.gap_seconds:
        return best
    if is_impossible(account, gauge) and integrated.high is not None and best.high is not None:
        most = (gauge.ceiling.limit_watts or IMPOSSIBLE_WATTS) * window_seconds
        return replace(integrated, low=min(best.low, integrated.low), high=min(best.high, max(integrated.high, most)))
    if is_impossible(account, gauge) or keeps_going_back(account.events["reset"], account.counted_seconds):
        joules = min(max(integrated.joules, best.low), best.high or math.inf)
        return replace(integrated, joules=joules, low=best.low, high=best.high)
    return best


def _within_the_gauge(
    best: EnergyResult, integrated: EnergyResult, account: CounterAccount, gauge: Gauge
) -> EnergyResult:
    """``best`` within the bounds of a gauge that watched it all, and beside which the counter failed now and then.

    Each of a counter's pieces has ends of its own, and the gauge's integral two in all. It is held to be off by no more
    than at the rate at which it was apart from the counter where both told.
    """
    both, told_seconds = account.agreement.agreeing, account.counted_seconds + account.bridged_seconds
    failed_seconds = account.agreement.differing_seconds + gauge.still.seconds + account.without_gauge_seconds
    watched = integrated.gap_seconds == 0 and both.seconds >= _COMPARED_SHARE * told_seconds > 0
    if account.pieces == 1 or failed_seconds > 0 or not watched or integrated.high is None or best.high is None:
        return best
    apart = (both.power_joules - both.counter_joules) * told_seconds / both.seconds
    low = max(best.low, integrated.low - max(apart, 0.0))
    high = min(best.high, integrated.high - min(apart, 0.0))
    if low > high:
        return best
    return replace(best, joules=min(max(best.joules, low), high), low=low, high=high)


def _if_the_other_is_right(account: CounterAccount) -> tuple[float, float]:
    """How much lower and higher the energy is if in the disputed intervals the one that was not believed is right."""
    if account.agreement.disagrees_throughout:
        return 0.0, 0.0  # then the whole of what the gauge says is spanned
    excess = account.agreement.disputed.counter_joules - account.agreement.disputed.power_joules
    if account.agreement.trusted_against_gauge.seconds > 0:
        excess = -excess
    return max(-excess, 0.0), max(excess, 0.0)


def _if_it_stood_still(account: CounterAccount, lead: _Edge, tail: _Edge, gauge: Gauge) -> tuple[float, float]:
    """How much lower and higher the energy is if the gauge stood still where it stands alone, counter or not."""
    alone_seconds = account.bridged_seconds + sum(edge.seconds for edge in (lead, tail) if edge.long)
    if gauge.still.seconds <= 0 or alone_seconds <= 0:
        return 0.0, 0.0
    share = min(alone_seconds / gauge.still.seconds, 1.0)
    return share * gauge.still.less_joules, share * gauge.still.more_joules


def _bridge_doubt(
    account: CounterAccount, gauge: Gauge, verdict: Consistency | None, edges: tuple[_Edge, _Edge]
) -> float:
    """How far the gauge may be off where it stands for the counter, as a share.

    In a few seconds it met the work at fewer moments than in the whole run. The counter has shown how far off the gauge
    is on this run's work: for as long as it did, what the gauge does not see of the work by its own making is no longer
    open, only what it missed by chance.
    """
    seconds = max(account.bridged_seconds, 0.0) + sum(max(edge.seconds, 0.0) for edge in edges)
    joules = abs(account.bridged_joules) + sum(abs(edge.joules) for edge in edges)
    if joules <= 0 or seconds <= 0:  # what a restart shows at least was used in no time that the gauge saw
        return gauge.relative_doubt
    sampled = gauge.sampling_joules(seconds) / joules
    doubt = max(gauge.relative_doubt, sampled)
    if verdict is None or verdict.verdict == "inconsistent":
        return doubt
    shown = min(doubt, _BEYOND_SHOWN * verdict.apart + sampled)
    return doubt + min(verdict.seconds / seconds, 1.0) * (shown - doubt)


def _age_joules(account: CounterAccount, lead: _Edge, tail: _Edge, gauge: Gauge) -> float:
    """What the counter's first value lacked of its own time more than its last did, each half a refresh old."""
    if lead.long or tail.long or account.agreement.disagrees_throughout or account.refresh_seconds > _KNOWN_AGE_SECONDS:
        return 0.0
    first_watts, newest_watts = gauge.ends_watts or (0.0, 0.0)
    return (newest_watts - first_watts) * account.refresh_seconds / 2


def _more_by_the_counter(gauge_joules: float, verdict: Consistency) -> float:
    """How much more it is where the gauge stands alone, if the counter's rate is right there too."""
    if verdict.integrated_joules <= 0:
        return 0.0
    return gauge_joules * (verdict.counter_joules / verdict.integrated_joules - 1)


def _other_figure(
    account: CounterAccount, joules: float, verdict: Consistency, integrated: EnergyResult, gauge: Gauge
) -> tuple[float, float]:
    """The window's energy if the gauge's rate were right all the time, and how far around it the truth may be."""
    counted = account.counted_joules + account.agreement.trusted_against_gauge.counter_joules
    if verdict.counter_joules <= 0:
        return 0.0, integrated.joules - integrated.low
    other = joules + counted * verdict.relative_difference
    # Where the gauge did not watch, the counter may be off by more than where it did: by twice as much.
    alone = max(counted - verdict.counter_joules, 0.0) * verdict.apart
    if verdict.verdict != "inconsistent":
        # Sampling may explain it or the counter's rate may be off by this much: then the gauge is nearer.
        by_chance = gauge.sampling_joules(verdict.seconds) if verdict.verdict == "not resolved" else 0.0
        return other, max(_BEYOND_THE_GAUGE * abs(other - joules), _BY_CHANCE * by_chance) + alone
    return other, integrated.joules - integrated.low + alone


def close_counter(account: CounterAccount, begin: CounterPoint, end: CounterPoint, gauge: Gauge) -> EnergyResult | None:
    """What the counter alone says of the window; ``None`` if it never moved."""
    counted, seconds = account.counted_joules, account.counted_seconds
    bridged_seconds = account.bridged_seconds
    trusted = account.agreement.trusted_against_gauge
    counted += trusted.counter_joules
    seconds += trusted.seconds
    bridged_seconds -= trusted.seconds
    if seconds <= 0 or account.first is None or account.anchor is None:
        return None
    watts = counted / seconds
    extended, gap, longest, short = 0.0, max(bridged_seconds, 0.0) + account.unbridged.seconds, 0.0, 0.0
    longest = max(account.unbridged.longest_seconds, account.longest_bridged_seconds)
    lead = account.first.at_seconds - begin.at_seconds
    tail = end.at_seconds - account.anchor.at_seconds
    for rest in (lead, tail):
        if rest <= LONG_EDGE_SECONDS:
            extended += rest * watts
            short += abs(rest)
        else:
            gap += rest
            longest = max(longest, rest)
    joules = counted + extended
    doubt = account.pieces * account.stale_joules(gauge.ceiling) + gauge.ceiling.joules_within(short)
    in_gaps = gauge.ceiling.joules_in_gap(gap, end.at_seconds - begin.at_seconds - gap)
    return EnergyResult(
        joules=joules,
        low=max(joules - doubt, 0.0),
        high=None if tail > LONG_EDGE_SECONDS or in_gaps is None else joules + doubt + in_gaps,
        method="counter",
        gap_seconds=gap,
        longest_gap_seconds=longest if gap > 0 else 0.0,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Edge:
    """The stretch between the window's begin or end and the counter reading next to it."""

    seconds: float
    joules: float
    gap_seconds: float
    by_gauge: bool

    @property
    def long(self) -> bool:
        return self.seconds > LONG_EDGE_SECONDS


def _edges(account: CounterAccount, begin: CounterPoint, end: CounterPoint, gauge: Gauge) -> tuple[_Edge, _Edge]:
    """What comes before the first reading and after the last: as power was beside it, else as it was in the mean."""
    if account.first is None or account.anchor is None:
        msg = "a counter without a reading has no edges"
        raise ValueError(msg)
    if account.counted_seconds <= 0:
        return _edge(begin, account.first, None), _edge(account.anchor, end, None)
    first_watts, last_watts = gauge.ends_watts or (account.usual_watts, account.usual_watts)
    return _edge(begin, account.first, first_watts), _edge(account.anchor, end, last_watts)


def _edge(earlier: CounterPoint, later: CounterPoint, watts: float | None) -> _Edge:
    seconds = later.at_seconds - earlier.at_seconds
    short = watts is not None and seconds <= LONG_EDGE_SECONDS
    if earlier.power is not None and later.power is not None:
        gap = max(later.power.gap_seconds - earlier.power.gap_seconds, 0.0)
        if gap == 0 or not short:
            joules = later.power.joules - earlier.power.joules
            return _Edge(seconds=seconds, joules=joules, gap_seconds=gap, by_gauge=True)
    if watts is not None and short:
        return _Edge(seconds=seconds, joules=watts * seconds, gap_seconds=0.0, by_gauge=False)
    return _Edge(seconds=seconds, joules=0.0, gap_seconds=max(seconds, 0.0), by_gauge=False)


def _edge_doubt(edge: _Edge, gauge: Gauge, share: float) -> tuple[float, float]:
    """How much less and more than is taken may have been used in it: never less than nothing."""
    all_of_it = gauge.ceiling.joules_within(abs(edge.seconds) - edge.gap_seconds)
    if not edge.by_gauge:
        return min(all_of_it, edge.joules) if edge.joules > 0 else all_of_it, all_of_it
    doubt = min(all_of_it, math.sqrt(2) * gauge.edge_joules + share * abs(edge.joules))
    return doubt, doubt
