"""The figures of one run that a comparison shows, each as a measurement or the like."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from cardcallback.carbon import Footprint, assess_footprint, assess_run
from cardcallback.compare.model import Cell, RowName
from cardcallback.compare.work import scope_words
from cardcallback.ratios import mean_power
from cardcallback.record import (
    FULL_COVERAGE,
    CarbonFactor,
    Measurement,
    RunRecord,
    duration_is_least,
    is_only_a_part,
    is_unresolved,
    session_is_least,
)

# A sensor that averages over a second, or a bucket of a second, cannot show less.
_PEAK_SECONDS = 1.0
_ROUNDING = 1.05
_KILLED = "until a second or so before a run was killed"
_OPEN_END = "how long a run went on at its end is not known"


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """A row of the comparison. ``is_total`` grows with the work; ``has_ratio`` is false for what no ratio explains."""

    name: RowName
    unit: str
    read: Callable[[RunRecord], Cell]
    has_scope: bool = False
    is_total: bool = False
    has_ratio: bool = True


def as_cell(readings: Sequence[Cell]) -> Cell:
    """The runs of one group in one cell."""
    known = [reading for reading in readings if reading.value is not None]
    values = tuple(reading.value for reading in known if reading.value is not None)
    if not values:
        return Cell(value=None, reason=readings[0].reason or "not in the record")
    scopes = {reading.scope for reading in known}
    if len(scopes) > 1:
        # A median over figures of different parts of a machine would be of none of them.
        held = " or ".join(sorted(scope_words(scope) for scope in scopes))
        return Cell(value=None, reason=f"its runs' figures hold different parts: {held}")
    lows, highs = [reading.low for reading in known], [reading.high for reading in known]
    missing = len(readings) - len(known)
    details = [f"no figure in {missing} of {len(readings)} runs"] if missing else []
    details += [reading.detail for reading in known if reading.detail]
    return Cell(
        value=statistics.median(values),
        values=values,
        low=None if None in lows else min(low for low in lows if low is not None),
        high=None if None in highs else max(high for high in highs if high is not None),
        scope=next(iter(scopes)),
        is_part=any(reading.is_part for reading in known),
        bound=next((reading.bound for reading in known if reading.bound is not None), None),
        detail="; ".join(dict.fromkeys(details)) or None,
    )


def _plain(value: float | None, reason: str) -> Cell:
    """A figure that is counted, not measured by a sensor that leaves something open."""
    return Cell(value=value, low=value, high=value, reason=None if value is not None else reason)


def measured(figure: Measurement) -> Cell:
    """A measurement with its recording bounds; none where those are wider than the figure."""
    if figure.value is None:
        return Cell(value=None, reason=figure.reason)
    if is_unresolved(figure):
        return Cell(value=None, reason="its recording interval is wider than the figure")
    return Cell(
        value=figure.value,
        low=figure.recording_low,
        high=figure.recording_high,
        scope=figure.scope,
        is_part=is_only_a_part(figure),
        bound="least" if is_only_a_part(figure) else None,
    )


def time(record: RunRecord) -> Cell:
    """How long a run took; at least so long where nobody knows when its last moment was."""
    return _at_least(_plain(record.duration_seconds, ""), record)


def gpu_energy(record: RunRecord) -> Cell:
    """The GPUs' energy of a run; none where it leaves out GPUs of the job or is not resolved."""
    if record.energy.partial_reason is not None:
        return Cell(value=None, reason=record.energy.partial_reason)
    return energy_of(record, record.energy.gpu)


def energy_of(record: RunRecord, energy: Measurement) -> Cell:
    """One of the run's energies; at least so much where its end is not known."""
    return _at_least(measured(energy), record)


def _system_energy(record: RunRecord) -> Cell:
    return energy_of(record, record.energy.system)


def _cpu_energy(record: RunRecord) -> Cell:
    return energy_of(record, record.energy.cpu)


def _at_least(cell: Cell, record: RunRecord) -> Cell:
    """What grows with a run's time, of a run that took longer than is known, be it by a second."""
    if cell.value is None or not any(map(session_is_least, record.sessions)):
        return cell
    if duration_is_least(record):
        return msgspec.structs.replace(cell, is_part=True, bound="least", high=None, detail=_OPEN_END)
    return msgspec.structs.replace(cell, bound="least", detail=cell.detail or _KILLED)


