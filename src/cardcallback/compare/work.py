"""What a run did, in the words by which two runs are told to have done the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from cardcallback.compare.model import Difference
from cardcallback.record import FULL_COVERAGE, SCOPE_PARTS, RunRecord, Scope
from cardcallback.units import format_count, format_coverage

NOT_KNOWN = "not known"
# Losses closer than this share are called the same: our convention, which the comparison prints.
SAME_LOSS_SHARE = 0.01
SAME_LOSS = "the same held-out loss"
_KERNELS = ("attention", "use_liger_kernel", "torch_compile", "tf32", "gradient_checkpointing")
_LOCAL_DATA = "local file"

_HAVE_TO_BE_KNOWN = frozenset({"model", "data", "tokens", "precision", "batch", "energy covers"})

Reader = Callable[[RunRecord], str]


def work_key(record: RunRecord) -> tuple[str, ...]:
    """What runs of one group have in common besides their machine."""
    return tuple(read(record) for _, read in _WORK)


def differences(groups: Sequence[Sequence[RunRecord]]) -> tuple[Difference, ...]:
    """In what the groups differ, and what is not known to be the same, the work first."""
    found = [_difference(name, read, groups, is_work=True) for name, read in _WORK]
    found += [_difference(name, read, groups, is_work=False) for name, read in _CIRCUMSTANCES]
    found += [_counts(groups)]
    return tuple(one for one in found if one is not None)


def same_work(
    first: Sequence[RunRecord], other: Sequence[RunRecord], target_loss: float | None = None
) -> tuple[str | None, str]:
    """On what two groups' totals may be divided: (its name, ""), or (None, why they may not).

    The same steps over the same tokens of the same data (or, where nobody counted the tokens, over batches of one
    shape of data with a name), or, where each was tuned for its machine, the same held-out loss reached on the same
    held-out set. Runs that were to end at ``target_loss`` have all reached it, whatever one of them went beyond.
    """
    one, two = first[0], other[0]
    unlike = [name for name, read in _TASK if NOT_KNOWN in read(one) or read(one) != read(two)]
    if unlike:
        return None, f"not the same work: {', '.join(unlike)}"
    if any(record.status != "completed" for record in (*first, *other)):
        return None, "not the same work: not every run was completed"
    unequal = [name for name, read in _amount(one, two) if NOT_KNOWN in read(one) or read(one) != read(two)]
    if not unequal:
        return "the same steps", ""
    if _same_loss(first, other, target_loss):
        return SAME_LOSS, ""
    return None, f"not the same work: {', '.join(unequal)}"


def unlike_tokens(first: RunRecord, other: RunRecord) -> str | None:
    """Why what a token takes has no ratio: one of another model, or of another objective, is another piece of work."""
    unlike = [name for name, read in _TOKEN_TASK if NOT_KNOWN in read(first) or read(first) != read(other)]
    return f"tokens of other work: {', '.join(unlike)}" if unlike else None


def _amount(one: RunRecord, two: RunRecord) -> tuple[tuple[str, Reader], ...]:
    """By what the amount of work of two runs is told: tokens; or, where those are not known, what they follow from."""
    if NOT_KNOWN not in _tokens(one) + _tokens(two):
        return (("steps", _steps), ("tokens", _tokens))
    return (("steps", _steps), ("data", _data), ("batch", _batch), *_SHAPE)


def _same_loss(first: Sequence[RunRecord], other: Sequence[RunRecord], target: float | None) -> bool:
    reached = [_held_out(record) for record in (*first, *other)]
    if any(loss is None for loss, _ in reached) or len({what for _, what in reached}) > 1:
        return False
    losses = [loss for loss, _ in reached if loss is not None]
    if target is not None and max(losses) <= target + SAME_LOSS_SHARE * abs(target):
        return True
    return max(losses) - min(losses) <= SAME_LOSS_SHARE * min(abs(loss) for loss in losses)


def _held_out(record: RunRecord) -> tuple[float | None, tuple[object, ...]]:
    after = record.evaluation.after
    return (None, ()) if after is None else (after.loss, (after.kind, after.examples, after.covers))


def _difference(name: str, read: Reader, groups: Sequence[Sequence[RunRecord]], *, is_work: bool) -> Difference | None:
    values = tuple(" / ".join(dict.fromkeys(read(record) for record in group)) for group in groups)
    open_question = name in _HAVE_TO_BE_KNOWN and values[0].startswith(NOT_KNOWN)
    unfinished = name == "status" and values[0] != "completed"
    if len(set(values)) == 1 and not open_question and not unfinished:
        return None
    return Difference(name=name, values=values, is_work=is_work)


def _counts(groups: Sequence[Sequence[RunRecord]]) -> Difference | None:
    values = tuple(f"{len(group)}" for group in groups)
    return Difference(name="runs", values=values) if len(set(values)) > 1 else None


def _model(record: RunRecord) -> str:
    training = record.training
    parameters = f", {format_count(training.total_parameters)} parameters" if training.total_parameters else ""
    return f"{training.base_model or training.model_type or NOT_KNOWN}{parameters}"


def _method(record: RunRecord) -> str:
    training = record.training
    adapter = f", rank {training.lora.rank}, alpha {training.lora.alpha:g}" if training.lora else ""
    if training.adapter is not None:
        adapter = "".join(f", {name} {value}" for name, value in training.adapter.settings.items())
    return f"{training.objective or 'objective not known'}, {training.method or 'method not known'}{adapter}"


def _data_said(record: RunRecord) -> str:
    dataset = record.training.dataset
    examples = "" if dataset.training_examples is None else f", {format_count(dataset.training_examples)} examples"
    return (dataset.name or NOT_KNOWN) + examples


def _data(record: RunRecord) -> str:
    said = _data_said(record)
    return f"{NOT_KNOWN} to be the same: {said}" if record.training.dataset.name == _LOCAL_DATA else said


def _steps(record: RunRecord) -> str:
    return format_count(record.training.steps)


def _tokens(record: RunRecord) -> str:
    tokens = record.training.tokens
    kinds = (("processed", tokens.processed), ("without padding", tokens.non_padding), ("in the loss", tokens.in_loss))
    known = [f"{format_count(count)} {kind}" for kind, count in kinds if count is not None]
    return ", ".join(known) or NOT_KNOWN


def _precision(record: RunRecord) -> str:
    held = record.training.quantization
    weights = f", weights in {held.kind or f'{held.bits} bits'}" if held is not None else ""
    return f"{record.training.precision or NOT_KNOWN}{weights}"


def _setting(*names: str) -> Reader:
    def read(record: RunRecord) -> str:
        settings = record.training.hyperparameters
        said = {name: _as_written(settings[name]) for name in names if name in settings}
        known = [f"{name} {value}" if len(names) > 1 else value for name, value in said.items()]
        return ", ".join(known) or NOT_KNOWN

    return read


def _as_written(value: object) -> str:
    """A setting to its last digit, since two that differ have to look different, as cards write it: "1e-6", "off"."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return re.sub(r"e([+-]?)0*(?=\d)", lambda found: f"e{found[1].removeprefix('+')}", str(value))


