"""GPUs that share a module (GB200, GB300): its power is used where none of them tells its own, and counted once.

The GPUs of one module have its board's serial in common, and each a module id of its own: nvidia-smi captures
of a GB200 and a GB300 tray in NVIDIA/k8s-test-infra (3b2b865, tests/e2e/go/assertions/nvidiasmi/testdata).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from cardcallback.sensors.base import Absence
from cardcallback.sensors.nvml_device import Device
from cardcallback.sensors.nvml_sensors import NvmlSensor, OpenedDevice, open_module_power

_UNKNOWN_MODULE = (
    "{reason}; the power of its whole module is left out, as the driver does not tell which GPUs share one"
)
_OTHERS_MEASURED = "{reason}; the power of its whole module is left out, as another GPU on it is measured by itself"


def use_module_power(
    devices: Iterable[Device], opened: Mapping[int, OpenedDevice], serials: Mapping[int, str | None]
) -> dict[int, OpenedDevice]:
    """``opened`` with the module's power for the GPUs that have none of their own, where that can be told.

    Args:
        devices: all devices.
        opened: what each of them opened by itself, by index.
        serials: the board's serial of those that share a module, ``None`` where the driver does not tell.
    """
    made = dict(opened)
    by_serial: dict[str | None, list[Device]] = {}
    for device in devices:
        if device.part.shares_module:
            by_serial.setdefault(_told(serials.get(device.index)), []).append(device)
    for serial, group in by_serial.items():
        powerless = [device for device in group if _absent_power(opened[device.index]) is not None]
        for device in powerless:
            # Of a single GPU no other one can hold the same module's power.
            if (serial is None and len(opened) > 1) or len(powerless) < len(group):
                words = _UNKNOWN_MODULE if serial is None else _OTHERS_MEASURED
                made[device.index] = _explained(opened[device.index], words)
            else:
                made[device.index] = _with_module_power(device, opened[device.index], group[0].index)
    return made


def _told(serial: str | None) -> str | None:
    return serial if serial is not None and serial.strip("0 ") else None  # a board that was never numbered


def _absent_power(opened: OpenedDevice) -> Absence | None:
    return next((one for one in opened.absences if one.quantity == "gpu_power"), None)


def _explained(opened: OpenedDevice, words: str) -> OpenedDevice:
    return replace(
        opened,
        absences=tuple(
            replace(one, reason=words.format(reason=one.reason)) if one.quantity == "gpu_power" else one
            for one in opened.absences
        ),
    )


def _with_module_power(device: Device, opened: OpenedDevice, first_index: int) -> OpenedDevice:
    power = open_module_power(device)
    if not isinstance(power, NvmlSensor):
        return opened
    return OpenedDevice(
        sensors=(power, *opened.sensors),
        absences=tuple(one for one in opened.absences if one.quantity != "gpu_power"),
        module=f"module {first_index}",
    )
