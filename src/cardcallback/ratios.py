"""What is calculated from an energy and from the work or the time it was spent on; pure."""

from __future__ import annotations

import msgspec

from cardcallback.record import Energy, Measurement, Training, Window, is_unresolved, not_measured
from cardcallback.units import format_coverage

# Below this a quotient would divide a part of the energy by all of the work.
_LOWEST_COVERAGE = 0.95

# What the energy of a step holds, as the name of its window.
PHASES_LEFT_OUT = "evaluation and saving left out"
PHASES_INCLUDED = "evaluation and saving included"


def with_ratios(energy: Energy, *, steps: int, training: Training) -> Energy:
    """``energy`` with its figures per step and per token; each figure's window says what energy it rests on.

    Per step it is the training phase's energy where that could be resolved, otherwise the whole window's,
    evaluations and saving included. Per token it is the whole window's, and ``covers`` names the kind of
    token. An energy of a part of the job is divided by nothing.
    """
    if energy.partial_reason is not None:
        return msgspec.structs.replace(
            energy,
            per_step=not_measured("joules/step", energy.partial_reason),
            per_token=not_measured("joules/token", energy.partial_reason),
        )
    phase = next((p.energy for p in energy.phases if p.phase == "training" and p.energy.value is not None), None)
    spent = energy.gpu if phase is None else phase
    if energy.phases:
        # Only where there was something to leave out does it matter whether it is.
        spent = msgspec.structs.replace(
            spent, window=Window(name=PHASES_INCLUDED if phase is None else PHASES_LEFT_OUT)
        )
    tokens = training.tokens.non_padding
    reason = training.tokens.reason or "nobody counted the tokens"
    per_token = energy_per_token(energy.gpu, tokens, f"tokens without padding are not known: {reason}")
    return msgspec.structs.replace(
        energy,
        per_step=_per(spent, steps, "joules/step", "no optimiser step was taken"),
        per_token=msgspec.structs.replace(per_token, covers=(*per_token.covers, "tokens without padding")),
    )


def energy_per_token(spent: Measurement, tokens: int | None, no_tokens: str) -> Measurement:
    """``spent`` per token without padding; unknown, with ``no_tokens`` for the reason, where nobody counted them."""
    return _per(spent, tokens, "joules/token", no_tokens)


def mean_power(energy: Measurement, duration_seconds: float) -> Measurement:
    """``energy`` in watts over the time that was watched; without bounds where that is not all of it."""
    watched = duration_seconds * (energy.coverage if energy.coverage is not None else 1.0)
    if energy.value is None or watched <= 0:
        no_length = "the session has no length yet" if duration_seconds <= 0 else "no sensor watched any part of it"
        return not_measured("watts", energy.reason or no_length, window=energy.window)
    low, high = energy.recording_low, energy.recording_high
    whole = energy.coverage is None or energy.coverage >= 1
    return msgspec.structs.replace(
        energy,
        value=energy.value / watched,
        unit="watts",
        recording_low=low / duration_seconds if low is not None and whole else None,
        recording_high=high / duration_seconds if high is not None and whole else None,
        method="calculated",
    )


def _per(spent: Measurement, count: int | None, unit: str, no_count: str) -> Measurement:
    if spent.value is None:
        return not_measured(unit, spent.reason or "energy was not measured")
    if not count or count < 0:
        return not_measured(unit, no_count)
    if is_unresolved(spent):
        return not_measured(unit, "the recording interval of the energy is wider than the energy")
    if spent.coverage is not None and spent.coverage < _LOWEST_COVERAGE:
        return not_measured(unit, f"the energy covers only {format_coverage(spent.coverage)} of the time")
    bounds = [None if bound is None else bound / count for bound in (spent.recording_low, spent.recording_high)]
    return msgspec.structs.replace(
        spent,
        value=spent.value / count,
        recording_low=bounds[0],
        recording_high=bounds[1],
        unit=unit,
        method="calculated",
    )
