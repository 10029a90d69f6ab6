"""What a record knows of a quantity, under every meaning that a person's words for it may have."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta

from cardcallback.record import Measurement, RunRecord, Session
from cardcallback.render.card.values import card_fields
from cardcallback.units import JOULES_PER_KILOWATT_HOUR, SECONDS_PER_DAY

Numbers = Iterator[float | None]
_MOST_DAYS = 3650


def recorded_numbers(record: RunRecord, name: str) -> list[float]:
    """Every number of the record that may be meant where a card gives the value ``name``, in base units.

    Empty where the record knows none, or where the value is no number that can be held against others.
    """
    find = _NUMBERS.get(name)
    return [] if find is None else [number for number in find(record) if number is not None and math.isfinite(number)]


def recorded_dates(record: RunRecord) -> frozenset[date]:
    """The days on which the run was going on, with one more on both sides for other time zones."""
    return frozenset(day for session in record.sessions for day in _days_of(session))


def _days_of(session: Session) -> list[date]:
    """None where its day is none of a calendar, as somebody may have written it by hand."""
    length = min(int(session.duration_seconds // SECONDS_PER_DAY), _MOST_DAYS) + 2
    try:
        first = date.fromisoformat(session.started_on)
        return [first + timedelta(days=number) for number in range(-1, length + 1)]
    except (ValueError, OverflowError):
        return []


def _values(figures: Iterable[Measurement | None]) -> Numbers:
    yield from (figure.value for figure in figures if figure is not None)


def _with_sum(numbers: Iterable[float | None]) -> Numbers:
    """Each, and all of them together; without one of them no sum."""
    known = list(numbers)
    yield from known
    if None not in known:
        yield sum(number or 0.0 for number in known)


def _seconds(record: RunRecord) -> Numbers:
    yield record.duration_seconds
    yield record.duration_seconds - record.suspended_seconds
    yield from (session.duration_seconds for session in record.sessions)
    yield from _with_sum(phase.duration_seconds for phase in record.energy.phases)
    yield from _with_sum(stage.duration_seconds for stage in record.stages)
    before = record.energy.before_training.window
    if before is not None and before.begin_seconds is not None and before.end_seconds is not None:
        length = before.end_seconds - before.begin_seconds
        yield from (length, length + record.duration_seconds)
    yield from _device_seconds(record)


def _step_seconds(record: RunRecord) -> Numbers:
    """Of the whole run and of training alone; of a step of gradient accumulation too, which logs call one as well."""
    parts = record.training.hyperparameters.get("gradient_accumulation_steps")
    times = [
        record.duration_seconds,
        *(one.duration_seconds for one in record.energy.phases if one.phase == "training"),
    ]
    for seconds in times:
        if seconds and record.training.steps:
            yield seconds / record.training.steps
            if isinstance(parts, int) and parts > 1:
                yield seconds / record.training.steps / parts


def _device_seconds(record: RunRecord) -> Numbers:
    """Time times devices; of the stages too, each on its own."""
    times = [record.duration_seconds, record.duration_seconds - record.suspended_seconds]
    yield from (seconds * count for seconds in times for count in _device_counts(record))
    yield sum(one.duration_seconds * len(one.hardware.accelerators) for one in record.sessions)
    yield from _with_sum(
        None if stage.duration_seconds is None else stage.duration_seconds * max(1, len(stage.devices))
        for stage in record.stages
    )


def _joules(record: RunRecord) -> Numbers:
    energy = record.energy
    whole = (energy.gpu, energy.gpu_counter, energy.gpu_integrated, energy.cpu, energy.dram, energy.system)
    yield from _values((*whole, energy.before_training, energy.rest_estimate, *energy.others))
    if energy.before_training.value is not None:
        yield from (one.value + energy.before_training.value for one in whole if one.value is not None)
    yield from _with_sum([energy.gpu.value, energy.cpu.value])
    yield from _with_sum([energy.gpu.value, energy.cpu.value, energy.dram.value])
    yield from _values(phase.energy for phase in energy.phases)
    yield from _values(device.energy for device in record.hardware.accelerators)
    yield from _values(session.energy.gpu for session in record.sessions)
    yield from _with_sum(stage.energy.value if stage.energy is not None else None for stage in record.stages)


def _grams(record: RunRecord) -> Numbers:
    carbon = record.carbon
    if carbon is None:
        return
    yield carbon.emissions_grams
    yield from (share.emissions_grams for share in carbon.shares)
    factor = carbon.factor.grams_per_kwh / JOULES_PER_KILOWATT_HOUR
    for joules in _joules(record):
        if joules is not None:
            yield joules * factor
            yield joules * factor * (carbon.pue or 1.0)


def _watts(record: RunRecord) -> Numbers:
    powers = [one.mean_power.value if one.mean_power is not None else None for one in record.hardware.accelerators]
    yield from _with_sum(powers)
    if record.duration_seconds:
        yield from (joules / record.duration_seconds for joules in _joules(record) if joules is not None)


def _bytes(record: RunRecord) -> Numbers:
    memory = record.memory
    measured = [getattr(memory, name) for name in memory.__struct_fields__]
    yield from (one.value for one in measured if isinstance(one, Measurement) and one.unit == "bytes")
    yield from _with_sum(device.memory_total_bytes for device in record.hardware.accelerators)
    yield record.hardware.machine.memory_total_bytes
    # What the maker prints on the box of a machine whose system sees less of it.
    fields = card_fields(record)
    yield from (fields[name].amount for name in ("machine_memory", "gpu_memory") if name in fields)


def _tokens(record: RunRecord) -> Numbers:
    """By kind, over all epochs and in one of them; and those read before a run was broken off."""
    tokens, epochs = record.training.tokens, record.training.epochs
    kinds = [tokens.processed, tokens.non_padding, tokens.in_loss, *tokens.at_least.values()]
    for count in kinds:
        if count is not None:
            yield float(count)
            yield count / epochs if epochs else None


def _speeds(record: RunRecord) -> Numbers:
    """Tokens of every kind, with padding too, over the time with and without suspend."""
    tokens = record.training.tokens
    times = (record.duration_seconds, record.duration_seconds - record.suspended_seconds)
    for count in (tokens.processed, tokens.non_padding, tokens.in_loss):
        yield from (count / seconds for seconds in times if count is not None and seconds > 0)


def _steps(record: RunRecord) -> Numbers:
    training = record.training
    yield from (training.steps, training.planned_steps, training.published_step)
    yield from (session.last_step for session in record.sessions)
    yield from _with_sum(stage.steps for stage in record.stages)


def _epochs(record: RunRecord) -> Numbers:
    yield record.training.epochs
    planned = record.training.hyperparameters.get("num_train_epochs")
    yield float(planned) if isinstance(planned, int | float) else None


def _examples(record: RunRecord) -> Numbers:
    data, after = record.training.dataset, record.evaluation.after
    held_out = [data.evaluation_examples, after.examples if after is not None else None]
    train = data.training_examples
    yield from (train, data.training_sequences)
    yield from (train + one for one in held_out if train is not None and one is not None)
    yield from _with_sum(stage.training_examples for stage in record.stages)


def _held_out(record: RunRecord) -> Numbers:
    after, before = record.evaluation.after, record.evaluation.before
    yield record.training.dataset.evaluation_examples
    yield from (one.examples for one in (after, before) if one is not None)


def _losses(record: RunRecord) -> Numbers:
    """The whole course of the loss, of which a person may give a mean, a first or a last value."""
    for name, points in record.curves.items():
        if "loss" in name.lower():
            yield from (value for _, value in points)
    yield from (one.loss for one in (record.evaluation.before, record.evaluation.after) if one is not None)


def _device_counts(record: RunRecord) -> set[int]:
    """Empty where no GPU was measured: of those that were there nothing is known."""
    counts = {len(record.hardware.accelerators), sum(one.used_by_job for one in record.hardware.accelerators)}
    counts |= {len(session.hardware.accelerators) for session in record.sessions}
    return (counts | {sum(len(node.accelerators) for node in record.nodes)}) - {0}


def _devices(record: RunRecord) -> Numbers:
    yield from map(float, _device_counts(record))


_TIMES, _ENERGIES, _MEMORIES = (dict.fromkeys(names, find) for names, find in (
    (("training_time", "gpu_hours", "hours_used"), _seconds),
    (("energy", "gpu_energy", "system_energy"), _joules),
    (("peak_memory", "peak_gpu_memory", "machine_memory", "gpu_memory"), _bytes),
))  # fmt: skip
_NUMBERS: Mapping[str, Callable[[RunRecord], Numbers]] = {
    **_TIMES,
    **_ENERGIES,
    **_MEMORIES,
    "carbon_emitted": _grams,
    "epochs": _epochs,
    "gpu_count": _devices,
    "held_out_examples": _held_out,
    "mean_gpu_power": _watts,
    "steps": _steps,
    "tokens": _tokens,
    "tokens_processed": _tokens,
    "training_examples": _examples,
    "throughput": _speeds,
    "time_per_step": _step_seconds,
    "training_loss": _losses,
}
