"""The computer where there is no ``/proc``: macOS and Windows, by what the operating system tells any program."""

from __future__ import annotations

import ctypes
import platform

import psutil

from cardcallback.observe.plain import product_name
from cardcallback.record import Machine

_SYSTEMS = {"Darwin": "macOS"}
_PROCESSOR_KEY = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
_LONGEST_NAME = 256


def observe_machine_elsewhere() -> Machine:
    """Processor, memory and operating system; what the system does not tell is ``None``."""
    return Machine(
        processor=product_name(_apple_processor() or _windows_processor()),
        processor_count=psutil.cpu_count(),
        architecture=platform.machine() or None,
        memory_total_bytes=_memory_total_bytes(),
        unified_memory=True if platform.system() == "Darwin" and platform.machine() == "arm64" else None,
        operating_system=product_name(f"{_SYSTEMS.get(platform.system(), platform.system())} {_version()}".strip()),
    )


def _version() -> str:
    # platform.version() of a Mac names its build's host.
    return platform.mac_ver()[0] or platform.release()


def _memory_total_bytes() -> int | None:
    try:
        return int(psutil.virtual_memory().total)
    except (psutil.Error, OSError, RuntimeError):
        return None


def _apple_processor() -> str | None:
    """Such as "Apple M3 Max", from the kernel: to start a program for it would take as long as a step."""
    if platform.system() != "Darwin":
        return None
    try:
        library = ctypes.CDLL(None)
        text, size = ctypes.create_string_buffer(_LONGEST_NAME), ctypes.c_size_t(_LONGEST_NAME)
        failed = library.sysctlbyname(b"machdep.cpu.brand_string", text, ctypes.byref(size), None, ctypes.c_size_t(0))
        return None if failed else text.value.decode("ascii", errors="replace")
    except (OSError, AttributeError):
        return None


def _windows_processor() -> str | None:
    try:
        import winreg  # noqa: PLC0415 - only Windows has it

        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _PROCESSOR_KEY) as key:  # type: ignore[attr-defined,unused-ignore]
            return str(winreg.QueryValueEx(key, "ProcessorNameString")[0])  # type: ignore[attr-defined,unused-ignore]
    except (ImportError, OSError):
        return None
