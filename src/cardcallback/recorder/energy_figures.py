"""Energy results as measurements: of one device, summed over devices, by phase, before training."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import msgspec

from cardcallback.energy import Consistency as Verdict
from cardcallback.energy import EnergyResult, PhaseSum
from cardcallback.record import Consistency, Measurement, PhaseEnergy, Window, not_measured
from cardcallback.recorder.accounts import OpenAccount
from cardcallback.recorder.ledger import PhaseTime
from cardcallback.sensors.base import SensorSpec

# A shorter time before training is smaller than what a counter's refresh blurs.
_SHORTEST_BEFORE_SECONDS = 1.0
# A phase's energy is told only if it was visited for this long in sum, and hardly ever too briefly.
_SHORTEST_PHASE_SECONDS = 10.0
_MOST_IN_SHORT_VISITS = 0.1


def energy_measurement(
    result: EnergyResult | None, specs: Sequence[SensorSpec | None], window: Window, reason: str
) -> Measurement:
    """One result as a measurement; ``reason`` is used where there is none. ``specs``: what it rests on."""
    present = [spec for spec in specs if spec is not None]
    if result is None or not present:
        return not_measured("joules", reason, window=window)
    main = present[-1] if result.method == "integrated_power" else present[0]
    bridged = result.method == "counter_bridged"
    duration = (window.end_seconds or 0.0) - (window.begin_seconds or 0.0)
    return Measurement(
        value=result.joules,
        unit="joules",
        recording_low=result.low,
        recording_high=result.high,
        instrument_accuracy=main.accuracy,
        source=" + ".join(spec.source for spec in present) if bridged else main.source,
        scope=main.scope,
        covers=(main.covers,),
        method=result.method,
        coverage=result.coverage(duration),
        observed=_observed(result, main, duration),
        longest_gap_seconds=result.longest_gap_seconds,
        sampling_interval_seconds=main.interval_seconds,
        window=window,
    )


def _observed(result: EnergyResult, spec: SensorSpec, duration_seconds: float) -> float | None:
    # How much a counter sees, or a gauge whose window nobody published, is not known.
    if result.method != "integrated_power" or spec.averaging_seconds is None:
        return None
    return result.observed(duration_seconds)


def joined_verdict(verdicts: Sequence[Verdict | None]) -> Consistency | None:
    """What to say of all devices' counters and integrals; ``None`` if one device's could not be compared."""
    known = [verdict for verdict in verdicts if verdict is not None]
    if not known or len(known) < len(verdicts):
        return None
    whole = Verdict(
        seconds=min(one.seconds for one in known),
        counter_joules=sum(one.counter_joules for one in known),
        integrated_joules=sum(one.integrated_joules for one in known),
        doubt_joules=sum(one.doubt_joules for one in known),
    )
    # Two devices that are off in opposite directions do not confirm each other.
    inconsistent = any(one.verdict == "inconsistent" for one in known)
    return Consistency(
        relative_difference=whole.relative_difference,
        compared_seconds=whole.seconds,
        verdict="inconsistent" if inconsistent else whole.verdict,
    )


def before_training(account: OpenAccount, early: tuple[float, float] | None, reason: str) -> Measurement:
    """Energy from the early reading (seconds, negative; joules) to the begin; needs the counter."""
    if account.counter is None:
        return not_measured("joules", f"only an energy counter tells what was used before training: {reason}")
    if early is None or account.first_counter is None:
        return not_measured("joules", "the energy counter was not read before training began")
    at, joules = early
    if at > -_SHORTEST_BEFORE_SECONDS:
        late, short = "the energy counter was first read after training began", "training began at once"
        return not_measured("joules", late if at >= 0 else f"too short to resolve: {short}")
    first_at, first_joules = account.first_counter
    window = Window(name="before training", begin_seconds=at, end_seconds=0.0)
    used, seconds = first_joules - joules, first_at - at
    if used < 0 and account.counter.wraps_at is not None:
        used += account.counter.wraps_at
    if used < 0:
        return not_measured("joules", "the energy counter was reset before training began", window=window)
    if used == 0:
        return not_measured("joules", "the energy counter did not move before training began", window=window)
    inside = used * first_at / seconds  # what of it fell after the begin
    ceiling, counter = account.account.ceiling, account.account.counter
    stale_seconds = counter.refresh_seconds if counter is not None else 0.0
    doubt = ceiling.joules_within(stale_seconds) + ceiling.joules_within(abs(first_at))
    result = EnergyResult(
        joules=used - inside, low=max(used - inside - doubt, 0.0), high=used - inside + doubt, method="counter"
    )
    return energy_measurement(result, [account.counter], window, reason)


def phase_energies(
    times: dict[str, PhaseTime], sums: Sequence[dict[str, PhaseSum]], total: Measurement
) -> tuple[PhaseEnergy, ...]:
    """Each marked phase, and what no phase claims as "training" (``sums``: one dict per device)."""
    if not times:
        return ()
    marked = {phase: _over_devices([one.get(phase) for one in sums]) for phase in times}
    phases = [
        PhaseEnergy(
            phase=phase,
            duration_seconds=time.seconds,
            visits=time.visits,
            energy=_phase_measurement(_with_doubt_of(total, marked[phase]), time.seconds, total),
        )
        for phase, time in times.items()
    ]
    if "training" not in times and total.window is not None and total.window.end_seconds is not None:
        rest = _rest(marked, times, total)
        seconds = total.window.end_seconds - sum(time.seconds for time in times.values())
        visits = sum(time.visits for time in times.values()) + 1
        energy = _phase_measurement(rest, seconds, total)
        phases.insert(0, PhaseEnergy(phase="training", duration_seconds=seconds, visits=visits, energy=energy))
    return tuple(phases)


def _with_doubt_of(total: Measurement, phase: PhaseSum) -> PhaseSum:
    """What makes the whole figure doubtful (a wrong rate, a gauge that looks now and then) does so for its parts."""
    if not total.value or total.recording_low is None:
        return phase
    bounds = [total.recording_low]
    if total.recording_high is not None and (total.coverage is None or total.coverage >= 1):
        bounds.append(total.recording_high)
    share = max(abs(total.value - bound) for bound in bounds) / total.value
    return dataclasses.replace(phase, doubt_joules=phase.doubt_joules + share * abs(phase.joules))


def _over_devices(sums: Sequence[PhaseSum | None]) -> PhaseSum:
    whole = PhaseSum(unknown=not sums)
    for one in sums:
        if one is None:
            whole.unknown = True
            continue
        whole.unknown |= one.unknown
        whole.joules += one.joules
        whole.doubt_joules += one.doubt_joules
        whole.gap_seconds = max(whole.gap_seconds, one.gap_seconds)
        whole.gap_joules += one.gap_joules
        whole.short_seconds = max(whole.short_seconds, one.short_seconds)
    return whole


def _rest(marked: dict[str, PhaseSum], times: dict[str, PhaseTime], total: Measurement) -> PhaseSum:
    rest = PhaseSum(unknown=total.value is None or any(phase.unknown for phase in marked.values()))
    rest.joules = max((total.value or 0.0) - sum(marked[phase].joules for phase in times), 0.0)
    limits = (total.recording_low, total.recording_high)
    bounds = [abs((total.value or 0.0) - bound) for bound in limits if bound is not None]
    window = total.window
    if window is not None and window.end_seconds is not None and total.coverage is not None:
        gaps = (1 - total.coverage) * (window.end_seconds - (window.begin_seconds or 0.0))
        rest.gap_seconds = max(gaps - sum(marked[phase].gap_seconds for phase in times), 0.0)
    rest.doubt_joules = sum(marked[phase].doubt_joules for phase in times) + max(bounds, default=0.0)
    return rest


def _phase_measurement(phase: PhaseSum, seconds: float, total: Measurement) -> Measurement:
    if total.value is None or phase.unknown:
        return not_measured("joules", total.reason or "the sensor did not see all of its visits")
    if seconds < _SHORTEST_PHASE_SECONDS or phase.short_seconds > _MOST_IN_SHORT_VISITS * seconds:
        return not_measured("joules", "too short to resolve")
    joules = max(phase.joules, 0.0)
    high = joules + phase.doubt_joules + phase.gap_joules
    return msgspec.structs.replace(
        total,
        value=joules,
        recording_low=max(joules - phase.doubt_joules, 0.0),
        recording_high=None if total.recording_high is None or math.isinf(high) else high,
        coverage=min(max(1 - phase.gap_seconds / seconds, 0.0), 1.0),
        window=None,
    )
