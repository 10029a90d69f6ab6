"""Our section in a card, rendered again from the record and compared figure by figure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from cardcallback.carbon import assess_footprint, assess_run, factor_for, find_place, overridden_places
from cardcallback.check.differences import Difference, changed_figures, differences, digits, masked
from cardcallback.check.finding import Finding, error, hint, shown
from cardcallback.check.reading import CardText, OwnSection
from cardcallback.errors import CardCallbackError
from cardcallback.record import RECORD_FOLDER, Carbon, RunRecord
from cardcallback.render.card.section_block import SECTION_BEGIN, SECTION_END
from cardcallback.render.exported import Weights, told_weights
from cardcallback.render.section import render_section

RULE = "own-section"
RENDER = "write it anew with `cardcallback render RECORD --card CARD`"
# As the CO2e row names place and year behind its factor.
_ROW_PLACE = re.compile(r"g/kWh \(([^()\\]{1,80}?),")
_MATTER_PLACE = "geographical_location"
_EMISSIONS_LINE = re.compile(r"^\| CO2e")
_MOST_LINES = 8
# A section has some sixty lines; to align many thousands takes minutes.
_LONGEST_SECTION = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What a section says differently from the record, and the record with the CO2e that the card was made with.

    ``weights`` are what the section says that the files beside it are.
    """

    section: OwnSection
    first_line: int
    record: RunRecord
    lines: int
    differing: tuple[Difference, ...]
    weights: Weights | None = None


def edited_sections(card: CardText) -> Iterator[Finding]:
    """Sections that are not, byte for byte, as they were written."""
    for section in card.own_sections:
        if section.is_intact is False:
            yield error(
                RULE,
                card.line_of(section.begin),
                "the section between the cardcallback comments was edited after it was written",
                f"take the edits out of it, or delete it and {RENDER}",
            )


def changed_mark(card: CardText, section: OwnSection) -> Finding:
    """A section that is the record's to the last letter, while its own end comment says otherwise."""
    what = "the digest in the comment that ends cardcallback's section was changed; the section itself was not"
    return error(RULE, card.line_of(max(section.begin, section.end - 1)), what, RENDER)


def compare_section(card: CardText, record: RunRecord) -> Comparison | None:
    """The card's section beside the record's, with the place that fits best; None where the card has none."""
    if not card.own_sections:
        return None
    # Where an edited one stands beside a new one, the new one is the record's.
    section = max(card.own_sections, key=lambda one: one.is_intact is True)
    first_line, found = _inner_lines(card, section)
    found = found[:_LONGEST_SECTION]
    pictures = any(f"]({RECORD_FOLDER}/" in line for line in found)
    weights = told_weights(record, found)
    best: Comparison | None = None
    for carbon in possible_carbons(card, found, record):
        told = msgspec.structs.replace(record, carbon=carbon)
        wanted = _wanted_lines(told, pictures=pictures, weights=weights)
        differing = tuple(differences(found, wanted))
        if best is None or _distance(differing) < _distance(best.differing):
            best = Comparison(
                section=section,
                first_line=first_line,
                record=told,
                lines=len(wanted),
                differing=differing,
                weights=weights,
            )
        if not any(_EMISSIONS_LINE.match(one.found or one.wanted or "") for one in differing):
            break
    return best


def _distance(differing: Sequence[Difference]) -> tuple[int, int]:
    """How far a section is from the record's: lines, and then figures within them."""
    figures = [set(digits(one.found or "")) ^ set(digits(one.wanted or "")) for one in differing]
    return len(differing), sum(len(one) for one in figures)


def section_findings(comparison: Comparison) -> Iterator[Finding]:
    """Each figure that the record gives otherwise; other words only as a hint."""
    figures = [one for one in comparison.differing if one.is_of_figures]
    if len(figures) > max(_MOST_LINES, comparison.lines // 5):
        what = f"{len(figures)} lines of the section have other figures than this record: it is of another run"
        yield error(RULE, comparison.first_line, what, f"give the record of this card's run, or {RENDER}")
        return
    # Nobody edited an intact section: where words differ with the figures, another version wrote it.
    is_of_another_version = comparison.section.is_intact is True and not any(_is_same_line(one) for one in figures)
    if comparison.differing and comparison.section.is_intact is not False and (not figures or is_of_another_version):
        what = "the section's words are not those that this version of cardcallback writes"
        yield hint(RULE, comparison.first_line + comparison.differing[0].at, what, RENDER)
        return
    for one in figures:
        yield error(RULE, comparison.first_line + one.at, _what(one), RENDER)


def _is_same_line(one: Difference) -> bool:
    """Whether both have the line, and only figures differ in it."""
    return one.found is not None and one.wanted is not None and masked(one.found) == masked(one.wanted)


def _what(one: Difference) -> str:
    if one.found is None:
        return f"a line of the section is gone: {shown(one.wanted or '')}"
    if one.wanted is None:
        return f"a line that the record does not give: {shown(one.found)}"
    return f"the section says {changed_figures(one.found, one.wanted)}"


def _inner_lines(card: CardText, section: OwnSection) -> tuple[int, list[str]]:
    first = card.line_of(section.begin)
    last = card.line_of(max(section.begin, section.end - 1))
    offset = card.lines[0].number
    numbered = [(line.number, line.text.rstrip()) for line in card.lines[first - offset : last - offset + 1]]
    kept = [(number, text) for number, text in numbered if text != SECTION_BEGIN and not text.startswith(SECTION_END)]
    while kept and not kept[0][1]:
        kept = kept[1:]
    while kept and not kept[-1][1]:
        kept = kept[:-1]
    return (kept[0][0] if kept else first), [text for _, text in kept]


def _wanted_lines(record: RunRecord, *, pictures: bool, weights: Weights | None) -> list[str]:
    text = render_section(record, pictures=pictures, weights=weights).replace(
        "<!-- cardcallback:", "<!-- (cardcallback:"
    )
    return [line.rstrip() for line in text.strip("\n").split("\n")]


def possible_carbons(card: CardText, found: Sequence[str], record: RunRecord) -> Iterator[Carbon | None]:
    """The CO2e that a card may have been made with: it keeps its place when the record is given another.

    ``found`` are the lines of its section.
    """
    yield record.carbon
    if record.carbon is not None and overridden_places(record):
        yield assess_run(msgspec.structs.replace(record, carbon=None)).carbon
    market = record.carbon.market_factor if record.carbon else None
    for name in dict.fromkeys(_places(card, found)):
        try:
            factor = factor_for(find_place(name))
        except CardCallbackError:
            continue
        for pue in dict.fromkeys([record.carbon.pue if record.carbon else None, None]):
            yield assess_footprint(record.energy, factor, pue, market).carbon
    yield None


def _places(card: CardText, found: Sequence[str]) -> Iterator[str]:
    emissions = card.data.get("co2_eq_emissions")
    stated = emissions.get(_MATTER_PLACE) if isinstance(emissions, dict) else None
    if isinstance(stated, str):
        yield stated
    for line in found:
        place = _ROW_PLACE.search(line) if _EMISSIONS_LINE.match(line) else None
        if place is not None:
            yield place.group(1)
