"""What became of every placeholder of a card: filled, left and why, or not recognised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from cardcallback.record import Fill
from cardcallback.render.card.fill_memory import nearest_heading
from cardcallback.render.card.slots import Slot

Outcome = Literal["filled", "left", "not recognised"]
_LONGEST_NAME = 60
_MOST_NAMES = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One place in a card where something is asked for.

    ``placeholder`` is what stood there, ``text`` what stands there now where it was filled, and ``why`` the reason
    why it, or a part of it, was left.
    """

    heading: str
    label: str
    placeholder: str
    outcome: Outcome
    text: str = ""
    why: str = ""

    @property
    def name(self) -> str:
        """The label; where there is none the heading above, and without one the placeholder itself."""
        name = self.label or self.heading or self.placeholder
        flat = " ".join(name.split())
        return flat if len(flat) <= _LONGEST_NAME else f"{flat[: _LONGEST_NAME - 1]}…"


@dataclass(frozen=True, kw_only=True, slots=True)
class FillReport:
    """The fields of a card in order."""

    fields: tuple[Field, ...] = ()

    def of(self, outcome: Outcome) -> tuple[Field, ...]:
        """Those with this outcome."""
        return tuple(field for field in self.fields if field.outcome == outcome)

    @property
    def left(self) -> tuple[str, ...]:
        """What was left, each once with its reason, as sentences for a person."""
        partly = [field for field in self.of("filled") if field.why]
        return tuple(dict.fromkeys(f"left: {field.name} ({field.why})" for field in (*self.of("left"), *partly)))

    def lines(self) -> tuple[str, ...]:
        """At most one line for each outcome; what was left is grouped by its reason."""
        lines = []
        if filled := self.of("filled"):
            lines.append(f"filled {len(filled)}: {_names(filled)}")
        left = [*self.of("left"), *(field for field in filled if field.why)]
        if left:
            reasons = dict.fromkeys(field.why for field in left)
            groups = (f"{_names(field for field in left if field.why == why)} ({why})" for why in reasons)
            lines.append(f"left {len(left)}: {'; '.join(groups)}")
        if unknown := self.of("not recognised"):
            lines.append(f"not recognised {len(unknown)}: {_names(unknown)}")
        return tuple(lines)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What replaces a slot's text (None: nothing), the fill to remember, and what to report of it."""

    text: str | None = None
    fill: Fill | None = None
    field: Field | None = None


def _names(fields: Iterable[Field]) -> str:
    """The names; of many the sections that they stand in, with how many there are in each."""
    several = tuple(fields)
    names = tuple(dict.fromkeys(field.name for field in several))
    if len(names) <= _MOST_NAMES:
        return ", ".join(names)
    counts = Counter(field.heading for field in several)
    return ", ".join(f"{count} in {heading or 'the text'}" for heading, count in counts.items())


def field_of(slot: Slot, outcome: Outcome, *, why: str, text: str = "", placeholder: str | None = None) -> Field:
    """What became of a slot: filled with ``text``, or not, and ``why``."""
    label = (slot.label or "") if slot.kind != "item" else ""
    if slot.kind == "cell" and not slot.only_column:
        label = f"{label} / {slot.column}"
    return Field(
        heading=nearest_heading(slot.headings),
        label=label,
        placeholder=placeholder if placeholder is not None else slot.text,
        outcome=outcome,
        text=text,
        why=why,
    )
