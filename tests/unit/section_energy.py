"""Changes a record, and makes its energy agree with itself: parts, ratios and devices follow from the GPU figure."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from msgspec.structs import replace

from cardcallback.carbon import assess_footprint, factor_for, find_place
from cardcallback.ratios import with_ratios
from cardcallback.record import Accelerator, Energy, Measurement, RunRecord
from cardcallback.render.run_words import recorded_steps

# What loading and tokenising draws beside training, as in the record that the others are made from.
_BEFORE_SHARE = 3 * 6720 / (107 * 360)


def with_energy(record: RunRecord, **figures: Any) -> RunRecord:
    """``record`` with other energy figures."""
    return replace(record, energy=replace(record.energy, **figures))


def with_training(record: RunRecord, **fields: Any) -> RunRecord:
    """``record`` with other training facts."""
    return replace(record, training=replace(record.training, **fields))


def with_place(record: RunRecord, place: str, pue: float | None = None) -> RunRecord:
    """``record`` with its CO2e calculated for ``place``."""
    return replace(record, carbon=assess_footprint(record.energy, factor_for(find_place(place)), pue).carbon)


def consistent(make: Callable[[], RunRecord]) -> Callable[[], RunRecord]:
    """The situation with everything derived that its own GPU energy determines."""

    @wraps(make)
    def made() -> RunRecord:
        return _consistent(make())

    return made


def _consistent(record: RunRecord) -> RunRecord:
    energy = with_ratios(
        _parts(record.energy, record.duration_seconds), steps=recorded_steps(record), training=record.training
    )
    count = len(record.hardware.accelerators)
    devices = tuple(
        _device(device, energy.gpu, count, record.duration_seconds) for device in record.hardware.accelerators
    )
    hardware = replace(record.hardware, accelerators=devices)
    sessions = record.sessions
    if len(sessions) == 1:
        sessions = (replace(sessions[0], energy=energy, hardware=hardware, software=record.software),)
    return replace(record, energy=energy, hardware=hardware, sessions=sessions)


def _parts(energy: Energy, seconds: float) -> Energy:
    gpu = energy.gpu
    if gpu.value is None:
        return energy
    known = sum(phase.energy.value or 0.0 for phase in energy.phases)
    phases = tuple(
        phase
        if phase.energy.value is None
        else replace(phase, energy=_share(gpu, phase.energy.value / known, coverage=phase.energy.coverage))
        for phase in energy.phases
    )
    return replace(energy, phases=phases, before_training=_before(energy, seconds), gpu_integrated=_integrated(energy))


def _share(gpu: Measurement, share: float, **changes: object) -> Measurement:
    low, high = (None if bound is None else bound * share for bound in (gpu.recording_low, gpu.recording_high))
    fields = {"value": (gpu.value or 0.0) * share, "recording_low": low, "recording_high": high, "window": None}
    return replace(gpu, **(fields | changes))


def _before(energy: Energy, seconds: float) -> Measurement:
    before, window = energy.before_training, energy.before_training.window
    if before.value is None or window is None or window.begin_seconds is None:
        return before
    share = _BEFORE_SHARE * -window.begin_seconds / (seconds * (energy.gpu.coverage or 1.0))
    high = (energy.gpu.value or 0.0) * share * 1.01
    return _share(
        energy.gpu,
        share,
        window=window,
        coverage=1.0,
        longest_gap_seconds=before.longest_gap_seconds,
        recording_high=high,
    )


def _integrated(energy: Energy) -> Measurement:
    integrated, verdict = energy.gpu_integrated, energy.consistency
    if integrated.value is None or verdict is None or verdict.verdict != "consistent":
        return integrated
    joules = (energy.gpu.value or 0.0) * (1 + (verdict.relative_difference or 0.0))
    return replace(
        integrated, value=joules, recording_low=joules * 0.999, recording_high=joules * 1.001, scope=energy.gpu.scope
    )


def _device(device: Accelerator, gpu: Measurement, count: int, seconds: float) -> Accelerator:
    if gpu.value is None:
        return device
    energy = _share(gpu, 1 / count, window=gpu.window, covers=device.energy.covers)
    watts = gpu.value / count / (seconds * (gpu.coverage or 1.0))
    power = None if device.mean_power is None else replace(device.mean_power, value=watts)
    return replace(device, energy=energy, mean_power=power)
