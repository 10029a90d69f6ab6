"""Counter against gauge over what both watched, and what either of them leaves open."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cardcallback.energy.asleep import Sleeps
from cardcallback.energy.ceiling import Ceiling
from cardcallback.energy.counter import CounterAccount
from cardcallback.energy.gaps import Gaps
from cardcallback.energy.integral import PowerIntegral
from cardcallback.energy.result import CONSISTENT_SHARE, SHORTEST_COMPARISON_SECONDS, Consistency
from cardcallback.energy.stillness import NEVER_STILL, StillDoubt

# A rest of the window no longer than this, next to a good counter, is extended where no gauge saw it.
LONG_EDGE_SECONDS = 2.5
# A gauge that may be so far off by chance tells a sound counter from a wrong one no more: it met the work too rarely.
_NO_WITNESS_SHARE = 0.2
# ... unless they are further apart than this part of that bound, which is one and a half standard deviations.
_NO_SIGN = 0.5
# A counter that nothing contradicts is held to be no further off than two sensors that are called consistent.
_UNCONTRADICTED_SHARE = 0.99 * CONSISTENT_SHARE


@dataclass(frozen=True, kw_only=True, slots=True)
class Gauge:
    """What bridging with the power gauge costs: doubt per cut, and per joule.

    ``ends_watts`` are its first and its newest reading, where they are no passing moments; ``sampling_joules`` how far
    the integral of so many seconds may be off by the moments it was read at; ``still`` what is open where it may have
    stood still. ``reaches_end``: it was read until the window's end, so that a gap before that has two ends.
    ``gaps`` are what it did not watch, with the extremes of what it did, and ``sleeps`` what it showed after each.
    """

    ceiling: Ceiling
    edge_joules: float = 0.0
    relative_doubt: float = 0.0
    ends_watts: tuple[float, float] | None = None
    sampling_joules: Callable[[float], float] = lambda _: 0.0  # without a gauge there is nothing to sample
    still: StillDoubt = NEVER_STILL
    reaches_end: bool = False
    gaps: Gaps = field(default_factory=Gaps)
    sleeps: Sleeps = field(default_factory=lambda: Sleeps(None))


def gauge_of(integral: PowerIntegral | None, ceiling: Ceiling, window_seconds: float, sleeps: Sleeps) -> Gauge:
    """What a window of that length says of the gauge with that integral; ``None``: there is no gauge."""
    if integral is None:
        return Gauge(ceiling=ceiling)
    return Gauge(
        ceiling=ceiling,
        edge_joules=integral.edge_joules,
        relative_doubt=integral.relative_doubt,
        ends_watts=integral.ends_watts,
        sampling_joules=integral.stretch_joules,
        still=integral.still_doubt(window_seconds),
        reaches_end=integral.reaches(integral.begin_seconds + window_seconds),
        gaps=integral.gaps,
        sleeps=sleeps,
    )


def contradiction(account: CounterAccount, gauge: Gauge) -> Consistency | None:
    """Counter against gauge in a run too short for a verdict, where its ends do not explain how far they are apart.

    What a gauge that looks now and then does not see may explain it, but so may a wrong rate.
    """
    found = _compared(account, gauge)
    difference = abs(found.integrated_joules - found.counter_joules)
    apart = found.apart > CONSISTENT_SHARE and difference > _comparison_cuts(account, gauge)
    return found if found.seconds > LONG_EDGE_SECONDS and apart else None


def beyond_chance(found: Consistency | None, gauge: Gauge) -> Consistency | None:
    """How far apart they are at most, but for what a gauge that met the work at few moments says by chance."""
    if found is None or found.apart <= _UNCONTRADICTED_SHARE:
        return found
    difference = found.integrated_joules - found.counter_joules
    chance_joules = gauge.sampling_joules(found.seconds)
    if chance_joules < _NO_WITNESS_SHARE * found.counter_joules or abs(difference) > _NO_SIGN * chance_joules:
        return found
    share = math.copysign(_UNCONTRADICTED_SHARE, difference)
    return replace(found, integrated_joules=found.counter_joules * (1 + share))


def compare(account: CounterAccount, gauge: Gauge) -> Consistency | None:
    """Counter against gauge over what both watched; ``None`` if that is too short to say anything."""
    found = _compared(account, gauge)
    return found if found.seconds >= SHORTEST_COMPARISON_SECONDS else None


def _compared(account: CounterAccount, gauge: Gauge) -> Consistency:
    both = account.agreement.compared
    return Consistency(
        seconds=both.seconds,
        counter_joules=both.counter_joules,
        integrated_joules=both.power_joules,
        doubt_joules=_comparison_cuts(account, gauge) + gauge.relative_doubt * both.power_joules,
    )


def is_impossible(account: CounterAccount, gauge: Gauge) -> bool:
    """Whether the counter shows, wherever it was compared, more than the device can draw, and the gauge does not."""
    both = account.agreement.trusted_against_gauge
    if not account.agreement.disagrees_throughout or both.seconds <= 0:
        return False
    return gauge.ceiling.decides_against(both.counter_joules / both.seconds, both.power_joules / both.seconds)


def _comparison_cuts(account: CounterAccount, gauge: Gauge) -> float:
    return math.hypot(cut_doubt(account, gauge), math.sqrt(2) * gauge.edge_joules)


def cut_doubt(account: CounterAccount, gauge: Gauge) -> float:
    """What the ends of the counted pieces, and those of the bridges between them, may be off by.

    A piece: at worst one end is as stale as can be and the other fresh. Pieces end wherever the counter
    failed, unrelated to each other, so that theirs add as squares.
    """
    stale = account.stale_joules(gauge.ceiling)
    bridges = account.pieces - 1
    return math.hypot(stale, math.sqrt(bridges) * math.hypot(stale, math.sqrt(2) * gauge.edge_joules))
