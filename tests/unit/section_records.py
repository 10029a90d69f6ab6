"""Records of the situations a section must tell honestly, by name; each is made from ``make_record``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from msgspec.structs import replace
from section_energy import consistent
from section_machines import MACHINES

from cardcallback.carbon import assess_footprint, factor_for, find_place
from cardcallback.record import (
    Consistency,
    Energy,
    Evaluation,
    EvaluationResult,
    Hardware,
    Machine,
    Measurement,
    RunRecord,
    Scope,
    Stage,
    Tokens,
    not_measured,
)
from cardcallback.recorder.health import DeviceHealth, clock_norm
from cardcallback.sensors.base import DeviceInfo, Quantity
from cardcallback.sensors.nvml_power import PASCAL, Part, power_accuracy
from cardcallback.testing import make_measurement, make_record
from cardcallback.units import BYTES_PER_GIBIBYTE, JOULES_PER_WATT_HOUR

NO_DRIVER = "no NVIDIA driver found"
_P100 = "Tesla P100-SXM2-16GB"


def with_energy(record: RunRecord, **figures: Any) -> RunRecord:
    """``record`` with other energy figures."""
    return replace(record, energy=replace(record.energy, **figures))


def with_training(record: RunRecord, **fields: Any) -> RunRecord:
    """``record`` with other training facts."""
    return replace(record, training=replace(record.training, **fields))


def with_place(record: RunRecord, place: str, pue: float | None = None) -> RunRecord:
    """``record`` with its CO2e calculated for ``place``."""
    return replace(record, carbon=assess_footprint(record.energy, factor_for(find_place(place)), pue).carbon)


def _base() -> RunRecord:
    return make_record()


def _germany() -> RunRecord:
    return with_place(make_record(), "DE")


def _simulated() -> RunRecord:
    return make_record(simulated=True)


def _no_energy() -> Energy:
    absent = not_measured("joules", NO_DRIVER)
    no_rapl = not_measured("joules", "RAPL is readable by root only")
    return replace(
        make_record().energy,
        gpu=absent,
        gpu_counter=absent,
        gpu_integrated=absent,
        before_training=absent,
        cpu=no_rapl,
        dram=no_rapl,
        phases=(),
        per_step=not_measured("joules/step", NO_DRIVER),
        per_token=not_measured("joules/token", NO_DRIVER),
    )


def _cpu_only() -> RunRecord:
    record = make_record(
        energy=_no_energy(),
        hardware=Hardware(
            accelerators_reason=NO_DRIVER,
            machine=Machine(processor="AMD EPYC 7B13", processor_count=2, memory_total_bytes=8 * BYTES_PER_GIBIBYTE),
        ),
        software={"python": "3.11.9", "transformers": "5.23.0"},
        traces=tuple(trace for trace in make_record().traces if trace.quantity != "gpu_power"),
    )
    no_cuda = not_measured("bytes", "PyTorch has no CUDA here")
    memory = replace(
        record.memory,
        torch_peak_allocated=no_cuda,
        torch_peak_reserved=no_cuda,
        accelerator_process_peak=not_measured("bytes", NO_DRIVER),
        total=replace(record.memory.total, value=8.0 * BYTES_PER_GIBIBYTE),
        system_peak=replace(record.memory.system_peak, value=3.1 * BYTES_PER_GIBIBYTE),
        system_baseline=replace(record.memory.system_baseline, value=0.6 * BYTES_PER_GIBIBYTE),
    )
    return replace(record, memory=memory)


def _no_evaluation() -> RunRecord:
    record = make_record(evaluation=Evaluation())
    curves = {"loss": record.curves["loss"]}
    return with_training(replace(record, curves=curves), published_step=500, published_reason="last step")


def _interrupted() -> RunRecord:
    record = make_record(status="interrupted", evaluation=Evaluation())
    session = replace(record.sessions[0], last_step=300, status="interrupted")
    record = with_training(record, steps=300, planned_steps=500, published_step=300, epochs=0.6)
    return replace(record, sessions=(session,))


def _two_sessions() -> RunRecord:
    record = make_record(notes=("the job was resumed from step 200",), suspended_seconds=1200.0)
    half = record.duration_seconds / 2
    energy = replace(record.energy, gpu=replace(record.energy.gpu, value=53.5 * JOULES_PER_WATT_HOUR))
    session = replace(record.sessions[0], duration_seconds=half, energy=energy)
    first = replace(session, last_step=200, status="interrupted")
    second = replace(session, first_step=200, started_on="2026-03-04")
    return replace(record, sessions=(first, second))


def _resumed_elsewhere() -> RunRecord:
    record = make_record()
    return replace(record, sessions=(replace(record.sessions[0], first_step=400),))


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


def _dpo() -> RunRecord:
    def result(loss: float, margin: float) -> EvaluationResult:
        metrics = {"rewards/margins": margin, "rewards/accuracies": 0.5 + margin / 10}
        return EvaluationResult(loss=loss, kind="DPO loss", step=500, examples=200, metrics=metrics)

    record = make_record(evaluation=Evaluation(before=result(0.693, 0.0), after=result(0.412, 2.1)))
    steps = [step for step, _ in record.curves["loss"]]
    rewards = {
        "rewards/chosen": tuple((step, step / 500) for step in steps),
        "rewards/rejected": tuple((step, -step / 250) for step in steps),
        "eval_rewards/margins": ((100.0, 0.5), (300.0, 1.6), (500.0, 2.1)),
    }
    sft = Stage(name="SFT", method="QLoRA", steps=800, duration_seconds=5000.0, energy=make_record().energy.gpu)
    lost = Stage(name="continued pre-training", reason="its record was not given")
    record = replace(record, curves=record.curves | rewards, stages=(lost, sft, *record.stages))
    tokens = Tokens(reason="the trainer counted no tokens")
    changes = {"objective": "DPO", "trainer": "DPOTrainer", "loss_covers": None, "tokens": tokens}
    hyperparameters = record.training.hyperparameters | {"beta": 0.1, "loss_type": "sigmoid"}
    return with_training(
        record, published_step=500, published_reason="last step", hyperparameters=hyperparameters, **changes
    )


def _tiny() -> RunRecord:
    record = make_record(duration_seconds=9.6)
    energy = record.energy
    gpu = replace(energy.gpu, value=412.0, recording_low=380.0, recording_high=440.0)
    record = with_energy(
        record, gpu=gpu, gpu_counter=gpu, gpu_integrated=replace(gpu, value=405.0), phases=(), consistency=None
    )
    record = replace(record, sessions=(replace(record.sessions[0], last_step=4, duration_seconds=9.6),))
    record = with_training(
        record, steps=4, planned_steps=4, published_step=4, epochs=0.01, tokens=Tokens(non_padding=2100)
    )
    return replace(record, evaluation=Evaluation())


def _unknown_everything() -> RunRecord:
    record = _cpu_only()
    nothing = not_measured("bytes", "/proc/meminfo cannot be read")
    memory = replace(
        record.memory, system_peak=nothing, system_baseline=nothing, total=nothing, process_peak_rss=nothing
    )
    bare = replace(
        record,
        memory=memory,
        hardware=Hardware(),
        software={},
        curves={},
        traces=(),
        evaluation=Evaluation(),
        training=replace(type(record.training)(), steps=3, base_model_reason="the model carries no Hub id"),
    )
    return replace(bare, sessions=(replace(record.sessions[0], last_step=3),))


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
    return with_energy(record, gpu=replace(record.energy.gpu, covers=("NVIDIA GB10", whole)))


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


def _different_sets() -> RunRecord:
    record = make_record()
    before, after = record.evaluation.before, record.evaluation.after
    assert before is not None
    assert after is not None
    evaluation = Evaluation(before=replace(before, examples=16), after=replace(after, examples=64))
    return replace(record, evaluation=evaluation)


_SITUATIONS: dict[str, Callable[[], RunRecord]] = {
    "gb10": _base,
    "gb10_germany": _germany,
    "simulated": _simulated,
    "cpu_only": _cpu_only,
    "no_evaluation": _no_evaluation,
    "interrupted": _interrupted,
    "two_sessions": _two_sessions,
    "resumed_elsewhere": _resumed_elsewhere,
    "two_h100": _h100s,
    "counter_only": _counter_only,
    "integral_only": _integral_only,
    "disagreeing": _disagreeing,
    "lost_device": _lost_device,
    "part_time_gauge": _part_time_gauge,
    "dpo_after_sft": _dpo,
    "tiny": _tiny,
    "nothing_known": _unknown_everything,
    "machine_measured": _machine_measured,
    "unused_gpu": _unused_gpu,
    "shared_gpu": _shared_gpu,
    "divided_gpu": _divided_gpu,
    "stuck_spark": _stuck_spark,
    "hot_h100": _hot_h100,
    "module": _module,
    "different_sets": _different_sets,
}
RECORDS = {name: consistent(make) for name, make in _SITUATIONS.items()} | MACHINES
