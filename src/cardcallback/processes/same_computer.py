"""Several measurers on one computer, as where somebody starts a launcher for each of its GPUs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from cardcallback.record import Measurement, Node

_NOTE = (
    "Several measurers ran on one computer: what its processor, its memory and the whole of it used is counted once, "
    "as the one that measured longest has it."
)


def once_for_each_computer(figures: Sequence[Measurement], computers: Sequence[str]) -> list[Measurement]:
    """What is measured of a whole computer, once for each: of several measurers' the one of the longest window.

    Args:
        figures: one of each measurer.
        computers: what names the computer of each, ``""`` where that is not known and it counts as one of its own.
    """
    found: dict[str | int, Measurement] = {}
    for place, (figure, computer) in enumerate(zip(figures, computers, strict=True)):
        known = found.get(computer or place)
        if known is None or _measured_seconds(figure) > _measured_seconds(known):
            found[computer or place] = figure
    return list(found.values())


def numbered(nodes: Sequence[Node], computers: Mapping[tuple[int, ...], str]) -> tuple[Node, ...]:
    """The nodes with a number for their computer, that of the first of them there; ``computers`` are by ranks."""
    first: dict[str, int] = {}
    told = []
    for place, node in enumerate(nodes):
        computer = computers.get(node.ranks, "")
        number = first.setdefault(computer, place) if computer else node.computer
        told.append(msgspec.structs.replace(node, computer=number))
    return tuple(told)


def computer_count(nodes: Sequence[Node]) -> int:
    """How many computers the nodes are, as far as that is known."""
    return len({place if node.computer is None else node.computer for place, node in enumerate(nodes)})


def same_computer_notes(nodes: Sequence[Node]) -> list[str]:
    """A sentence where a computer had several measurers."""
    return [_NOTE] if computer_count(nodes) < len(nodes) else []


def _measured_seconds(figure: Measurement) -> float:
    """The length of what was watched; any of a figure that is there is longer than of one that is not."""
    if figure.value is None:
        return -1.0
    window = figure.window
    if window is None or window.begin_seconds is None or window.end_seconds is None:
        return 0.0
    return (window.end_seconds - window.begin_seconds) * (1.0 if figure.coverage is None else figure.coverage)
