"""The front-matter keys we own, compared with the record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from cardcallback.check.differences import changed_figures, masked
from cardcallback.check.finding import Finding, error, shown
from cardcallback.check.own_section import RENDER, possible_carbons
from cardcallback.check.own_words import KEPT, RULE, change
from cardcallback.check.reading import CardText
from cardcallback.record import Fill, RunRecord
from cardcallback.render.card.emissions import EMISSIONS_KEY, SOURCE_BEGIN, emissions_metadata, hardware_text
from cardcallback.render.card.front_matter import is_json_of, plain
from cardcallback.render.card.metadata import HEADING
from cardcallback.render.card.objectives import library_of
from cardcallback.render.card.values import published_base_model
from cardcallback.render.exported import Weights


def matter_findings(card: CardText, record: RunRecord, weights: Weights | None = None) -> Iterator[Finding]:
    """The front-matter keys we own: as they were written, and as the record gives them now.

    Args:
        card: the card.
        record: the run, with the CO2e that the card was made with.
        weights: what the card's own section says that the files beside it are.
    """
    fills = {fill.label: fill for fill in record.card.filled if fill.heading == HEADING}
    wanted = _wanted(record, weights)
    for key, fill in fills.items():
        present = card.data.get(key)
        if present is None:
            yield from _lost_key(card, key)
        elif is_json_of(fill.text, present) or key == EMISSIONS_KEY:
            yield from _key_findings(card, key, plain(present), wanted.get(key))
        else:
            yield from _edited_key(card, key, plain(present), fill)
    present = plain(card.data.get(EMISSIONS_KEY))
    source = present.get("source") if isinstance(present, dict) else None
    if EMISSIONS_KEY not in fills and str(source).startswith(SOURCE_BEGIN):
        yield from _key_findings(card, EMISSIONS_KEY, present, wanted.get(EMISSIONS_KEY))


def record_as_in_matter(card: CardText, record: RunRecord) -> RunRecord:
    """The record with the CO2e that the card's front matter was made with, where it is of another place."""
    present = plain(card.data.get(EMISSIONS_KEY))
    for carbon in possible_carbons(card, (), record):
        told = msgspec.structs.replace(record, carbon=carbon)
        if emissions_metadata(told, hardware_text(told)) == present:
            return told
    return record


def _wanted(record: RunRecord, weights: Weights | None) -> dict[str, Any]:
    base = published_base_model(record)
    is_adapter = base is not None and record.training.trains_adapter
    return {
        "base_model": base,
        "base_model_relation": "adapter" if is_adapter else None,
        "library_name": library_of(record.training, weights),
        EMISSIONS_KEY: emissions_metadata(record, hardware_text(record)),
    }


def _key_findings(card: CardText, key: str, present: Any, wanted: Any) -> Iterator[Finding]:
    if present == wanted:
        return
    if isinstance(present, dict) and isinstance(wanted, dict):
        for name in dict.fromkeys([*present, *wanted]):
            if present.get(name) != wanted.get(name):
                line = card.matter_line(key, after=name)
                yield _differs(line, f"{key}, {name}", present.get(name), wanted.get(name))
    else:
        yield _differs(card.matter_line(key), key, present, wanted)


def _differs(line: int | None, name: str, present: Any, wanted: Any) -> Finding:
    what = f"the front matter's {name} says {change(_text(present), _text(wanted))}"
    return error(RULE, line, what, RENDER)


def _edited_key(card: CardText, key: str, present: Any, fill: Fill) -> Iterator[Finding]:
    if masked(json.dumps(present)) == masked(fill.text):
        what = f"the front matter's {key}, which cardcallback wrote, says {changed_figures(_text(present), fill.text)}"
        yield error(RULE, card.matter_line(key), what, KEPT)


def _lost_key(card: CardText, key: str) -> Iterator[Finding]:
    """A key that is there under almost its name; one that is gone is the person's decision."""
    for name in card.data:
        if name != key and masked(name) == masked(key):
            what = f"the front matter's {key}, which cardcallback wrote, is now called {shown(name)}"
            yield error(RULE, card.matter_line(name), what, f"call it {key}")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
