"""Records of other devices than one sound GB10: what was measured of them, and what state they were in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from msgspec.structs import replace
from section_energy import with_energy, with_place, with_training

from cardcallback.record import (
    Consistency,
    Hardware,
    Machine,
    Measurement,
    RunRecord,
    Scope,
    not_measured,
)
from cardcallback.recorder.health import DeviceHealth, clock_norm
from cardcallback.sensors.base import DeviceInfo, Quantity
from cardcallback.sensors.nvml_power import PASCAL, Part, power_accuracy
from cardcallback.testing import make_measurement, make_record
from cardcallback.units import BYTES_PER_GIBIBYTE, JOULES_PER_WATT_HOUR

_P100 = "Tesla P100-SXM2-16GB"


def _h100s() -> RunRecord:
    record = make_record()
    scope = Scope(gpu_core="yes", gpu_memory="yes")

    def on_h100(measurement: Measurement, **fields: Any) -> Measurement:
        return replace(measurement, scope=scope, covers=("NVIDIA H100 80GB HBM3",), **fields)

    gpu = on_h100(record.energy.gpu, value=2 * 300 * JOULES_PER_WATT_HOUR, recording_low=2_159_000.0)
    gpu = replace(gpu, recording_high=2_161_000.0)
    device = replace(
        record.hardware.accelerators[0],
        name="NVIDIA H100 80GB HBM3",
        architecture="Hopper",
        energy=replace(gpu, value=300 * JOULES_PER_WATT_HOUR),
        mean_power=on_h100(record.energy.gpu, value=161.0, unit="watts"),
        memory_total_bytes=80 * BYTES_PER_GIBIBYTE,
        throttle_reasons=("software power cap",),
        other_processes=1,
    )
    record = with_energy(record, gpu=gpu, gpu_counter=gpu, gpu_integrated=replace(gpu, method="integrated_power"))
    machine = Machine(processor="Intel Xeon", processor_count=208, unified_memory=False)
    memory = replace(record.memory, accelerator_process_peak=not_measured("bytes", "the process list was empty"))
    record = replace(record, hardware=Hardware(accelerators=(device, device), machine=machine), memory=memory)
    return with_training(record, hyperparameters=record.training.hyperparameters | {"world_size": 2})


def _counter_only() -> RunRecord:
    return with_energy(
        make_record(), gpu_integrated=not_measured("joules", "power readings are not supported"), consistency=None
    )


def _integral_only() -> RunRecord:
    """A P100, which has no energy counter, with a pause of three minutes in its readings."""
    record = make_record()
    integral = record.energy.gpu_integrated
    wide = replace(
        integral,
        value=107 * JOULES_PER_WATT_HOUR,
        recording_low=101 * JOULES_PER_WATT_HOUR,
        recording_high=112 * JOULES_PER_WATT_HOUR,
        coverage=0.958,
        longest_gap_seconds=190.0,
        sampling_interval_seconds=0.1,
        instrument_accuracy=power_accuracy(Part(name=_P100, architecture=PASCAL)),
        scope=Scope(gpu_core="yes", gpu_memory="yes"),
        covers=(_P100,),
    )
    reason = "the driver has no energy counter for this GPU"
    memory = replace(
        record.memory,
        torch_peak_allocated=replace(record.memory.torch_peak_allocated, value=11.2 * BYTES_PER_GIBIBYTE),
        torch_peak_reserved=replace(record.memory.torch_peak_reserved, value=12.8 * BYTES_PER_GIBIBYTE),
        accelerator_process_peak=replace(record.memory.accelerator_process_peak, value=13.4 * BYTES_PER_GIBIBYTE),
    )
    device = replace(
        record.hardware.accelerators[0],
        name=_P100,
        architecture="Pascal",
        energy=wide,
        median_sm_clock=make_measurement(1.303e9, "hertz", "nvml:clock_info_sm", "calculated"),
        memory_total_bytes=16 * BYTES_PER_GIBIBYTE,
    )
    machine = Machine(processor="Intel Xeon", processor_count=56, unified_memory=False)
    return with_energy(
        replace(record, hardware=Hardware(accelerators=(device,), machine=machine), memory=memory),
        gpu=wide,
        gpu_counter=not_measured("joules", reason),
        gpu_integrated=wide,
        consistency=None,
        before_training=not_measured("joules", f"only an energy counter tells what was used before training: {reason}"),
    )


def _lost_device() -> RunRecord:
    record = make_record()
    part = replace(
        record.energy.gpu, value=42 * JOULES_PER_WATT_HOUR, recording_low=151_000.0, recording_high=None,
        coverage=0.392, longest_gap_seconds=4085.0,
    )  # fmt: skip
    training, evaluation, saving = record.energy.phases
    # It was lost after 2,634 s: during the fourth of ten evaluations' times, and before anything was saved.
    seen = replace(part, value=0.4 * (evaluation.energy.value or 0.0), coverage=0.4)
    rest = replace(part, value=(part.value or 0.0) - (seen.value or 0.0))
    unseen = not_measured("joules", "the sensor did not see all of its visits")
    phases = (
        replace(training, energy=rest),
        replace(evaluation, energy=seen),
        replace(saving, energy=unseen),
    )
    return with_energy(record, gpu=part, gpu_counter=part, phases=phases)


def _part_time_gauge() -> RunRecord:
    record = _integral_only()
    part = replace(record.energy.gpu, coverage=1.0, observed=0.5, longest_gap_seconds=0.0)
    return with_energy(record, gpu=part, gpu_integrated=part)


def _disagreeing() -> RunRecord:
    record = make_record()
    low = 101 * JOULES_PER_WATT_HOUR
    integral = replace(record.energy.gpu_integrated, value=low, recording_low=low - 30, recording_high=low + 30)
    gpu = replace(record.energy.gpu, recording_low=low - 30)
    note = "the energy counter and integrated power are 5.6 % apart; the recording interval spans both"
    verdict = Consistency(relative_difference=-0.0561, compared_seconds=6700.0, verdict="inconsistent")
    return replace(with_energy(record, gpu=gpu, gpu_integrated=integral, consistency=verdict), notes=(note,))


def _machine_measured() -> RunRecord:
    record = make_record()
    system = replace(
        record.energy.gpu,
        value=220 * JOULES_PER_WATT_HOUR,
        recording_low=219 * JOULES_PER_WATT_HOUR,
        recording_high=221 * JOULES_PER_WATT_HOUR,
        source="hwmon:spbm:sys_total",
        method="integrated_power",
        scope=Scope(gpu_core="yes", gpu_memory="yes", cpu="yes", host_dram="yes", network="yes"),
        covers=("whole machine without its power supply",),
    )
    return with_place(with_energy(record, system=system), "FR", 1.2)


def _devices(record: RunRecord, **fields: Any) -> RunRecord:
    found = tuple(replace(device, **fields) for device in record.hardware.accelerators)
    hardware = replace(record.hardware, accelerators=found)
    sessions = tuple(replace(session, hardware=hardware) for session in record.sessions)
    return replace(record, hardware=hardware, sessions=sessions)


def _unused_gpu() -> RunRecord:
    return with_place(_devices(make_record(), used_by_job=False), "DE")


def _shared_gpu() -> RunRecord:
    return with_place(_devices(make_record(), other_processes=2), "DE")


def _watched(info: DeviceInfo, **readings: Callable[[float], float]) -> tuple[DeviceHealth, RunRecord]:
    """A device's health after two hours of these readings by quantity, and a record that tells them."""
    health = DeviceHealth(clock_norm(info))
    for second in range(6720):
        for quantity, reading in readings.items():
            health.add(cast("Quantity", quantity), f"nvml:{quantity}", float(second), reading(second), 2.5)
    return health, replace(make_record(), notes=health.sentences())


