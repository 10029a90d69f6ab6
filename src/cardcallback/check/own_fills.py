"""What we filled into a card, each fill found as it was written or reported."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from cardcallback.check.differences import changed_figures, differences, digits, masked
from cardcallback.check.finding import Finding, error, hint, shown
from cardcallback.check.own_section import RENDER
from cardcallback.check.own_words import KEPT, RULE, change, flat
from cardcallback.check.reading import CardText
from cardcallback.check.run_labels import plain_label
from cardcallback.record import Fill, RunRecord
from cardcallback.render.card.fill_memory import with_column
from cardcallback.render.card.filling import fill_placeholders
from cardcallback.render.card.metadata import HEADING
from cardcallback.render.card.slots import Slot

# Shorter texts stand in a card for other reasons too.
_FEWEST_CHARACTERS = 12
_GONE = "what cardcallback filled in is gone"
_FEWEST_GONE = 4
_OPEN = re.compile(r"[\[{<_]")

_Key = tuple[str, str]


def fill_findings(
    card: CardText, record: RunRecord, skipped_lines: Iterable[int] = (), own_labels: str | None = None
) -> Iterator[Finding]:
    """Fills whose digits were changed, and fills that the record now gives otherwise.

    Args:
        card: the card.
        record: the run, with the CO2e that the card was made with.
        skipped_lines: lines on which something else is wrong already, such as a placeholder that is left.
        own_labels: the text of the person's own label map, by which it may have been filled.
    """
    fills = [fill for fill in record.card.filled if fill.heading != HEADING]
    reported: set[int] = set()
    for found in _together(list(_edited(card, fills)), len(fills)):
        if found.line not in reported:
            reported.add(found.line or 0)
            yield found
    reported.update(skipped_lines)
    for found in _recomputed(card, record, own_labels):
        if found.line not in reported:
            reported.add(found.line or 0)
            yield found


def _edited(card: CardText, fills: Sequence[Fill]) -> Iterator[Finding]:
    left: dict[_Key, list[Slot]] = defaultdict(list)
    for slot in card.slots:
        left[_slot_key(slot)].append(slot)
    missing: list[tuple[_Key, str]] = []
    for key, texts in _by_key(fills).items():
        missing += [(key, text) for text in _without_exact(texts, left[key])]
    # What stands under another heading than it did comes last, when all that stands in its place is known.
    for (heading, label), text in missing:
        here = left[heading, label]
        yield from _one_edited(card, text, here or _under_label(left, label) or _alike_below(left, heading, text))


def _together(found: Sequence[Finding], fills: int) -> list[Finding]:
    """What was found, where most of what was filled in is gone as one: then not a text was changed, but the card."""
    gone = [one for one in found if one.what.startswith(_GONE)]
    if len(gone) < _FEWEST_GONE or len(gone) * 2 < fills:
        return list(found)
    what = f"{len(gone)} of the {fills} texts that cardcallback filled in are gone: this is another card"
    cure = (
        "nothing, where it was you; else fill the template again: cardcallback render RECORD --card CARD --template T"
    )
    return [*(one for one in found if one not in gone), hint(RULE, None, what, cure)]


def _under_label(left: dict[_Key, list[Slot]], label: str) -> list[Slot]:
    """The slots of that label that no fill was found in, wherever they stand."""
    return [slot for (_, of), slots in left.items() if of == label for slot in slots]


def _alike_below(left: dict[_Key, list[Slot]], heading: str, text: str) -> list[Slot]:
    """Those below that heading with other digits: what a row begins with may be ours too, and its label no longer."""
    below = [slot for (above, _), slots in left.items() if above == heading for slot in slots]
    return [slot for slot in below if masked(flat(slot.text)) == masked(flat(text))]


def _without_exact(texts: list[str], left: list[Slot]) -> list[str]:
    """The texts that stand nowhere as they were written; slots that hold one are taken out of ``left``."""
    missing = []
    for text in texts:
        same = next((slot for slot in left if flat(slot.text) == flat(text)), None)
        if same is None:
            missing.append(text)
        else:
            # The heading's own paragraph and a labelled line in it may both stand for one text.
            left.remove(same)
    return missing


def _one_edited(card: CardText, text: str, left: list[Slot]) -> Iterator[Finding]:
    # Under one label the place of a text is where it stands with other digits, and nowhere else.
    if any(flat(slot.text) == flat(text) for slot in left):
        return
    alike = next((slot for slot in left if masked(flat(slot.text)) == masked(flat(text))), None)
    if alike is not None:
        left.remove(alike)
        line = card.line_of(alike.begin) + _lines_before_change(alike.text, text)
        yield error(RULE, line, _changed(alike.text, text), KEPT)
        return
    if left:
        what = f"what cardcallback filled in was replaced: {shown(text)}"
        yield hint(RULE, card.line_of(left[0].begin), what, "nothing, where it was you; later runs leave it alone")
        return
    where = _elsewhere(card, text)
    if where is not None:
        line, found = where
        yield error(RULE, line, _changed(found, text), KEPT)
    elif flat(text) not in flat(_outside_sections(card)):
        what = f"{_GONE}: {shown(text)}"
        yield hint(RULE, None, what, "nothing, where it was you; later runs leave it alone")


def _changed(found: str, text: str) -> str:
    return f"a figure that cardcallback filled in was changed: it says {changed_figures(found, text)}"


def _lines_before_change(found: str, text: str) -> int:
    pairs = zip(found.split("\n"), text.split("\n"), strict=False)
    return next((number for number, (one, other) in enumerate(pairs) if digits(one) != digits(other)), 0)


def _elsewhere(card: CardText, text: str) -> tuple[int, str] | None:
    """Where the text stands with other digits, though its heading or label is no longer what it was."""
    body = _outside_sections(card)
    if len(text) < _FEWEST_CHARACTERS or flat(text) in flat(body):
        return None
    pattern = re.sub(r"\d", r"\\d", re.sub(r"(?:\\\s)+|\\ ", r"\\s+", re.escape(flat(text))))
    found = re.search(pattern, body)
    return None if found is None else (card.line_of(found.start()), found.group())


def _outside_sections(card: CardText) -> str:
    """The body with blanks where our own sections stand, so that offsets stay."""
    body = card.body
    for section in card.own_sections:
        body = body[: section.begin] + " " * (section.end - section.begin) + body[section.end :]
    return body


def _recomputed(card: CardText, record: RunRecord, own_labels: str | None) -> Iterator[Finding]:
    """What filling the card again would write otherwise, where a fill of ours stands."""
    hidden = [(section.begin, section.end) for section in card.own_sections]
    known = record.card.filled
    if not known:
        return  # only what is ours can differ from it
    again = fill_placeholders(card.body, record, known=known, hidden=hidden, own_labels=own_labels).text
    if again == card.body:
        return
    written = {flat(fill.text) for fill in record.card.filled}
    ours = {card.line_of(slot.begin) for slot in card.slots if flat(slot.text) in written}
    first = card.lines[0].number
    for one in differences([line.text for line in card.lines], re.split(r"\r\n|\r|\n", again)):
        line = first + one.at
        if one.found is None or one.wanted is None or line not in ours:
            continue
        what = f"what cardcallback filled in is no longer what the record says: {change(one.found, one.wanted)}"
        yield error(RULE, line, what, RENDER)


def _by_key(fills: Sequence[Fill]) -> dict[_Key, list[str]]:
    """The texts by heading and label as they stand once those are filled themselves."""
    texts: dict[_Key, list[str]] = defaultdict(list)
    for fill in fills:
        heading, label = (_filled(words, fills) for words in (fill.heading, fill.label))
        texts[masked(plain_label(heading)), plain_label(label)].append(fill.text)
    return texts


def _filled(words: str, fills: Sequence[Fill]) -> str:
    for fill in fills:
        # A heading is the one place whose fill has the heading above it, or its own words, for a label.
        is_open = _OPEN.search(fill.placeholder) is not None
        if is_open and fill.placeholder in words and fill.label in words:
            words = words.replace(fill.placeholder, fill.text, 1)
    return words


def _slot_key(slot: Slot) -> _Key:
    heading = slot.headings[-1] if slot.headings else ""
    label = heading if slot.label is None else with_column(slot.label, slot)
    return masked(plain_label(heading)), plain_label(label)
