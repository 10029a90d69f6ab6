"""What we filled into a card and the front-matter keys we own, compared with the record."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from cardcallback.check.differences import changed_figures, differences, masked
from cardcallback.check.finding import Finding, error, hint, shown
from cardcallback.check.own_section import RENDER, possible_carbons
from cardcallback.check.reading import CardText
from cardcallback.check.run_labels import plain_label
from cardcallback.record import Fill, RunRecord
from cardcallback.render.card.emissions import EMISSIONS_KEY, SOURCE_BEGIN, emissions_metadata, hardware_text
from cardcallback.render.card.filling import fill_placeholders
from cardcallback.render.card.front_matter import is_json_of, plain
from cardcallback.render.card.metadata import HEADING
from cardcallback.render.card.slots import Slot
from cardcallback.render.card.values import published_base_model

RULE = "own-value"
_KEPT = "restore the figure, or, where you meant another, say beside it where it comes from"
# Shorter texts stand in a card for other reasons too.
_FEWEST_CHARACTERS = 12

_Key = tuple[str, str]


def fill_findings(card: CardText, record: RunRecord, skipped_lines: Iterable[int] = ()) -> Iterator[Finding]:
    """Fills whose digits were changed, and fills that the record now gives otherwise.

    Args:
        card: the card.
        record: the run, with the CO2e that the card was made with.
        skipped_lines: lines on which something else is wrong already, such as a placeholder that is left.
    """
    fills = [fill for fill in record.card.filled if fill.heading != HEADING]
    reported = set(skipped_lines)
    for found in (*_edited(card, fills), *_recomputed(card, record)):
        if found.line not in reported:
            reported.add(found.line or 0)
            yield found


def _edited(card: CardText, fills: Sequence[Fill]) -> Iterator[Finding]:
    slots: dict[_Key, list[Slot]] = defaultdict(list)
    for slot in card.slots:
        slots[_slot_key(slot)].append(slot)
    for key, texts in _by_key(fills).items():
        left = list(slots.get(key, ()))
        for text in _without_exact(texts, left):
            yield from _one_edited(card, text, left)


def _without_exact(texts: list[str], left: list[Slot]) -> list[str]:
    """The texts that stand nowhere as they were written; slots that hold one are taken out of ``left``."""
    missing = []
    for text in texts:
        same = next((slot for slot in left if _flat(slot.text) == _flat(text)), None)
        if same is None:
            missing.append(text)
        else:
            # The heading's own paragraph and a labelled line in it may both stand for one text.
            left.remove(same)
    return missing


def _one_edited(card: CardText, text: str, left: Sequence[Slot]) -> Iterator[Finding]:
    alike = next((slot for slot in left if masked(_flat(slot.text)) == masked(_flat(text))), None)
    if alike is not None:
        what = f"a figure that cardcallback filled in was changed: it says {changed_figures(alike.text, text)}"
        yield error(RULE, card.line_of(alike.begin), what, _KEPT)
        return
    if left:
        what = f"what cardcallback filled in was replaced: {shown(text)}"
        yield hint(RULE, card.line_of(left[0].begin), what, "nothing, where it was you; later runs leave it alone")
        return
    where = _elsewhere(card, text)
    if where is not None:
        line, found = where
        what = f"a figure that cardcallback filled in was changed: it says {changed_figures(found, text)}"
        yield error(RULE, line, what, _KEPT)


def _elsewhere(card: CardText, text: str) -> tuple[int, str] | None:
    """Where the text stands with other digits, though its heading or label is no longer what it was."""
    if len(text) < _FEWEST_CHARACTERS or _flat(text) in _flat(card.body):
        return None
    pattern = re.sub(r"\d", r"\\d", re.sub(r"(?:\\\s)+|\\ ", r"\\s+", re.escape(_flat(text))))
    found = re.search(pattern, card.body)
    return None if found is None else (card.line_of(found.start()), found.group())


def _recomputed(card: CardText, record: RunRecord) -> Iterator[Finding]:
    """What filling the card again would write otherwise, where a fill of ours stands."""
    hidden = [(section.begin, section.end) for section in card.own_sections]
    again = fill_placeholders(card.body, record, known=record.card.filled, hidden=hidden).text
    if again == card.body:
        return
    written = {_flat(fill.text) for fill in record.card.filled}
    ours = {card.line_of(slot.begin) for slot in card.slots if _flat(slot.text) in written}
    first = card.lines[0].number
    for one in differences([line.text for line in card.lines], re.split(r"\r\n|\r|\n", again)):
        line = first + one.at
        if one.found is None or one.wanted is None or line not in ours:
            continue
        what = f"what cardcallback filled in is no longer what the record says: {_change(one.found, one.wanted)}"
        yield error(RULE, line, what, RENDER)


def matter_findings(card: CardText, record: RunRecord) -> Iterator[Finding]:
    """The front-matter keys we own: as they were written, and as the record gives them now.

    Args:
        card: the card.
        record: the run, with the CO2e that the card was made with.
    """
    fills = {fill.label: fill for fill in record.card.filled if fill.heading == HEADING}
    wanted = _wanted(record)
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


def _wanted(record: RunRecord) -> dict[str, Any]:
    base = published_base_model(record)
    is_adapter = base is not None and record.training.lora is not None
    return {
        "base_model": base,
        "base_model_relation": "adapter" if is_adapter else None,
        "library_name": "peft" if record.training.lora is not None else "transformers",
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
    what = f"the front matter's {name} says {_change(_text(present), _text(wanted))}"
    return error(RULE, line, what, RENDER)


def _edited_key(card: CardText, key: str, present: Any, fill: Fill) -> Iterator[Finding]:
    if masked(json.dumps(present)) == masked(fill.text):
        what = f"the front matter's {key}, which cardcallback wrote, says {changed_figures(_text(present), fill.text)}"
        yield error(RULE, card.matter_line(key), what, _KEPT)


def _lost_key(card: CardText, key: str) -> Iterator[Finding]:
    """A key that is there under almost its name; one that is gone is the person's decision."""
    for name in card.data:
        if name != key and masked(name) == masked(key):
            what = f"the front matter's {key}, which cardcallback wrote, is now called {shown(name)}"
            yield error(RULE, card.matter_line(name), what, f"call it {key}")


def _by_key(fills: Sequence[Fill]) -> dict[_Key, list[str]]:
    texts: dict[_Key, list[str]] = defaultdict(list)
    for fill in fills:
        texts[plain_label(fill.heading), plain_label(fill.label)].append(fill.text)
    return texts


def _slot_key(slot: Slot) -> _Key:
    heading = slot.headings[-1] if slot.headings else ""
    return plain_label(heading), plain_label(heading if slot.label is None else slot.label)


def _change(found: str, wanted: str) -> str:
    if masked(found) == masked(wanted) and found != wanted:
        return changed_figures(found, wanted)
    return f"{shown(found, 60)!r}, where the record gives {shown(wanted, 60)!r}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _flat(text: str) -> str:
    return " ".join(text.split())
