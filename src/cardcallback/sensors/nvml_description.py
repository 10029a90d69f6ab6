"""What a driver says of itself and of a device once, when it is opened; ``None`` where it does not."""

from __future__ import annotations

import contextlib
from typing import Any

from cardcallback.errors import SensorReadError
from cardcallback.sensors.nvml_driver import NvmlDriver
from cardcallback.sensors.nvml_errors import NOT_SUPPORTED, NvmlCallError
from cardcallback.sensors.nvml_power import FIELD_AVERAGE, FIELD_INSTANT, FIELD_POWER_LIMIT, SCOPE_GPU, SCOPE_MODULE
from cardcallback.sensors.nvml_values import watts_from

# A driver that does not look at the scope tells a GPU's own power as its module's, a little later: work that rises just
# then makes it more, but hardly each of so many times.
_COMPARISONS = 3
# Below what any GPU is limited to: a limit in another unit, which would refute every reading.
_LEAST_LIMIT_WATTS = 3.0


def tells_power(nvml: NvmlDriver, index: int) -> bool:
    """Whether the device tells its energy or power, whatever it does not tell."""
    return any(known(nvml, call, index) is not None for call in ("TotalEnergyConsumption", "PowerUsage"))


def driver_version(nvml: NvmlDriver) -> str | None:
    """The driver's version, without which it measures all the same."""
    try:
        return str(nvml.call("nvmlSystemGetDriverVersion"))
    except NvmlCallError:
        return None


def limit_watts(nvml: NvmlDriver, index: int) -> float | None:
    """The power limit that the driver enforces now, where it has one."""
    try:
        watts = watts_from(int(nvml.ask("EnforcedPowerLimit", index)))
    except (NvmlCallError, SensorReadError):
        return None
    return watts if watts >= _LEAST_LIMIT_WATTS else None


def module_limit_watts(nvml: NvmlDriver, index: int) -> float | None:
    """The limit of the module that the device is a part of, where there is one."""
    return _field_watts(nvml, index, FIELD_POWER_LIMIT, SCOPE_MODULE)


def tells_module_power(nvml: NvmlDriver, index: int) -> bool:
    """Whether the driver tells the power of a module that the device is a part of, which is more than the device's."""
    return any(_is_more_than_the_gpu(nvml, index, field) for field in (FIELD_AVERAGE, FIELD_INSTANT))


def _is_more_than_the_gpu(nvml: NvmlDriver, index: int, field: int) -> bool:
    if _field_watts(nvml, index, field, SCOPE_MODULE) is None:
        return False
    for _ in range(_COMPARISONS):
        before, module, after = (_field_watts(nvml, index, field, one) for one in (SCOPE_GPU, SCOPE_MODULE, SCOPE_GPU))
        if module is None or any(gpu is not None and module <= gpu for gpu in (before, after)):
            return False
    return True


def _field_watts(nvml: NvmlDriver, index: int, field: int, scope: int) -> float | None:
    try:
        return watts_from(nvml.ask_field(index, field, scope))
    except (NvmlCallError, SensorReadError):
        return None


def memory_total_bytes(nvml: NvmlDriver, index: int) -> int | None:
    """The GPU's own memory in bytes, 0 where the driver says it has none, ``None`` where it does not say."""
    try:
        return int(nvml.ask("MemoryInfo", index).total)
    except NvmlCallError as error:
        return 0 if error.code == NOT_SUPPORTED else None


def mig_uuids(nvml: NvmlDriver, index: int) -> tuple[str, ...]:
    """The UUIDs of the instances that a divided GPU has now."""
    found: list[str] = []
    for instance in range(int(known(nvml, "MaxMigDeviceCount", index) or 0)):
        # Places without an instance are skipped by the driver, not closed up.
        with contextlib.suppress(NvmlCallError):
            found.append(nvml.mig_uuid(index, instance))
    return tuple(found)


def known(nvml: NvmlDriver, call: str, index: int, *arguments: Any) -> Any:
    """The answer of a call that describes the device, ``None`` where it fails."""
    try:
        return nvml.ask(call, index, *arguments)
    except NvmlCallError:
        return None
