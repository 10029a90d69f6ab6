"""How much of a driver's time reading may take: all its sensors together, energy the last to be read less often."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from cardcallback.recorder.kinds import (
    counts_energy,
    lists_processes,
    longest_interval_of,
    sight_seconds,
    tells_power,
    tells_state,
)
from cardcallback.recorder.schedule import Appointment
from cardcallback.sensors.base import SensorSpec
from cardcallback.units import format_duration

# All sensors of a driver's devices together may keep it busy for a thousandth of the time; a little of it is left to
# calls that take longer than usual ones.
DRIVER_SHARE = 0.00095
# The first calls are made before their cost is known: what they took is paid back within this time, by half of the
# share at most.
_PAID_BACK_SECONDS, _PAYING_BACK = 3600.0, 0.5
_ROUNDING = 1e-6
_NOTABLY = 1.05

_Known = tuple[Appointment, float]  # with the seconds that one of its calls usually takes


def fit_intervals(appointments: Sequence[Appointment], age_seconds: float = math.inf) -> None:
    """Stretch intervals until the calls whose cost is known fit, beginning with what loses least by it.

    First what only describes the device's state, then counters, which lose nothing between readings, then
    power gauges as far as they average, then process lists; only what still costs too much is stretched
    further.

    Args:
        appointments: all of one driver's.
        age_seconds: since the session began.
    """
    # Each is asked once: the cost is the mean of many calls.
    asked = [one for one in appointments if not one.retired]
    single = [one for one in asked if one.kept is None]
    costs = [(one, one.usual_cost_seconds) for one in single if not _tells_state_alone(one.sensor.spec)]
    energy_seconds = min(
        (cost for one, cost in costs if cost is not None and not tells_state(one.sensor.spec)), default=0.0
    )
    states = [one for one in single if _tells_state_alone(one.sensor.spec)]
    costs += [(one, one.costs.beside(energy_seconds)) for one in states]
    first_seconds = sum(one.first_seconds for one in appointments) if age_seconds < _PAID_BACK_SECONDS else 0.0
    share = DRIVER_SHARE - min(first_seconds / _PAID_BACK_SECONDS, _PAYING_BACK * DRIVER_SHARE)
    share -= sum(one.kept.load for one in asked if one.kept is not None)
    known = [(one, cost) for one, cost in costs if cost is not None]
    before = {one: one.interval_seconds for one in states}
    for one in (*states, *(one for one, _ in known)):
        one.interval_seconds = one.wanted_seconds
    _fit(known, share)
    for one in states:
        # What a slow driver was asked once for need not be asked again before the cost allows it.
        if not 1 / _NOTABLY < one.interval_seconds / before[one] < _NOTABLY:
            one.book_anew()


def _fit(known: Sequence[_Known], share: float) -> None:
    stages: tuple[tuple[Callable[[SensorSpec], bool], Callable[[SensorSpec], float]], ...] = (
        (tells_state, lambda _: 10.0),
        (counts_energy, lambda _: 2.0),
        (tells_power, sight_seconds),
        (lists_processes, lambda _: 600.0),
        (tells_state, lambda _: 60.0),
        (tells_power, lambda _: 1.0),
        (counts_energy, lambda _: 10.0),
        # Where calls are so slow, minutes between two temperatures hide less than between two readings of energy.
        (_tells_state_alone, lambda _: 600.0),
        (tells_power, lambda _: 20.0),
        (counts_energy, lambda _: 60.0),
        (tells_state, lambda _: 1800.0),
        (tells_power, lambda _: 600.0),
        (counts_energy, lambda _: 600.0),
        # Calls of a second and more: a counter alone says what was used in two hours.
        (tells_power, lambda _: 7200.0),
        (counts_energy, lambda _: 7200.0),
    )
    for belongs, longest in stages:
        excess = _load(known) - share
        if excess <= _ROUNDING * DRIVER_SHARE:
            return
        _stretch([(one, cost) for one, cost in known if belongs(one.sensor.spec)], excess, longest)


def stretched_note(appointments: Sequence[Appointment], asked_seconds: float | None) -> tuple[str, ...]:
    """One sentence about the sensors that are read less often than a person asked for, to spare the driver."""
    if asked_seconds is None:
        return ()
    kept: dict[str, float] = {}
    for one in appointments:
        # Those that are rare for the driver's sake were never asked for at that interval.
        if (
            not one.retired
            and one.interval_seconds > _NOTABLY * one.wanted_seconds
            and one.wanted_seconds <= asked_seconds
        ):
            source = one.sensor.spec.source
            kept[source] = max(kept.get(source, 0.0), one.interval_seconds)
    if not kept:
        return ()
    told = ", ".join(f"{source} every {format_duration(seconds)}" for source, seconds in kept.items())
    asked = format_duration(asked_seconds)
    return (f"Readings were asked for every {asked}; to spare the driver some were made less often: {told}.",)


def _stretch(group: Sequence[_Known], excess: float, longest: Callable[[SensorSpec], float]) -> None:
    load = _load(group)
    factor = load / (load - excess) if load > excess else float("inf")
    for one, _ in group:
        spec = one.sensor.spec
        most = max(min(longest(spec), longest_interval_of(spec)), one.interval_seconds)
        one.interval_seconds = min(one.interval_seconds * factor, most)


def _load(group: Sequence[_Known]) -> float:
    return sum(cost / one.interval_seconds for one, cost in group)


def _tells_state_alone(spec: SensorSpec) -> bool:
    return tells_state(spec) and not lists_processes(spec)
