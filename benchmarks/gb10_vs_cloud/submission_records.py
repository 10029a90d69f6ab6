"""Whether one submitted record is whole and of the work that its series says."""

from __future__ import annotations

from collections.abc import Iterator

from cardcallback.compare.work import SAME_LOSS_SHARE
from cardcallback.record import SCHEMA_VERSION, RunRecord, is_unresolved
from cardcallback.units import format_coverage

from .layout import Series
from .workloads import BEST_EFFORT, SAME_WORK, Settings, Workload

LEAST_COVERAGE = 0.95
_METHODS = {"SFT": ("full fine-tuning", "SFT"), "QLoRA": ("QLoRA", "SFT"), "DPO": ("LoRA", "DPO")}
_AGAIN = "run the harness again"


def record_faults(record: RunRecord, series: Series, workload: Workload) -> Iterator[str]:
    """What is wrong with a record of a completed repeat, each in one line that says what to do."""
    yield from _whole(record, series)
    yield from _energy(record)
    yield from _work(record, series, workload)


def _whole(record: RunRecord, series: Series) -> Iterator[str]:
    if record.status != "completed":
        yield f"its record says {record.status}: mark the attempt as failed, with its reason"
    if len(record.sessions) != 1 or record.recovered:
        yield "the run was interrupted and taken up again: only whole runs are compared"
    if record.schema_version != SCHEMA_VERSION or record.cardcallback_version != series.cardcallback_version:
        yield f"it was written by another version than series.json says: {_AGAIN} with one version"
    if record.simulated != series.simulated:
        kind = "simulated" if record.simulated else "measured"
        yield f"it is {kind} and series.json says otherwise: {_AGAIN}"
    used = [device for device in record.hardware.accelerators if device.used_by_job]
    if not record.simulated and len(used) != 1:
        yield f"the job used {len(used)} GPUs: it has to be one"
    if any(device.other_processes for device in record.hardware.accelerators):
        yield "other processes used the GPU: stop them and run the harness again"


def _energy(record: RunRecord) -> Iterator[str]:
    gpu = record.energy.gpu
    if gpu.value is None:
        yield f"its GPU energy was not measured ({gpu.reason}): nothing to compare"
        return
    if record.energy.partial_reason is not None:
        yield f"its GPU energy is a part ({record.energy.partial_reason}): nothing to compare"
    if gpu.scope is None or "yes" not in {gpu.scope.gpu_core, gpu.scope.cpu}:
        yield "nobody knows what its GPU energy holds: cardcallback has to know this device first, open an issue"
    if gpu.coverage is None or gpu.coverage < LEAST_COVERAGE:
        covered = "an unknown part" if gpu.coverage is None else format_coverage(gpu.coverage)
        yield f"its GPU energy covers {covered} of the run, less than {LEAST_COVERAGE:g}: {_AGAIN}"
    if is_unresolved(gpu):
        yield "its energy's recording interval is wider than the energy: choose a longer workload"


def _work(record: RunRecord, series: Series, workload: Workload) -> Iterator[str]:
    training = record.training
    if training.base_model != workload.model.name:
        yield f"it trained {training.base_model or 'an unnamed model'}, not {workload.model.name}: {_AGAIN}"
    if (training.method, training.objective) != _METHODS[workload.method]:
        yield f"it was {training.objective} by {training.method}, not {workload.method}: {_AGAIN}"
    steps = workload.steps if series.tier == SAME_WORK else None
    if steps is not None and training.steps != steps:
        yield f"it took {training.steps} steps, not {steps}: {_AGAIN}"
    sizes = (training.dataset.training_examples, training.dataset.evaluation_examples)
    data = workload.data
    if sizes != (data.examples - data.held_out, data.held_out):
        yield f"it had other examples than {workload.name}: {_AGAIN}"
    lora = None if training.lora is None else (training.lora.rank, training.lora.alpha)
    if lora != (None if workload.lora is None else (workload.lora.rank, workload.lora.alpha)):
        yield f"its adapter is not the workload's: {_AGAIN}"
    unlike = _unlike(training.hyperparameters, series.settings)
    if unlike:
        yield f"it ran with other settings than series.json says ({', '.join(unlike)}): {_AGAIN}"
    yield from _loss(record, series)


def _loss(record: RunRecord, series: Series) -> Iterator[str]:
    loss = None if record.evaluation.after is None else record.evaluation.after.loss
    if loss is None:
        yield f"its held-out loss is missing: {_AGAIN}"
    elif series.tier == BEST_EFFORT and (series.target is None or loss > series.target * (1 + SAME_LOSS_SHARE)):
        target = "no target" if series.target is None else f"the target {series.target:.4g}"
        yield f"its held-out loss is {loss:.4g}, and series.json has {target}: {_AGAIN}"


def _unlike(ran: dict[str, str | int | float | bool | None], wanted: Settings) -> list[str]:
    """Names of settings whose value in the record is another; one the record does not hold is one too."""
    return [name for name, value in wanted.items() if ran.get(name) != value]
