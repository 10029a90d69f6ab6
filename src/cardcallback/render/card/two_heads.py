"""The ways to read a cell whose column has two heads: which of them and of its row's label is label, which whose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from cardcallback.render.card.labelled import normalize_label
from cardcallback.render.card.labels import has_word
from cardcallback.render.card.slots import Slot

# A head over several columns that says what they are about, as a heading would.
_TOPICS = ("training", "train", "fine tuning", "fine tune", "hyperparameters", "hardware", "compute", "environmental",
           "cost", "costs", "footprint", "results", "metrics", "setup", "run")  # fmt: skip
_VALUE = "Value"


def readings(slot: Slot, group_of: Callable[[str], str | None]) -> Iterator[tuple[Slot, str | None]]:
    """Each way to read the cell, as a slot with one head, and the head that is a heading above it if one is.

    Args:
        slot: a cell below two heads.
        group_of: whose figures a column holds by its heading, as labels are compared.
    """
    label, column, over = slot.label or "", slot.column or "", slot.group
    whose = group_of(normalize_label(over))
    if whose in {"tuned", "base", "other", "value"}:
        # "Validation" / "After fine-tuning" / "Loss".
        if group_of(normalize_label(column)) == "value":
            yield _read(slot, label, over), None
        yield _read(slot, f"{label} {column}", over), None
        return
    topic = normalize_label(over)
    if any(has_word(topic, word) for word in _TOPICS):
        # "This model" / "Training" / "Hours".
        yield _read(slot, label, column), over
    # "This model" / "Loss" / "Validation".
    for name in (f"{over} {column}", f"{column} {over}"):
        yield _read(slot, name, label), None


def _read(slot: Slot, label: str, column: str) -> Slot:
    return replace(slot, label=label, column=column or _VALUE, group="", only_column=False)
