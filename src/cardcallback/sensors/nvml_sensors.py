"""One sensor object per device and quantity, or the reason why there is none. Knows no binding."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cardcallback.errors import DeviceLostError, SensorReadError
from cardcallback.record import Scope
from cardcallback.sensors.base import Absence, Quantity, Sensor, SensorSpec
from cardcallback.sensors.job_processes import is_of_several
from cardcallback.sensors.nvml_device import Ask, Device
from cardcallback.sensors.nvml_errors import GONE, LOST, NEVER, NOT_SUPPORTED, NvmlCallError, reason_in_call
from cardcallback.sensors.nvml_power import (
    MODULE_POWER_SOURCES,
    PowerSource,
    counter_timing,
    power_accuracy,
    power_scope,
    power_sources,
    power_timing,
    source_scope,
)
from cardcallback.sensors.nvml_samples import with_samples
from cardcallback.sensors.nvml_state import clock_events, slowdown_times, sm_clock, temperatures, utilization
from cardcallback.sensors.nvml_values import (
    joules_from,
    own_bytes_from,
    watts_from,
)

GPU_QUANTITIES: tuple[Quantity, ...] = (
    "gpu_energy",
    "gpu_power",
    "gpu_process_memory",
    "gpu_temperature",
    "gpu_utilization",
    "gpu_clock_event_reasons",
    "gpu_sm_clock",
    "gpu_software_thermal_time",
    "gpu_hardware_thermal_time",
    "gpu_power_brake_time",
)
# A process list may hold a lock in the driver for milliseconds.
_PROCESS_LIST_INTERVAL_SECONDS = 60.0
_WITHOUT = {
    "gpu_energy": "no energy counter",
    "gpu_power": "no power reading",
    "gpu_process_memory": "no memory per process",
    "gpu_temperature": "no temperature",
    "gpu_sm_clock": "no SM clock",
    "gpu_clock_event_reasons": "no clock-event reasons",
    "gpu_utilization": "no utilisation",
    "gpu_software_thermal_time": "no time of software thermal slowdown",
    "gpu_hardware_thermal_time": "no time of hardware thermal slowdown",
    "gpu_power_brake_time": "no time of the power brake",
}


class NvmlSensor:
    """One quantity of one GPU.

    ``stand_ins`` are further ways to ask for it, by their source, that mean the same in every other respect: should
    the call itself be withdrawn in the middle of a run, the first of them that answers takes its place.
    """

    __slots__ = ("_ask", "_spec", "_stand_ins")

    def __init__(self, spec: SensorSpec, ask: Ask, stand_ins: Sequence[tuple[str, Ask]] = ()) -> None:
        self._spec = spec
        self._ask = ask
        self._stand_ins = list(stand_ins)

    @property
    def spec(self) -> SensorSpec:
        """What this sensor reads."""
        return self._spec

    def read(self) -> float:
        """One reading in ``spec.unit``.

        Raises:
            SensorReadError: the call failed or its answer cannot be true; the next may succeed.
            DeviceLostError: the GPU is gone; it may come back.
        """
        try:
            return self._ask()
        except NvmlCallError as error:
            if error.code in LOST:
                raise DeviceLostError(str(error)) from error
            msg = f"{error}{self._replaced() if error.code in GONE else ''}"
            raise SensorReadError(msg) from error

    def with_stand_ins(self, stand_ins: Sequence[tuple[str, Ask]]) -> NvmlSensor:
        """The same sensor with further ways to ask."""
        return NvmlSensor(self._spec, self._ask, stand_ins)

    def _replaced(self) -> str:
        """What to add to the reason: this one reading fails all the same, so that it is told which source follows."""
        while self._stand_ins:
            source, ask = self._stand_ins.pop(0)
            with contextlib.suppress(NvmlCallError, SensorReadError):
                ask()
                self._ask = ask
                return f"; {source}, which means the same, is read from then on"
        return ""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedDevice:
    """The sensors of a device, the absences, and which module its energy is of, where it is a whole module's."""

    sensors: tuple[Sensor, ...]
    absences: tuple[Absence, ...]
    module: str | None = None


def open_device(device: Device) -> OpenedDevice:
    """Try every quantity of a device once, each on its own."""
    power = _open_power(device, power_sources(device.part))
    module_power = isinstance(power, NvmlSensor) and power.spec.source.startswith("nvml:module")
    module = device.part.whole_module_counter or module_power
    opened = [
        _uncounted(device) if device.part.shares_module else _open_first([_energy(device, module=module)], device),
        power,
        _open_first([_process_memory(device)], device),
        _open_first(temperatures(device), device),
        # What judges a clock is read just before it.
        _open_first(utilization(device), device),
        _open_first(clock_events(device), device),
        _open_first(sm_clock(device), device),
        *(_open_first(ways, device) for ways in slowdown_times(device)),
    ]
    return OpenedDevice(
        sensors=with_samples([one for one in opened if isinstance(one, NvmlSensor)], device),
        absences=tuple(one for one in opened if isinstance(one, Absence)),
        module=f"module {device.index}" if module else None,
    )


