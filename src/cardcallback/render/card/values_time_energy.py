"""Named values of what a run took: time, energy, power, CO2e and speed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cardcallback.record import Measurement, RunRecord, Session, is_unresolved
from cardcallback.render.card.quantities import Value
from cardcallback.render.energy_words import emissions_label, is_plain, used_by_job
from cardcallback.render.figures import is_known, least_energy, resolved_value, verb
from cardcallback.render.run_words import (
    device_names,
    devices,
    duration_words,
    least_time,
    most_devices_at_once,
    most_speed,
    plural,
    recorded_steps,
)
from cardcallback.render.text import escape_markdown
from cardcallback.units import (
    JOULES_PER_KILOWATT_HOUR,
    SECONDS_PER_HOUR,
    SECONDS_PER_MINUTE,
    format_duration,
    format_large,
    format_number,
    format_power,
)

SIMULATED = " (simulated device)"


def training_time(record: RunRecord) -> Value | None:
    """From the first begin to the last end, suspend included and named."""
    if record.duration_seconds <= 0:
        return None
    seconds, suspended = record.duration_seconds, record.suspended_seconds
    note = f"of which suspended: {format_duration(suspended)}" if suspended > 0 else ""
    short, least = duration_words(record), least_time(record)
    text = short + (f" ({note})" if note else "")
    return Value(text=text, short=short, amount=seconds, kind="time", note=note, least=least)


def hours_used(record: RunRecord) -> Value | None:
    """Wall time and GPU-hours: the Hub's template does not say which it asks for.

    Bare hours are written where both are the same.
    """
    words = _hours_of_both(record)
    seconds = record.duration_seconds
    if words is None:
        return None
    if record.simulated or record.suspended_seconds > 0 or _gpu_seconds(record) != seconds:
        return Value(text=words, short=words)
    return Value(text=words, short=words, amount=seconds, kind="time", least=least_time(record))


def _hours_of_both(record: RunRecord) -> str | None:
    if record.duration_seconds <= 0:
        return None
    least = least_time(record)
    words = f"{least}{_hours(record.duration_seconds)} of wall time"
    if record.suspended_seconds > 0:
        words += f", of which {_hours(record.suspended_seconds)} suspended"
    if not record.hardware.accelerators:
        return f"{words}; no GPU measured"
    if not used_by_job(record):
        return f"{words}; this job did not use the GPU"
    seconds, most = _gpu_seconds(record), _most_gpus(record)
    simulated = SIMULATED if record.simulated else ""
    if seconds < SECONDS_PER_MINUTE:
        return f"{words}, on {plural(most, 'GPU')}{simulated}"
    return f"{words}; {least}{format_number(seconds / SECONDS_PER_HOUR)} GPU-hours ({plural(most, 'GPU')}){simulated}"


def gpu_hours(record: RunRecord) -> Value | None:
    """Hours times the GPUs that the job used, or None where there is none of them."""
    if not record.hardware.accelerators or not used_by_job(record) or _gpu_seconds(record) < SECONDS_PER_MINUTE:
        return None
    note = plural(_most_gpus(record), "GPU") + (", simulated device" if record.simulated else "")
    seconds, least = _gpu_seconds(record), least_time(record)
    figure = f"{least}{format_number(seconds / SECONDS_PER_HOUR)} GPU-hours"
    return Value(text=f"{figure} ({note})", short=figure, amount=seconds, kind="device_time", note=note, least=least)


def _most_gpus(record: RunRecord) -> int:
    return max((len(session.hardware.accelerators) for session in record.sessions), default=0)


def _hours(seconds: float) -> str:
    """Hours as the label asks for, or seconds and minutes where hours would be a string of zeros."""
    if seconds < SECONDS_PER_HOUR / 10:
        return format_duration(seconds)
    return f"{format_number(seconds / SECONDS_PER_HOUR)} hours"


def _gpu_seconds(record: RunRecord) -> float:
    return sum(_gpu_seconds_of(session) for session in record.sessions)


def _gpu_seconds_of(session: Session) -> float:
    used = [device for device in session.hardware.accelerators if device.used_by_job]
    return max(0.0, session.duration_seconds - session.suspended_seconds) * len(used)


def speeds(record: RunRecord, peak: str | None) -> str | None:
    """Time, steps, tokens, trained parameters and peak memory in one line."""
    seconds, steps, tokens = record.duration_seconds, recorded_steps(record), record.training.tokens.non_padding
    if seconds <= 0 or steps <= 0:
        return None
    most = most_speed(record)
    parts = [f"{duration_words(record)} for {plural(steps, 'step')} ({most}{format_number(steps / seconds)} steps/s)"]
    if tokens:
        parts.append(
            f"{format_large(tokens)} tokens without padding ({most}{format_number(tokens / seconds)} tokens/s)"
        )
    if record.training.trainable_parameters:
        parts.append(f"{format_large(record.training.trainable_parameters)} trained parameters")
    return "; ".join([*parts, *([peak] if peak else [])])


def throughput(record: RunRecord) -> Value | None:
    """Tokens a second without padding, while training."""
    seconds, tokens = record.duration_seconds, record.training.tokens.non_padding
    if not tokens or seconds <= 0:
        return None
    most, note = most_speed(record), "in training, without padding"
    figure = f"{most}{format_number(tokens / seconds)} tokens/s"
    return Value(text=f"{figure} {note}", short=figure, amount=tokens / seconds, kind="rate", note=note, least=most)


def energy(record: RunRecord) -> Value | None:
    """The machine's energy where it was measured, else the GPU's, which says so."""
    name, measured = ("system", record.energy.system) if is_known(record.energy.system) else ("gpu", record.energy.gpu)
    return energy_of(record, name, measured)


def gpu_energy(record: RunRecord) -> Value | None:
    """The GPUs' energy."""
    return energy_of(record, "gpu", record.energy.gpu)


