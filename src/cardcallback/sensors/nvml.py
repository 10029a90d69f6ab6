"""NVIDIA GPUs through NVML; the only file that imports the vendor's binding, and only when asked to open."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import psutil

from cardcallback import portable
from cardcallback.sensors import nvml_description as description
from cardcallback.sensors.base import Absence, DeviceInfo, SensorSet
from cardcallback.sensors.job_processes import is_of_this_job
from cardcallback.sensors.nvml_device import Device
from cardcallback.sensors.nvml_devices import Selection, select_devices
from cardcallback.sensors.nvml_driver import NvmlDriver
from cardcallback.sensors.nvml_errors import (
    LIBRARY_NOT_FOUND,
    MAY_START_LATER,
    NvmlCallError,
    reason_at_start,
    reason_in_call,
)
from cardcallback.sensors.nvml_library import load_from_its_place
from cardcallback.sensors.nvml_modules import use_module_power
from cardcallback.sensors.nvml_power import Part, highest_module_watts, highest_watts
from cardcallback.sensors.nvml_sensors import GPU_QUANTITIES, OpenedDevice, open_device
from cardcallback.sensors.nvml_state import CLOCK_SM
from cardcallback.sensors.nvml_values import count_others, known_hertz

__all__ = ["Selection", "driver", "open_nvml", "other_processes", "own_among", "reset_nvml", "select_devices"]

_SOURCE = "nvml"
_UNNAMED = "NVIDIA GPU"
_NO_BINDING = "the package nvidia-ml-py is missing or replaced by an old pynvml"
_BINDING_CURE = "pip install --force-reinstall nvidia-ml-py"
_MIG_NOTE = "The GPU is divided (MIG): its energy is the whole GPU's, shared by every job on it."
_MODULE_NOTE = "The energy is the whole module's: GPU and processor together."
_SHARED_MODULE_NOTE = "The energy is the whole module's: all its GPUs and the processor together."
_MIG_ON = 1
_MOST_ANCESTORS = 64


@dataclass(frozen=True, slots=True)
class _Gpu:
    """A device with what its driver says once; memory 0 where it has none of its own, and why it has no name."""

    device: Device
    memory_total_bytes: int | None
    unnamed: str | None


_opened: NvmlDriver | None = None
_opening = threading.Lock()


def open_nvml(environ: Mapping[str, str]) -> SensorSet:
    """Every GPU that NVML lists: a sensor for each quantity that works, a reason for each that does not.

    Raises nothing. Starting a driver may take hundreds of milliseconds.
    """
    simulated = is_simulated(environ)
    try:
        nvml = _started()
        count = int(nvml.call("nvmlDeviceGetCount"))
    except ImportError:
        return _nothing(_NO_BINDING, _BINDING_CURE, simulated=simulated)
    except NvmlCallError as error:
        not_ready = error.code in MAY_START_LATER
        return _nothing(*reason_at_start(error.code), simulated=simulated, not_ready=not_ready)
    version = description.driver_version(nvml)
    simulated = simulated or "simulated" in (version or "")
    if count == 0:
        return _nothing("the NVIDIA driver lists no GPU", None, simulated=simulated, driver_version=version)
    found = [_identified(nvml, index) for index in range(count)]
    devices = [one.device for one in found if isinstance(one, _Gpu)]
    serials = {one.index: description.known(nvml, "Serial", one.index) for one in devices if one.part.shares_module}
    opened = use_module_power(devices, {one.index: open_device(one) for one in devices}, serials)
    parts = [one if isinstance(one, SensorSet) else _described(nvml, one, opened[one.device.index]) for one in found]
    return SensorSet(
        sensors=tuple(sensor for part in parts for sensor in part.sensors),
        absences=tuple(absence for part in parts for absence in part.absences),
        devices=tuple(device for part in parts for device in part.devices),
        driver_version=version,
        simulated=simulated,
        notes=tuple(note for part in parts for note in part.notes),
        not_ready=not devices and any(part.not_ready for part in parts),
    )


def is_simulated(environ: Mapping[str, str]) -> bool:
    """Whether the environment says that the driver is a simulated one."""
    return environ.get("CARDCALLBACK_SIMULATED") == "1"


def other_processes(index: int) -> int | None:
    """How many processes of others hold a context on device ``index``; ``None`` where that cannot be told."""
    nvml = _opened
    if nvml is None:
        return None
    try:
        listed = nvml.processes(index)
    except NvmlCallError:
        return None
    # A data-centre driver may have no such list: the compute processes stand.
    with contextlib.suppress(NvmlCallError):
        listed += nvml.processes(index, graphics=True)
    return count_others(listed, own_among(one.pid for one in listed))


def driver() -> NvmlDriver | None:
    """NVML as it is open in this process, for what is asked once and is no sensor; ``None`` before."""
    return _opened


def reset_nvml() -> None:
    """Let NVML go, so that the next ``open_nvml`` starts anew."""
    global _opened  # noqa: PLW0603 - NVML itself is one per process
    with _opening:
        if _opened is not None:
            _opened.stop()
        _opened = None


def own_among(pids: Iterable[int]) -> frozenset[int]:
    """Those of these processes that are this one or descend from it, or are of the same job of several.

    Each is followed up to its ancestors: a driver lists few processes, and a machine has thousands.
    """
    return frozenset(pid for pid in set(pids) if _is_own(pid) or is_of_this_job(pid))


def _is_own(pid: int) -> bool:
    own = os.getpid()
    for _ in range(_MOST_ANCESTORS):
        if pid == own:
            return True
        try:
            pid = psutil.Process(pid).ppid()
        except (psutil.Error, OSError, ValueError, OverflowError):
            return False
    return False


def _started() -> NvmlDriver:
    global _opened  # noqa: PLW0603 - NVML itself is one per process
    with _opening:
        if _opened is None:
            _opened = _new_driver(_binding())
        return _opened


def _new_driver(binding: Any) -> NvmlDriver:
    try:
        return NvmlDriver(binding)
    except NvmlCallError as error:
        # The binding asks the loader by name, which finds what was loaded by its path before.
        if error.code != LIBRARY_NOT_FOUND or not load_from_its_place():
            raise
        return NvmlDriver(binding)


def _forget_who_opens() -> None:
    """In a forked child: the thread that may hold the lock stayed with the parent."""
    global _opening  # noqa: PLW0603 - as above
    _opening = threading.Lock()


portable.in_forked_children(_forget_who_opens)


def _binding() -> Any:
    # Eight thousand lines that a run without a GPU never needs.
    import pynvml  # noqa: PLC0415, TID251 - loaded when opened, and this is the one place

    if not hasattr(pynvml, "NVMLError") or not hasattr(pynvml, "nvmlDeviceGetFieldValues"):
        raise ImportError(_NO_BINDING)
    return pynvml


def _nothing(
    reason: str, cure: str | None, *, simulated: bool, driver_version: str | None = None, not_ready: bool = False
) -> SensorSet:
    absences = tuple(
        Absence(quantity=quantity, source=_SOURCE, reason=reason, cure=cure) for quantity in GPU_QUANTITIES
    )
    return SensorSet(absences=absences, driver_version=driver_version, simulated=simulated, not_ready=not_ready)


def _identified(nvml: NvmlDriver, index: int) -> _Gpu | SensorSet:
    """What tells this device's readings from another's, or why it cannot be opened."""
    unnamed: str | None = None
    try:
        name = str(nvml.ask("Name", index)).strip()
    except NvmlCallError as error:
        if not description.tells_power(nvml, index):
            return _unopened(index, error.code)
        name, unnamed = "", reason_in_call(error.code)
    if not name:
        name, unnamed = _UNNAMED, f"GPU {index} has no name here: {unnamed or 'the driver gives an empty one'}"
    nvml.uuid(index)  # by which it is found again, also when other devices are gone
    memory_total, limit_watts = description.memory_total_bytes(nvml, index), description.limit_watts(nvml, index)
    capability = description.known(nvml, "CudaComputeCapability", index)
    part = Part(
        name=name,
        architecture=description.known(nvml, "Architecture", index),
        capability=None if capability is None else (int(capability[0]), int(capability[1])),
        has_no_memory=memory_total == 0,
        unnamed=unnamed is not None,
        # Of a part without a name everything beside the GPU is unknown, a module included.
        has_module=unnamed is None and description.tells_module_power(nvml, index),
    )
    module_limit = description.module_limit_watts(nvml, index) if part.superchip else None
    device = Device(
        driver=nvml,
        index=index,
        part=part,
        own_among=own_among,
        highest_watts=highest_watts(part, limit_watts),
        highest_module_watts=highest_module_watts(part, module_limit),
    )
    return _Gpu(device, memory_total, unnamed)


def _unopened(index: int, code: int) -> SensorSet:
    reason, (_, cure) = f"GPU {index} cannot be opened: {reason_in_call(code)}", reason_at_start(code)
    absences = tuple(
        Absence(quantity=one, source=_SOURCE, reason=reason, cure=cure, device=index) for one in GPU_QUANTITIES
    )
    return SensorSet(absences=absences, notes=(reason,), not_ready=code in MAY_START_LATER)


def _described(nvml: NvmlDriver, gpu: _Gpu, opened: OpenedDevice) -> SensorSet:
    part, index = gpu.device.part, gpu.device.index
    mig = description.known(nvml, "MigMode", index)
    divided = mig is not None and mig[0] == _MIG_ON
    module_note = _SHARED_MODULE_NOTE if part.shares_module else _MODULE_NOTE
    info = DeviceInfo(
        index=index,
        name=part.name,
        uuid=nvml.uuid(index),
        # On a unified part it would be the system's memory, or zero, or not supported, by driver.
        memory_total_bytes=None if part.unified else gpu.memory_total_bytes,
        architecture=part.architecture_name,
        compute_capability=None if part.capability is None else "{}.{}".format(*part.capability),
        module=opened.module,
        energy_scope_note=_MIG_NOTE if divided else module_note if opened.module is not None else None,
        mig_uuids=description.mig_uuids(nvml, index) if divided else (),
        unified_memory=part.unified if part.unified or gpu.memory_total_bytes else None,
        max_sm_clock_hertz=known_hertz(description.known(nvml, "MaxClockInfo", index, CLOCK_SM)),
    )
    notes = () if gpu.unnamed is None else (gpu.unnamed,)
    return SensorSet(sensors=opened.sensors, absences=opened.absences, devices=(info,), notes=notes)
