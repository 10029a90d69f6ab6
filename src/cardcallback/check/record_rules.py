"""A record whose figures contradict one another, which only an edit by hand can cause."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

from cardcallback.check.finding import Finding, error
from cardcallback.record import (
    TOKEN_CROSS_ENTROPY,
    Energy,
    EvaluationResult,
    Measurement,
    RunRecord,
    is_only_a_part,
    is_unresolved,
)
from cardcallback.units import JOULES_PER_KILOWATT_HOUR

RULE = "record"
_CURE = "restore the record that cardcallback wrote; a figure in it is measured or calculated, never typed"
# Figures that follow from each other are calculated from the same numbers: only rounding lies between.
_CALCULATED = 1e-3
# Sums over devices or sessions: bridged gaps and joined sessions leave a little between.
_SUMMED = 0.02


def record_findings(record: RunRecord) -> Iterator[Finding]:
    """Each contradiction inside a record, as a finding that has no line."""
    for what in (*_energy(record), *_bounds(record), *_time(record), *_training(record), *_memory(record)):
        yield dataclasses.replace(error(RULE, None, what, _CURE), place="record")


def _energy(record: RunRecord) -> Iterator[str]:
    energy = record.energy
    yield from _best_figure(energy)
    yield from _carbon(record)
    yield from _ratios(record)
    # A session's account is its own computer's; of a job on several the sums are elsewhere.
    if not record.nodes:
        sessions = [session.energy.gpu.value for session in record.sessions]
        yield from _sum("energy.gpu", energy.gpu.value, sessions, "the sessions' energies")
    yield from _devices(record)
    phases = [phase.energy.value for phase in energy.phases if phase.energy.value is not None]
    if energy.gpu.value is not None and sum(phases) > energy.gpu.value * (1 + _SUMMED) + 1:
        yield f"energy.phases add up to {sum(phases):.6g} J, more than energy.gpu, {energy.gpu.value:.6g} J"


def _best_figure(energy: Energy) -> Iterator[str]:
    """The best figure lies within what counter and integral leave open, unless one bridges the other."""
    gpu = energy.gpu
    measured = [one for one in (energy.gpu_counter, energy.gpu_integrated) if one.value is not None]
    sources = [one.value for one in measured if one.value is not None]
    if gpu.value is None or len(sources) < 2 or is_only_a_part(gpu) or is_unresolved(gpu):
        return
    low = min([*sources, *(one.recording_low for one in measured if one.recording_low is not None)])
    high = max([*sources, *(one.recording_high for one in measured if one.recording_high is not None)])
    if not low * (1 - _SUMMED) <= gpu.value <= high * (1 + _SUMMED) and gpu.method != "counter_bridged":
        yield (
            f"energy.gpu is {gpu.value:.6g} J, while counter and integral say {sources[0]:.6g} and {sources[1]:.6g} J"
        )


def _carbon(record: RunRecord) -> Iterator[str]:
    carbon = record.carbon
    if carbon is None:
        return
    product = carbon.energy_joules / JOULES_PER_KILOWATT_HOUR * carbon.factor.grams_per_kwh * (carbon.pue or 1.0)
    if not _close(carbon.emissions_grams, product, _CALCULATED):
        yield f"carbon.emissions_grams is {carbon.emissions_grams:.6g}, and energy times factor is {product:.6g}"
    shares = sum(share.emissions_grams or 0.0 for share in carbon.shares)
    if carbon.shares and not _close(carbon.emissions_grams, shares, _CALCULATED):
        yield f"carbon.emissions_grams is {carbon.emissions_grams:.6g}, and its shares add up to {shares:.6g}"
    joules = carbon.energy_joules + carbon.joules_without_place
    measured = record.energy.system if carbon.energy_name == "system" else record.energy.gpu
    if measured.value is not None and not _close(joules, measured.value, _CALCULATED):
        name = f"energy.{carbon.energy_name}"
        yield f"carbon.energy_joules is {joules:.6g}, and {name} is {measured.value:.6g} J"


def _ratios(record: RunRecord) -> Iterator[str]:
    """Energy per token is over the whole run; the one per step may leave evaluation and saving out."""
    energy, tokens = record.energy, record.training.tokens.non_padding
    per_token = energy.per_token.value if energy.per_token is not None else None
    whole = energy.gpu.value
    if per_token is not None and tokens and whole is not None and not _close(per_token, whole / tokens, _SUMMED):
        yield f"energy.per_token is {per_token:.4g} J, and energy.gpu over {tokens:,} tokens is {whole / tokens:.4g} J"
    per_step = energy.per_step.value if energy.per_step is not None else None
    # Sessions may do steps again, which count once here and were paid for twice.
    only = record.sessions[0] if len(record.sessions) == 1 else None
    steps = only.last_step - only.first_step if only is not None else 0
    if per_step is not None and whole is not None and per_step * steps > whole * (1 + _SUMMED) + 1:
        yield f"energy.per_step is {per_step:.6g} J, for {steps:,} steps more than energy.gpu"


def _devices(record: RunRecord) -> Iterator[str]:
    """One session's devices: their energies, and each one's mean power over the time."""
    devices = record.hardware.accelerators
    if len(record.sessions) != 1 or record.nodes or record.energy.partial_reason is not None:
        return
    scope = record.energy.gpu.scope
    # A module's energy is each of its devices' and counts once.
    if scope is None or "yes" not in {scope.cpu, scope.host_dram}:
        yield from _sum("energy.gpu", record.energy.gpu.value, [one.energy.value for one in devices], "the devices'")
    for number, device in enumerate(devices):
        power = device.mean_power.value if device.mean_power is not None else None
        if (
            power is None
            or device.energy.value is None
            or record.suspended_seconds > 0
            or is_only_a_part(device.energy)
        ):
            continue
        if not _close(power * record.duration_seconds, device.energy.value, 0.05):
            yield (
                f"hardware.accelerators[{number}].mean_power is {power:.4g} W, which over the run's "
                f"{record.duration_seconds:.6g} s is not its energy, {device.energy.value:.6g} J"
            )


def _bounds(record: RunRecord) -> Iterator[str]:
    for name, figure in _measurements(record):
        value, low, high = figure.value, figure.recording_low, figure.recording_high
        slack = abs(value or 0.0) * 1e-9
        if value is not None and low is not None and value < low - slack:
            yield f"{name} is {value:.6g}, below its own lowest bound {low:.6g}"
        if value is not None and high is not None and value > high + slack:
            yield f"{name} is {value:.6g}, above its own highest bound {high:.6g}"
        if figure.coverage is not None and not 0 <= figure.coverage <= 1:
            yield f"{name} covers {figure.coverage:.4g} of its time, which is no share between 0 and 1"


def _time(record: RunRecord) -> Iterator[str]:
    durations = [session.duration_seconds for session in record.sessions]
    yield from _sum("duration_seconds", record.duration_seconds, list(durations), "the sessions'", _CALCULATED)
    if record.suspended_seconds > record.duration_seconds:
        yield f"suspended_seconds is {record.suspended_seconds:.6g}, longer than the run"
    spans = [phase.duration_seconds for phase in record.energy.phases]
    if not record.nodes and sum(spans) > record.duration_seconds * (1 + _SUMMED) + 1:
        yield f"energy.phases last {sum(spans):.6g} s, longer than the run, {record.duration_seconds:.6g} s"


def _training(record: RunRecord) -> Iterator[str]:
    training = record.training
    last = max((session.last_step for session in record.sessions), default=training.steps)
    if record.status == "completed" and last != training.steps:
        yield f"training.steps is {training.steps:,}, and the last session ended at step {last:,}"
    if training.published_step is not None and training.published_step > training.steps:
        yield f"training.published_step is {training.published_step:,}, after the last of {training.steps:,} steps"
    tokens = training.tokens
    if tokens.processed and (tokens.non_padding or 0) > tokens.processed:
        yield "training.tokens.non_padding is more than training.tokens.processed"
    if training.total_parameters and (training.trainable_parameters or 0) > training.total_parameters:
        yield "training.trainable_parameters is more than training.total_parameters"
    for name, result in (("before", record.evaluation.before), ("after", record.evaluation.after)):
        yield from _perplexity(f"evaluation.{name}", result)


def _perplexity(name: str, result: EvaluationResult | None) -> Iterator[str]:
    if result is None or result.loss is None or result.perplexity is None or result.kind != TOKEN_CROSS_ENTROPY:
        return
    if result.loss < math.log(1e300) and not _close(result.perplexity, math.exp(result.loss), _CALCULATED):
        yield f"{name}.perplexity is {result.perplexity:.6g}, and exp of its loss is {math.exp(result.loss):.6g}"


def _memory(record: RunRecord) -> Iterator[str]:
    memory = record.memory
    if record.nodes:
        return  # the highest peak may be one computer's and the total another's
    pairs = (
        ("torch_peak_allocated", memory.torch_peak_allocated, "torch_peak_reserved", memory.torch_peak_reserved),
        ("system_baseline", memory.system_baseline, "total", memory.total),
        ("system_peak", memory.system_peak, "total", memory.total),
    )
    for name, lower, upper_name, upper in pairs:
        if lower.value is not None and upper.value is not None and lower.value > upper.value * (1 + _CALCULATED):
            yield f"memory.{name} is {lower.value:.6g} bytes, more than memory.{upper_name}, {upper.value:.6g}"


def _measurements(record: RunRecord) -> Iterator[tuple[str, Measurement]]:
    holders = [("energy", record.energy), ("memory", record.memory)]
    for prefix, holder in holders:
        for name in holder.__struct_fields__:
            value = getattr(holder, name)
            if isinstance(value, Measurement):
                yield f"{prefix}.{name}", value


def _sum(name: str, whole: float | None, parts: list[float | None], of: str, share: float = _SUMMED) -> Iterator[str]:
    known = [part for part in parts if part is not None]
    if whole is None or not parts or len(known) != len(parts) or _close(whole, sum(known), share):
        return
    yield f"{name} is {whole:.6g}, and {of} add up to {sum(known):.6g}"


def _close(one: float, other: float, share: float) -> bool:
    return abs(one - other) <= share * max(abs(one), abs(other)) + 1e-9
