"""From GPU energy and time to the rest of the machine, by what was published of such machines; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from cardcallback.record import Accelerator, Energy, Measurement, RunRecord, Scope, not_measured
from cardcallback.record.sums import sum_or_none
from cardcallback.rest.table import HostOverhead, host_overheads
from cardcallback.units import format_power

# Less of the run than this, and a share of its energy stands for another run.
_LOWEST_COVERAGE = 0.95
_REST_SCOPE = Scope(cpu="yes", host_dram="yes", network="unknown", regulators="unknown", supply_loss="unknown")


@dataclass(frozen=True, slots=True)
class _Part:
    """The rest around one device, in joules; ``None`` where no such bound is published."""

    low: float | None
    value: float
    high: float | None


def with_rest_estimate(record: RunRecord) -> RunRecord:
    """The record with its estimate beside the measured energies, none of which changes."""
    estimate = estimate_rest(record.energy, record.hardware.accelerators, record.duration_seconds)
    return msgspec.structs.replace(record, energy=msgspec.structs.replace(record.energy, rest_estimate=estimate))


def estimate_rest(energy: Energy, devices: Sequence[Accelerator], duration_seconds: float) -> Measurement:
    """Energy of everything but the devices, in joules, with its assumption and source, or why there is none.

    The bounds are the range of the published figures. They prove nothing about this machine. There is none beside a
    figure that holds the processor, or of which nobody documents it: a part of the rest would be told twice.
    """
    window = energy.gpu.window
    reason = _why_none(energy, devices)
    if reason is not None:
        return not_measured("joules", reason, window=window)
    parts, rows = [], []
    for device in devices:
        row = _row_of(device.name)
        if row is None:
            return not_measured("joules", f"nothing is published on the machine around {device.name}", window=window)
        reason = _why_not(row, device, duration_seconds)
        if reason is not None:
            return not_measured("joules", reason, window=window)
        rows.append(row)
        parts.append(_rest_of(row, device, duration_seconds))
    return Measurement(
        value=sum(part.value for part in parts),
        unit="joules",
        recording_low=sum_or_none([part.low for part in parts]),
        recording_high=sum_or_none([part.high for part in parts]),
        source="; ".join(dict.fromkeys(row.source for row in rows)),
        scope=_REST_SCOPE,
        covers=("everything but the GPU",),
        method="estimated",
        window=window,
        assumption="; ".join(dict.fromkeys(row.assumption for row in rows)),
    )


def _why_none(energy: Energy, devices: Sequence[Accelerator]) -> str | None:
    if energy.system.value is not None:
        return "the whole machine was measured"
    if not devices:
        return "no GPU of this job was measured"
    if not all(device.used_by_job for device in devices):
        return "what is published is of machines whose GPU is at work, and this job did not use the GPU"
    if any(_may_hold_processor(figure) for figure in (energy.gpu, *(device.energy for device in devices))):
        return "the measured figure holds the processor, or nobody documents whether it does"
    if energy.partial_reason is not None:
        return f"not all GPUs of the job are known: {energy.partial_reason}"
    return None


def _may_hold_processor(figure: Measurement) -> bool:
    """Whether a part of the rest may be measured already, as in the energy of a module."""
    return figure.value is not None and (figure.scope is None or figure.scope.cpu != "no")


def _why_not(row: HostOverhead, device: Accelerator, duration_seconds: float) -> str | None:
    if row.basis == "watts_per_gpu":
        return None if duration_seconds > 0 else "the run has no length yet"
    joules, coverage = device.energy.value, device.energy.coverage
    if joules is None or duration_seconds <= 0:
        return f"it is a multiple of the GPU energy, which was not measured: {device.energy.reason}"
    if coverage is None or coverage < _LOWEST_COVERAGE:
        return "it is a multiple of the GPU energy, which was measured for a part of the run only"
    watts = joules / duration_seconds
    if not (row.lowest_watts or 0.0) <= watts <= (row.highest_watts or watts):
        known = f"{format_power(row.lowest_watts or 0.0)} to {format_power(row.highest_watts or 0.0)}"
        return (
            f"what is published is judged to hold for a GPU that draws {known}, and this one drew {format_power(watts)}"
        )
    return None


def _rest_of(row: HostOverhead, device: Accelerator, duration_seconds: float) -> _Part:
    unit = duration_seconds if row.basis == "watts_per_gpu" else device.energy.value or 0.0
    return _Part(
        low=None if row.low is None else row.low * unit,
        value=row.value * unit,
        high=None if row.high is None else row.high * unit,
    )


def _row_of(name: str) -> HostOverhead | None:
    return next((row for row in host_overheads() if re.search(row.pattern, name)), None)
