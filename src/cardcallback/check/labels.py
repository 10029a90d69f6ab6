"""Values that a person wrote beside a label whose value the record knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cardcallback.check.finding import Finding, error, shown
from cardcallback.check.quantities import Figure, find_figures
from cardcallback.check.reading import CardText
from cardcallback.check.run_labels import RUN_LABELS, plain_label
from cardcallback.record import RunRecord
from cardcallback.render.card.labels import each, read_label_map
from cardcallback.render.card.slots import Slot
from cardcallback.render.card.values import card_values

RULE = "against-record"
# A person rounds: 1.9 h for 1 h 52 min is right.
_ROUNDED = 0.06
_PLAIN_NUMBER = re.compile(r"~?\s*(?P<number>\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w%.,/-]*\w)")
# Plain numbers that are exact, or as good as exact.
_EXACT = frozenset({"lora_rank", "lora_alpha", "epochs", "learning_rate", "max_length", "training_examples"})
_QUANTITIES = {"energy": "energy", "carbon_emitted": "emissions", "training_time": "time", "peak_memory": "memory"}


def label_findings(card: CardText, record: RunRecord, own_labels: str | None = None) -> Iterator[Finding]:
    """Labelled values that contradict the record's; those we filled in are looked at elsewhere."""
    values = card_values(record)
    labels = RUN_LABELS | _own(own_labels)
    written = {" ".join(fill.text.split()) for fill in record.card.filled}
    for slot in card.slots:
        name = _value_name(slot, labels)
        wanted = values.get(name) if name is not None else None
        if name is None or wanted is None or " ".join(slot.text.split()) in written:
            continue
        if _contradicts(name, slot.text, wanted):
            what = f"{shown((slot.label or '').strip(' *_:'), 40)} says {shown(slot.text, 60)}"
            cure = "correct it, or say beside it where it comes from"
            yield error(RULE, card.line_of(slot.begin), f"{what}, and the record {shown(wanted, 60)}", cure)


def _own(own_labels: str | None) -> dict[str, str]:
    """The person's own words for the same values, where they mean these under every heading."""
    if own_labels is None:
        return {}
    rows = read_label_map(own_labels).rows
    plain = [row for row in rows if row.value in RUN_LABELS.values() and not (row.heading or row.section or row.column)]
    return {plain_label(label): row.value or "" for row in plain for label in each(row.label)}


def _value_name(slot: Slot, labels: Mapping[str, str]) -> str | None:
    """The record's value that a labelled text in a list, or in a table of labels and values, stands for."""
    is_value = slot.kind == "line" or (slot.kind == "cell" and slot.only_column)
    return labels.get(plain_label(slot.label)) if is_value and slot.label is not None else None


def _contradicts(name: str, found: str, wanted: str) -> bool:
    if name in _EXACT:
        one, other = _plain(found), _plain(wanted)
        return one is not None and other is not None and abs(one - other) > 1e-3 * max(abs(one), abs(other))
    kind = _QUANTITIES.get(name)
    left, right = ([one for one in find_figures(text) if one.kind == kind] for text in (found, wanted))
    return len(left) == 1 and bool(right) and not _fit(left[0], right[0])


def _fit(one: Figure, other: Figure) -> bool:
    room = _ROUNDED * max(one.value, other.value)
    return one.low - room <= other.high and other.low - room <= one.high


def _plain(text: str) -> float | None:
    found = _PLAIN_NUMBER.match(text)
    return None if found is None else float(found.group("number").replace(",", ""))
