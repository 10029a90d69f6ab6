"""What the devices did while they were measured: clocks, heat, throttling, company."""

from __future__ import annotations

from cardcallback.record import Accelerator, RunRecord
from cardcallback.render.figures import figure, is_known
from cardcallback.render.run_words import devices, has_gb10, plural
from cardcallback.render.text import escape_markdown, join_words
from cardcallback.units import HERTZ_PER_MEGAHERTZ, format_bytes, format_energy, format_number, format_power

# Under load a GB10 runs near 2,400 MHz; one stuck in a low-power state stays far below it.
_LOW_GB10_CLOCK_HERTZ = 1.4e9


def machine_state(record: RunRecord, picture: str) -> str:
    """Sentences about the only device; with several, each has a line of ``device_lines``."""
    found = devices(record)
    words = f"{_state(found[0])}." if len(found) == 1 else ""
    if has_gb10(record) and any(_is_low(device) for device in found):
        words += (
            " This clock is far below the 2,400 MHz a GB10 reaches under load: the machine may have been in a "
            "low-power state, and slower than it can be."
        )
    return " ".join(part for part in (words, picture) if part)


def device_lines(record: RunRecord) -> list[tuple[str, str]]:
    """One line per device, where there are several."""
    found = devices(record)
    if len(found) < 2:
        return []
    return [(f"GPU {number}", _device(device)) for number, device in enumerate(found)]


def _device(device: Accelerator) -> str:
    parts = [escape_markdown(device.name), f"energy {figure(device.energy, format_energy)}"]
    if is_known(device.mean_power):
        parts.append(f"mean power {figure(device.mean_power, format_power)}")
    if device.memory_total_bytes:
        parts.append(f"{format_bytes(device.memory_total_bytes)} of memory")
    return f"{', '.join(parts)}. {_state(device)}."


def _state(device: Accelerator) -> str:
    parts = []
    clock, heat = device.median_sm_clock, device.highest_temperature
    parts.append(f"Median clock {figure(clock, _megahertz)}")
    if is_known(heat):
        parts.append(f"at most {figure(heat, format_number)} °C")
    parts += [_throttling(device), _company(device)]
    return ", ".join(part for part in parts if part)


def _throttling(device: Accelerator) -> str:
    heat = [reason for reason in device.throttle_reasons if "thermal" in reason]
    others = [escape_markdown(reason) for reason in device.throttle_reasons if reason not in heat]
    words = f"slowed at times by {join_words([escape_markdown(reason) for reason in heat])}" if heat else ""
    words = words or "no thermal slowdown recorded"
    return f"{words}, limited at times by {join_words(others)}" if others else words


def _company(device: Accelerator) -> str:
    if device.other_processes is None:
        return "other processes on the GPU not known"
    if device.other_processes == 0:
        return "no other process on the GPU"
    return f"{plural(device.other_processes, 'other process', 'other processes')} on the GPU"


def _is_low(device: Accelerator) -> bool:
    clock = device.median_sm_clock
    return clock is not None and clock.value is not None and clock.value < _LOW_GB10_CLOCK_HERTZ


def _megahertz(hertz: float) -> str:
    return f"{format_number(hertz / HERTZ_PER_MEGAHERTZ)} MHz"
