"""Several measurers on one computer, as where somebody starts a launcher for each of its GPUs. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cardcallback.processes.summary import NodeSummary
from cardcallback.record import not_measured

# What a measurer measures of all its computer, whichever processes it measures for.
_OF_THE_COMPUTER = ("cpu", "dram", "system")
_REASON = "several measurers ran on one computer, each of which measured all of it"
_NOTE = (
    "Several measurers ran on one computer, which is called a computer once for each of them: what its processor, its "
    "memory and the whole of it used is not summed."
)


def once_for_each_computer(summaries: Sequence[NodeSummary], own: str = "") -> list[NodeSummary]:
    """The summaries, those of a computer that one before is of without what both of them measured.

    Args:
        summaries: of one job.
        own: the ``computer`` of the node that they will be joined to, unless its summary is among them.
    """
    seen = {own}
    kept = []
    for one in summaries:
        kept.append(_without_its_computer(one) if one.computer and one.computer in seen else one)
        seen.add(one.computer)
    return kept


def _without_its_computer(summary: NodeSummary) -> NodeSummary:
    measured = {name: getattr(summary.energy, name) for name in _OF_THE_COMPUTER}
    told = {
        name: not_measured(figure.unit, _REASON, window=figure.window)
        for name, figure in measured.items()
        if figure.value is not None
    }
    energy = msgspec.structs.replace(summary.energy, **told)
    return msgspec.structs.replace(summary, energy=energy, notes=(*summary.notes, _NOTE))
