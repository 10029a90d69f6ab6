"""Every sensor of this machine in one set, with the reasons for those that are absent."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, get_args

from cardcallback.errors import CardCallbackError, SensorReadError
from cardcallback.record import Scope
from cardcallback.sensors import nvml
from cardcallback.sensors.base import (
    OPENING,
    Absence,
    DeviceInfo,
    Quantity,
    Sensor,
    SensorPart,
    SensorSet,
    SensorSpec,
)
from cardcallback.sensors.board_rails import with_board_power
from cardcallback.sensors.elsewhere import explained
from cardcallback.sensors.machine import open_machine_energy
from cardcallback.sensors.meminfo import open_meminfo, with_unified_memory
from cardcallback.sensors.memory_limit import open_memory_limit
from cardcallback.sensors.memory_pressure import open_memory_pressure
from cardcallback.sensors.nvml_power import Part
from cardcallback.sensors.plugin_checks import fault_of
from cardcallback.sensors.power_meters import with_gpu_on_module
from cardcallback.sensors.process import open_process
from cardcallback.sensors.torch_memory import open_torch_memory
from cardcallback.sensors.virtual_memory import open_virtual_memory

ENTRY_POINT_GROUP = "cardcallback.sensors"
_OTHERS_INTERVAL_SECONDS = 60.0
_OF_GPUS: tuple[Quantity, ...] = tuple(one for one in get_args(Quantity) if one.startswith("gpu_"))
_OF_THE_MACHINE: tuple[Quantity, ...] = tuple(one for one in get_args(Quantity) if one not in _OF_GPUS)


def open_sensors(
    *,
    system_root: Path,
    environ: Mapping[str, str],
    open_gpus: Callable[[Mapping[str, str]], SensorSet] = nvml.open_nvml,
    plugins: Iterable[Any] | None = None,
) -> SensorSet:
    """Open all sensors, one part after the other; raises nothing for a sensor that is missing or broken.

    May take as long as a driver takes to start. The arguments are those of ``sensor_parts``.
    """
    parts = sensor_parts(system_root=system_root, environ=environ, open_gpus=open_gpus, plugins=plugins)
    return joined([part.open() for part in parts])


def sensor_parts(
    *,
    system_root: Path,
    environ: Mapping[str, str],
    open_gpus: Callable[[Mapping[str, str]], SensorSet] = nvml.open_nvml,
    plugins: Iterable[Any] | None = None,
) -> tuple[SensorPart, ...]:
    """The GPUs, the rest of the machine, and plugins: to be opened apart, as any of them may hang.

    Args:
        system_root: the folder that holds ``proc`` and ``sys``.
        environ: the environment's variables.
        open_gpus: opens the GPUs' sensors.
        plugins: entry points of the group ``cardcallback.sensors``; ``None``: those installed. Each is
            loaded and called without arguments and gives an iterable of sensors.
    """
    return (
        SensorPart(
            open=lambda: _gpu_sensors(open_gpus(environ), system_root),
            quantities=_OF_GPUS,
            simulated=nvml.is_simulated(environ),
        ),
        SensorPart(open=lambda: _machine_sensors(system_root, unified=None), quantities=_OF_THE_MACHINE),
        SensorPart(open=lambda: _plugin_sensors(entry_points(group=ENTRY_POINT_GROUP) if plugins is None else plugins)),
    )


def joined(sets: Iterable[SensorSet]) -> SensorSet:
    """Parts as one set, in which the machine's sensors are told by what the devices share with it."""
    whole = functools.reduce(SensorSet.with_others, sets, SensorSet())
    gpus = whole.absence("gpu_energy")
    unified = None if gpus is not None and gpus.source == OPENING else _unified(whole.devices)
    sensors = tuple(with_unified_memory(one, unified=unified) for one in whole.sensors)
    if any(Part(name=device.name).superchip for device in whole.devices):
        sensors = tuple(with_gpu_on_module(one) for one in sensors)
    return replace(whole, sensors=sensors)


def _gpu_sensors(gpus: SensorSet, system_root: Path) -> SensorSet:
    gpus = explained(gpus, _find_torch(), sys.platform)
    others = tuple(OtherProcessesSensor(device.index) for device in gpus.devices)
    return with_board_power(replace(gpus, sensors=(*gpus.sensors, *others)), system_root)


class OtherProcessesSensor:
    """How many processes of others use one GPU."""

    def __init__(self, index: int, count: Callable[[int], int | None] = nvml.other_processes) -> None:
        self._index = index
        self._count = count
        self.spec = SensorSpec(
            quantity="gpu_other_processes",
            source="nvml:running_processes",
            kind="gauge",
            unit="count",
            scope=Scope(),
            covers="processes of others on this GPU",
            interval_seconds=_OTHERS_INTERVAL_SECONDS,
            device=index,
        )

    def read(self) -> float:
        """Their number now.

        Raises:
            SensorReadError: the driver does not tell.
        """
        count = self._count(self._index)
        if count is None:
            msg = "the driver does not tell which processes use the GPU"
            raise SensorReadError(msg)
        return float(count)


def _machine_sensors(system_root: Path, *, unified: bool | None) -> SensorSet:
    opened = (
        _open_memory(system_root, unified=unified),
        open_memory_limit(system_root),
        open_memory_pressure(system_root),
        open_process(),
        (open_torch_memory(_find_torch), ()),
    )
    energy = open_machine_energy(system_root)
    return SensorSet(
        sensors=(*energy.sensors, *(sensor for sensors, _ in opened for sensor in sensors)),
        absences=(*energy.absences, *(absence for _, absences in opened for absence in absences)),
    )


def _open_memory(system_root: Path, *, unified: bool | None) -> tuple[tuple[Sensor, ...], tuple[Absence, ...]]:
    opened = open_meminfo(system_root, unified=unified)
    if opened[0] or system_root != Path("/"):
        return opened
    return open_virtual_memory(unified=True if sys.platform == "darwin" else unified)


def _find_torch() -> Any | None:
    # Only ever found: importing it here would cost seconds and start CUDA libraries.
    return sys.modules.get("torch")


def _unified(devices: tuple[DeviceInfo, ...]) -> bool | None:
    """Whether a GPU shares the machine's memory; ``None`` where the driver leaves it open."""
    known = {device.unified_memory for device in devices}
    if True in known:
        return True
    return None if None in known else False


def _plugin_sensors(plugins: Iterable[Any]) -> SensorSet:
    sensors: list[Sensor] = []
    notes: list[str] = []
    for plugin in plugins:
        try:
            given = [(one, fault_of(one)) for one in plugin.load()()]
        except Exception as error:  # noqa: BLE001 - a plugin is anyone's code; the rest must still open
            detail = str(error) if isinstance(error, CardCallbackError) else type(error).__name__
            notes.append(f"The sensors of the plugin {plugin.name} could not be opened: {detail}.")
            continue
        sensors += [one for one, fault in given if fault is None]
        faults = [fault for _, fault in given if fault is not None]
        if faults:
            why = "; ".join(dict.fromkeys(faults))
            notes.append(f"The plugin {plugin.name} gave {len(faults)} things that cannot be used as sensors: {why}.")
    return SensorSet(sensors=tuple(sensors), notes=tuple(notes))
