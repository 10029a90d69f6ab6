"""Join what was measured and what was observed into one ``RunRecord``; pure, no files, no clock."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cardcallback.carbon import assess_run
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
    factor: CarbonFactor | None = None
    pue: float | None = None


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
        factor=state.factor,
        pue=state.pue,
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


def with_carbon(record: RunRecord) -> RunRecord:
    """The record with its CO2e, where its sessions' places or factors were given, or with the reason why not."""
    if record.carbon is None and all(session.factor is None for session in record.sessions):
        return record
    assessed = assess_run(record)
    notes = assessed.notes if assessed.reason is None else (*assessed.notes, f"No CO2e figure: {assessed.reason}.")
    return msgspec.structs.replace(record, carbon=assessed.carbon, notes=_unique((*record.notes, *notes)))


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
