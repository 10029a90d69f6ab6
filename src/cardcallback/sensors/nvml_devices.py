"""Which of the machine's GPUs the job uses. Pure; knows no binding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cardcallback.sensors.base import DeviceInfo
from cardcallback.sensors.job_devices import JobDevices
from cardcallback.sensors.visible_devices import names_numbers, visible_order

_PCI_ORDER = "PCI_BUS_ID"
_NOT_CUDA = "The job did not use CUDA: the GPU energy is what {which} drew meanwhile, for other work or standing idle."
_UNMATCHED = (
    "Not every GPU of the job was found among those the NVIDIA driver lists: the energy of {missing} of {count} is "
    "not measured."
)
_BY_NUMBER = (
    "This machine has GPUs of different kinds and they were told apart by number: the numbers were taken in PCI "
    "order (set CUDA_DEVICE_ORDER=PCI_BUS_ID to make CUDA do the same)."
)
_BY_PLACE = (
    "PyTorch did not tell which GPU the job computed on (it can from version 2.5): it was taken by its number from "
    "CUDA_VISIBLE_DEVICES, or in PCI order where that is not set."
)
_BY_PLACE_WORDS = "the GPU taken from CUDA_VISIBLE_DEVICES, as PyTorch did not tell it"
_ALL_SEEN = "It is not known on which GPUs the job computed: the GPU energy is that of all it could see."
_ALL_SEEN_WORDS = "all GPUs the job could see, as it is not known which it used"
_PROCESSES = (
    "The job ran as {count} processes and only one of them was measured: no figure of a process, and no GPU energy, "
    "holds the others."
)
_PROCESSES_ELSEWHERE = "The job ran as {count} processes: the figures of a process are those of one of them."


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """The indices of the devices to measure, and what a reader must know about the choice.

    ``covers`` are words for the energy's own row. ``partial_reason`` is set where GPUs of the job are not
    among the devices, so that nothing may be divided by what the whole job did.
    """

    indices: frozenset[int]
    notes: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()
    partial_reason: str | None = None


def select_devices(
    devices: Sequence[DeviceInfo], *, job: JobDevices, visible_devices: str | None, device_order: str | None = None
) -> Selection:
    """The devices of the job, or those it could see where it does not compute on CUDA or nothing tells.

    Args:
        devices: what NVML lists.
        job: what PyTorch and the trainer tell of the job's devices.
        visible_devices: the text of CUDA_VISIBLE_DEVICES, None where unset. Only asked where ``job`` has
            no UUIDs.
        device_order: the text of CUDA_DEVICE_ORDER, None where unset.
    """
    sure = device_order == _PCI_ORDER or len({device.name for device in devices}) == 1
    if not devices:
        chosen = Selection(indices=frozenset())
    elif job.uses_cuda is False:
        chosen = _watched(devices, visible_devices, numbers_are_sure=sure)
    elif job.uuids:
        chosen = _of_the_job(devices, job.uuids)
    else:
        chosen = _presumed(devices, job, visible_devices, numbers_are_sure=sure)
    return chosen if job.processes == 1 else _of_one_process(chosen, job)


def _watched(devices: Sequence[DeviceInfo], visible_devices: str | None, *, numbers_are_sure: bool) -> Selection:
    order = visible_order(devices, visible_devices)
    if not order:
        return Selection(indices=frozenset())
    which = "the GPU" if len(order) == 1 else "the GPUs"
    doubtful = names_numbers(visible_devices) and len(order) < len(devices) and not numbers_are_sure
    return Selection(
        indices=frozenset(order), notes=(_NOT_CUDA.format(which=which), *((_BY_NUMBER,) if doubtful else ()))
    )


def _presumed(
    devices: Sequence[DeviceInfo], job: JobDevices, visible_devices: str | None, *, numbers_are_sure: bool
) -> Selection:
    order = visible_order(devices, visible_devices)
    by_number = visible_devices is None or names_numbers(visible_devices)
    places = job.cuda_indices
    if places is None and not order:
        return Selection(indices=frozenset())
    if places is None or any(place >= len(order) for place in places):
        doubtful = names_numbers(visible_devices) and len(order) < len(devices) and not numbers_are_sure
        notes = (_ALL_SEEN, _BY_NUMBER) if doubtful else (_ALL_SEEN,)
        return Selection(indices=frozenset(order), notes=notes, covers=(_ALL_SEEN_WORDS,))
    indices = frozenset(order[place] for place in places)
    if len(indices) == len(devices):
        return Selection(indices=indices)  # whatever the order, these are all there are
    notes = (_BY_PLACE,) if numbers_are_sure or not by_number else (_BY_PLACE, _BY_NUMBER)
    return Selection(indices=indices, notes=notes, covers=(_BY_PLACE_WORDS,))


def _of_the_job(devices: Sequence[DeviceInfo], cuda_uuids: Sequence[str]) -> Selection:
    found = [_index_of(devices, uuid) for uuid in cuda_uuids]
    known = frozenset(index for index in found if index is not None)
    if None not in found:
        return Selection(indices=known)
    # A virtual machine may show CUDA other UUIDs than NVML; where every device is used there is no doubt.
    if not known and len(set(map(_bare, cuda_uuids))) == len(devices):
        return Selection(indices=frozenset(device.index for device in devices))
    missing, count = found.count(None), len(found)
    partial = f"{count - missing} of the job's {count} GPUs measured"
    note = _UNMATCHED.format(missing=missing, count=count)
    return Selection(indices=known, notes=(note,), covers=(partial,), partial_reason=partial)


def _of_one_process(chosen: Selection, job: JobDevices) -> Selection:
    if job.uses_cuda is False:
        note = _PROCESSES_ELSEWHERE.format(count=job.processes)
        return replace(chosen, notes=(*chosen.notes, note))
    partial = f"1 of {job.processes} processes' GPUs measured"
    return replace(
        chosen,
        notes=(*chosen.notes, _PROCESSES.format(count=job.processes)),
        covers=(*chosen.covers, partial),
        partial_reason=" and ".join(part for part in (chosen.partial_reason, partial) if part),
    )


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