def _batch(record: RunRecord) -> str:
    settings = record.training.hyperparameters
    device, accumulation, processes = (
        settings.get(name) for name in ("per_device_train_batch_size", "gradient_accumulation_steps", "world_size")
    )
    effective = settings.get("effective_batch_size")
    if device is None and effective is None:
        return NOT_KNOWN
    count = processes or record.processes or 1
    parts = f"{device} a device, {accumulation or 1} accumulated, processes: {count}"
    return parts if effective is None else f"{effective} ({parts})"


def _hardware(record: RunRecord) -> str:
    if record.simulated:
        return "a simulated device"
    return device_words(record) or record.hardware.machine.processor or NOT_KNOWN


def device_words(record: RunRecord) -> str:
    """The GPUs by name, counted; empty without one."""
    names = [device.name for device in record.hardware.accelerators]
    counted = [f"{names.count(name)} × {name}" if names.count(name) > 1 else name for name in dict.fromkeys(names)]
    return ", ".join(counted)


def gpu_is_unused(record: RunRecord) -> bool:
    """Whether the job computed on none of the measured GPUs: their energy is what they drew meanwhile, not its own."""
    return record.hardware.is_used_by_job is False


def _scope(record: RunRecord) -> str:
    if record.energy.gpu.value is None:
        return "GPU energy not measured"
    return scope_words(record.energy.gpu.scope) + (", while the job did not use it" if gpu_is_unused(record) else "")


def scope_words(scope: Scope | None) -> str:
    """Which parts a figure holds, as "the GPU's cores, the GPU's memory unknown"."""
    if scope is None:
        return NOT_KNOWN
    marks = {"yes": "", "unknown": " unknown"}
    told = [words + marks[getattr(scope, name)] for name, words in SCOPE_PARTS if getattr(scope, name) in marks]
    return ", ".join(told) or "nothing"


def _coverage(record: RunRecord) -> str:
    coverage = record.energy.gpu.coverage
    if coverage is None:
        return NOT_KNOWN
    return "whole" if coverage >= FULL_COVERAGE else format_coverage(coverage)


def _software(record: RunRecord) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(record.software.items())) or NOT_KNOWN


def _evidence(record: RunRecord) -> str:
    return "simulated" if record.simulated else "measured"


_TASK: tuple[tuple[str, Reader], ...] = (
    ("model", _model),
    ("method", _method),
    ("data", _data_said),
)
_TOKEN_TASK: tuple[tuple[str, Reader], ...] = (
    ("model", _model),
    ("objective", lambda record: record.training.objective or ""),
)
_SHAPE: tuple[tuple[str, Reader], ...] = (
    ("maximum length", _setting("max_length", "max_seq_length")),
    ("packing", _setting("packing")),
)
_WORK: tuple[tuple[str, Reader], ...] = (
    ("model", _model),
    ("method", _method),
    ("data", _data),
    ("steps", _steps),
    ("tokens", _tokens),
    ("precision", _precision),
    ("batch", _batch),
    *_SHAPE,
    ("kernels", _setting(*_KERNELS)),
    ("optimiser", _setting("optim")),
    ("learning rate", _setting("learning_rate")),
)
_CIRCUMSTANCES: tuple[tuple[str, Reader], ...] = (
    ("hardware", _hardware),
    ("energy holds", _scope),
    ("energy covers", _coverage),
    ("software", _software),
    ("recorded by", lambda record: f"cardcallback {record.cardcallback_version or NOT_KNOWN}"),
    ("seed", _setting("seed")),
    ("status", lambda record: record.status),
    ("evidence", _evidence),
)
