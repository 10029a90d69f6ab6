"""What the devices did while they were measured: clocks, heat, throttling, company."""

from __future__ import annotations

from collections import Counter

from cardcallback.record import Accelerator, RunRecord, is_only_a_part
from cardcallback.render.energy_words import is_divided
from cardcallback.render.figures import (
    figure,
    is_known,
    resolved_value,
    run_energy,
)
from cardcallback.render.run_words import device_numbers, devices, had_all_devices, plural
from cardcallback.render.section.result_energy import interval_words
from cardcallback.render.text import escape_markdown, join_words, sentence
from cardcallback.sessions import sessions_named
from cardcallback.units import (
    format_bytes,
    format_duration,
    format_megahertz,
    format_number,
    format_percent,
    format_power,
)


def machine_state(record: RunRecord, picture: str) -> str:
    """Sentences about the only device; with several, each has a line of ``device_lines``."""
    found = devices(record)
    words = f"{_state(found[0])}." if len(found) == 1 else ""
    told = " ".join(_health(found[0])) if len(found) == 1 else ""
    return " ".join(part for part in (words, told, picture) if part)


def health_notes(record: RunRecord) -> frozenset[str]:
    """The record's notes that stand beside their device already."""
    told = {words for device in devices(record) for words in device.health}
    return frozenset(note for note in record.notes if note in told or note.partition(": ")[2] in told)


def device_lines(record: RunRecord) -> list[tuple[str, str]]:
    """One line per device, where there are several; of several computers only the first one's."""
    found = devices(record)
    if len(found) < 2:
        return []
    if len(record.nodes) > 1:
        found = found[: len(record.nodes[0].accelerators)]
    if not had_all_devices(record):
        return [
            (label, _device(record, device)) for label, device in zip(_labels_by_session(record), found, strict=True)
        ]
    numbers = device_numbers(found)
    return [(f"GPU {number}", _device(record, device)) for number, device in zip(numbers, found, strict=True)]


def _labels_by_session(record: RunRecord) -> list[str]:
    """Which sessions had each device, where they took turns: one that several had is one, by its name."""
    by_session = [[device.name for device in session.hardware.accelerators] for session in record.sessions]
    seen: Counter[str] = Counter()
    labels = []
    for device in devices(record):
        had = [place for place, names in enumerate(by_session) if names.count(device.name) > seen[device.name]]
        seen[device.name] += 1
        labels.append(f"GPU of {sessions_named(had)}")
    return labels


def _device(record: RunRecord, device: Accelerator) -> str:
    beside_joules = record.energy.gpu.value
    interval = interval_words(device.energy, beside_joules)
    doubts = f" ({interval})" if interval else ""
    parts = [
        escape_markdown(device.name),
        f"energy {run_energy(record, device.energy, beside_joules)}{doubts}",
    ]
    if (watts := resolved_value(device.mean_power)) is not None:
        parts.append(f"mean power {format_power(watts)}")
    if device.memory_total_bytes:
        parts.append(f"{format_bytes(device.memory_total_bytes)} of memory")
    return " ".join([f"{', '.join(parts)}. {_state(device)}.", *_health(device)])


def _health(device: Accelerator) -> list[str]:
    return [sentence(words) for words in device.health]


def _state(device: Accelerator) -> str:
    parts = []
    clock, heat = device.median_sm_clock, device.highest_temperature
    parts.append(f"Median clock {figure(clock, format_megahertz)}")
    if is_known(device.median_utilization):
        parts.append(f"median utilisation {figure(device.median_utilization, _percent)}")
    if is_known(heat):
        parts.append(f"at most {figure(heat, format_number)} °C")
    parts += [f"{_as_long_as_seen(device)}{_throttling(device)}", _company(device)]
    return ", ".join(parts)


def _as_long_as_seen(device: Accelerator) -> str:
    """To stand before what was told of a device that was not watched all the time."""
    if not is_only_a_part(device.energy):
        return ""
    return "until it was lost: " if device.energy.recording_high is None else "while it was seen: "


def _throttling(device: Accelerator) -> str:
    heat = [reason for reason in device.throttle_reasons if "thermal" in reason]
    others = [escape_markdown(reason) for reason in device.throttle_reasons if reason not in heat]
    words = _heat(device, [escape_markdown(reason) for reason in heat])
    return f"{words}, limited at times by {join_words(others)}" if others else words


def _heat(device: Accelerator, reasons: list[str]) -> str:
    time = device.thermal_slowdown_time
    if reasons:
        return f"slowed at times by {join_words(reasons)}"
    if time is not None and time.value:
        return f"slowed by heat for {figure(time, format_duration)}"
    # A record of an earlier version has no such time: its reasons were read or not, and it does not say.
    return "no thermal slowdown recorded" if time is None or is_known(time) else "thermal slowdown not known"


def _company(device: Accelerator) -> str:
    if device.other_processes is None:
        return "other processes on the GPU not known"
    # To a job without rights over the whole GPU its list leaves out those of the other parts.
    divided = is_divided(device.energy)
    if device.other_processes == 0:
        return "processes on its other parts (MIG) not known" if divided else "no other process on the GPU"
    least = "at least " if divided else ""
    return f"{least}{plural(device.other_processes, 'other process', 'other processes')} on the GPU"


def _percent(share: float) -> str:
    return format_percent(share, 2)