def open_module_power(device: Device) -> NvmlSensor | Absence:
    """The power of the module that ``device`` shares with others; to be counted once for all of them."""
    return _open_power(device, MODULE_POWER_SOURCES)


def _open_power(device: Device, ways: Sequence[PowerSource]) -> NvmlSensor | Absence:
    candidates = [(_power_spec(device, way), _ask_power(device, way)) for way in ways]
    opened = _open_first(candidates, device)
    if isinstance(opened, Absence):
        return opened
    spec = opened.spec
    alike = [(other.source, ask) for other, ask in candidates if other == replace(spec, source=other.source)]
    return opened.with_stand_ins([(source, ask) for source, ask in alike if source != spec.source])


def _uncounted(device: Device) -> Absence:
    # The counter of GH200 holds the whole module (ml-energy/zeus#172). Were this one's alike, the sum over the
    # GPUs of a module would hold it twice, and nobody published whether it is.
    return Absence(
        quantity="gpu_energy",
        source="nvml:total_energy_consumption",
        reason="no energy counter: whether that of this part holds the GPU or its whole module is not published",
        device=device.index,
    )


def _open_first(ways: Sequence[tuple[SensorSpec, Ask]], device: Device) -> NvmlSensor | Absence:
    """The first way that answers now; else the first that may answer later; else why none ever will."""
    later: NvmlSensor | None = None
    code = NOT_SUPPORTED
    for spec, ask in ways:
        failure = _failure_of(ask)
        if failure is None:
            return NvmlSensor(spec, ask)
        if isinstance(failure, NvmlCallError):
            code = failure.code
        if not isinstance(failure, NvmlCallError) or code not in NEVER:
            later = later or NvmlSensor(spec, ask)
    spec = ways[-1][0]
    return later or Absence(
        quantity=spec.quantity,
        source=spec.source,
        reason=f"{_WITHOUT[spec.quantity]}: {reason_in_call(code)}",
        device=device.index,
    )


def _failure_of(ask: Ask) -> NvmlCallError | SensorReadError | None:
    try:
        ask()
    except (NvmlCallError, SensorReadError) as error:
        return error
    return None


def _energy(device: Device, *, module: bool) -> tuple[SensorSpec, Ask]:
    timing = counter_timing(device.part)
    spec = SensorSpec(
        quantity="gpu_energy",
        source="nvml:total_energy_consumption",
        kind="counter",
        unit="joules",
        scope=power_scope(device.part, module=module),
        covers=_covers(device, module=module),
        interval_seconds=timing.interval_seconds,
        refresh_seconds=timing.refresh_seconds,
        device=device.index,
        highest_watts=device.highest_module_watts if module else device.highest_watts,
    )
    return spec, lambda: joules_from(device.driver.ask("TotalEnergyConsumption", device.index))


def _power_spec(device: Device, way: PowerSource) -> SensorSpec:
    timing = power_timing(device.part, way)
    return SensorSpec(
        quantity="gpu_power",
        source=way.source,
        kind="gauge",
        unit="watts",
        scope=source_scope(device.part, way),
        covers=_covers(device, module=way.module),
        interval_seconds=timing.interval_seconds,
        averaging_seconds=timing.averaging_seconds,
        refresh_seconds=timing.refresh_seconds,
        device=device.index,
        accuracy=power_accuracy(device.part),
        highest_watts=device.highest_module_watts if way.module else device.highest_watts,
    )


def _ask_power(device: Device, way: PowerSource) -> Ask:
    limit = device.highest_module_watts if way.module else device.highest_watts
    if way.element is None:
        return lambda: watts_from(device.driver.ask("PowerUsage", device.index), limit)
    field, scope = way.element
    return lambda: watts_from(device.driver.ask_field(device.index, field, scope), limit)


def _process_memory(device: Device) -> tuple[SensorSpec, Ask]:
    spec = SensorSpec(
        quantity="gpu_process_memory",
        source="nvml:compute_running_processes",
        kind="gauge",
        unit="bytes",
        scope=Scope(gpu_memory="yes"),
        covers=f"{'this job' if is_of_several() else 'this process and its children'} on {device.part.name}",
        interval_seconds=_PROCESS_LIST_INTERVAL_SECONDS,
        device=device.index,
    )

    def ask() -> float:
        listed = device.driver.processes(device.index)
        return own_bytes_from(listed, device.own_among(process.pid for process in listed))

    return spec, ask


def _covers(device: Device, *, module: bool) -> str:
    return f"{device.part.name} module (GPU, processor and memory)" if module else device.part.name
