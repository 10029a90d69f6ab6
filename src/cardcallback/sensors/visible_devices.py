"""CUDA_VISIBLE_DEVICES as CUDA reads it. Pure; knows no binding.

NVIDIA documents numbers, UUIDs and their beginnings, MIG names, and that the first bad entry ends the list
(CUDA Programming Guide, "CUDA Environment Variables"). The rest is as PyTorch re-enacts it
(``torch.cuda._parse_visible_devices`` and ``_transform_uuid_to_ordinals``): a number may carry a sign and is
read up to its first other character, and a device that is named twice makes CUDA show none at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import get_args

from cardcallback.sensors.base import Absence, DeviceInfo, Quantity, SensorSet

_GPU, _MIG = "GPU-", "MIG-"
_HIDDEN_SOURCE, _HIDDEN = "CUDA_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES leaves no GPU to this job"
_NUMBER = re.compile(r"[+-]?[0-9]+", re.ASCII)


def visible_order(devices: Sequence[DeviceInfo], visible_devices: str | None) -> tuple[int, ...]:
    """The indices of the devices that CUDA shows, in its order.

    Args:
        devices: what NVML lists, in its order, which numbers are taken to mean.
        visible_devices: the variable's text, ``None`` where it is unset.
    """
    if visible_devices is None:
        return tuple(device.index for device in devices)
    if visible_devices.startswith(_MIG):
        return _by_name(visible_devices, _MIG, lambda name: _divided_device(devices, name))
    if visible_devices.startswith(_GPU):
        found = _by_name(visible_devices, _GPU, lambda name: _device(devices, name))
        return found if len(set(found)) == len(found) else ()
    return _by_number(devices, visible_devices)


def names_numbers(visible_devices: str | None) -> bool:
    """Whether it names devices by number, which means different devices under different CUDA_DEVICE_ORDER."""
    return visible_devices is not None and _NUMBER.match(visible_devices.strip()) is not None


def _by_number(devices: Sequence[DeviceInfo], text: str) -> tuple[int, ...]:
    numbers: list[int] = []
    for entry in text.split(","):
        match = _NUMBER.match(entry.strip())
        number = int(match.group()) if match is not None else -1
        if number in numbers:
            return ()
        if number < 0:
            break
        numbers.append(number)
    known = {device.index for device in devices}
    beyond = next((place for place, number in enumerate(numbers) if number not in known), len(numbers))
    return tuple(numbers[:beyond])


def _by_name(text: str, prefix: str, find: Callable[[str], int | None]) -> tuple[int, ...]:
    names: list[str] = []
    for name in text.split(","):
        if name in names:
            return ()
        if not name.startswith(prefix):
            break
        names.append(name)
    found: list[int] = []
    for name in names:
        index = find(name)
        if index is None:
            break
        found.append(index)
    return tuple(found)


def _device(devices: Sequence[DeviceInfo], name: str) -> int | None:
    return _only([device.index for device in devices if device.uuid is not None and device.uuid.startswith(name)])


def _divided_device(devices: Sequence[DeviceInfo], name: str) -> int | None:
    """The device whose part is called "MIG-<uuid>", or "MIG-GPU-<uuid>/<instance>/<instance>" before driver 470."""
    if name.startswith(_MIG + _GPU):
        return _device(devices, name.removeprefix(_MIG).partition("/")[0])
    return _only([device.index for device in devices for uuid in device.mig_uuids if uuid.startswith(name)])


def _only(found: Sequence[int]) -> int | None:
    return found[0] if len(found) == 1 else None


def without_visible(sensors: SensorSet) -> SensorSet:
    """A set without devices, with the reason that their quantities have then."""
    hidden = tuple(
        Absence(quantity=quantity, source=_HIDDEN_SOURCE, reason=_HIDDEN)
        for quantity in get_args(Quantity)
        if quantity.startswith("gpu_")
    )
    return replace(sensors, absences=(*sensors.absences, *hidden))
