"""What an NVML return code means to a person, and whether asking again can help. Pure; knows no binding."""

from __future__ import annotations

UNINITIALIZED = 1
INVALID_ARGUMENT = 2
NOT_SUPPORTED = 3
NO_PERMISSION = 4
NOT_FOUND = 6
INSUFFICIENT_SIZE = 7
DRIVER_NOT_LOADED = 9
TIMEOUT = 10
LIBRARY_NOT_FOUND = 12
FUNCTION_NOT_FOUND = 13
GPU_IS_LOST = 15
RESET_REQUIRED = 16
OPERATING_SYSTEM = 17
VERSION_MISMATCH = 18
IN_USE = 19
MEMORY = 20
INSUFFICIENT_RESOURCES = 23
ARGUMENT_VERSION_MISMATCH = 25
DEPRECATED = 26
NOT_READY = 27
GPU_NOT_FOUND = 28
UNKNOWN = 999

# After these in the middle of a run no reading of the device succeeds until it is back.
LOST = frozenset({GPU_IS_LOST, RESET_REQUIRED, VERSION_MISMATCH, GPU_NOT_FOUND})
# After these a handle that once worked is looked up anew.
STALE_HANDLE = LOST | {INVALID_ARGUMENT, NOT_FOUND}
# After these at the start the call is not asked again.
NEVER = LOST | {
    INVALID_ARGUMENT,
    NOT_SUPPORTED,
    NO_PERMISSION,
    FUNCTION_NOT_FOUND,
    OPERATING_SYSTEM,
    ARGUMENT_VERSION_MISMATCH,
    DEPRECATED,
}
# After these in the middle of a run a call that once worked is not going to answer again.
GONE = NEVER - STALE_HANDLE
# After these at the start the driver may be usable later in the same process. Not so a library that is missing, a
# driver that was upgraded, or rights: those need an installation, a restart or another job.
MAY_START_LATER = frozenset(
    {
        UNINITIALIZED,
        DRIVER_NOT_LOADED,
        TIMEOUT,
        GPU_IS_LOST,
        RESET_REQUIRED,
        IN_USE,
        MEMORY,
        INSUFFICIENT_RESOURCES,
        NOT_READY,
        UNKNOWN,
    }
)

_NO_DRIVER = ("no NVIDIA driver found", "install it, or start the container with GPU access (docker run --gpus all)")
# What a card prints, and what only the person at the machine needs.
_AT_START = {
    LIBRARY_NOT_FOUND: _NO_DRIVER,
    DRIVER_NOT_LOADED: ("the NVIDIA driver is installed but not loaded", "load it; nvidia-smi shows why it is not"),
    VERSION_MISMATCH: ("the NVIDIA driver was upgraded while the system ran", "restart the machine"),
    NO_PERMISSION: ("no permission to use the NVIDIA driver", "check the permissions of /dev/nvidia*"),
    OPERATING_SYSTEM: ("the operating system denies access to the GPU", "ask for it in the job or container"),
    GPU_IS_LOST: ("the GPU has fallen off the bus", "restart the machine"),
    TIMEOUT: ("the NVIDIA driver did not answer in time", "try nvidia-smi"),
    FUNCTION_NOT_FOUND: ("the NVIDIA driver is too old to be asked", "upgrade it"),
    NOT_READY: ("the NVIDIA driver is not ready", "try nvidia-smi"),
    UNKNOWN: (
        "the NVIDIA driver does not answer (unknown error)",
        "try nvidia-smi; a container that lost its GPU must be restarted",
    ),
}
_IN_A_CALL = {
    UNINITIALIZED: "the driver was shut down",
    INVALID_ARGUMENT: "the driver does not know this reading",
    NOT_SUPPORTED: "not supported by this GPU's driver",
    NO_PERMISSION: "the driver wants more rights for this reading",
    DRIVER_NOT_LOADED: "the driver is not loaded",
    TIMEOUT: "the driver did not answer in time",
    FUNCTION_NOT_FOUND: "this driver is too old for this reading: upgrade it",
    GPU_IS_LOST: "the GPU has fallen off the bus",
    RESET_REQUIRED: "the GPU must be reset",
    OPERATING_SYSTEM: "the operating system denies this reading",
    VERSION_MISMATCH: "the driver was upgraded while the system ran",
    ARGUMENT_VERSION_MISMATCH: "this driver wants another version of this reading",
    DEPRECATED: "this driver no longer gives this reading",
    NOT_READY: "the driver is not ready",
    GPU_NOT_FOUND: "the GPU is gone",
    UNKNOWN: "the driver answered with an unknown error",
}


def reason_at_start(code: int) -> tuple[str, str]:
    """Why NVML as a whole cannot be used, and the cure."""
    return _AT_START.get(code, (f"the NVIDIA driver does not start (NVML code {code})", "try nvidia-smi"))


def reason_in_call(code: int) -> str:
    """Why one reading failed."""
    return _IN_A_CALL.get(code, f"the driver answered with NVML code {code}")


class NvmlCallError(Exception):
    """An NVML call returned ``code`` instead of an answer; never leaves the NVML sensors."""

    def __init__(self, code: int) -> None:
        super().__init__(reason_in_call(code))
        self.code = code
