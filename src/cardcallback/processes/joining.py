"""One figure from those of several nodes: sums of energy, the highest of memory, and who it was."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from cardcallback.processes.summary import NodeSummary
from cardcallback.record import Consistency, Energy, Measurement, Memory, Node, PhaseEnergy, not_measured
from cardcallback.record.sums import summed
from cardcallback.units import format_ranks

# Peaks by what they are of, each with the figures that are only understood beside it.
_OF_A_NODE: Mapping[str, tuple[str, ...]] = {
    "system_peak": ("system_baseline", "total"),
    "accelerator_process_peak": (),
}
_OF_A_PROCESS = {
    "process_rss": "process_peak_rss",
    "torch_allocated": "torch_peak_allocated",
    "torch_reserved": "torch_peak_reserved",
}
_COMPUTER = re.compile(r"the computer of (.+), the highest of \d+")


def added(parts: Sequence[Measurement]) -> Measurement:
    """The sum of those that have a value; the reason of the first where none has."""
    known = [part for part in parts if part.value is not None]
    if not known:
        return parts[0]
    return _told_once(summed(known, ""))


def added_if_all(parts: Sequence[Measurement]) -> Measurement:
    """The sum where every node has a value, otherwise why one has none."""
    missing = next((part for part in parts if part.value is None), None)
    if missing is None:
        return _told_once(summed(parts, ""))
    everywhere = all(part.value is None for part in parts)
    reason = missing.reason if everywhere else f"not measured on every computer of the job: {missing.reason}"
    return not_measured(parts[0].unit, reason or "not measured", window=parts[0].window)


def joined_consistency(parts: Sequence[Energy]) -> Consistency | None:
    """One verdict on all nodes' counters and integrals; ``None`` where one of them has none."""
    known = [(one.consistency, one.gpu_counter.value) for one in parts]
    pairs = [(verdict, joules) for verdict, joules in known if verdict is not None and joules]
    total = sum(joules for _, joules in pairs)
    if len(pairs) < len(parts) or total <= 0:
        return None
    verdicts = {verdict.verdict for verdict, _ in pairs}
    common: Literal["consistent", "not resolved"] = "consistent" if verdicts == {"consistent"} else "not resolved"
    return Consistency(
        relative_difference=sum(verdict.relative_difference * joules for verdict, joules in pairs) / total,
        compared_seconds=min(verdict.compared_seconds for verdict, _ in pairs),
        verdict="inconsistent" if "inconsistent" in verdicts else common,
    )


def joined_phases(parts: Sequence[Energy]) -> tuple[PhaseEnergy, ...]:
    """Each phase that the first node tells, with the energy of all nodes; time and visits are the first's."""
    joined = []
    for phase in parts[0].phases:
        same = [one.energy for part in parts for one in part.phases if one.phase == phase.phase]
        if len(same) == len(parts):
            energy = added_if_all(same)
        else:
            energy = not_measured("joules", "not told apart on every computer of the job")
        joined.append(msgspec.structs.replace(phase, energy=energy))
    return tuple(joined)


def highest_memory(own: Memory, own_nodes: Sequence[Node], new: Sequence[NodeSummary]) -> Memory:
    """Each peak of the node that has the highest, named; ``own`` is that of ``own_nodes`` already."""
    if not new:
        return own
    candidates = [(own, own_nodes[0].ranks), *((one.memory, one.node.ranks) for one in new)]
    count = len(own_nodes) + len(new)
    figures: dict[str, Measurement | None] = {}
    for peak, beside in (*_OF_A_NODE.items(), *((name, ()) for name in _OF_A_PROCESS.values())):
        known = [(value, memory, ranks) for memory, ranks in candidates if (value := _value(memory, peak)) is not None]
        if not known:
            continue
        _, memory, ranks = max(known, key=lambda one: one[0])
        figures[peak] = _of_computer(getattr(memory, peak), ranks, count)
        figures |= {name: getattr(memory, name) for name in beside}
    return msgspec.structs.replace(own, **figures)


def highest_rank(own: Memory, own_rank: int, peaks: Mapping[int, Mapping[str, float]]) -> Memory:
    """Each peak of a process as that of the process of this node with the highest, named.

    Args:
        own: the measurer's.
        own_rank: its number.
        peaks: the other processes' in bytes, by rank and quantity.
    """
    figures = {}
    for quantity, name in _OF_A_PROCESS.items():
        told = {rank: by_quantity[quantity] for rank, by_quantity in peaks.items() if quantity in by_quantity}
        figure: Measurement = getattr(own, name)
        if not told or figure.value is None:
            continue
        count = len(told) + 1
        rank = max(told, key=lambda one: told[one])
        if told[rank] > figure.value:
            figure = msgspec.structs.replace(figure, value=told[rank], recording_low=told[rank], recording_high=None)
        else:
            rank = own_rank
        words = f"rank {rank}, the highest of {count} processes"
        figures[name] = msgspec.structs.replace(figure, covers=(*figure.covers, words))
    return msgspec.structs.replace(own, **figures)


def _value(memory: Memory, name: str) -> float | None:
    figure = getattr(memory, name)
    return None if figure is None else figure.value


def _of_computer(figure: Measurement, ranks: Sequence[int], count: int) -> Measurement:
    """The figure with the name of its computer; one that was joined before has it already."""
    names = [match[1] for one in figure.covers if (match := _COMPUTER.fullmatch(one))] or [format_ranks(ranks)]
    kept = [one for one in figure.covers if not _COMPUTER.fullmatch(one)]
    words = f"the computer of {names[-1]}, the highest of {count}"
    return msgspec.structs.replace(figure, covers=(*kept, words))


def _told_once(figure: Measurement) -> Measurement:
    return msgspec.structs.replace(figure, covers=tuple(dict.fromkeys(figure.covers)))
