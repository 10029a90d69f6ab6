"""What a process of the job tells its node's measurer, and which devices the job has by that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from cardcallback.observe import StepCounts
from cardcallback.processes.hidden import digest, hide, hide_visible, reveal, reveal_visible
from cardcallback.record import TokenKind
from cardcallback.sensors.base import DeviceInfo
from cardcallback.sensors.job_devices import JobDevices, find_job_devices
from cardcallback.sensors.nvml_devices import Selection, select_devices


class Announcement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One process's devices, that it lives, and what memory it used; nothing that identifies a machine.

    ``invitation`` is a hash of the measurer's salt: what answers another is of another run. ``beats`` grows while the
    process lives, ``steps`` with each step it begins. ``devices`` and ``visible`` hold hidden names. ``peaks`` are
    bytes by quantity. ``tokens`` are by kind as they were last read, after ``batches`` training batches;
    ``token_reasons`` say of a kind why it is not known, ``tokens_at_least`` how many of it were read; ``complete``:
    there will be no more. ``failed`` is the kind of exception that ended its training, ``stopped``: a signal did.
    """

    invitation: str
    rank: int
    process: int
    uses_cuda: bool | None = None
    devices: tuple[str, ...] | None = None
    places: tuple[int, ...] | None = None
    visible: str | None = None
    device_order: str | None = None
    beats: int = 0
    steps: int = 0
    ended: bool = False
    failed: str | None = None
    stopped: bool = False
    peaks: dict[str, float] = {}
    tokens: dict[TokenKind, int] = {}
    token_reasons: dict[TokenKind, str] = {}
    tokens_at_least: dict[TokenKind, int] = {}
    complete: bool = False
    batches: int | None = None


class OwnDevices(msgspec.Struct, frozen=True, kw_only=True):
    """What this process knows of its devices; in its own memory only."""

    job: JobDevices
    visible: str | None = None
    device_order: str | None = None


def own_devices(torch_module: Any | None, *, args: Any, model: Any, environ: Mapping[str, str]) -> OwnDevices:
    """The devices of this process as PyTorch, the trainer and the environment tell them."""
    return OwnDevices(
        job=find_job_devices(torch_module, args=args, model=model, environ=environ),
        visible=environ.get("CUDA_VISIBLE_DEVICES"),
        device_order=environ.get("CUDA_DEVICE_ORDER"),
    )


def answers(announcement: Announcement, salt: str) -> bool:
    """Whether it answers the invitation of that salt."""
    return announcement.invitation == digest(salt, "invitation")


def announce(own: OwnDevices, salt: str, *, rank: int, process: int) -> Announcement:
    """This process's answer to an invitation."""
    uuids = own.job.uuids
    return Announcement(
        invitation=digest(salt, "invitation"),
        rank=rank,
        process=process,
        uses_cuda=own.job.uses_cuda,
        devices=None if uuids is None else tuple(hide(uuid, salt) for uuid in uuids),
        places=own.job.cuda_indices,
        # Where PyTorch tells the devices themselves nobody asks which it could see.
        visible=None if uuids or own.visible is None else hide_visible(own.visible, salt),
        device_order=own.device_order if own.device_order in {"PCI_BUS_ID", "FASTEST_FIRST"} else None,
    )


def with_counts(announcement: Announcement, counts: StepCounts) -> Announcement:
    """The announcement with the process's tokens."""
    return msgspec.structs.replace(
        announcement,
        tokens=dict(counts.tokens),
        token_reasons=dict(counts.reasons),
        tokens_at_least=dict(counts.at_least),
        complete=counts.complete,
        batches=counts.batches,
    )


def counts_of(announcement: Announcement) -> StepCounts | None:
    """The process's tokens, ``None`` before it told any."""
    if announcement.batches is None:
        return None
    return StepCounts(
        tokens=announcement.tokens,
        reasons=announcement.token_reasons,
        at_least=announcement.tokens_at_least,
        batches=announcement.batches,
        complete=announcement.complete,
    )


def devices_of_ranks(devices: Sequence[DeviceInfo], announced: Sequence[Announcement], salt: str) -> Selection:
    """The devices of all ``announced`` processes among ``devices``, and what a reader must know about the choice."""
    told = [one for one in announced if one.uses_cuda and one.devices]
    elsewhere = [one for one in announced if one.uses_cuda is False]
    parts = [_of_uuids(devices, told, salt)] if told else []
    parts += [_of_one(devices, one, salt) for one in announced if one not in told and one not in elsewhere]
    parts += [_watched(devices, elsewhere, salt)] if elsewhere else []
    reasons = dict.fromkeys(part.partial_reason for part in parts if part.partial_reason)
    return Selection(
        indices=frozenset(index for part in parts for index in part.indices),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        covers=tuple(dict.fromkeys(words for part in parts for words in part.covers)),
        partial_reason="; ".join(reasons) or None,
    )


def _of_uuids(devices: Sequence[DeviceInfo], announced: Sequence[Announcement], salt: str) -> Selection:
    names = [reveal(name, salt, devices) for one in announced for name in one.devices or ()]
    job = JobDevices(uses_cuda=True, uuids=tuple(dict.fromkeys(names)))
    return select_devices(devices, job=job, visible_devices=None)


def _watched(devices: Sequence[DeviceInfo], announced: Sequence[Announcement], salt: str) -> Selection:
    """What processes that compute elsewhere could see, told as one."""
    parts = [_of_one(devices, one, salt) for one in announced]
    seen = [device for device in devices if any(device.index in part.indices for part in parts)]
    whole = select_devices(seen, job=JobDevices(uses_cuda=False), visible_devices=None)
    # Each part's first note is the one that is told of the whole.
    doubts = (note for part in parts for note in part.notes[1:])
    return replace(whole, notes=tuple(dict.fromkeys((*whole.notes, *doubts))))


def _of_one(devices: Sequence[DeviceInfo], announced: Announcement, salt: str) -> Selection:
    visible = None if announced.visible is None else reveal_visible(announced.visible, salt, devices)
    job = JobDevices(uses_cuda=announced.uses_cuda, cuda_indices=announced.places)
    return select_devices(devices, job=job, visible_devices=visible, device_order=announced.device_order)