def _divided(reading: Cell, by: float | None, reason: str) -> Cell:
    if reading.value is None or not by:
        return reading if reading.value is None else Cell(value=None, reason=reason)
    return Cell(
        value=reading.value / by,
        low=None if reading.low is None else reading.low / by,
        high=None if reading.high is None else reading.high / by,
        scope=reading.scope,
        is_part=reading.is_part,
        bound=reading.bound if reading.is_part else None,  # what is divided is known until the same second
        detail=reading.detail,
    )


def _mean_power(record: RunRecord) -> Cell:
    """Over the time that was watched: of what nobody watched it says neither that it drew more nor less."""
    whole = gpu_energy(record)
    if whole.value is None:
        return whole
    mean = measured(mean_power(record.energy.gpu, record.duration_seconds))
    if not whole.is_part:
        return mean
    return msgspec.structs.replace(mean, is_part=True, bound=None, low=None, high=None, detail="over what was watched")


def highest_power(record: RunRecord) -> Cell:
    """The highest mean of a second of one GPU; only from traces that still hold seconds."""
    traces = [trace for trace in record.traces if trace.quantity == "gpu_power" and trace.reduction == "mean"]
    if not traces:
        return Cell(value=None, reason="the record holds no trace of the power")
    observed = [device.energy.observed for device in record.hardware.accelerators]
    observed.append(record.energy.gpu_integrated.observed)
    if any(share is not None and share < FULL_COVERAGE for share in observed):
        return Cell(value=None, reason="the sensor looks at a part of each second only")
    highest = []
    for trace in traces:
        spacing = statistics.median(
            [two[0] - one[0] for one, two in zip(trace.points, trace.points[1:], strict=False)] or [0.0]
        )
        if spacing > _PEAK_SECONDS * _ROUNDING:
            return Cell(value=None, reason=f"the trace holds one mean of {spacing:.3g} s a point, no longer seconds")
        whole_seconds = spacing > _PEAK_SECONDS / 2  # each point is a second's mean already
        highest.append(max(value for _, value in trace.points) if whole_seconds else _highest_second(trace.points))
    value = max(highest)
    whole = Cell(value=value, low=value, high=value, scope=record.energy.gpu.scope, detail="of one GPU")
    return _at_least(whole, record)


def _highest_second(points: Sequence[tuple[float, float]]) -> float:
    highest, first = 0.0, 0
    for last, (at_seconds, _) in enumerate(points):
        while at_seconds - points[first][0] >= _PEAK_SECONDS:
            first += 1
        highest = max(highest, statistics.fmean(value for _, value in points[first : last + 1]))
    return highest


def _per_token(kind: str) -> Callable[[RunRecord], Cell]:
    def read(record: RunRecord) -> Cell:
        count = getattr(record.training.tokens, kind)
        return _divided(gpu_energy(record), count, record.training.tokens.reason or "nobody counted these tokens")

    return read


def _tokens_per_second(kind: str) -> Callable[[RunRecord], Cell]:
    def read(record: RunRecord) -> Cell:
        tokens = record.training.tokens
        count = getattr(tokens, kind)
        if count is None or record.duration_seconds <= 0:
            return Cell(value=None, reason=tokens.reason or "nobody counted these tokens")
        rate = count / record.duration_seconds
        whole = Cell(value=rate, low=rate, high=rate, detail="evaluation and saving included")
        if not duration_is_least(record):
            return whole
        return msgspec.structs.replace(whole, is_part=True, bound="most", low=None, detail=_OPEN_END)

    return read


def _emissions_at(factor: CarbonFactor, pue: float | None) -> Callable[[RunRecord], Cell]:
    return lambda record: _emissions(record, assess_footprint(record.energy, factor, pue))


def _own_emissions(record: RunRecord) -> Cell:
    if record.carbon is None:
        return Cell(value=None, reason="the record has no place")
    return _emissions(record, assess_run(record))


