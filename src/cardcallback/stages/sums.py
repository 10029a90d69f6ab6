"""What all stages took together, where their energies may be added; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from cardcallback.record import Measurement, Scope, Stage, is_only_a_part, not_measured
from cardcallback.record.sums import summed

_SIMULATED = "the energy of {} is simulated and that of the others is not"
_UNUSED = "the job of {} did not use the GPU, whose energy is what it drew meanwhile"
_UNLIKE = "they are of unlike parts of the machine"
_UNDOCUMENTED = "what each is of is not documented in full, and the stages' devices are not known to be of one kind"
NOT_MEASURED = "not measured in any stage"
# How a device stands among what a measurement covers, where an older record names it nowhere else.
_COVERED_DEVICE = re.compile(r"GPU \d+: (.+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class StagesSum:
    """Times and energies of several stages together.

    ``duration_seconds`` and ``energy`` are of the stages that have one, and are the least where ``is_least_time`` or
    ``is_least_energy`` says so. An energy without a value has the reason why there is no sum.
    """

    duration_seconds: float
    is_least_time: bool
    energy: Measurement
    is_least_energy: bool


def sum_stages(stages: Sequence[Stage]) -> StagesSum:
    """The sums over ``stages``; energies only where they are of the same parts, with their bounds added.

    A part that the vendor does not document is the same one only on devices of the same name.
    """
    durations = [stage.duration_seconds for stage in stages]
    known = {place: stage for place, stage in enumerate(stages) if _joules(stage) is not None}
    energy = _energy(known)
    least = len(known) < len(stages) or any(_is_partial(stage) for stage in known.values())
    if least and energy.value is not None:
        energy = msgspec.structs.replace(energy, recording_high=None, coverage=None)
    return StagesSum(
        duration_seconds=sum(duration for duration in durations if duration is not None),
        is_least_time=any(stage.duration_seconds is None or stage.duration_is_least for stage in stages),
        energy=energy,
        is_least_energy=least,
    )


def stage_name(place: int) -> str:
    """The stage at ``place`` (from 0 on)."""
    return f"stage {place + 1}"


def stages_named(places: Sequence[int]) -> str:
    """Several stages by their places, as in "stages 1, 2 and 4"."""
    if len(places) == 1:
        return stage_name(places[0])
    numbers = [str(place + 1) for place in places]
    return f"stages {', '.join(numbers[:-1])} and {numbers[-1]}"


def _energy(known: dict[int, Stage]) -> Measurement:
    reason = _why_apart(known) if known else NOT_MEASURED
    if reason is not None:
        return not_measured("joules", reason)
    figures = [stage.energy for stage in known.values() if stage.energy is not None]
    durations = [stage.duration_seconds for stage in known.values() if stage.duration_seconds is not None]
    weights = durations if len(durations) == len(figures) else None
    names = [stage_name(place) for place in known]
    whole = summed(figures, NOT_MEASURED, weights=weights, names=names, named="stage")
    return msgspec.structs.replace(whole, method="calculated", window=None)


def _why_apart(known: dict[int, Stage]) -> str | None:
    """Why the energies have no sum; None where they have one."""
    simulated = [place for place, stage in known.items() if stage.simulated]
    if simulated and len(simulated) < len(known):
        return _SIMULATED.format(stages_named(simulated))
    unused = [place for place, stage in known.items() if stage.used_by_job is False]
    if unused and len(unused) < len(known):
        return _UNUSED.format(stages_named(unused))
    scopes = {stage.energy.scope for stage in known.values() if stage.energy is not None}
    if len(scopes) > 1:
        return _UNLIKE
    devices = {frozenset(_devices(stage)) for stage in known.values()}
    return None if _is_documented(scopes.pop()) or (len(devices) == 1 and frozenset() not in devices) else _UNDOCUMENTED


def _is_documented(scope: Scope | None) -> bool:
    return scope is not None and "unknown" not in msgspec.structs.asdict(scope).values()


def _devices(stage: Stage) -> Sequence[str]:
    covers = () if stage.energy is None else stage.energy.covers
    return stage.devices or [match[1] for words in covers if (match := _COVERED_DEVICE.fullmatch(words))]


def _is_partial(stage: Stage) -> bool:
    return stage.used_more or (stage.energy is not None and is_only_a_part(stage.energy))


def _joules(stage: Stage) -> float | None:
    return None if stage.energy is None else stage.energy.value
