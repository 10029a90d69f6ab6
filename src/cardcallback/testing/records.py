"""A complete, made-up run record to render or compare, and its parts."""

from __future__ import annotations

import math
from typing import Any

from cardcallback.record import (
    TOKEN_CROSS_ENTROPY,
    Accelerator,
    Consistency,
    Dataset,
    Energy,
    Evaluation,
    EvaluationResult,
    Hardware,
    Lora,
    Machine,
    Measurement,
    Memory,
    Method,
    PhaseEnergy,
    PhaseSpan,
    Point,
    Quantization,
    RunRecord,
    Scope,
    Session,
    Stage,
    Tokens,
    Trace,
    Training,
    Window,
    not_measured,
)
from cardcallback.sensors.base import NOT_PUBLISHED
from cardcallback.units import BYTES_PER_GIBIBYTE, JOULES_PER_WATT_HOUR

GB10_SCOPE = Scope(gpu_core="yes", gpu_memory="unknown")
UNIFIED_MEMORY_SCOPE = Scope(gpu_memory="yes", host_dram="yes")

_DURATION_SECONDS = 6720.0
_STEPS = 500
_NON_PADDING_TOKENS = 5_520_000
_GPU_JOULES = 107 * JOULES_PER_WATT_HOUR
_WINDOW = Window(name="training", begin_seconds=0.0, end_seconds=_DURATION_SECONDS)


def make_measurement(value: float, unit: str, source: str, method: Method, **details: Any) -> Measurement:
    """A measurement over the whole made-up run; ``details`` replace its other fields."""
    fields: dict[str, Any] = {"coverage": 1.0, "window": _WINDOW, "instrument_accuracy": NOT_PUBLISHED}
    return Measurement(value=value, unit=unit, source=source, method=method, **(fields | details))


def make_record(**overrides: Any) -> RunRecord:
    """A complete, made-up record of a QLoRA run on one GB10, whose figures agree with each other.

    107 Wh over 6,720 s and 500 steps; step 450 is published. ``overrides`` replace top-level fields.
    """
    hardware, energy, software = _hardware(), _energy(), _software()
    session = Session(
        started_on="2026-03-02",
        duration_seconds=_DURATION_SECONDS,
        first_step=0,
        last_step=_STEPS,
        status="completed",
        hardware=hardware,
        software=software,
        energy=energy,
    )
    fields: dict[str, Any] = {
        "cardcallback_version": "0.1.0",
        "run_id": "20260302-5f0c1a",
        "simulated": False,
        "status": "completed",
        "duration_seconds": _DURATION_SECONDS,
        "sessions": (session,),
        "stages": (_stage(),),
        "training": _training(),
        "evaluation": _evaluation(),
        "curves": _curves(),
        "hardware": hardware,
        "software": software,
        "energy": energy,
        "memory": _memory(),
        "traces": _traces(),
        "phase_spans": _phase_spans(),
    }
    return RunRecord(**(fields | overrides))


def _energy_figure(joules: float, method: Method = "counter", **details: Any) -> Measurement:
    source = "nvml:power" if method == "integrated_power" else "nvml:total_energy_consumption"
    bounds = {"recording_low": joules - 12.0, "recording_high": joules + 12.0}
    fields = bounds | {"scope": GB10_SCOPE, "covers": ("GPU 0: NVIDIA GB10",), "longest_gap_seconds": 1.1}
    return make_measurement(joules, "joules", source, method, **(fields | details))


