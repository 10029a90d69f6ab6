"""A run as a stage of a chain; every entry of ``RunRecord.stages`` is made here."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cardcallback.record.run import RunRecord
from cardcallback.record.spent import session_is_least
from cardcallback.record.stage import Stage

UNRECORDED = "unrecorded stage"


def stage_of(record: RunRecord, before: Sequence[Stage] | None = None) -> Stage:
    """What a chain keeps of a run; ``before`` are the stages before it, those of ``record`` if not given."""
    training, devices = record.training, record.hardware.accelerators
    earlier = record.stages[:-1] if before is None else before
    return Stage(
        name=training.stage or training.objective or "training",
        method=training.method,
        base_model=training.base_model,
        dataset=training.dataset.name,
        steps=training.steps,
        duration_seconds=record.duration_seconds,
        energy=record.energy.gpu,
        run_id=record.run_id,
        previous_run_id=earlier[-1].run_id if earlier else None,
        status=record.status,
        simulated=record.simulated,
        training_examples=training.dataset.training_examples,
        devices=tuple(device.name for device in devices),
        used_by_job=record.hardware.is_used_by_job,
        energy_partial_reason=record.energy.partial_reason,
        duration_is_least=any(map(session_is_least, record.sessions)),
    )


def unrecorded_stage(reason: str) -> Stage:
    """The place in a chain of a training that left no record; ``reason`` holds no path."""
    return Stage(name=UNRECORDED, reason=reason)


def with_stages(record: RunRecord, before: Sequence[Stage] | None = None) -> RunRecord:
    """``record`` with the stages before it, as they were if not given, and itself as it is now."""
    earlier = record.stages[:-1] if before is None else tuple(before)
    return msgspec.structs.replace(record, stages=(*earlier, stage_of(record, earlier)))
