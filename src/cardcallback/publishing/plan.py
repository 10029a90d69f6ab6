"""What publishing changes in a place, worked out whole before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from cardcallback.carbon import reassessed
from cardcallback.card_authors import author_of, generated_kind
from cardcallback.card_memory import join_fills
from cardcallback.errors import CardCallbackError
from cardcallback.publishing.ownership import MAIN_RECORD, Present, look_at, objection, weights_sentence
from cardcallback.publishing.place import Change, Place
from cardcallback.publishing.source import LARGEST_PICTURE_BYTES, Source
from cardcallback.publishing.weights import weights_in
from cardcallback.record import RUN_ID, Card, RunRecord, encode
from cardcallback.record.codec import LARGEST_RECORD_BYTES
from cardcallback.render.card import ComposedCard, default_hub_template, render_card
from cardcallback.render.card.earlier_emissions import earlier_carbon
from cardcallback.render.card.front_matter import split_card
from cardcallback.render.card.section_block import has_section
from cardcallback.render.pictures.choice import picture_address, pictures_of
from cardcallback.writing import LARGEST_CARD_BYTES

_UNKNOWN_RUN = "earlier"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """How much is published ("card", "pictures" or "all"), into which card, over what, by which labels of one's own."""

    card: str = "README.md"
    publish: str = "all"
    model_index: bool = False
    force: bool = False
    labels: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The changes in the order they are made, the card last; and what to tell the person."""

    changes: tuple[Change, ...]
    warnings: tuple[str, ...]
    weights: str


def plan_publication(source: Source, place: Place, wishes: Wishes) -> Plan:
    """Work out every file of the place as it is to be; those that are so already are no change.

    Raises:
        CardCallbackError: the card cannot be completed, or describes other weights and ``force`` is not given.
    """
    card_bytes = place.read(wishes.card, LARGEST_CARD_BYTES)
    text = _text(card_bytes, wishes.card)
    present = look_at(place, source.record, text)
    refused = objection(place, source.record, present)
    if refused is not None and not wishes.force:
        msg = f"{refused}; nothing was changed (--force publishes all the same)"
        raise CardCallbackError(msg)
    record = _with_earlier_carbon(source.record, present)
    pictures = source.pictures if wishes.publish != "card" else {}
    composed = render_card(
        msgspec.structs.replace(record, card=_remembered(record, present)),
        body=default_hub_template() if text is None else text,
        body_kind=_kind(text, present),
        pictures=bool(pictures) or (bool(present.same_run) and _has_pictures(place, record)),
        weights=weights_in(place),
        model_index=wishes.model_index,
        own_labels=wishes.labels,
    )
    files = dict(_pictures(place, pictures, present))
    # A record that is public there already is kept in step with its card.
    if wishes.publish == "all" or (present.same_run and present.record_content is not None):
        encoded = encode(msgspec.structs.replace(record, card=composed.card), document=source.document)
        files |= _record(place, encoded.encode("utf-8"), present)
    after = composed.text.encode("utf-8")
    written = Change(path=wishes.card, before=card_bytes, after=after, card=composed.card)
    return Plan(
        changes=tuple(_changes(place, files, written=written)),
        warnings=(*([refused] if refused else []), *composed.report.warnings, *_remarks(composed, wishes, present)),
        weights=weights_sentence(place, record),
    )


def _remarks(composed: ComposedCard, wishes: Wishes, present: Present) -> Iterator[str]:
    """What a person would not expect: something asked for that is not there, a record that is not the card's."""
    yield from (remark for remark in composed.report.remarks if wishes.model_index and "model-index" in remark)
    if wishes.publish != "all" and present.record_content is not None and not present.same_run:
        yield f"{MAIN_RECORD} there stays another run's: remove it, or publish all"


def _text(content: bytes | None, name: str) -> str | None:
    try:
        return None if content is None else content.decode("utf-8")
    except UnicodeDecodeError as error:
        msg = f"{name} is not UTF-8 text: save it as UTF-8, then try again"
        raise CardCallbackError(msg) from error


def _with_earlier_carbon(record: RunRecord, present: Present) -> RunRecord:
    """Nothing given, now or in the record: the place that this run was published with before stays."""
    if record.carbon is not None or not present.same_run:
        return record
    if present.record is not None:
        known = present.record.carbon
    else:
        known = None if present.card_text is None else earlier_carbon(split_card(present.card_text), record)
    return record if known is None else reassessed(record, known)


def _remembered(record: RunRecord, present: Present) -> Card:
    """What we filled in this card before, or in the one that it is a copy of."""
    there = present.record.card if present.record is not None else Card()
    return Card(filled=join_fills(there.filled, record.card.filled))


def _kind(text: str | None, present: Present) -> str:
    if text is None:
        return "hub template"
    if present.same_run and present.record is not None and has_section(text) and present.record.card.body:
        return present.record.card.body
    return "person" if author_of(text) == "person" else generated_kind(text)


def _has_pictures(place: Place, record: RunRecord) -> bool:
    names = place.file_names()
    return all(picture_address(name) in names for name in pictures_of(record))


def _pictures(place: Place, pictures: Mapping[str, bytes], present: Present) -> Iterator[tuple[str, bytes]]:
    """The pictures, and those of another run that stand in their place, under that run's name."""
    for name, content in pictures.items():
        path = picture_address(name)
        there = place.read(path, LARGEST_PICTURE_BYTES)
        if there is not None and there != content and not present.same_run:
            yield _aside(place, path, there, present), there
        yield path, content


def _record(place: Place, content: bytes, present: Present) -> dict[str, bytes]:
    """The record, and one of another run that stands in its place, under that run's name."""
    if present.record_content is None or present.same_run:
        return {MAIN_RECORD: content}
    aside = _aside(place, MAIN_RECORD, present.record_content, present)
    return {aside: present.record_content, MAIN_RECORD: content}


def _aside(place: Place, path: str, content: bytes, present: Present) -> str:
    """Where another run's file goes: under its run's name, over nothing else."""
    # Run ids become file names; one that is not like this was put there by somebody.
    known = present.record is not None and RUN_ID.fullmatch(present.record.run_id)
    name = present.record.run_id if present.record is not None and known else _UNKNOWN_RUN
    stem, _, ending = path.rpartition(".")
    aside, number = f"{stem}-{name}.{ending}", 1
    while place.read(aside, LARGEST_RECORD_BYTES) not in {None, content}:
        number += 1
        aside = f"{stem}-{name}-{number}.{ending}"
    return aside


def _changes(place: Place, files: dict[str, bytes], *, written: Change) -> Iterator[Change]:
    for path, after in files.items():
        before = place.read(path, max(LARGEST_RECORD_BYTES, LARGEST_PICTURE_BYTES))
        if before != after:
            yield Change(path=path, before=before, after=after)
    if written.before != written.after:
        yield written
