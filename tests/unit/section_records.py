"""Records of the situations a section must tell honestly, by name; each is made from ``make_record``."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace
from section_devices import DEVICES
from section_energy import consistent, with_energy, with_place, with_training
from section_machines import MACHINES
from section_sessions import SESSIONS
from section_stages import STAGES

from cardcallback.record import (
    Energy,
    Evaluation,
    EvaluationResult,
    Hardware,
    Machine,
    RunRecord,
    Stage,
    Tokens,
    not_measured,
)
from cardcallback.testing import make_record
from cardcallback.units import BYTES_PER_GIBIBYTE, JOULES_PER_WATT_HOUR

NO_DRIVER = "no NVIDIA driver found"


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
    "dpo_after_sft": _dpo,
    "tiny": _tiny,
    "nothing_known": _unknown_everything,
    "different_sets": _different_sets,
}
_SINGLE = {name: consistent(make) for name, make in (_SITUATIONS | DEVICES).items()}
RECORDS = _SINGLE | MACHINES | SESSIONS | STAGES
