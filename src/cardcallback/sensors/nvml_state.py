"""What a GPU was doing: utilisation, clock, heat, and what slowed it. Knows no binding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from cardcallback.record import Scope
from cardcallback.sensors.base import Quantity, SensorSpec
from cardcallback.sensors.nvml_power import SCOPE_GPU
from cardcallback.sensors.nvml_values import celsius_from, hertz_from, reasons_from, seconds_from, share_from

if TYPE_CHECKING:
    from cardcallback.sensors.nvml_device import Device

Way = tuple[SensorSpec, Callable[[], float]]

CLOCK_SM = 1
_TEMPERATURE_GPU = 0
# What is judged over a minute need not be read every second.
_INTERVAL_SECONDS = 2.0
# Nothing is lost between two readings of what only grows, and heat changes slowly.
_SLOW_INTERVAL_SECONDS = 5.0
# NVML header, API 13: time in each slowdown since the driver was loaded, in nanoseconds.
SLOWDOWN_FIELDS: dict[Quantity, int] = {
    "gpu_software_thermal_time": 269,
    "gpu_hardware_thermal_time": 270,
    "gpu_power_brake_time": 271,
}


def utilization(device: Device) -> list[Way]:
    """The share of time in which the GPU had work; not supported on Orin and on a divided GPU."""
    spec = replace(_spec(device, "gpu_utilization", "nvml:utilization_rates"), unit="share")
    return [(spec, lambda: share_from(device.driver.ask("UtilizationRates", device.index).gpu))]


def temperatures(device: Device) -> list[Way]:
    """The GPU's temperature by the newer call and by the older."""
    spec = _spec(device, "gpu_temperature", "nvml:temperature")
    spec = replace(spec, unit="celsius", interval_seconds=_SLOW_INTERVAL_SECONDS)
    return [
        (spec, lambda: celsius_from(device.driver.ask("TemperatureV", device.index, _TEMPERATURE_GPU))),
        (spec, lambda: celsius_from(device.driver.ask("Temperature", device.index, _TEMPERATURE_GPU))),
    ]


def sm_clock(device: Device) -> list[Way]:
    """The clock of the streaming multiprocessors."""
    spec = replace(_spec(device, "gpu_sm_clock", "nvml:clock_info_sm"), unit="hertz")
    return [(spec, lambda: hertz_from(device.driver.ask("ClockInfo", device.index, CLOCK_SM)))]


def clock_events(device: Device) -> list[Way]:
    """Why the clock is what it is, as NVML's bit mask."""
    spec = _spec(device, "gpu_clock_event_reasons", "nvml:clocks_event_reasons")
    return [
        (spec, lambda: reasons_from(device.driver.ask("CurrentClocksEventReasons", device.index))),
        # The name before driver 535.
        (spec, lambda: reasons_from(device.driver.ask("CurrentClocksThrottleReasons", device.index))),
    ]


def slowdown_times(device: Device) -> list[list[Way]]:
    """Time spent in each kind of slowdown; older parts have only the bits."""
    return [[_slowdown_time(device, quantity, field)] for quantity, field in SLOWDOWN_FIELDS.items()]


def _slowdown_time(device: Device, quantity: Quantity, field: int) -> Way:
    spec = _spec(device, quantity, f"nvml:field_{field}")
    spec = replace(spec, kind="counter", unit="seconds", interval_seconds=_SLOW_INTERVAL_SECONDS)
    return spec, lambda: seconds_from(device.driver.ask_field(device.index, field, SCOPE_GPU))


def _spec(device: Device, quantity: Quantity, source: str) -> SensorSpec:
    return SensorSpec(
        quantity=quantity,
        source=source,
        kind="gauge",
        unit="bitmask",
        scope=Scope(gpu_core="yes"),
        covers=device.part.name,
        interval_seconds=_INTERVAL_SECONDS,
        device=device.index,
    )
