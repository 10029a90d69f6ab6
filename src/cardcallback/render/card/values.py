"""Named values of a record that a card's placeholders ask for, as one line of Markdown each.

A name is absent where its value is not known: the placeholder then stays, which says just that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cardcallback.hub_id import is_hub_id
from cardcallback.record import RunRecord, Session, is_unresolved
from cardcallback.render.card.values_recipe import RECIPE_VALUES
from cardcallback.render.energy_words import emissions_label, used_by_job
from cardcallback.render.figures import (
    at_least,
    is_known,
    verb,
)
from cardcallback.render.run_words import device_names, had_all_devices, memory_owner, plural, recorded_steps
from cardcallback.render.text import escape_markdown
from cardcallback.units import (
    EMISSIONS_FIGURES,
    JOULES_PER_KILOWATT_HOUR,
    SECONDS_PER_HOUR,
    SECONDS_PER_MINUTE,
    format_bytes,
    format_duration,
    format_energy,
    format_large,
    format_number,
)

_CLOUDS = {"aws": "Amazon Web Services", "azure": "Microsoft Azure", "gcp": "Google Cloud"}
_SIMULATED = " (simulated device)"


def card_values(record: RunRecord) -> dict[str, str]:
    """Every value of ``VALUE_NAMES`` that the record knows, as Markdown without line breaks."""
    found = {name: make(record) for name, make in _MAKERS.items()}
    return {name: text for name, text in found.items() if text}


def card_facts(record: RunRecord) -> dict[str, bool]:
    """Statements a template's stock text may make, and whether they hold; absent where not known."""
    name = record.hardware.machine.name
    devices = record.hardware.accelerators
    if not had_all_devices(record):
        return {"machine_is_dgx_spark": False}  # not only: the sessions ran on unlike machines
    if name:
        return {"machine_is_dgx_spark": "dgx spark" in name.lower().replace("_", " ")}
    if devices and not any("GB10" in device.name for device in devices):
        return {"machine_is_dgx_spark": False}
    return {}


def hardware_words(record: RunRecord) -> str | None:
    """Count and name of the GPUs and the machine as Markdown; the processor where no GPU was measured."""
    machine = record.hardware.machine
    computer = escape_markdown(machine.name) if machine.name else None
    if record.hardware.accelerators:
        names = device_names(record)
        names = f"1 × {names}" if len(record.hardware.accelerators) == 1 else names
        simulated = _SIMULATED if record.simulated else ""
        return f"{names} ({computer}){simulated}" if computer else names + simulated
    processor = escape_markdown(machine.processor) if machine.processor else None
    if processor and machine.processor_count:
        processor += f", {machine.processor_count} cores"
    known = "; ".join(part for part in (computer, processor) if part)
    if not known:
        return None
    reason = escape_markdown(record.hardware.accelerators_reason or "none was found")
    return f"{known}; no GPU measured: {reason}"


def base_model_link(record: RunRecord) -> str | None:
    """The base model as a link to its page on the Hub."""
    name = published_base_model(record)
    return f"[{escape_markdown(name)}](https://huggingface.co/{name})" if name else None


def published_base_model(record: RunRecord) -> str | None:
    """The base model's Hub id; None where it is not known, and for anything that can only be a folder."""
    name = record.training.base_model
    return name if is_hub_id(name) else None


def _base_model(record: RunRecord) -> str | None:
    name = published_base_model(record)
    return escape_markdown(name) if name else None


def _speeds(record: RunRecord) -> str | None:
    seconds, steps, tokens = record.duration_seconds, recorded_steps(record), record.training.tokens.non_padding
    if seconds <= 0 or steps <= 0:
        return None
    parts = [f"{format_duration(seconds)} for {plural(steps, 'step')} ({format_number(steps / seconds)} steps/s)"]
    if tokens:
        parts.append(f"{format_large(tokens)} tokens without padding ({format_number(tokens / seconds)} tokens/s)")
    if record.training.trainable_parameters:
        parts.append(f"{format_large(record.training.trainable_parameters)} trained parameters")
    peak = _peak_words(record)
    return "; ".join([*parts, *([peak] if peak else [])])


def _training_time(record: RunRecord) -> str | None:
    if record.duration_seconds <= 0:
        return None
    suspended = f" (of which suspended: {format_duration(record.suspended_seconds)})"
    return format_duration(record.duration_seconds) + (suspended if record.suspended_seconds > 0 else "")


def _hours_used(record: RunRecord) -> str | None:
    if record.duration_seconds <= 0:
        return None
    words = f"{_hours(record.duration_seconds)} of wall time"
    if record.suspended_seconds > 0:
        words += f", of which {_hours(record.suspended_seconds)} suspended"
    if not record.hardware.accelerators:
        return f"{words}; no GPU measured"
    if not used_by_job(record):
        return f"{words}; this job did not use the GPU"
    seconds = sum(_gpu_seconds(session) for session in record.sessions)
    most = max((len(session.hardware.accelerators) for session in record.sessions), default=0)
    simulated = _SIMULATED if record.simulated else ""
    if seconds < SECONDS_PER_MINUTE:
        return f"{words}, on {plural(most, 'GPU')}{simulated}"
    return f"{words}; {format_number(seconds / SECONDS_PER_HOUR)} GPU-hours ({plural(most, 'GPU')}){simulated}"