def _stuck_spark() -> RunRecord:
    """Full load at 721 MHz for the first hour, without a reason from the driver."""
    health, record = _watched(
        DeviceInfo(index=0, name="NVIDIA GB10"),
        gpu_utilization=lambda _: 0.96,
        gpu_clock_event_reasons=lambda _: 0.0,
        gpu_sm_clock=lambda at: 721e6 if at <= 3600 else 2.41e9,
    )
    return _devices(
        record,
        median_sm_clock=make_measurement(721e6, "hertz", "nvml:clock_info_sm", "calculated"),
        median_utilization=make_measurement(0.96, "share", "nvml:utilization_rates", "calculated"),
        low_clock_time=make_measurement(health.low_clock.spells.seconds, "seconds", "nvml:clock_info_sm", "calculated"),
        thermal_slowdown_time=make_measurement(0.0, "seconds", "nvml:field_269", "counter"),
        health=health.sentences(),
    )


def _hot_h100() -> RunRecord:
    """Two H100 of which the first was slowed by heat for half an hour."""
    info = DeviceInfo(index=0, name="NVIDIA H100 80GB HBM3", max_sm_clock_hertz=1.98e9)
    health, _ = _watched(
        info,
        gpu_software_thermal_time=lambda at: 12.0 + min(max(at - 600.0, 0.0), 1800.0),
        gpu_hardware_thermal_time=lambda _: 0.0,
        gpu_power_brake_time=lambda _: 0.0,
    )
    record = _h100s()
    well = replace(
        record.hardware.accelerators[0],
        median_utilization=make_measurement(0.99, "share", "nvml:utilization_rates", "calculated"),
        thermal_slowdown_time=make_measurement(0.0, "seconds", "nvml:field_269", "counter"),
        other_processes=0,
    )
    hot = replace(
        well,
        throttle_reasons=("software power cap", "software thermal slowdown"),
        thermal_slowdown_time=make_measurement(1800.0, "seconds", "nvml:field_269", "counter"),
        health=health.sentences(),
    )
    notes = tuple(f"GPU 0: {sentence}" for sentence in health.sentences())
    return replace(record, hardware=replace(record.hardware, accelerators=(hot, well)), notes=notes)


