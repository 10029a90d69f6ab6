"""Records of one node each of a made-up job: eight H100, 700 W each over an hour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from cardcallback.record import (
    Accelerator,
    Energy,
    Hardware,
    InstrumentAccuracy,
    Measurement,
    Node,
    RunRecord,
    Scope,
    Window,
    not_measured,
)
from cardcallback.testing.records import make_measurement, make_record

NAME = "NVIDIA H100 80GB HBM3"
SECONDS = 3600.0
JOULES = 700.0 * SECONDS
_SCOPE = Scope(gpu_core="yes", gpu_memory="yes")
_ACCURACY = InstrumentAccuracy(
    statement="within 5 W of a meter at its own input, as far as its makers say", source="a published comparison"
)
_NO_METER = "no sensor for it on this machine"


def node_record(
    ranks: Sequence[int],
    *,
    processes: int = 16,
    joules: float | None = JOULES,
    seconds: float = SECONDS,
    peak_bytes: float = 1e12,
    cpu_joules: float | None = 400.0 * SECONDS,
    partial_reason: str | None = None,
    notes: Sequence[str] = (),
) -> RunRecord:
    """The node that those ranks ran on, each on a GPU that used ``joules``."""
    energy = _energy(len(ranks), joules, cpu_joules, partial_reason, seconds)
    accelerators = tuple(
        Accelerator(name=NAME, energy=_gpu(1, joules, "counter", seconds), memory_total_bytes=80 * 1024**3)
        for _ in ranks
    )
    record = make_record(duration_seconds=seconds, energy=energy, processes=processes, notes=tuple(notes))
    hardware = Hardware(accelerators=accelerators, machine=record.hardware.machine)
    session = msgspec.structs.replace(record.sessions[0], duration_seconds=seconds, energy=energy, hardware=hardware)
    memory = msgspec.structs.replace(
        record.memory, system_peak=msgspec.structs.replace(record.memory.system_peak, value=peak_bytes)
    )
    node = Node(
        ranks=tuple(ranks),
        duration_seconds=seconds,
        accelerators=(NAME,) * len(ranks),
        memory_peak_bytes=peak_bytes,
        partial_reason=partial_reason,
    ).with_gpu_energy(energy.gpu)
    return msgspec.structs.replace(record, sessions=(session,), hardware=hardware, memory=memory, nodes=(node,))


def _gpu(count: int, joules: float | None, method: Any, seconds: float) -> Measurement:
    if joules is None:
        return not_measured("joules", "the NVIDIA driver is not loaded")
    return make_measurement(
        count * joules,
        "joules",
        "nvml:total_energy_consumption" if method == "counter" else "nvml:power",
        method,
        recording_low=count * (joules - 7.123456789),
        recording_high=count * (joules + 7.123456789),
        scope=_SCOPE,
        covers=(NAME,) * count,
        longest_gap_seconds=1.0345678,
        instrument_accuracy=_ACCURACY,
        window=Window(name="training", begin_seconds=0.0, end_seconds=seconds),
        sampling_interval_seconds=1.0,
    )


def _energy(
    count: int, joules: float | None, cpu_joules: float | None, partial_reason: str | None, seconds: float
) -> Energy:
    whole = make_record().energy
    return msgspec.structs.replace(
        whole,
        gpu=_gpu(count, joules, "counter", seconds),
        gpu_counter=_gpu(count, joules, "counter", seconds),
        gpu_integrated=_gpu(count, joules, "integrated_power", seconds),
        before_training=_gpu(count, None if joules is None else joules / 50, "counter", seconds),
        cpu=(
            not_measured("joules", _NO_METER)
            if cpu_joules is None
            else make_measurement(cpu_joules, "joules", "rapl:package", "counter", scope=Scope(cpu="yes"))
        ),
        partial_reason=partial_reason,
    )