def _hours(seconds: float) -> str:
    """Hours as the label asks for, or seconds and minutes where hours would be a string of zeros."""
    if seconds < SECONDS_PER_HOUR / 10:
        return format_duration(seconds)
    return f"{format_number(seconds / SECONDS_PER_HOUR)} hours"


def _gpu_seconds(session: Session) -> float:
    used = [device for device in session.hardware.accelerators if device.used_by_job]
    return max(0.0, session.duration_seconds - session.suspended_seconds) * len(used)


def _energy(record: RunRecord) -> str | None:
    name, energy = ("system", record.energy.system) if is_known(record.energy.system) else ("gpu", record.energy.gpu)
    if energy.value is None or is_unresolved(energy):
        return None
    kilowatt_hours = format_number(energy.value / JOULES_PER_KILOWATT_HOUR)
    simulated = ", simulated device" if record.simulated else ""
    return f"{at_least(energy)}{kilowatt_hours} kWh ({_part(record, name)}, {verb(energy)}{simulated})"


def _part(record: RunRecord, energy_name: str) -> str:
    part = emissions_label(record, energy_name)
    return "GPU only" if part == "GPU part only" else part


def _carbon(record: RunRecord) -> str | None:
    carbon = record.carbon
    energy = record.energy.system if carbon is not None and carbon.energy_name == "system" else record.energy.gpu
    if carbon is None or is_unresolved(energy):
        return None
    factor = carbon.factor
    grid = ", ".join(str(part) for part in (factor.place, factor.year, factor.boundary) if part)
    least = at_least(energy)
    words = f"{_part(record, carbon.energy_name)}: {least}{format_energy(carbon.energy_joules)}"
    words += f" × {format_number(factor.grams_per_kwh)} g/kWh, {escape_markdown(grid)}"
    words += f", × {format_number(carbon.pue)} building overhead" if carbon.pue is not None else ""
    words += ", simulated device" if record.simulated else ""
    return f"{least}{format_number(carbon.emissions_grams, EMISSIONS_FIGURES)} g CO2eq ({words})"


def _cloud(record: RunRecord) -> tuple[str, str] | None:
    """Provider and region, where the place given is a cloud's."""
    code = record.carbon.factor.place_code if record.carbon else None
    provider, found, region = (code or "").partition("/")
    return (_CLOUDS[provider], region) if found and provider in _CLOUDS else None


def _cloud_provider(record: RunRecord) -> str | None:
    cloud = _cloud(record)
    return cloud[0] if cloud else None


def _cloud_region(record: RunRecord) -> str | None:
    cloud = _cloud(record)
    return escape_markdown(cloud[1]) if cloud else None


def _infrastructure(record: RunRecord) -> str | None:
    machine = record.hardware.machine
    parts = [escape_markdown(machine.name)] if machine.name else []
    if machine.processor:
        cores = f", {machine.processor_count} cores" if machine.processor_count else ""
        parts.append(escape_markdown(machine.processor) + cores)
    if machine.memory_total_bytes:
        unified = " unified" if machine.unified_memory else ""
        parts.append(f"{format_bytes(machine.memory_total_bytes)}{unified} memory")
    parts += [escape_markdown(machine.operating_system)] if machine.operating_system else []
    return "; ".join(parts) or None


def _hardware_needed(record: RunRecord) -> str | None:
    hardware, peak = hardware_words(record), _peak_words(record)
    if not hardware or not peak:
        return hardware
    return f"{hardware}; {peak}. A peak observed, not a minimum required"


def _peak_words(record: RunRecord) -> str | None:
    peak = _peak_memory(record)
    return f"peak memory in use, {memory_owner(record)}, {peak}" if peak else None


def _peak_memory(record: RunRecord) -> str | None:
    peak, total = record.memory.system_peak.value, record.memory.total.value
    if peak is None:
        return None
    # A peak above the total is a misreading: without a sentence about it neither is worth much beside the other.
    return format_bytes(peak) + (f" of {format_bytes(total)}" if total and peak <= total else "")


def _software(record: RunRecord) -> str | None:
    return ", ".join(f"{escape_markdown(name)} {escape_markdown(text)}" for name, text in record.software.items())


_MAKERS: Mapping[str, Callable[[RunRecord], str | None]] = {
    **RECIPE_VALUES,
    "base_model": _base_model,
    "base_model_link": base_model_link,
    "carbon_emitted": _carbon,
    "cloud_provider": _cloud_provider,
    "cloud_region": _cloud_region,
    "compute_infrastructure": _infrastructure,
    "energy": _energy,
    "hardware": hardware_words,
    "hardware_needed": _hardware_needed,
    "hours_used": _hours_used,
    "peak_memory": _peak_memory,
    "software": _software,
    "speeds_sizes_times": _speeds,
    "training_time": _training_time,
}
VALUE_NAMES = frozenset(_MAKERS)
FACT_NAMES = frozenset({"machine_is_dgx_spark"})
