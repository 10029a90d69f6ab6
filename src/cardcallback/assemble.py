"""Join what was measured and what was observed into one ``RunRecord``; pure, no files, no clock."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cardcallback.carbon import assess_footprint
from cardcallback.ratios import with_ratios
from cardcallback.record import (
    Accelerator,
    CarbonFactor,
    Card,
    Energy,
    Evaluation,
    Hardware,
    Machine,
    Point,
    RunRecord,
    Session,
    Stage,
    Status,
    Training,
    not_measured,
    with_stages,
)
from cardcallback.recorder import Recording
from cardcallback.settings import Settings


class RunState(msgspec.Struct, frozen=True, kw_only=True):
    """What the callback knows of a run beside its sensors, at one moment."""

    run_id: str
    cardcallback_version: str
    status: Status
    first_step: int
    last_step: int
    training: Training
    evaluation: Evaluation
    curves: dict[str, tuple[Point, ...]]
    stages: tuple[Stage, ...] = ()
    card: Card = Card()
    notes: tuple[str, ...] = ()
    energy_covers: tuple[str, ...] = ()
    energy_partial_reason: str | None = None
    session_id: str | None = None


def assemble_record(
    state: RunState,
    recording: Recording,
    *,
    software: dict[str, str],
    machine: Machine,
    uses_accelerators: bool = True,
    unmeasured: Sequence[str] = (),
) -> RunRecord:
    """The record of a run of one session.

    Args:
        state: the run's progress and description.
        recording: measurements from the session's begin until now, and where they came from.
        software: versions by distribution name.
        machine: the computer.
        uses_accelerators: whether the job computes on the measured devices, or they were only watched.
        unmeasured: names of the job's devices where none could be measured, such as those of another maker.
    """
    sensors = recording.sensors
    hardware = _hardware(recording, machine, uses_accelerators=uses_accelerators, unmeasured=unmeasured)
    steps = state.last_step - state.first_step
    software = software | ({"driver": sensors.driver_version} if sensors.driver_version else {})
    energy = with_ratios(_covering(recording.energy, state), steps=steps, training=state.training)
    session = Session(
        started_on=recording.started_on,
        duration_seconds=recording.duration_seconds,
        suspended_seconds=recording.suspended_seconds,
        stopped_seconds=recording.stopped_seconds,
        first_step=state.first_step,
        last_step=state.last_step,
        status=state.status,
        hardware=hardware,
        software=software,
        energy=energy,
        session_id=state.session_id,
    )
    record = RunRecord(
        cardcallback_version=state.cardcallback_version,
        run_id=state.run_id,
        simulated=sensors.simulated,
        status=state.status,
        duration_seconds=recording.duration_seconds,
        suspended_seconds=recording.suspended_seconds,
        stopped_seconds=recording.stopped_seconds,
        sessions=(session,),
        training=state.training,
        evaluation=state.evaluation,
        curves=state.curves,
        hardware=hardware,
        software=software,
        energy=energy,
        memory=recording.memory,
        traces=recording.traces,
        phase_spans=recording.phase_spans,
        card=state.card,
        notes=_unique((*sensors.notes, *recording.notes, *state.notes)),
    )
    return with_stages(record, state.stages)


def _covering(energy: Energy, state: RunState) -> Energy:
    gpu = msgspec.structs.replace(energy.gpu, covers=(*energy.gpu.covers, *state.energy_covers))
    return msgspec.structs.replace(energy, gpu=gpu, partial_reason=state.energy_partial_reason)


def with_carbon(record: RunRecord, settings: Settings) -> RunRecord:
    """The record with its CO2e, where a place or a factor was given, or with the reason why there is none."""
    if settings.factor is None:
        return msgspec.structs.replace(record, carbon=None)
    assessed = assess_footprint(record.energy, settings.factor, settings.pue)
    notes = assessed.notes if assessed.reason is None else (*assessed.notes, f"No CO2e figure: {assessed.reason}.")
    if assessed.carbon is not None and record.carbon is not None:
        notes = (*notes, *_moved_place(record.carbon.factor, settings.factor))
    return msgspec.structs.replace(record, carbon=assessed.carbon, notes=_unique((*record.notes, *notes)))


def _moved_place(before: CarbonFactor, now: CarbonFactor) -> tuple[str, ...]:
    """That sessions ran in different places, while one factor multiplies the energies of all.

    It names no factor that is taken: another may be chosen whenever the card is rendered.
    """
    if (before.place, before.grams_per_kwh) == (now.place, now.grams_per_kwh):
        return ()
    was, later = (f"{factor.grams_per_kwh:.3g} g/kWh ({factor.place})" for factor in (before, now))
    return (f"An earlier session had a grid of {was}, a later one of {later}: the CO2e takes one for all of them.",)


def _hardware(
    recording: Recording, machine: Machine, *, uses_accelerators: bool, unmeasured: Sequence[str]
) -> Hardware:
    sensors = recording.sensors
    absence = sensors.absence("gpu_energy") or sensors.absence("gpu_power")
    reason = None
    if not recording.accelerators:
        reason = absence.reason if absence else "no accelerator belongs to this job"
    found = recording.accelerators or tuple(
        Accelerator(name=name, energy=not_measured("joules", reason or "no sensor")) for name in unmeasured
    )
    # The driver knows an integrated GPU that the firmware's product name does not tell of.
    unified = machine.unified_memory or next((d.unified_memory for d in sensors.devices if d.unified_memory), None)
    return Hardware(
        accelerators=tuple(
            msgspec.structs.replace(accelerator, used_by_job=uses_accelerators) for accelerator in found
        ),
        accelerators_reason=None if found else reason,
        machine=msgspec.structs.replace(machine, unified_memory=unified),
    )


def _unique(notes: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(notes))