def _energy() -> Energy:
    phases = (("training", 6300.0, 11, 368_550.0), ("evaluation", 360.0, 10, 15_480.0), ("saving", 60.0, 2, 1170.0))
    before = Window(name="before training", begin_seconds=-360.0, end_seconds=0.0)
    no_rapl = "no RAPL on this machine: the processor offers no energy counter"
    return Energy(
        gpu=_energy_figure(_GPU_JOULES),
        gpu_counter=_energy_figure(_GPU_JOULES),
        gpu_integrated=_energy_figure(
            _GPU_JOULES * 1.004,
            "integrated_power",
            recording_low=_GPU_JOULES * 1.003,
            recording_high=_GPU_JOULES * 1.005,
        ),
        cpu=not_measured("joules", no_rapl),
        dram=not_measured("joules", no_rapl),
        system=not_measured("joules", "no sensor for it on this machine"),
        before_training=_energy_figure(3 * JOULES_PER_WATT_HOUR, window=before),
        phases=tuple(
            PhaseEnergy(phase=name, duration_seconds=seconds, visits=visits, energy=_energy_figure(joules))
            for name, seconds, visits, joules in phases
        ),
        consistency=Consistency(
            relative_difference=0.004, compared_seconds=_DURATION_SECONDS - 2, verdict="consistent"
        ),
        per_step=make_measurement(
            368_550.0 / _STEPS,
            "joules/step",
            "nvml:total_energy_consumption",
            "calculated",
            scope=GB10_SCOPE,
            window=Window(name="evaluation and saving left out"),
        ),
        per_token=make_measurement(
            _GPU_JOULES / _NON_PADDING_TOKENS,
            "joules/token",
            "nvml:total_energy_consumption",
            "calculated",
            scope=GB10_SCOPE,
        ),
    )


def _memory() -> Memory:
    def figure(gibibytes: float, source: str, method: Method, **details: Any) -> Measurement:
        return make_measurement(gibibytes * BYTES_PER_GIBIBYTE, "bytes", source, method, **details)

    system = {"scope": UNIFIED_MEMORY_SCOPE, "covers": ("whole machine",), "sampling_interval_seconds": 1.0}
    at_start = Window(name="before training", begin_seconds=0.0, end_seconds=0.0)
    since_process_start = Window(name="since process start", begin_seconds=None, end_seconds=_DURATION_SECONDS)
    torch = {"window": since_process_start, "sampling_interval_seconds": 5.0}
    return Memory(
        system_peak=figure(61, "proc:meminfo", "sampled_peak", **system),
        system_baseline=figure(8, "proc:meminfo", "sampled_peak", **(system | {"window": at_start})),
        torch_peak_allocated=figure(38, "torch:allocator", "high_water_mark", **torch),
        torch_peak_reserved=figure(42, "torch:allocator", "high_water_mark", **torch),
        accelerator_process_peak=figure(43.5, "nvml:processes", "sampled_peak", sampling_interval_seconds=60.0),
        process_peak_rss=figure(5.2, "psutil:rss", "sampled_peak", sampling_interval_seconds=1.0),
        total=figure(119.7, "proc:meminfo", "high_water_mark", covers=("whole machine",)),
        limit=not_measured("bytes", "no limit below the machine's memory is set for this job"),
        swap_peak=figure(0, "proc:meminfo", "sampled_peak", sampling_interval_seconds=5.0),
        swap_baseline=figure(0, "proc:meminfo", "sampled_peak", sampling_interval_seconds=5.0, window=at_start),
        stalled_some=make_measurement(2.1, "seconds", "proc:pressure/memory", "counter"),
        stalled_all=make_measurement(0.4, "seconds", "proc:pressure/memory", "counter"),
    )


def _hardware() -> Hardware:
    accelerator = Accelerator(
        name="NVIDIA GB10",
        energy=_energy_figure(_GPU_JOULES),
        architecture="Blackwell",
        compute_capability="12.1",
        mean_power=make_measurement(
            _GPU_JOULES / _DURATION_SECONDS, "watts", "nvml:total_energy_consumption", "calculated", scope=GB10_SCOPE
        ),
        median_sm_clock=make_measurement(2.41e9, "hertz", "nvml:sm_clock", "calculated"),
        highest_temperature=make_measurement(71.0, "celsius", "nvml:temperature", "sampled_peak"),
        other_processes=0,
    )
    machine = Machine(
        name="NVIDIA DGX Spark",
        processor="Cortex-X925 and Cortex-A725",
        processor_count=20,
        architecture="aarch64",
        memory_total_bytes=int(119.7 * BYTES_PER_GIBIBYTE),
        unified_memory=True,
        operating_system="Ubuntu 24.04",
    )
    return Hardware(accelerators=(accelerator,), machine=machine)


