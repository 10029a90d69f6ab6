"""From the running sums of a counter to results with bounds, for one window."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cardcallback.energy.ceiling import Ceiling
from cardcallback.energy.counter import CounterAccount, CounterPoint
from cardcallback.energy.result import SHORTEST_COMPARISON_SECONDS, Consistency, EnergyResult

# A rest of the window no longer than this, next to a good counter, is extended where no gauge saw it.
_PATIENCE_SECONDS = 2.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Gauge:
    """What bridging with the power gauge costs: doubt per cut, and per joule."""

    ceiling: Ceiling
    edge_joules: float = 0.0
    relative_doubt: float = 0.0


def close_best(
    account: CounterAccount, begin: CounterPoint, end: CounterPoint, gauge: Gauge, integrated: EnergyResult | None
) -> EnergyResult:
    """The best energy of the window ``begin`` to ``end`` (whose ``joules`` mean nothing).

    Counted where the counter behaves, integrated where it does not. Where counter and gauge are not
    consistent the bounds span both, even if sampling may explain it.
    """
    lead, tail = _edges(account, begin, end)
    joules = account.best_joules + lead.joules + tail.joules
    if account.disagrees_throughout:
        joules += account.jumped_counter_joules - account.jumped_power_joules
    bridged = account.bridged_joules
    edges = math.hypot(_edge_doubt(lead, gauge), _edge_doubt(tail, gauge))
    doubt = math.hypot(_cut_doubt(account, gauge), edges) + gauge.relative_doubt * abs(bridged)
    gap = account.unbridged_seconds + lead.gap_seconds + tail.gap_seconds
    low, high = max(joules - doubt, 0.0), joules + doubt + gap * gauge.ceiling.sustained_watts
    verdict = compare(account, gauge)
    if verdict is not None and verdict.verdict != "consistent" and integrated is not None:
        other = joules * verdict.integrated_joules / verdict.counter_joules if verdict.counter_joules > 0 else 0.0
        other_doubt = integrated.joules - integrated.low
        low, high = min(low, max(other - other_doubt, 0.0)), max(high, other + other_doubt)
    pure = account.pieces == 1 and not lead.long and not tail.long
    return EnergyResult(
        joules=joules,
        low=low,
        high=None if tail.gap_seconds > 0 or (gap > 0 and not gauge.ceiling.known) else high,
        method="counter" if pure or account.disagrees_throughout else "counter_bridged",
        gap_seconds=gap,
        longest_gap_seconds=max(account.longest_unbridged_seconds, lead.gap_seconds, tail.gap_seconds),
    )


def close_counter(account: CounterAccount, begin: CounterPoint, end: CounterPoint, gauge: Gauge) -> EnergyResult | None:
    """What the counter alone says of the window; ``None`` if it never moved."""
    counted, seconds = account.counted_joules, account.counted_seconds
    bridged_seconds = account.bridged_seconds
    if account.disagrees_throughout:
        counted += account.jumped_counter_joules
        seconds += account.jumped_seconds
        bridged_seconds -= account.jumped_seconds
    if seconds <= 0 or account.first is None or account.anchor is None:
        return None
    watts = counted / seconds
    extended, gap, longest, short = 0.0, max(bridged_seconds, 0.0) + account.unbridged_seconds, 0.0, 0.0
    longest = max(account.longest_unbridged_seconds, account.longest_bridged_seconds)
    lead = account.first.at_seconds - begin.at_seconds
    tail = end.at_seconds - account.anchor.at_seconds
    for rest in (lead, tail):
        if rest <= _PATIENCE_SECONDS:
            extended += rest * watts
            short += abs(rest)
        else:
            gap += rest
            longest = max(longest, rest)
    joules = counted + extended
    doubt = account.pieces * gauge.ceiling.joules_within(account.refresh_seconds) + gauge.ceiling.joules_within(short)
    open_end = tail > _PATIENCE_SECONDS or (gap > 0 and not gauge.ceiling.known)
    return EnergyResult(
        joules=joules,
        low=max(joules - doubt, 0.0),
        high=None if open_end else joules + doubt + gap * gauge.ceiling.sustained_watts,
        method="counter",
        gap_seconds=gap,
        longest_gap_seconds=longest if gap > 0 else 0.0,
    )


def compare(account: CounterAccount, gauge: Gauge) -> Consistency | None:
    """Counter against gauge over what both watched; ``None`` if that is too short to say anything."""
    counter, power, seconds = account.compared_counter_joules, account.compared_power_joules, account.compared_seconds
    if account.disagrees_throughout:
        counter += account.jumped_counter_joules
        power += account.jumped_power_joules
        seconds += account.jumped_seconds
    if seconds < SHORTEST_COMPARISON_SECONDS:
        return None
    doubt = math.hypot(_cut_doubt(account, gauge), math.sqrt(2) * gauge.edge_joules) + gauge.relative_doubt * power
    return Consistency(seconds=seconds, counter_joules=counter, integrated_joules=power, doubt_joules=doubt)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Edge:
    """The stretch between the window's begin or end and the counter reading next to it."""

    seconds: float
    joules: float
    gap_seconds: float
    by_gauge: bool

    @property
    def long(self) -> bool:
        return self.seconds > _PATIENCE_SECONDS


def _edges(account: CounterAccount, begin: CounterPoint, end: CounterPoint) -> tuple[_Edge, _Edge]:
    if account.first is None or account.anchor is None:
        msg = "a counter without a reading has no edges"
        raise ValueError(msg)
    watts = account.counted_joules / account.counted_seconds if account.counted_seconds > 0 else None
    return _edge(begin, account.first, watts), _edge(account.anchor, end, watts)


def _edge(earlier: CounterPoint, later: CounterPoint, watts: float | None) -> _Edge:
    seconds = later.at_seconds - earlier.at_seconds
    if earlier.power is not None and later.power is not None:
        return _Edge(
            seconds=seconds,
            joules=later.power.joules - earlier.power.joules,
            gap_seconds=max(later.power.gap_seconds - earlier.power.gap_seconds, 0.0),
            by_gauge=True,
        )
    if watts is not None and seconds <= _PATIENCE_SECONDS:
        return _Edge(seconds=seconds, joules=watts * seconds, gap_seconds=0.0, by_gauge=False)
    return _Edge(seconds=seconds, joules=0.0, gap_seconds=max(seconds, 0.0), by_gauge=False)


def _edge_doubt(edge: _Edge, gauge: Gauge) -> float:
    all_of_it = gauge.ceiling.joules_within(abs(edge.seconds) - edge.gap_seconds)
    if not edge.by_gauge:
        return all_of_it
    return min(all_of_it, math.sqrt(2) * gauge.edge_joules + gauge.relative_doubt * abs(edge.joules))


def _cut_doubt(account: CounterAccount, gauge: Gauge) -> float:
    """What the ends of the counted pieces, and those of the bridges between them, may be off by.

    A piece: at worst one end is as stale as can be and the other fresh. Pieces end wherever the counter
    failed, unrelated to each other, so that theirs add as squares.
    """
    stale = gauge.ceiling.joules_within(account.refresh_seconds)
    bridges = account.pieces - 1
    return math.hypot(stale, math.sqrt(bridges) * math.hypot(stale, math.sqrt(2) * gauge.edge_joules))
