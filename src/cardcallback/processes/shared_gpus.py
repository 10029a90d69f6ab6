"""GPUs that several measurers of a job watched: each counts once, where it was measured first. Pure."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from cardcallback.processes.hidden import digest
from cardcallback.processes.job_file import GPU_DIGITS
from cardcallback.processes.summary import NodeSummary
from cardcallback.record import Accelerator, Energy, Measurement, not_measured
from cardcallback.record.sums import summed

_OF_GPUS = ("gpu_energy_joules", "gpu_energy_low_joules", "gpu_energy_high_joules", "gpu_energy_coverage")
_NOTE = "Its GPUs that another process of the job measured too are counted there: {shared} of {count}."
_TOGETHER = "some of its GPUs are counted with another process's, and its measurer told of all of them together"
# Rounding in a summary is far below, and a module that two GPUs share far above.
_SUMS_DIFFER = 0.001

# A GPU has a name for each of the days that a session touched, of which the measurers of one job share one.
_DAYS = "+"

replace = msgspec.structs.replace


def gpu_name(job: str, uuid: str, begin: dt.date, now: dt.date) -> str:
    """What a GPU is called by all measurers of a job, which nobody can tell who does not know all of that.

    Of two days: sessions of one job that overlap begin within a day of each other, on either side of a midnight.

    Args:
        job: by which its measurers know their job, whatever computer or container they run on.
        uuid: the GPU's.
        begin: the day at Greenwich on which the measurer's session began.
        now: the day that it is.
    """
    days = [begin, begin + dt.timedelta(days=1)] if now > begin else [begin]
    return _DAYS.join(digest(f"{job} {day.isoformat()}", uuid)[:GPU_DIGITS] for day in days)


def each_gpu_once(new: Sequence[NodeSummary], standing: Sequence[tuple[str, ...]]) -> list[NodeSummary]:
    """The summaries without what one before them measured too.

    Args:
        new: the nodes that are joined, in order.
        standing: what names the GPUs of the nodes before them, ``()`` where that is not known.
    """
    first: dict[str, int] = {}
    told = []
    for place, names in enumerate((*standing, *(one.gpus for one in new))):
        if place >= len(standing):
            told.append(_without(new[place - len(standing)], first))
        for name in _each_day(names):
            first.setdefault(name, place)
    return told


def of_one_computer(
    computers: Mapping[tuple[int, ...], str], gpus: Mapping[tuple[int, ...], tuple[str, ...]]
) -> dict[tuple[int, ...], str]:
    """What names each node's computer, by its ranks; one that is not known is that of whoever has a GPU of it."""
    found = dict(computers)
    owner: dict[str, str] = {}
    for ranks, named in sorted(gpus.items(), key=lambda one: not found.get(one[0])):
        names = _each_day(named)
        name = found.get(ranks) or next((owner[gpu] for gpu in names if gpu in owner), next(iter(names), ""))
        found[ranks] = name
        owner |= {gpu: name for gpu in names if gpu not in owner}
    return found


def _each_day(names: Iterable[str]) -> list[str]:
    return [one for name in names for one in name.split(_DAYS)]


def _place(name: str, first: Mapping[str, int]) -> int | None:
    """Where the GPU of that name was measured first, if it was."""
    return next((first[one] for one in name.split(_DAYS) if one in first), None)


def _without(summary: NodeSummary, first: Mapping[str, int]) -> NodeSummary:
    shared = [place for name in summary.gpus if (place := _place(name, first)) is not None]
    if not shared:
        return summary
    if len(shared) == len(summary.gpus):
        nothing = dict.fromkeys(_OF_GPUS)
        node = replace(summary.node, accelerators=(), gpu_power=(), partial_reason=None, gpus_of=shared[0], **nothing)
        return replace(summary, node=node, accelerators=())
    accelerators = _kept(summary, first)
    gpu = _sum(summary, accelerators)
    names = tuple(one.name for one in accelerators)
    node = replace(summary.node, accelerators=names, gpu_power=()).with_gpu_energy(gpu)
    if gpu.value is None:
        reasons = [reason for reason in (node.partial_reason, _TOGETHER) if reason]
        node = replace(node, partial_reason="; ".join(reasons))
    note = _NOTE.format(shared=len(shared), count=len(summary.gpus))
    return replace(
        summary,
        node=node,
        accelerators=accelerators,
        energy=_of_these(summary.energy, gpu),
        notes=(*summary.notes, note),
    )


def _kept(summary: NodeSummary, first: Mapping[str, int]) -> tuple[Accelerator, ...]:
    if len(summary.accelerators) != len(summary.gpus):
        return ()
    named = zip(summary.accelerators, summary.gpus, strict=True)
    return tuple(accelerator for accelerator, name in named if _place(name, first) is None)


def _sum(summary: NodeSummary, kept: Sequence[Accelerator]) -> Measurement:
    """What these used, where each accelerator's own energy is known and all of them make up the node's."""
    own, whole = [one.energy.value for one in summary.accelerators], summary.energy.gpu.value
    known = [joules for joules in own if joules is not None]
    if whole is None or len(known) < len(own) or not math.isclose(sum(known), whole, rel_tol=_SUMS_DIFFER):
        return not_measured("joules", _TOGETHER)
    return summed([one.energy for one in kept], _TOGETHER)


def _of_these(energy: Energy, gpu: Measurement) -> Energy:
    """Of what is told for all GPUs together only that which is known of these too."""
    unknown = not_measured("joules", _TOGETHER)
    return replace(
        energy,
        gpu=gpu,
        gpu_counter=gpu if gpu.method == "counter" else unknown,
        gpu_integrated=gpu if gpu.method == "integrated_power" else unknown,
        before_training=unknown,
        phases=(),
        consistency=None,
    )