def system_energy(record: RunRecord) -> Value | None:
    """The whole machine's energy where a sensor of it was read."""
    return energy_of(record, "system", record.energy.system)


def energy_of(record: RunRecord, name: str, measured: Measurement) -> Value | None:
    """One of the record's energies, such as a phase's; ``name`` says what of the machine it is of."""
    if measured.value is None or is_unresolved(measured):
        return None
    simulated = ", simulated device" if record.simulated else ""
    note = f"{part_words(record, name)}, {verb(measured)}{simulated}"
    least = least_energy(record, measured)
    figure = f"{format_number(measured.value / JOULES_PER_KILOWATT_HOUR)} kWh"
    return Value(
        text=f"{least}{figure} ({note})",
        short=f"{least}{figure}",
        amount=measured.value,
        kind="energy",
        note=note,
        least=least,
    )


def part_words(record: RunRecord, energy_name: str) -> str:
    """Which part's CO2e it is, as short as a value in a card can say it."""
    part = emissions_label(record, energy_name)
    return "GPU only" if part == "GPU part only" else part


def mean_power(record: RunRecord) -> Value | None:
    """The mean power of the GPUs together, over the time they were measured."""
    if not is_plain(record):
        return None  # whose power it is would have to be told at length
    powers = [resolved_value(device.mean_power) for device in devices(record)]
    known = [power for power in powers if power is not None]
    if not known or len(known) < len(powers) or len(record.sessions) > 1:
        return None
    count = f"{plural(len(known), 'GPU')} together" if len(known) > 1 else "GPU only"
    note = f"{count}, mean over the run{', simulated device' if record.simulated else ''}"
    watts = sum(known)
    figure = format_power(watts)
    return Value(text=f"{figure} ({note})", short=figure, amount=watts, kind="power", note=note)


def gpu_count(record: RunRecord) -> Value | None:
    """How many GPUs were measured at a time; None where that changed between sessions."""
    count = most_devices_at_once(record)
    if any(len(session.hardware.accelerators) != count for session in record.sessions):
        return None
    if not count:
        return None
    note = "simulated" if record.simulated else ""
    text = f"{count} ({note})" if note else str(count)
    return Value(text=text, short=str(count), amount=float(count), kind="devices", note=note)


def gpu_name(record: RunRecord) -> Value | None:
    """The GPUs' name without their number, where they are all of one kind."""
    names = {device.name for device in devices(record)}
    if len(names) != 1 or not used_by_job(record):
        return None
    name = escape_markdown(names.pop()) + (SIMULATED if record.simulated else "")
    return Value(text=name, short=name)


def gpu_names(record: RunRecord) -> str | None:
    """The GPUs by name."""
    return device_names(record) + (SIMULATED if record.simulated else "") if devices(record) else None


TIME_AND_ENERGY_VALUES: Mapping[str, Callable[[RunRecord], Value | str | None]] = {
    "energy": energy,
    "gpu_count": gpu_count,
    "gpu_energy": gpu_energy,
    "gpu_hours": gpu_hours,
    "gpu_name": gpu_name,
    "gpu_names": gpu_names,
    "hours_used": hours_used,
    "mean_gpu_power": mean_power,
    "system_energy": system_energy,
    "throughput": throughput,
    "training_time": training_time,
}
