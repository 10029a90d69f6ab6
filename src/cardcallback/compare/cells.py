"""The figures of one run that a comparison shows, each in a cell; what has an argument makes a reader of records."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import msgspec

from cardcallback.carbon import Footprint, assess_footprint, assess_run
from cardcallback.compare.model import Cell
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


def system_energy(record: RunRecord) -> Cell:
    """The whole machine's energy of a run."""
    return energy_of(record, record.energy.system)


def cpu_energy(record: RunRecord) -> Cell:
    """The processors' energy of a run."""
    return energy_of(record, record.energy.cpu)


def _at_least(cell: Cell, record: RunRecord) -> Cell:
    """What grows with a run's time, of a run that took longer than is known, be it by a second."""
    if cell.value is None or not any(map(session_is_least, record.sessions)):
        return cell
    if not duration_is_least(record):
        return msgspec.structs.replace(cell, bound="least", detail=cell.detail or _KILLED)
    return msgspec.structs.replace(cell, is_part=True, bound="least", high=None, detail=_OPEN_END)


def _divided(reading: Cell, by: float | None, reason: str) -> Cell:
    if reading.value is None:
        return reading
    if not by:
        return Cell(value=None, reason=reason)
    return Cell(
        value=reading.value / by,
        low=None if reading.low is None else reading.low / by,
        high=None if reading.high is None else reading.high / by,
        scope=reading.scope,
        is_part=reading.is_part,
        bound=reading.bound if reading.is_part else None,  # what is divided is known until the same second
        detail=reading.detail,
    )


def mean_gpu_power(record: RunRecord) -> Cell:
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


def per_token(kind: str) -> Callable[[RunRecord], Cell]:
    """Of a record: GPU energy by its tokens of this kind."""

    def read(record: RunRecord) -> Cell:
        count = getattr(record.training.tokens, kind)
        return _divided(gpu_energy(record), count, record.training.tokens.reason or "nobody counted these tokens")

    return read


def tokens_per_second(kind: str) -> Callable[[RunRecord], Cell]:
    """Of a record: its tokens of this kind by all of its time."""

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


def emissions_at(factor: CarbonFactor, pue: float | None) -> Callable[[RunRecord], Cell]:
    """Of a record: CO2e by one grid's factor."""
    return lambda record: _emissions(record, assess_footprint(record.energy, factor, pue))


def own_emissions(record: RunRecord) -> Cell:
    """CO2e by the record's own place."""
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


def training_loss(record: RunRecord) -> Cell:
    """The last loss that was logged."""
    points = record.curves.get("loss", ())
    return _plain(points[-1][1] if points else None, "no loss was logged")


def held_out_loss(record: RunRecord) -> Cell:
    """The published weights' loss, and of what."""
    after = record.evaluation.after
    if after is None or after.loss is None:
        return Cell(value=None, reason="nobody evaluated a held-out set after training")
    parts = (
        after.kind or "a loss of unknown kind",
        after.covers,
        f"weights {after.weights}" if after.weights else None,
    )
    return Cell(value=after.loss, low=after.loss, high=after.loss, detail=", ".join(filter(None, parts)))


def memory_peak(field: str) -> Callable[[RunRecord], Cell]:
    """Of a record: one of its peaks, by its field."""
    return lambda record: measured(getattr(record.memory, field))
