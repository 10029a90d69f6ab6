"""What kind of sensor a spec describes, which decides how often and when it is read.

Each sensor counts energy, tells power, or tells any other state: its unit says which.
"""

from __future__ import annotations

import math

from cardcallback.sensors.base import SensorSpec

# Sensors asked rarely for the driver's sake are not asked oftener because someone wants finer energy.
RARE_SECONDS = 10.0
# Energy first, so that a slow driver call elsewhere costs the window nothing at its begin.
_ORDER = (
    *("gpu_energy", "gpu_power", "cpu_energy", "cpu_power", "dram_energy", "system_energy", "system_power"),
    *("other_energy", "other_power", "system_memory"),
)
# What a run's end needs once more; of the process lists, which may take long, only those that do not.
_LAST_READ = frozenset(
    {
        *_ORDER,
        *("swap_used", "memory_stalled_some", "memory_stalled_all", "process_rss"),
        *("torch_allocated", "torch_reserved", "torch_allocated_now", "torch_reserved_now", "torch_devices"),
    }
)


def counts_energy(spec: SensorSpec) -> bool:
    """Whether it counts energy, and so loses nothing between readings."""
    return spec.unit == "joules"


def tells_power(spec: SensorSpec) -> bool:
    """Whether it tells power."""
    return spec.unit == "watts"


def tells_state(spec: SensorSpec) -> bool:
    """Whether it tells of anything but energy and power."""
    return not (counts_energy(spec) or tells_power(spec))


def lists_processes(spec: SensorSpec) -> bool:
    """Whether its calls list processes, which may take long."""
    return spec.quantity in {"gpu_process_memory", "gpu_other_processes"}


def sight_seconds(spec: SensorSpec) -> float:
    """How much time one of its readings speaks for."""
    return max(spec.averaging_seconds or 0.0, spec.refresh_seconds or 0.0)


def longest_interval_of(spec: SensorSpec) -> float:
    """How far apart its readings may lie at most; infinite for a sensor that loses nothing by it."""
    return math.inf if spec.longest_interval_seconds is None else spec.longest_interval_seconds


def reading_rank(quantity: str) -> int:
    """Its place among the sensors that are due together."""
    return _ORDER.index(quantity) if quantity in _ORDER else len(_ORDER)


def is_read_last(spec: SensorSpec, *, harmless: bool) -> bool:
    """Whether a run's end needs it once more; ``harmless``: its calls hold up nothing."""
    return harmless if spec.quantity == "gpu_process_memory" else spec.quantity in _LAST_READ


def interval_of(spec: SensorSpec, sampling_interval_seconds: float | None) -> float:
    """How often a sensor is read: as its kind needs, or as the user wants; never so rarely that a wrap is missed."""
    if sampling_interval_seconds is None:
        return spec.interval_seconds
    if spec.interval_seconds >= RARE_SECONDS:
        return max(spec.interval_seconds, sampling_interval_seconds)
    return min(sampling_interval_seconds, longest_interval_of(spec))
