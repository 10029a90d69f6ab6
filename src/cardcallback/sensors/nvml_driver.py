"""NVML started in this process: calls by name, errors as codes, handles that outlive a restart. Knows no binding."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from cardcallback.sensors.nvml_errors import (
    FUNCTION_NOT_FOUND,
    GPU_NOT_FOUND,
    INSUFFICIENT_SIZE,
    NOT_FOUND,
    STALE_HANDLE,
    UNINITIALIZED,
    UNKNOWN,
    NvmlCallError,
)
from cardcallback.sensors.nvml_values import GpuProcess

# nvmlValueType_t: which member of the union holds the value.
_UNION_MEMBERS = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")
_TOTAL_POWER = 0  # nvmlSamplingType_t
# What a binding raises when a driver hands it what it cannot decode.
_UNDECODABLE = (OSError, ValueError, TypeError, AttributeError, ArithmeticError, LookupError, MemoryError)


class NvmlDriver:
    """The driver through the vendor's binding, which is handed in.

    NVML is one per process and shared with PyTorch and NCCL: it is started again only where somebody stopped
    it, never stopped to mend anything. A device is followed by its UUID, since its number and its handle may
    be another's after a restart, or nobody's after it was lost.
    """

    def __init__(self, binding: Any) -> None:
        self._binding = binding
        self._mismatch = getattr(binding, "NVMLLibraryMismatchError", ())
        self._lock = threading.Lock()
        self._handles: dict[int, Any] = {}
        self._uuids: dict[int, str] = {}
        self._listed: int | None = None  # how many devices there were when one was first looked up
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
        except _UNDECODABLE as error:
            raise NvmlCallError(UNKNOWN) from error

    def call(self, name: str, *arguments: Any) -> Any:
        """The answer of a call that needs no device.

        Raises:
            NvmlCallError: it returned an error.
        """
        return self._retried(self._once, name, *arguments)

    def _retried(self, ask: Callable[..., Any], *arguments: Any) -> Any:
        starts = self._starts
        if self._process != os.getpid():
            self._start(starts)
            return ask(*arguments)
        try:
            return ask(*arguments)
        except NvmlCallError as error:
            # Another library in the process may call nvmlShutdown once too often.
            if error.code != UNINITIALIZED:
                raise
        self._start(starts)
        return ask(*arguments)

    def _of_device(self, name: str, index: int, *arguments: Any) -> Any:
        return self._once(name, self._handle(index), *arguments)

    def _handle(self, index: int) -> Any:
        """The handle of device ``index``, kept until NVML is started again or it is no good any more."""
        handle = self._handles.get(index)
        if handle is None:
            handle = self._handles[index] = self._found(index)
        return handle

    def _found(self, index: int) -> Any:
        uuid = self._uuids.get(index)
        if uuid is None:
            return self._at_its_place(index)
        try:
            return self._once("nvmlDeviceGetHandleByUUID", uuid)
        except NvmlCallError as error:
            # Some Tegra drivers find no device by its UUID.
            handle = self._once("nvmlDeviceGetHandleByIndex", index)
            if self._once("nvmlDeviceGetUUID", handle) != uuid:
                raise NvmlCallError(GPU_NOT_FOUND) from error
            return handle

    def _at_its_place(self, index: int) -> Any:
        """The device at that number, which is another's once a device is gone or one has come."""
        listed = int(self._once("nvmlDeviceGetCount"))
        if self._listed is None:
            self._listed = listed
        if listed != self._listed:
            raise NvmlCallError(GPU_NOT_FOUND)
        return self._once("nvmlDeviceGetHandleByIndex", index)

    def uuid(self, index: int) -> str | None:
        """The device's UUID, by which it is found again; ``None`` where the driver does not tell."""
        if index not in self._uuids:
            try:
                self._uuids[index] = str(self.ask("UUID", index))
            except NvmlCallError:
                return None
        return self._uuids[index]

    def ask(self, call: str, index: int, *arguments: Any) -> Any:
        """The answer of ``nvmlDeviceGet<call>`` for device ``index``.

        Raises:
            NvmlCallError: it returned an error.
        """
        try:
            return self._retried(self._of_device, f"nvmlDeviceGet{call}", index, *arguments)
        except NvmlCallError as error:
            if error.code in STALE_HANDLE:
                self._handles.pop(index, None)  # the next call looks the device up anew
            raise

    def ask_field(self, index: int, field: int, scope: int) -> int:
        """One field's value in one scope, where the call and the field's own element succeed.

        Raises:
            NvmlCallError: the call or the field's element returned an error.
        """
        element = self.ask("FieldValues", index, [(field, scope)])[0]
        if element.nvmlReturn != 0:
            raise NvmlCallError(int(element.nvmlReturn))
        if element.valueType >= len(_UNION_MEMBERS):
            raise NvmlCallError(UNKNOWN)
        try:
            return int(getattr(element.value, _UNION_MEMBERS[element.valueType]))
        except _UNDECODABLE as error:
            raise NvmlCallError(UNKNOWN) from error

    def power_samples(self, index: int, after_microseconds: int) -> list[tuple[int, int]]:
        """(stamp in microseconds, milliwatts) of the readings that the driver keeps and stamped later than that.

        Raises:
            NvmlCallError: it returned an error.
        """
        try:
            kind, found = _with_room(
                lambda: self._retried(self._of_device, "nvmlDeviceGetSamples", index, _TOTAL_POWER, after_microseconds)
            )
        except NvmlCallError as error:
            if error.code == NOT_FOUND:
                return []  # nothing newer, which says nothing of the handle
            if error.code in STALE_HANDLE:
                self._handles.pop(index, None)
            raise
        try:
            member = _UNION_MEMBERS[kind]
            return [(int(one.timeStamp), int(getattr(one.sampleValue, member))) for one in found]
        except _UNDECODABLE as error:
            raise NvmlCallError(UNKNOWN) from error

    def processes(self, index: int, *, graphics: bool = False) -> list[GpuProcess]:
        """Processes with a compute (or graphics) context, in the process numbers the driver uses.

        Raises:
            NvmlCallError: it returned an error.
        """
        kind = "GraphicsRunningProcesses" if graphics else "ComputeRunningProcesses"
        listed = _with_room(lambda: self.ask(kind, index))
        return [
            GpuProcess(
                pid=int(one.pid),
                used_bytes=one.usedGpuMemory,
                instance=(getattr(one, "gpuInstanceId", None), getattr(one, "computeInstanceId", None)),
            )
            for one in listed
        ]

    def mig_uuid(self, index: int, instance: int) -> str:
        """The UUID of one MIG instance of device ``index``.

        Raises:
            NvmlCallError: there is none at that place, or it returned an error.
        """
        part = self.ask("MigDeviceHandleByIndex", index, instance)
        return str(self._once("nvmlDeviceGetUUID", part))


def _with_room(ask: Callable[[], Any]) -> Any:
    """The answer of a call that the binding makes twice, for the size first: between the two more may have come."""
    try:
        return ask()
    except NvmlCallError as error:
        if error.code != INSUFFICIENT_SIZE:
            raise
    return ask()
