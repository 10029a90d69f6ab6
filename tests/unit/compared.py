"""Made-up runs to compare: one work on machines that differ."""

from __future__ import annotations

from typing import Any

import msgspec

from cardcallback.record import Measurement, RunRecord, Scope
from cardcallback.testing import make_record

GPU_SCOPE = Scope(gpu_core="yes", gpu_memory="yes")
MACHINE_SCOPE = Scope(gpu_core="yes", gpu_memory="yes", cpu="yes", host_dram="yes")


def scaled(figure: Measurement, factor: float, **changes: Any) -> Measurement:
    """A figure and its bounds times ``factor``."""
    return msgspec.structs.replace(
        figure,
        value=(figure.value or 0.0) * factor,
        recording_low=(figure.recording_low or 0.0) * factor,
        recording_high=(figure.recording_high or 0.0) * factor,
        **changes,
    )


def run_on(
    name: str, run_id: str, *, energy: float = 1.0, time: float = 1.0, scope: Scope | None = GPU_SCOPE, **changes: Any
) -> RunRecord:
    """The made-up run on one GPU of another name, with ``energy`` and ``time`` times the original's."""
    record = make_record(run_id=run_id)
    gpu = scaled(record.energy.gpu, energy, scope=scope)
    device = msgspec.structs.replace(record.hardware.accelerators[0], name=name, energy=gpu)
    machine = msgspec.structs.replace(record.hardware.machine, name=None, processor="a processor")
    fields = {
        "duration_seconds": record.duration_seconds * time,
        "energy": msgspec.structs.replace(record.energy, gpu=gpu),
        "hardware": msgspec.structs.replace(record.hardware, accelerators=(device,), machine=machine),
    }
    return msgspec.structs.replace(record, **(fields | changes))


def with_system(record: RunRecord, factor: float) -> RunRecord:
    """The same with the whole machine measured at ``factor`` times the GPU's energy."""
    system = scaled(record.energy.gpu, factor, scope=MACHINE_SCOPE)
    return msgspec.structs.replace(record, energy=msgspec.structs.replace(record.energy, system=system))


def trained(record: RunRecord, **changes: Any) -> RunRecord:
    """The same run with other training fields."""
    return msgspec.structs.replace(record, training=msgspec.structs.replace(record.training, **changes))
