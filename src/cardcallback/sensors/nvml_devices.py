"""Which of the machine's GPUs the job uses. Pure; knows no binding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cardcallback.sensors.base import DeviceInfo

_PREFIXES = ("GPU-", "MIG-")
_NOT_CUDA = "The job did not use CUDA: the GPU energy is what {which} drew meanwhile, for other work or standing idle."
_UNMATCHED = (
    "Not every GPU of the job was found among those the NVIDIA driver lists: the energy of {missing} of {count} is "
    "not measured."
)
_BY_NUMBER = (
    "This machine has GPUs of different kinds and CUDA_VISIBLE_DEVICES names them by number: the numbers were "
    "taken in PCI order (set CUDA_DEVICE_ORDER=PCI_BUS_ID to make CUDA do the same)."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """The indices of the devices to measure, and what a reader must know about the choice."""

    indices: frozenset[int]
    notes: tuple[str, ...] = ()


def select_devices(
    devices: Sequence[DeviceInfo], *, cuda_uuids: Sequence[str] | None, visible_devices: str | None
) -> Selection:
    """The devices of the job.

    Args:
        devices: what NVML lists.
        cuda_uuids: the UUIDs of the devices the job uses, as torch gives them, with or without "GPU-";
            None or empty where the job does not use CUDA.
        visible_devices: the text of CUDA_VISIBLE_DEVICES, None where unset. Only asked where the job does
            not use CUDA.
    """
    if not devices:
        return Selection(indices=frozenset())
    if cuda_uuids:
        return _of_the_job(devices, cuda_uuids)
    indices, notes = visible_indices(devices, visible_devices)
    if not indices:
        return Selection(indices=indices, notes=notes)
    which = "the GPU" if len(indices) == 1 else "the GPUs"
    return Selection(indices=indices, notes=(_NOT_CUDA.format(which=which), *notes))


def _of_the_job(devices: Sequence[DeviceInfo], cuda_uuids: Sequence[str]) -> Selection:
    found = [_index_of(devices, uuid) for uuid in cuda_uuids]
    known = frozenset(index for index in found if index is not None)
    if None not in found:
        return Selection(indices=known)
    # A virtual machine may show CUDA other UUIDs than NVML; where every device is used there is no doubt.
    if not known and len(set(map(_bare, cuda_uuids))) == len(devices):
        return Selection(indices=frozenset(device.index for device in devices))
    missing = found.count(None)
    return Selection(indices=known, notes=(_UNMATCHED.format(missing=missing, count=len(found)),))


def visible_indices(
    devices: Sequence[DeviceInfo], visible_devices: str | None
) -> tuple[frozenset[int], tuple[str, ...]]:
    """What CUDA_VISIBLE_DEVICES names, read as CUDA reads it: the first bad entry ends the list."""
    if visible_devices is None:
        return frozenset(device.index for device in devices), ()
    indices: set[int] = set()
    by_number = False
    for entry in map(str.strip, visible_devices.split(",")):
        index = _index_of_entry(devices, entry)
        if index is None:
            break
        by_number = by_number or entry.isdigit()
        indices.add(index)
    mixed = len({device.name for device in devices}) > 1
    return frozenset(indices), (_BY_NUMBER,) if by_number and mixed else ()


def _index_of_entry(devices: Sequence[DeviceInfo], entry: str) -> int | None:
    if entry.isascii() and entry.isdigit():
        place = int(entry)
        return place if any(device.index == place for device in devices) else None
    if not entry.startswith(_PREFIXES):
        return None
    return _index_of(devices, entry)


def _index_of(devices: Sequence[DeviceInfo], uuid: str) -> int | None:
    """The one device whose UUID, or one of whose MIG instances' UUIDs, begins with ``uuid``."""
    wanted = _bare(uuid)
    if not wanted:
        return None
    matches = [device.index for device in devices if any(own.startswith(wanted) for own in _bare_uuids(device))]
    return matches[0] if len(matches) == 1 else None


def _bare_uuids(device: DeviceInfo) -> Iterable[str]:
    return (_bare(uuid) for uuid in (device.uuid, *device.mig_uuids) if uuid)


def _bare(uuid: str) -> str:
    """Without prefix; of the older MIG form "MIG-GPU-<uuid>/<instance>/<instance>" the GPU's own UUID."""
    text = uuid.strip()
    for prefix in ("MIG-", "GPU-"):
        text = text.removeprefix(prefix)
    return text.partition("/")[0].lower()
