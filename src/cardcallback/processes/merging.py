"""Several nodes' figures as one job's. Pure: no files, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from cardcallback.errors import CardCallbackError
from cardcallback.processes.job_tokens import with_tokens_of_all
from cardcallback.processes.joining import added, added_if_all, highest_memory, joined_consistency, joined_phases
from cardcallback.processes.same_computer import (
    computer_count,
    numbered,
    once_for_each_computer,
    same_computer_notes,
)
from cardcallback.processes.shared_gpus import each_gpu_once, of_one_computer
from cardcallback.processes.summary import NodeSummary, grid_words, summarize_node
from cardcallback.ratios import with_ratios
from cardcallback.record import Accelerator, Energy, Memory, Node, RunRecord, Session, Training, not_measured
from cardcallback.render.run_words import has_gb10
from cardcallback.sessions import counted_steps, with_sessions
from cardcallback.units import format_ranks

_LINKS = (
    "The job ran on {count} computers: the links between them and their network cards{which} draw power that no "
    "sensor here measures."
)
_CONNECTX = " (ConnectX, in each GB10 system)"
_FIRST_ALONE = (
    "Traces, second sensors, swap and time short of memory are those of the computer of rank 0 alone; so are pictures, "
    "but for the GPU power of the computers that told theirs."
)
_NOT_YET = "left no figures here (yet)."
_OTHER_GRID = (
    "Computers of {ranks} were told to be in {grid}: CO2e of a session takes the place of rank 0's computer{untold}."
)
# What a measurer measures of all its computer, whichever processes it measures for.
_OF_THE_COMPUTER = ("cpu", "dram", "system")
_TOKENS_OF_ALL = "tokens are known of all sessions together"
_WHOLE_ONLY = "some of the job's computers are not in it: {which}"


def merge_nodes(
    record: RunRecord,
    others: Sequence[NodeSummary | RunRecord],
    *,
    computer: str = "",
    gpus: tuple[str, ...] = (),
) -> RunRecord:
    """The job's record from that of rank 0 and what the other nodes left.

    Energies are summed, with their bounds, and durations are the longest: those of the newest session, which the
    summaries are of. The run's are the sums over its sessions; CO2e is left to be calculated from them. Memory is
    never summed: it is that of the node that used most, named. What is missing is named, and then
    ``energy.partial_reason`` is set. A node that is in the record already is not added again; without others it is
    told what is missing. Where the summaries hold all nodes of the record, rank 0's own too, everything is joined
    anew, so that figures which need all nodes come back.

    Args:
        record: of the node that rank 0 ran on, perhaps with other nodes in it.
        others: the other nodes' summaries, or records of one node each.
        computer: what names the computer of rank 0, as in a summary, unless its own summary is among ``others``.
        gpus: what names its GPUs, likewise, in the order of its accelerators.

    Raises:
        CardCallbackError: a part is not of a job of several processes, or of another job.
    """
    if record.processes is None or not record.nodes:
        msg = f"run {record.run_id[:8]} was not one of several processes: give the output folders of one job's nodes"
        raise CardCallbackError(msg)
    told = [summarize_node(one) if isinstance(one, RunRecord) else one for one in others]
    own = _of_its_own_node(record, told)
    named = {one.node.ranks: one.gpus for one in told}
    named[own.nodes[0].ranks] = named.get(own.nodes[0].ranks) or gpus
    new = each_gpu_once(_new_nodes(own, told), [named.get(node.ranks, ()) for node in own.nodes])
    nodes = (*own.nodes, *(one.node for one in new))
    missing = tuple(sorted(set(range(record.processes)) - {rank for node in nodes for rank in node.ranks}))
    computers = {one.node.ranks: one.computer for one in told}
    computers[own.nodes[0].ranks] = computers.get(own.nodes[0].ranks) or computer
    computers = of_one_computer(computers, named)
    energy = _energy(own, new, computers, partial=_partial(nodes, missing), missing=missing)
    nodes = numbered(nodes, computers)
    record = with_tokens_of_all(record, nodes, missing)
    session = _session(own, energy, new, record.training)
    joined = msgspec.structs.replace(
        record,
        nodes=nodes,
        simulated=record.simulated or any(one.simulated for one in new),
        memory=highest_memory(own.memory, own.nodes, new),
        notes=tuple(dict.fromkeys((*_notes(record, nodes, missing), *_kept(record.notes), *_notes_of(own, new)))),
    )
    return with_sessions(joined, (*record.sessions[:-1], session))


def _of_its_own_node(record: RunRecord, told: Sequence[NodeSummary]) -> RunRecord:
    """Newest session and peaks as rank 0's own node left them, where those and every other node's can be had again.

    The sums over all sessions stay.
    """
    first = record.nodes[0]
    own = next((one for one in told if one.node.ranks == first.ranks), None)
    if own is None or not {node.ranks for node in record.nodes} <= {one.node.ranks for one in told}:
        return record
    session = record.sessions[-1]
    accelerators = session.hardware.accelerators[: len(first.accelerators)]
    alone = msgspec.structs.replace(
        session,
        duration_seconds=first.duration_seconds,
        suspended_seconds=own.suspended_seconds,
        energy=own.energy,
        hardware=msgspec.structs.replace(session.hardware, accelerators=accelerators),
    )
    return msgspec.structs.replace(
        record,
        sessions=(*record.sessions[:-1], alone),
        # The highest peak of several sessions may be that of one before, which no summary holds.
        memory=record.memory if len(record.sessions) > 1 else _with_its_own_peaks(record.memory, own.memory),
        nodes=(first,),
    )


def _with_its_own_peaks(memory: Memory, own: Memory) -> Memory:
    told = {name: figure for name in Memory.__struct_fields__ if (figure := getattr(own, name)) is not None}
    return msgspec.structs.replace(memory, **told)


def _kept(notes: Sequence[str]) -> list[str]:
    """Those that do not depend on which nodes are known."""
    links = _LINKS.partition("{")[0]
    return [note for note in notes if not note.endswith(_NOT_YET) and not note.startswith(links)]


def _new_nodes(record: RunRecord, told: Sequence[NodeSummary]) -> list[NodeSummary]:
    taken = {rank for node in record.nodes for rank in node.ranks}
    new = []
    for one in told:
        if one.processes != record.processes:
            msg = (
                f"these are parts of different jobs, of {record.processes} and of {one.processes} processes: give the "
                "output folders of one job's nodes"
            )
            raise CardCallbackError(msg)
        if taken.isdisjoint(one.node.ranks):
            taken |= set(one.node.ranks)
            new.append(one)
    return new


def _energy(
    record: RunRecord,
    new: Sequence[NodeSummary],
    computers: Mapping[tuple[int, ...], str],
    *,
    partial: str | None,
    missing: Sequence[int],
) -> Energy:
    own = record.sessions[-1].energy
    parts = [own, *(one.energy for one in new)]
    names = [computers.get(ranks, "") for ranks in (record.nodes[0].ranks, *(one.node.ranks for one in new))]
    wholes = {
        name: added_if_all(once_for_each_computer([getattr(one, name) for one in parts], names))
        for name in _OF_THE_COMPUTER
    }
    parts = [own, *(one.energy for one in new if one.node.gpus_of is None)]
    energy = msgspec.structs.replace(
        own,
        gpu=added([one.gpu for one in parts]),
        gpu_counter=added_if_all([one.gpu_counter for one in parts]),
        gpu_integrated=added_if_all([one.gpu_integrated for one in parts]),
        before_training=added_if_all([one.before_training for one in parts]),
        **wholes,
        phases=joined_phases(parts) if parts[1:] else own.phases,
        consistency=joined_consistency(parts) if parts[1:] else own.consistency,
        partial_reason=partial,
    )
    if not missing:
        return energy
    # What is called a whole must not be a part; the GPUs' sum is told as the part that it is.
    reason = _WHOLE_ONLY.format(which=format_ranks(missing))
    unknown = {name: not_measured("joules", reason) for name in _OF_THE_COMPUTER if _has(energy, name)}
    return msgspec.structs.replace(energy, **unknown)


def _has(energy: Energy, name: str) -> bool:
    return getattr(energy, name).value is not None


def _partial(nodes: Sequence[Node], missing: Sequence[int]) -> str | None:
    reasons = [] if not missing else [f"the GPUs of {format_ranks(missing)} are not in it"]
    somewhere = any(node.gpu_energy_joules is not None for node in nodes)
    for node in nodes:
        if node.gpus_of is not None:
            continue
        where = f" (computer of {format_ranks(node.ranks)})" if len(nodes) > 1 else ""
        if node.partial_reason is not None:
            reasons.append(f"{node.partial_reason}{where}")
        elif node.gpu_energy_joules is None and somewhere:
            reasons.append(f"no GPU energy was measured on one of them{where}")
    return "; ".join(reasons) or None


def _notes_of(own: RunRecord, new: Sequence[NodeSummary]) -> list[str]:
    told = [f"Computer of {format_ranks(one.node.ranks)}: {note}" for one in new for note in one.notes]
    return told + _elsewhere(own, new)


def _elsewhere(own: RunRecord, new: Sequence[NodeSummary]) -> list[str]:
    """Computers that were told to be in another place than that of rank 0, whose factor their energies get."""
    here = grid_words(own.sessions[-1])
    told: dict[str, list[int]] = {}
    for one in new:
        if one.grid and one.grid != here:
            told.setdefault(one.grid, []).extend(one.node.ranks)
    untold = "" if here else ", which was told none"
    return [_OTHER_GRID.format(ranks=format_ranks(ranks), grid=grid, untold=untold) for grid, ranks in told.items()]


def _notes(record: RunRecord, nodes: Sequence[Node], missing: Sequence[int]) -> list[str]:
    """What holds for the job; a card has no room for all that a thousand computers may have to tell, but for this."""
    notes = []
    if missing:
        left = format_ranks(missing)
        notes.append(f"{left[0].upper()}{left[1:]} of the job's {record.processes} {_NOT_YET}")
    notes += same_computer_notes(nodes)
    if (count := computer_count(nodes)) > 1:
        gb10 = has_gb10(record) or any("GB10" in name for node in nodes for name in node.accelerators)
        notes.append(_LINKS.format(count=count, which=_CONNECTX if gb10 else ""))
        notes.append(_FIRST_ALONE)
    return notes


def _with_power(accelerator: Accelerator, node: Node) -> Accelerator:
    energy = accelerator.energy
    if energy.value is None or energy.coverage is None or energy.coverage * node.duration_seconds <= 0:
        return accelerator
    power = msgspec.structs.replace(
        energy,
        value=energy.value / (energy.coverage * node.duration_seconds),
        unit="watts",
        recording_low=None,
        recording_high=None,
        method="calculated",
    )
    return msgspec.structs.replace(accelerator, mean_power=power)


def _session(own: RunRecord, energy: Energy, new: Sequence[NodeSummary], training: Training) -> Session:
    """The newest session with the figures of all nodes."""
    session = own.sessions[-1]
    energy = with_ratios(energy, steps=counted_steps((session,)), training=training)
    if len(own.sessions) > 1:
        energy = msgspec.structs.replace(energy, per_token=not_measured("joules/token", _TOKENS_OF_ALL))
    more = (_with_power(device, one.node) for one in new for device in one.accelerators)
    accelerators = (*session.hardware.accelerators, *more)
    hardware = msgspec.structs.replace(session.hardware, accelerators=accelerators)
    if accelerators:
        hardware = msgspec.structs.replace(hardware, accelerators_reason=None)
    return msgspec.structs.replace(
        session,
        duration_seconds=max([session.duration_seconds, *(one.node.duration_seconds for one in new)]),
        suspended_seconds=max([session.suspended_seconds, *(one.suspended_seconds for one in new)]),
        hardware=hardware,
        energy=energy,
    )
