"""NVIDIA GPUs through NVML; the only file that imports the vendor's binding, and only when asked to open."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import psutil

from cardcallback.sensors.base import Absence, DeviceInfo, SensorSet
from cardcallback.sensors.nvml_devices import Selection, select_devices
from cardcallback.sensors.nvml_errors import (
    FUNCTION_NOT_FOUND,
    NOT_SUPPORTED,
    UNINITIALIZED,
    UNKNOWN,
    reason_at_start,
    reason_in_call,
)
from cardcallback.sensors.nvml_power import Part
from cardcallback.sensors.nvml_sensors import GPU_QUANTITIES, Device, NvmlCallError, OpenedDevice, open_device
from cardcallback.sensors.nvml_state import CLOCK_SM
from cardcallback.sensors.nvml_values import GpuProcess, count_others, known_hertz

__all__ = ["Selection", "driver", "open_nvml", "other_processes", "own_pids", "reset_nvml", "select_devices"]

_SOURCE = "nvml"
_NO_BINDING = "the package nvidia-ml-py is missing or replaced by an old pynvml"
_BINDING_CURE = "pip install --force-reinstall nvidia-ml-py"
_MIG_NOTE = "The GPU is divided (MIG): its energy is the whole GPU's, shared by every job on it."
_MODULE_NOTE = "The energy is the whole module's: GPU and processor together."
_MIG_ON = 1
# nvmlValueType_t: which member of the union holds the value.
_UNION_MEMBERS = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")


class _Nvml:
    """NVML started in this process: calls by name, errors as codes, started again where someone stopped it."""

    def __init__(self, binding: Any) -> None:
        self._binding = binding
        self._mismatch = getattr(binding, "NVMLLibraryMismatchError", ())
        self._lock = threading.Lock()
        self._handles: dict[int, Any] = {}
        self._process = 0
        self._starts = 0
        self._start(self._starts)

    def _start(self, starts_seen: int) -> None:
        with self._lock:
            if self._starts != starts_seen:
                return  # another thread was faster
            self._once("nvmlInit")
            self._starts += 1
            self._handles = {}
            self._process = os.getpid()

    def stop(self) -> None:
        """Let NVML go; what was started by a parent process is only forgotten."""
        if self._process == os.getpid():
            try:
                self._once("nvmlShutdown")
            except NvmlCallError:
                return  # someone else stopped it already, which is what was wanted

    def _once(self, name: str, *arguments: Any) -> Any:
        function = getattr(self._binding, name, None)
        if function is None:
            raise NvmlCallError(FUNCTION_NOT_FOUND)
        try:
            return function(*arguments)
        except self._binding.NVMLError as error:
            raise NvmlCallError(int(error.value)) from error
        except self._mismatch as error:
            # Not one of the binding's own kind: an older driver lacks the newest version of a call.
            raise NvmlCallError(FUNCTION_NOT_FOUND) from error
        except (OSError, ValueError, TypeError, AttributeError) as error:
            # What the binding raises when a driver hands it what it cannot decode.
            raise NvmlCallError(UNKNOWN) from error

    def call(self, name: str, *arguments: Any) -> Any:
        """The answer of a call that needs no device."""
        return self._retried(lambda: self._once(name, *arguments))

    def _retried(self, ask: Callable[[], Any]) -> Any:
        starts = self._starts
        if self._process != os.getpid():
            self._start(starts)
            return ask()
        try:
            return ask()
        except NvmlCallError as error:
            # Another library in the process may call nvmlShutdown once too often.
            if error.code != UNINITIALIZED:
                raise
        self._start(starts)
        return ask()

    def handle(self, index: int) -> Any:
        """The handle of device ``index``, kept until NVML is started again."""
        handle = self._handles.get(index)
        if handle is None:
            handle = self._handles[index] = self._once("nvmlDeviceGetHandleByIndex", index)
        return handle

    def ask(self, call: str, index: int, *arguments: Any) -> Any:
        """The answer of ``nvmlDeviceGet<call>`` for device ``index``."""
        return self._retried(lambda: self._once(f"nvmlDeviceGet{call}", self.handle(index), *arguments))

    def ask_field(self, index: int, field: int, scope: int) -> int:
        """One field's value in one scope, where the call and the field's own element succeed."""
        element = self.ask("FieldValues", index, [(field, scope)])[0]
        if element.nvmlReturn != 0:
            raise NvmlCallError(int(element.nvmlReturn))
        if element.valueType >= len(_UNION_MEMBERS):
            raise NvmlCallError(UNKNOWN)
        return int(getattr(element.value, _UNION_MEMBERS[element.valueType]))

    def processes(self, index: int, *, graphics: bool = False) -> list[GpuProcess]:
        """Processes with a compute (or graphics) context, in the process numbers the driver uses."""
        kind = "GraphicsRunningProcesses" if graphics else "ComputeRunningProcesses"
        return [GpuProcess(pid=int(one.pid), used_bytes=one.usedGpuMemory) for one in self.ask(kind, index)]

    def mig_uuid(self, index: int, instance: int) -> str:
        """The UUID of one MIG instance of device ``index``."""
        part = self.ask("MigDeviceHandleByIndex", index, instance)
        return str(self._once("nvmlDeviceGetUUID", part))


_opened: _Nvml | None = None
_opening = threading.Lock()


def open_nvml(environ: Mapping[str, str], *, clock: Callable[[], float] = time.perf_counter) -> SensorSet:
    """Every GPU that NVML lists: a sensor for each quantity that works, a reason for each that does not.

    Raises nothing. Starting a driver may take hundreds of milliseconds. ``clock`` times each first reading.
    """
    simulated = environ.get("CARDCALLBACK_SIMULATED") == "1"
    try:
        nvml = _started()
        version = str(nvml.call("nvmlSystemGetDriverVersion"))
        count = int(nvml.call("nvmlDeviceGetCount"))
    except ImportError:
        return _nothing(_NO_BINDING, _BINDING_CURE, simulated=simulated)
    except NvmlCallError as error:
        return _nothing(*reason_at_start(error.code), simulated=simulated)
    simulated = simulated or "simulated" in version
    if count == 0:
        return _nothing("the NVIDIA driver lists no GPU", None, simulated=simulated, driver_version=version)
    parts = [_open_index(nvml, index, clock) for index in range(count)]
    return SensorSet(
        sensors=tuple(sensor for part in parts for sensor in part.sensors),
        absences=tuple(absence for part in parts for absence in part.absences),
        devices=tuple(device for part in parts for device in part.devices),
        driver_version=version,
        simulated=simulated,
        notes=tuple(note for part in parts for note in part.notes),
    )


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
    return count_others(listed, own_pids())


def driver() -> _Nvml | None:
    """NVML as it is open in this process, for what is asked once and is no sensor; ``None`` before."""
    return _opened


def reset_nvml() -> None:
    """Let NVML go, so that the next ``open_nvml`` starts anew."""
    global _opened  # noqa: PLW0603 - NVML itself is one per process
    with _opening:
        if _opened is not None:
            _opened.stop()
        _opened = None


def own_pids() -> frozenset[int]:
    """This process and its children."""
    process = psutil.Process()
    try:
        children = process.children(recursive=True)
    except psutil.Error:
        children = []
    return frozenset((process.pid, *(child.pid for child in children)))


def _started() -> _Nvml:
    global _opened  # noqa: PLW0603 - NVML itself is one per process
    with _opening:
        if _opened is None:
            _opened = _Nvml(_binding())
        return _opened


def _binding() -> Any:
    # Eight thousand lines that a run without a GPU never needs.
    import pynvml  # noqa: PLC0415, TID251 - loaded when opened, and this is the one place

    if not hasattr(pynvml, "NVMLError") or not hasattr(pynvml, "nvmlDeviceGetFieldValues"):
        raise ImportError(_NO_BINDING)
    return pynvml


def _nothing(reason: str, cure: str | None, *, simulated: bool, driver_version: str | None = None) -> SensorSet:
    absences = tuple(
        Absence(quantity=quantity, source=_SOURCE, reason=reason, cure=cure) for quantity in GPU_QUANTITIES
    )
    return SensorSet(absences=absences, driver_version=driver_version, simulated=simulated)


def _open_index(nvml: _Nvml, index: int, clock: Callable[[], float]) -> SensorSet:
    try:
        name = str(nvml.ask("Name", index))
    except NvmlCallError as error:
        reason = f"GPU {index} cannot be opened: {reason_in_call(error.code)}"
        absences = tuple(Absence(quantity=one, source=_SOURCE, reason=reason, device=index) for one in GPU_QUANTITIES)
        return SensorSet(absences=absences, notes=(reason,))
    capability = _known(nvml, "CudaComputeCapability", index)
    memory_total = _memory_total(nvml, index)
    part = Part(
        name=name,
        architecture=_known(nvml, "Architecture", index),
        capability=None if capability is None else (int(capability[0]), int(capability[1])),
        has_no_memory=memory_total == 0,
    )
    device = Device(driver=nvml, index=index, part=part, own_pids=own_pids, clock=clock)
    opened = open_device(device)
    return SensorSet(
        sensors=opened.sensors, absences=opened.absences, devices=(_describe(nvml, device, opened, memory_total),)
    )


def _describe(nvml: _Nvml, device: Device, opened: OpenedDevice, memory_total: int | None) -> DeviceInfo:
    part, index = device.part, device.index
    mig = _known(nvml, "MigMode", index)
    divided = mig is not None and mig[0] == _MIG_ON
    return DeviceInfo(
        index=index,
        name=part.name,
        uuid=_known(nvml, "UUID", index),
        # On a unified part it would be the system's memory, or zero, or not supported, by driver.
        memory_total_bytes=None if part.unified else memory_total,
        architecture=part.architecture_name,
        compute_capability=None if part.capability is None else "{}.{}".format(*part.capability),
        module=f"module {index}" if opened.module_energy else None,
        energy_scope_note=_MIG_NOTE if divided else _MODULE_NOTE if opened.module_energy else None,
        mig_uuids=_mig_uuids(nvml, index) if divided else (),
        unified_memory=part.unified if part.unified or memory_total else None,
        max_sm_clock_hertz=known_hertz(_known(nvml, "MaxClockInfo", index, CLOCK_SM)),
    )


def _memory_total(nvml: _Nvml, index: int) -> int | None:
    """The GPU's own memory in bytes, 0 where the driver says it has none, ``None`` where it does not say."""
    try:
        return int(nvml.ask("MemoryInfo", index).total)
    except NvmlCallError as error:
        return 0 if error.code == NOT_SUPPORTED else None


def _mig_uuids(nvml: _Nvml, index: int) -> tuple[str, ...]:
    found: list[str] = []
    for instance in range(int(_known(nvml, "MaxMigDeviceCount", index) or 0)):
        # Places without an instance are skipped by the driver, not closed up.
        with contextlib.suppress(NvmlCallError):
            found.append(nvml.mig_uuid(index, instance))
    return tuple(found)


def _known(nvml: _Nvml, call: str, index: int, *arguments: Any) -> Any:
    """The answer of a call that describes the device, ``None`` where it fails."""
    try:
        return nvml.ask(call, index, *arguments)
    except NvmlCallError:
        return None