def _emissions(record: RunRecord, footprint: Footprint) -> Cell:
    carbon = footprint.carbon
    if carbon is None:
        return Cell(value=None, reason=footprint.reason)
    energy = energy_of(record, record.energy.system if carbon.energy_name == "system" else record.energy.gpu)
    if energy.value is None:
        return energy
    factor, is_part = carbon.factor, carbon.joules_without_place > 0
    words = ", ".join(str(part) for part in (factor.place, factor.year, factor.boundary) if part)
    overhead = "" if carbon.pue is None else f" × {carbon.pue:g} for building overhead"
    without = "; without sessions whose place was not told" if is_part else ""
    return Cell(
        value=carbon.emissions_grams,
        low=None if energy.low is None else carbon.recording_low_grams,
        high=None if energy.high is None else carbon.recording_high_grams,
        scope=carbon.scope,
        is_part=energy.is_part or is_part,
        bound="least" if is_part else energy.bound,
        detail=f"{factor.grams_per_kwh:.6g} g/kWh ({words}, {factor.source}){overhead}{without}",
    )


def _training_loss(record: RunRecord) -> Cell:
    points = record.curves.get("loss", ())
    return _plain(points[-1][1] if points else None, "no loss was logged")


def _held_out_loss(record: RunRecord) -> Cell:
    after = record.evaluation.after
    if after is None or after.loss is None:
        return Cell(value=None, reason="nobody evaluated a held-out set after training")
    parts = (
        after.kind or "a loss of unknown kind",
        after.covers,
        f"weights {after.weights}" if after.weights else None,
    )
    return Cell(value=after.loss, low=after.loss, high=after.loss, detail=", ".join(filter(None, parts)))


def quantities(factor: CarbonFactor | None, pue: float | None, *, own_factors: str | None) -> tuple[Quantity, ...]:
    """The rows in order.

    Args:
        factor: one grid's factor for all runs, or ``None``.
        pue: building overhead, for whole machines' energy alone.
        own_factors: why each one's own factors do not compare, or ``None`` where they do.
    """
    no_common = Cell(value=None, reason="no place given for all: --location or --carbon-intensity")
    no_own = Cell(value=None, reason=own_factors)
    own = _own_emissions if own_factors is None else lambda _: no_own
    common = _emissions_at(factor, pue) if factor is not None else lambda _: no_common
    return (
        Quantity(name="time", unit="seconds", read=time, is_total=True),
        Quantity(name="gpu_energy", unit="joules", read=gpu_energy, has_scope=True, is_total=True),
        Quantity(name="system_energy", unit="joules", read=_system_energy, has_scope=True, is_total=True),
        Quantity(name="cpu_energy", unit="joules", read=_cpu_energy, has_scope=True, is_total=True),
        Quantity(name="mean_power", unit="watts", read=_mean_power, has_scope=True),
        Quantity(name="highest_power", unit="watts", read=highest_power, has_scope=True),
        Quantity(name="energy_per_token_processed", unit="joules/token", read=_per_token("processed"), has_scope=True),
        Quantity(
            name="energy_per_token_non_padding", unit="joules/token", read=_per_token("non_padding"), has_scope=True
        ),
        Quantity(name="energy_per_token_in_loss", unit="joules/token", read=_per_token("in_loss"), has_scope=True),
        Quantity(name="tokens_per_second_processed", unit="tokens/second", read=_tokens_per_second("processed")),
        Quantity(name="tokens_per_second_non_padding", unit="tokens/second", read=_tokens_per_second("non_padding")),
        Quantity(name="emissions_common_factor", unit="grams", read=common, has_scope=True, is_total=True),
        Quantity(name="emissions_own_factor", unit="grams", read=own, has_scope=True, is_total=True),
        Quantity(name="training_loss", unit="", read=_training_loss, has_ratio=False),
        Quantity(name="held_out_loss", unit="", read=_held_out_loss, has_ratio=False),
        *(Quantity(name=name, unit="bytes", read=_memory(field), has_ratio=False) for name, field in _MEMORY),
    )


_MEMORY: tuple[tuple[RowName, str], ...] = (
    ("system_memory_peak", "system_peak"),
    ("torch_memory_allocated_peak", "torch_peak_allocated"),
    ("torch_memory_reserved_peak", "torch_peak_reserved"),
    ("accelerator_process_memory_peak", "accelerator_process_peak"),
    ("resident_memory_peak", "process_peak_rss"),
)


def _memory(field: str) -> Callable[[RunRecord], Cell]:
    return lambda record: measured(getattr(record.memory, field))