def _divided_gpu() -> RunRecord:
    record = make_record()
    whole = "The GPU is divided (MIG): its energy is the whole GPU's, shared by every job on it."
    gpu = replace(record.energy.gpu, covers=("NVIDIA GB10", whole))
    device = replace(record.hardware.accelerators[0], energy=gpu)
    record = replace(record, hardware=replace(record.hardware, accelerators=(device,)))
    return with_energy(record, gpu=gpu)


def _module() -> RunRecord:
    """A GH200, whose counter is the whole module's."""
    record = make_record()
    scope = Scope(gpu_core="yes", gpu_memory="yes", cpu="yes", host_dram="unknown", regulators="unknown")
    sentence = "The energy is the whole module's: GPU, processor and memory together."
    gpu = replace(record.energy.gpu, scope=scope, covers=("NVIDIA GH200 480GB module", sentence))
    power = record.hardware.accelerators[0].mean_power
    assert power is not None
    record = _devices(record, name="NVIDIA GH200 480GB", mean_power=replace(power, scope=scope), energy=gpu)
    machine = Machine(processor="Neoverse-V2", processor_count=72, unified_memory=False)
    traces = tuple(
        replace(trace, source="nvml:module_power_average") if trace.quantity == "gpu_power" else trace
        for trace in record.traces
    )
    record = replace(record, hardware=replace(record.hardware, machine=machine), traces=traces)
    return with_place(with_energy(record, gpu=gpu, gpu_counter=gpu), "DE")


DEVICES: dict[str, Callable[[], RunRecord]] = {
    "two_h100": _h100s,
    "counter_only": _counter_only,
    "integral_only": _integral_only,
    "disagreeing": _disagreeing,
    "lost_device": _lost_device,
    "part_time_gauge": _part_time_gauge,
    "machine_measured": _machine_measured,
    "unused_gpu": _unused_gpu,
    "shared_gpu": _shared_gpu,
    "divided_gpu": _divided_gpu,
    "stuck_spark": _stuck_spark,
    "hot_h100": _hot_h100,
    "module": _module,
}
