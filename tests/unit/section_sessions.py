"""Records of a run whose sessions were on different machines, joined as a resume joins them."""

from __future__ import annotations

from msgspec.structs import replace
from section_energy import consistent

from cardcallback.record import Evaluation, Hardware, Machine, RunRecord, Scope, Tokens, Trace, not_measured
from cardcallback.sessions import joined_sessions
from cardcallback.testing import make_record
from cardcallback.units import BYTES_PER_GIBIBYTE, JOULES_PER_WATT_HOUR

_GPU_AND_MEMORY = Scope(gpu_core="yes", gpu_memory="yes")


@consistent
def _yesterday() -> RunRecord:
    """The Spark, killed at step 320 after a checkpoint at step 300."""
    record = make_record(simulated=True, status="interrupted", evaluation=Evaluation())
    session = replace(record.sessions[0], last_step=320, status="interrupted", session_id="a")
    tokens = Tokens(non_padding=3_312_000, processed=3_610_000, in_loss=1_446_000, source="data collator")
    training = replace(record.training, steps=320, epochs=0.64, tokens=tokens)
    note = "NVIDIA GB10: how often the energy counter is renewed is not published: it was seen to be about 0.1 s."
    return replace(record, training=training, sessions=(session,), notes=(note,))


def _first_minutes(trace: Trace) -> Trace:
    factor = 7.0 if trace.quantity == "gpu_power" else 1.0
    return replace(trace, points=tuple((at, factor * value) for at, value in trace.points[:10]))


@consistent
def _today() -> RunRecord:
    """An H100 with its own memory, from step 300 to the end."""
    name = "NVIDIA H100 80GB HBM3"
    record = make_record(simulated=True, duration_seconds=600.0)
    joules = 70 * JOULES_PER_WATT_HOUR
    gpu = replace(
        record.energy.gpu,
        value=joules,
        recording_low=joules * 0.999,
        recording_high=joules * 1.001,
        scope=_GPU_AND_MEMORY,
        covers=(name,),
    )
    integrated = replace(record.energy.gpu_integrated, covers=(name,))
    energy = replace(record.energy, gpu=gpu, gpu_counter=gpu, gpu_integrated=integrated, phases=())
    device = replace(
        record.hardware.accelerators[0],
        name=name,
        architecture="Hopper",
        compute_capability="9.0",
        energy=gpu,
        memory_total_bytes=80 * BYTES_PER_GIBIBYTE,
    )
    machine = Machine(
        name="GPU server",
        processor="Intel Xeon Platinum 8480C",
        processor_count=208,
        architecture="x86_64",
        memory_total_bytes=2048 * BYTES_PER_GIBIBYTE,
        unified_memory=False,
        operating_system="Ubuntu 22.04",
    )
    hardware = Hardware(accelerators=(device,), machine=machine)
    memory = replace(
        record.memory,
        system_peak=replace(record.memory.system_peak, value=48.0 * BYTES_PER_GIBIBYTE),
        swap_peak=not_measured("bytes", "no swap is set up on this machine"),
        swap_baseline=not_measured("bytes", "no swap is set up on this machine"),
    )
    session = replace(
        record.sessions[0],
        started_on="2026-03-03",
        duration_seconds=600.0,
        first_step=300,
        session_id="b",
        hardware=hardware,
    )
    tokens = Tokens(non_padding=2_208_000, processed=2_406_800, in_loss=964_000, source="data collator")
    return replace(
        record,
        energy=energy,
        hardware=hardware,
        memory=memory,
        sessions=(session,),
        software=record.software | {"driver": "570.86.15"},
        training=replace(record.training, tokens=tokens),
        traces=tuple(_first_minutes(trace) for trace in record.traces),
        phase_spans=(),
    )


def two_machines() -> RunRecord:
    """Begun on a Spark yesterday, gone on with on an H100 today; both simulated."""
    return joined_sessions(_yesterday(), _today())


SESSIONS = {"two_machines": two_machines}
