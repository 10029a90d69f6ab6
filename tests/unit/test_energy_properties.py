"""Whatever two sensors read, in whatever order and however badly: an account answers, and its answer is possible."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from cardcallback.energy import AccountResult, CounterTraits, EnergyAccount, EnergyResult, PowerTraits

STEPS = st.floats(0.001, 90.0)
READINGS = st.lists(
    st.tuples(STEPS, st.sampled_from(["counter", "power"]), st.floats(0.0, 1e5), st.booleans()), max_size=60
)
COUNTERS = st.none() | st.builds(
    CounterTraits,
    refresh_seconds=st.none() | st.floats(0.001, 10.0),
    wraps_at=st.none() | st.floats(100.0, 1e5),
    turn_seconds=st.just(math.inf) | st.floats(1.0, 60.0),
    resolution_joules=st.sampled_from([0.0, 3600.0]),
)
GAUGES = st.none() | st.builds(
    PowerTraits,
    averaging_seconds=st.sampled_from([0.0, 0.01, 0.1, 1.0]),
    refresh_seconds=st.sampled_from([0.0, 0.02, 0.1, 2.0]),
    interval_seconds=st.floats(0.02, 60.0),
    resolution_watts=st.sampled_from([0.0, 1.0]),
)


def possible(result: EnergyResult | None) -> bool:
    """No negative energy, no bound on the wrong side, no number that is none."""
    if result is None:
        return True
    numbers = [result.joules, result.low, result.gap_seconds, result.longest_gap_seconds, result.unseen_seconds]
    finite = all(map(math.isfinite, numbers)) and (result.high is None or math.isfinite(result.high))
    ordered = result.low <= result.joules * (1 + 1e-9) + 1e-6
    bounded = result.high is None or result.joules <= result.high * (1 + 1e-9) + 1e-6
    return finite and ordered and bounded and result.gap_seconds >= -1e-6


def asked(account: EnergyAccount, end: float) -> AccountResult:
    """The account's answer, and the phases' sums that must not disturb it."""
    account.mark_phase("evaluation", end / 3, end / 2)
    account.phases()
    return account.result(end)


@settings(deadline=None, max_examples=300, derandomize=True)
@given(counter=COUNTERS, power=GAUGES, limit=st.none() | st.floats(50.0, 1000.0), readings=READINGS, late=STEPS)
def test_an_account_answers_whatever_it_is_told(
    counter: CounterTraits | None,
    power: PowerTraits | None,
    limit: float | None,
    readings: list[tuple[float, str, float, bool]],
    late: float,
) -> None:
    """Resets, spikes, gaps, repeats and ends long after the last reading: an answer that can be."""
    account = EnergyAccount(counter=counter, power=power, limit_watts=limit)
    at, joules = 0.0, 500.0
    for step, kind, value, repeats in readings:
        at += step
        if kind == "counter" and counter is not None:
            joules = joules if repeats else value
            account.add_counter(at, joules)
        elif kind == "power" and power is not None:
            account.add_power(at, min(value, 2000.0))
        if repeats:
            account.read_power_every(step)
    for end in (at, at + late):
        result = asked(account, end)
        assert possible(result.best)
        assert possible(result.counter)
        assert possible(result.integrated)
