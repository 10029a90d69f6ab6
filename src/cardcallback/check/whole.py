"""Every rule over one card, in the order of its lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from cardcallback.check.carbon_rules import carbon_findings
from cardcallback.check.device_hours import device_hour_findings
from cardcallback.check.emissions_key import emissions_findings
from cardcallback.check.energy_rules import energy_findings
from cardcallback.check.equivalents import equivalent_findings
from cardcallback.check.facts import gather_facts
from cardcallback.check.finding import Finding, hint
from cardcallback.check.front_matter import form_findings
from cardcallback.check.labelled_rules import labelled_findings
from cardcallback.check.labels import label_findings
from cardcallback.check.losses import loss_findings
from cardcallback.check.metadata import value_findings
from cardcallback.check.own_fills import fill_findings
from cardcallback.check.own_section import (
    RENDER,
    Comparison,
    changed_mark,
    compare_section,
    edited_sections,
    section_findings,
)
from cardcallback.check.own_values import matter_findings, record_as_in_matter
from cardcallback.check.pictures import link_findings
from cardcallback.check.placeholders import placeholder_findings
from cardcallback.check.privacy import privacy_findings
from cardcallback.check.reading import CardText
from cardcallback.check.record_rules import record_findings
from cardcallback.check.run_rules import run_findings
from cardcallback.check.run_times import run_seconds
from cardcallback.check.step_rules import step_findings
from cardcallback.check.unit_rules import unit_findings
from cardcallback.record import RunRecord
from cardcallback.render.lettered import lettered

FileExists = Callable[[str], bool]


def check_card(
    text: str,
    *,
    record: RunRecord | None = None,
    file_exists: FileExists | None = None,
    own_labels: str | None = None,
) -> tuple[Finding, ...]:
    """What a reviewer would say about a card: its own findings in the order of its lines, then the record's.

    Nothing is read but ``text``, and nothing is asked of a network.

    Args:
        text: the card, whole.
        record: the run it is of: every figure of ours is recomputed from it, and the record's own figures are
            held against one another.
        file_exists: whether there is a file at an address relative to the card, such as ``images/loss.png``;
            without it such links are not followed.
        own_labels: the text of the person's own label map, by which the card may have been filled.

    Raises:
        CardCallbackError: the person's own label map cannot be used.
    """
    card = CardText(text)
    found = list(_of_card(card, file_exists, own_labels))
    if record is not None:
        found += _of_record(card, record, found, own_labels)
    else:
        found += edited_sections(card)
    unique = dict.fromkeys(found)
    return tuple(sorted(unique, key=lambda one: (one.place == "record", one.line or 0, one.severity)))


def _of_card(card: CardText, file_exists: FileExists | None, own_labels: str | None) -> Iterator[Finding]:
    yield from form_findings(card)
    yield from value_findings(card)
    yield from emissions_findings(card)
    yield from placeholder_findings(card, own_labels)
    yield from privacy_findings(card)
    # What our own section says is held against the record, and tells edits by its digest.
    ours = {line.number for line in card.lines if line.is_ours}
    yield from (one for one in _of_figures(card, own_labels) if one.line not in ours)
    if file_exists is not None:
        yield from link_findings(card, file_exists)


def _of_figures(card: CardText, own_labels: str | None) -> Iterator[Finding]:
    facts = gather_facts(card)
    yield from carbon_findings(facts)
    yield from energy_findings(facts)
    yield from run_findings(facts)
    yield from device_hour_findings(facts)
    yield from step_findings(facts)
    yield from labelled_findings(facts, run_seconds(facts), own_labels)
    yield from unit_findings(facts)
    yield from loss_findings(card)
    yield from equivalent_findings(facts)


def _of_record(card: CardText, record: RunRecord, so_far: list[Finding], own_labels: str | None) -> Iterator[Finding]:
    record = lettered(record)
    comparison = compare_section(card, record)
    yield from _of_section(card, comparison)
    told = comparison.record if comparison is not None else record_as_in_matter(card, record)
    weights = comparison.weights if comparison is not None else None
    left = [one.line for one in so_far if one.line is not None and one.rule == "placeholder"]
    own = (*fill_findings(card, told, left, own_labels), *matter_findings(card, told, weights))
    yield from own
    seen = {one.line for one in own if one.severity == "error"}
    yield from (one for one in label_findings(card, told, own_labels) if one.line not in seen)
    yield from record_findings(msgspec.structs.replace(record, card=told.card))


def _of_section(card: CardText, comparison: Comparison | None) -> Iterator[Finding]:
    if comparison is None:
        yield hint("own-section", None, "the card has no section of cardcallback", RENDER)
        return
    figures = list(section_findings(comparison))
    yield from figures
    if comparison.section.is_intact is False and not comparison.differing:
        yield changed_mark(card, comparison.section)
    elif not any(one.severity == "error" for one in figures):
        yield from edited_sections(card)
