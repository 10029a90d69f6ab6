"""``cardcallback render``: a record to a card again, with another place or overhead."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cardcallback.carbon import assess_footprint, factor_for, find_place, user_factor
from cardcallback.card_keeper import note_rendered, read_text
from cardcallback.cli.output import warn
from cardcallback.errors import CardCallbackError
from cardcallback.record import (
    PRIVATE_FOLDER,
    RECORD_FOLDER,
    CarbonFactor,
    Card,
    LoadedRecord,
    RunRecord,
    encode,
    load_document,
    record_path,
)
from cardcallback.render.card import ComposedCard, default_hub_template, render_card
from cardcallback.render.pictures import draw_pictures
from cardcallback.render.pictures.choice import pictures_of
from cardcallback.render.section import render_section
from cardcallback.settings import checks, own_labels_text, user_config_directory
from cardcallback.writing import read_card, write_atomically


@dataclass(frozen=True, kw_only=True, slots=True)
class _Body:
    """The card to keep, whose it is, and the person's own labels for what it asks for."""

    text: str
    kind: str
    labels: str | None = None


def render(
    record: Annotated[Path, typer.Argument(help="An output folder, or its training_run/record.json.")],
    *,
    card: Annotated[Path | None, typer.Option(help="Write into this card (made where there is none).")] = None,
    template: Annotated[Path | None, typer.Option(help="Fill this Markdown template instead.")] = None,
    location: Annotated[str | None, typer.Option(help="Where the electricity came from: DE, US-CA, gcp/...")] = None,
    carbon_intensity: Annotated[
        float | None, typer.Option(help="The grid's own factor, in grams of CO2e per kWh.", metavar="G")
    ] = None,
    pue: Annotated[float | None, typer.Option(help="Building overhead (power usage effectiveness).")] = None,
    charts: Annotated[bool, typer.Option(help="With --card: draw the pictures where they are missing.")] = True,
) -> None:
    """Print the section of a run's card; with --card write it, and keep place and overhead in the record."""
    loaded = load_document(record)
    current = _with_carbon(loaded.record, location=location, carbon_intensity=carbon_intensity, pue=pue)
    template_text = checks.template_text(template) if template is not None else None
    own_labels = own_labels_text(
        environ=os.environ, working_directory=Path.cwd(), user_config_directory=user_config_directory(os.environ)
    )
    record_file = record_path(record)
    if card is None:
        typer.echo(_printed(current, record_file, template_text, own_labels), nl=False)
        return
    if card.suffix.lower() != ".md":
        msg = f"{card} is no Markdown file: give the card a name ending in .md"
        raise CardCallbackError(msg)
    # Of a run that keeps its record to itself no picture is added to what a push finds.
    may_draw = charts and PRIVATE_FOLDER not in record_file.resolve().parts
    body = _body(current, card, template_text, own_labels)
    _write(current, loaded, card=card, record_file=record_file, body=body, may_draw=may_draw)
    typer.echo(f"wrote {card}")


def _with_carbon(
    record: RunRecord, *, location: str | None, carbon_intensity: float | None, pue: float | None
) -> RunRecord:
    # Nothing given: the record's own place stays. Settings of this machine are not asked, since training
    # may have run elsewhere.
    earlier = record.carbon
    place = find_place(location) if location is not None else None
    factor: CarbonFactor | None
    if carbon_intensity is not None:
        factor = user_factor(carbon_intensity, place)
    elif place is not None:
        factor = factor_for(place)
    else:
        factor = earlier.factor if earlier else None
    if place is None and carbon_intensity is None and pue is None:
        return record
    overhead = pue if pue is not None or earlier is None else earlier.pue
    result = assess_footprint(record.energy, factor, overhead)
    for note in result.notes:
        warn(note)
    if result.carbon is None:
        warn(f"no CO2e figure: {result.reason}")
    return msgspec.structs.replace(record, carbon=result.carbon)


def _printed(record: RunRecord, record_file: Path, template_text: str | None, own_labels: str | None) -> str:
    pictures = _all_drawn(record, _published_folder(record_file))
    if template_text is None:
        return render_section(record, pictures=pictures)
    return _composed(record, _Body(text=template_text, kind="template", labels=own_labels), pictures=pictures).text


def _write(
    record: RunRecord, loaded: LoadedRecord, *, card: Path, record_file: Path, body: _Body, may_draw: bool
) -> None:
    folder = card.parent / RECORD_FOLDER
    drawn = _all_drawn(record, folder)
    composed = _composed(record, body, pictures=drawn or may_draw)
    # Both texts are complete before the first write, so that whatever is wrong with them changes nothing.
    encoded = encode(msgspec.structs.replace(record, card=composed.card), document=loaded.document)
    _require_writable(card.parent, record_file.parent)
    if may_draw and not drawn:
        folder.mkdir(exist_ok=True)
        draw_pictures(record, folder)
    before = read_text(card)
    write_atomically(card, composed.text)
    write_atomically(record_file, encoded)
    note_rendered(card.parent / PRIVATE_FOLDER, before=before, after=composed.text)


def _body(record: RunRecord, card: Path, template_text: str | None, own_labels: str | None) -> _Body:
    if template_text is not None:
        return _Body(text=template_text, kind="template", labels=own_labels)
    if card.exists():
        return _Body(text=read_card(card), kind=record.card.body or "person", labels=own_labels)
    return _Body(text=default_hub_template(), kind="hub template", labels=own_labels)


def _composed(record: RunRecord, body: _Body, *, pictures: bool) -> ComposedCard:
    if body.kind == "template":
        # The fills the record remembers are of another card's placeholders.
        record = msgspec.structs.replace(record, card=Card())
    composed = render_card(record, body=body.text, body_kind=body.kind, pictures=pictures, own_labels=body.labels)
    for line in (*composed.report.warnings, *composed.report.placeholders.lines()):
        warn(line)
    return composed


def _require_writable(*folders: Path) -> None:
    for folder in folders:
        if not os.access(folder, os.W_OK | os.X_OK):
            state = "cannot be written" if folder.is_dir() else "is not there"
            msg = f"the folder {folder} {state}: nothing was changed"
            raise CardCallbackError(msg)


def _published_folder(record_file: Path) -> Path:
    """Where the run's pictures lie: beside the record, or in the output folder of a record that is kept aside."""
    folder = record_file.parent
    aside = folder.parent.name == PRIVATE_FOLDER
    return folder.parent.parent / RECORD_FOLDER if aside else folder


def _all_drawn(record: RunRecord, folder: Path) -> bool:
    return all((folder / name).is_file() for name in pictures_of(record))