def _software() -> dict[str, str]:
    versions = "transformers 5.23.0, trl 1.16.0, peft 0.21.2, bitsandbytes 0.50.2, driver 580.95.05"
    return dict(entry.split() for entry in versions.split(", "))


def _training() -> Training:
    return Training(
        method="QLoRA",
        objective="SFT",
        trainer="SFTTrainer",
        trainer_library="trl",
        base_model="google/gemma-3-4b-it",
        model_type="gemma3_text",
        steps=_STEPS,
        planned_steps=_STEPS,
        epochs=1.0,
        tokens=Tokens(processed=6_016_800, non_padding=_NON_PADDING_TOKENS, in_loss=2_410_000, source="data collator"),
        hyperparameters={
            "per_device_train_batch_size": 2,
            "gradient_accumulation_steps": 8,
            "max_length": 2048,
            "packing": False,
            "optim": "paged_adamw_8bit",
            "learning_rate": 2e-4,
            "lr_scheduler_type": "cosine",
            "warmup_ratio": 0.03,
            "seed": 42,
        },
        precision="bf16",
        lora=Lora(rank=16, alpha=32.0, dropout=0.0, all_linear=True, bias="none"),
        quantization=Quantization(method="bitsandbytes", bits=4, kind="NF4", double=True, compute_dtype="bf16"),
        dataset=Dataset(name="local file", training_examples=8000, evaluation_examples=512),
        trainable_parameters=29_802_496,
        total_parameters=3_880_000_000,
        loss_covers="answer tokens only",
        published_step=450,
        published_reason="lowest held-out loss",
    )


def _evaluation() -> Evaluation:
    def result(loss: float, step: int) -> EvaluationResult:
        return EvaluationResult(
            loss=loss,
            kind=TOKEN_CROSS_ENTROPY,
            perplexity=math.exp(loss),
            step=step,
            examples=512,
            covers="answer tokens only",
            weights="NF4",
        )

    return Evaluation(before=result(1.871, 0), after=result(1.043, 450))


def _curves() -> dict[str, tuple[Point, ...]]:
    def loss(step: float) -> float:
        return 1.0 + 0.871 * math.exp(-step / 110)

    train = tuple((float(step), loss(step) + 0.04 * math.sin(step * 1.7)) for step in range(10, _STEPS + 1, 10))
    held_out = tuple((float(step), 1.043 + ((450 - step) / 500) ** 2) for step in range(50, _STEPS + 1, 50))
    return {"loss": train, "eval_loss": held_out}


def _traces() -> tuple[Trace, ...]:
    times = [30.0 + 60.0 * minute for minute in range(112)]
    power = [20.0 if minute % 11 == 10 else 60.0 + 3 * math.sin(minute) for minute in range(112)]
    memory = [(61.0 - 20 * math.exp(-minute / 2)) * BYTES_PER_GIBIBYTE for minute in range(112)]
    memory[40] = 61.0 * BYTES_PER_GIBIBYTE
    return (
        Trace(
            quantity="gpu_power",
            unit="watts",
            source="nvml:power",
            session=0,
            device=0,
            reduction="mean",
            points=tuple(zip(times, power, strict=True)),
        ),
        Trace(
            quantity="system_memory",
            unit="bytes",
            source="proc:meminfo",
            session=0,
            reduction="maximum",
            points=tuple(zip(times, memory, strict=True)),
        ),
    )


def _phase_spans() -> tuple[PhaseSpan, ...]:
    spans = [("evaluation", 636.0 * visit, 636.0 * visit + 36.0) for visit in range(1, 11)]
    spans += [("saving", 6050.0, 6080.0), ("saving", 6690.0, 6720.0)]
    return tuple(PhaseSpan(phase=phase, session=0, begin_seconds=begin, end_seconds=end) for phase, begin, end in spans)


def _stage() -> Stage:
    return Stage(
        name="SFT",
        method="QLoRA",
        base_model="google/gemma-3-4b-it",
        dataset="local file",
        steps=_STEPS,
        duration_seconds=_DURATION_SECONDS,
        energy=_energy_figure(_GPU_JOULES),
    )
