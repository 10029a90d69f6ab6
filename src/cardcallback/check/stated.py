"""What one place of a card says of one value of its run."""

from __future__ import annotations

from dataclasses import dataclass

from cardcallback.render.card.quantities import Unit
from cardcallback.render.card.slots import Slot


@dataclass(frozen=True, kw_only=True, slots=True)
class Stated:
    """That one of ``texts``, the first at ``begin`` in the body, stands for a value; ``label`` is what it goes by.

    ``said`` is how the card says it, where ``texts`` only stand for that.
    ``in_prose``: the label is a heading, which tells nothing of the value.
    """

    name: str
    texts: tuple[str, ...]
    begin: int
    label: str
    unit: Unit | None = None
    in_prose: bool = False
    said: str = ""


def made(name: str, text: str, begin: int, slot: Slot, unit: Unit | None = None) -> Stated:
    """That a text at ``begin`` in the body, in that slot, stands for a value; ``unit`` is the one its label gives."""
    label = slot.label or (slot.headings[-1] if slot.headings else "the text")
    return Stated(name=name, texts=(text,), begin=begin, label=label.strip(" *_:#"), unit=unit)
