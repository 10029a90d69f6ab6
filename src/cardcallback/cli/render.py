"""``cardcallback render``: a record to a card again, with another place or overhead."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cardcallback.card_authors import kind_of
from cardcallback.card_keeper import read_text
from cardcallback.card_memory import filled_into, join_fills, note_rendered
from cardcallback.cli.card_options import (
    RECORD_HELP,
    CarbonIntensity,
    Factors,
    Location,
    MarketIntensity,
    ModelIndex,
    OwnPlaces,
    Pue,
    factor_of_options,
    load_of_weights,
    own_labels,
    with_carbon,
)
from cardcallback.cli.output import warn
from cardcallback.errors import CardCallbackError
from cardcallback.folder_lock import no_run_writes_in
from cardcallback.journal import is_alive, journals_in
from cardcallback.publishing.source import LARGEST_PICTURE_BYTES, keeps_to_itself, published_folder, read_source
from cardcallback.record import (
    PRIVATE_FOLDER,
    RECORD_FOLDER,
    RECORD_NAME,
    Card,
    LoadedRecord,
    RunRecord,
    encode,
    load_document,
    load_run,
)
from cardcallback.render.card import ComposedCard, default_hub_template, render_card
from cardcallback.render.card.section_block import has_section
from cardcallback.render.pictures.choice import pictures_of
from cardcallback.render.section import render_section
from cardcallback.render.section.headline import headline
from cardcallback.settings import checks
from cardcallback.writing import own_folder, read_card, read_ordinary, write_atomically, write_bytes_atomically


@dataclass(frozen=True, kw_only=True, slots=True)
class _Body:
    """The card to keep, whose it is, the person's own labels, and whether results go into its front matter."""

    text: str
    kind: str
    labels: str | None = None
    model_index: bool = False


def render(  # noqa: PLR0913 - one argument an option, as typer wants them
    record: Annotated[Path, typer.Argument(help=RECORD_HELP)],
    *,
    card: Annotated[Path | None, typer.Option(help="Write into this card (made where there is none).")] = None,
    template: Annotated[Path | None, typer.Option(help="Fill this Markdown template instead.")] = None,
    location: Location = None,
    carbon_intensity: CarbonIntensity = None,
    factors: Factors = None,
    own_places: OwnPlaces = False,
    pue: Pue = None,
    market_intensity: MarketIntensity = None,
    model_index: ModelIndex = False,
    charts: Annotated[bool, typer.Option(help="With --card: draw the pictures where they are missing.")] = True,
) -> None:
    """Print the section of a run's card; with --card write it.

    What is written keeps place and overhead in the record too.
    """
    loaded, record_file = load_of_weights(record)
    current = with_carbon(
        loaded.record,
        factor=factor_of_options(location, carbon_intensity, factors),
        pue=pue,
        market_intensity=market_intensity,
        own_places=own_places,
    )
    template_text = checks.template_text(template) if template is not None else None
    labels = own_labels()
    if card is None:
        typer.echo(_printed(current, record_file, template_text, labels, model_index=model_index), nl=False)
        return
    if card.suffix.lower() != ".md":
        msg = f"{card} is no Markdown file: give the card a name ending in .md"
        raise CardCallbackError(msg)
    # Of a run that keeps its record to itself no picture is added to what a push finds.
    may_draw = charts and not keeps_to_itself(record_file)
    body = _body(current, card, template_text, labels, model_index=model_index)
    _write(current, loaded, card=card, record_file=record_file, body=body, may_draw=may_draw)
    typer.echo(f"wrote {card}")


def _printed(
    record: RunRecord, record_file: Path, template_text: str | None, labels: str | None, *, model_index: bool
) -> str:
    # Those beside a record that was set aside are of the run that came after it.
    pictures = record_file.name == RECORD_NAME and _all_drawn(record, published_folder(record_file))
    if template_text is None:
        return render_section(record, pictures=pictures)
    body = _Body(text=template_text, kind="template", labels=labels, model_index=model_index)
    composed = _composed(record, body, pictures=pictures)
    _tell(composed, model_index=model_index)
    return composed.text


def _write(
    record: RunRecord, loaded: LoadedRecord, *, card: Path, record_file: Path, body: _Body, may_draw: bool
) -> None:
    _require_writable(card.parent, record_file.parent)
    before = read_text(card)
    folder = card.parent / RECORD_FOLDER
    pictures = _pictures_beside(record, loaded, record_file=record_file, folder=folder, may_draw=may_draw)
    in_card = filled_into(card.parent / PRIVATE_FOLDER)
    if before is not None and not in_card:
        _warn_of_another_state(card, before, record)
    remembered = join_fills(record.card.filled, in_card)
    known = msgspec.structs.replace(record, card=msgspec.structs.replace(record.card, filled=remembered))
    composed = _composed(known, body, pictures=pictures is not None)
    # Both texts are complete before the first write, so that whatever is wrong with them changes nothing.
    encoded = encode(msgspec.structs.replace(record, card=composed.card), document=loaded.document)
    with no_run_writes_in(card.parent, published_folder(record_file).parent):
        _require_unchanged(record_file, loaded)
        home = own_folder(folder) if pictures else folder
        for name, content in (pictures or {}).items():
            write_bytes_atomically(home / name, content, waits_for_disk=False)  # they can be drawn again
        write_atomically(card, composed.text, unless_changed_from=before)
        # At once, since a run that goes on would take it for a person's edit.
        note_rendered(card.parent / PRIVATE_FOLDER, before=before, after=composed.text, card=composed.card)
        write_atomically(record_file, encoded)
    _tell(composed, model_index=body.model_index)
    _warn_of_another_record(folder / RECORD_NAME, record)
    if _goes_on(record.run_id, card.parent):
        warn("the run still goes on and will write its card again, for the place it was given: render again after it")


def _pictures_beside(
    record: RunRecord, loaded: LoadedRecord, *, record_file: Path, folder: Path, may_draw: bool
) -> dict[str, bytes] | None:
    """Those that are still to be written into ``folder``; None where the card has to go without any.

    A picture there that is not this run's stays: another card shows it.
    """
    drawn = _all_drawn(record, folder)
    in_its_own = record_file.name == RECORD_NAME and folder.resolve() == published_folder(record_file).resolve()
    if drawn and in_its_own:
        return {}
    source = read_source(loaded, record, record_file, with_pictures=True, may_draw=may_draw, warn=warn)
    there = {name: read_ordinary(folder / name, LARGEST_PICTURE_BYTES) for name in source.pictures}
    if not in_its_own and any(there[name] not in {None, content} for name, content in source.pictures.items()):
        warn(
            f"the pictures in {folder} are of another run, or of another state of this one: the card goes without; "
            "for pictures write it into a folder of its own"
        )
        return None
    if not may_draw:
        return {} if drawn and source.pictures else None
    return dict(source.pictures) or None


def _warn_of_another_record(there: Path, record: RunRecord) -> None:
    """Where the card now tells of this run, and what lies beside it of another."""
    try:
        run_id = load_run(there).run_id if there.is_file() else record.run_id
    except CardCallbackError:
        return
    if run_id != record.run_id:
        warn(
            f"{there} stays another run's, and the card beside it is now this one's: "
            "cardcallback publish RECORD FOLDER puts this run's record there too"
        )


def _warn_of_another_state(card: Path, text: str, record: RunRecord) -> None:
    """Where nothing is remembered of what was filled in for the section that is replaced, it reads as a person's."""
    if has_section(text) and headline(record)[0] not in text:
        warn(
            f"{card} held the section of another run, or of an earlier state of this one: what was filled in for that "
            "elsewhere in it stays; write a new card, or look for it"
        )


def _body(record: RunRecord, card: Path, template_text: str | None, labels: str | None, *, model_index: bool) -> _Body:
    text, kind = template_text, "template"
    if text is None and card.exists():
        text = read_card(card)
        kind = record.card.body or kind_of(text)
    elif text is None:
        text, kind = default_hub_template(), "hub template"
    return _Body(text=text, kind=kind, labels=labels, model_index=model_index)


def _composed(record: RunRecord, body: _Body, *, pictures: bool) -> ComposedCard:
    if body.kind == "template":
        # The fills the record remembers are of another card's placeholders.
        record = msgspec.structs.replace(record, card=Card())
    return render_card(
        record,
        body=body.text,
        body_kind=body.kind,
        pictures=pictures,
        model_index=body.model_index,
        own_labels=body.labels,
        fills_templates=True,
    )


def _tell(composed: ComposedCard, *, model_index: bool) -> None:
    """What became of the card that was printed or written."""
    about_results = [one for one in composed.report.remarks if model_index and "model-index" in one]
    for line in (*composed.report.warnings, *about_results, *composed.report.placeholders.lines()):
        warn(line)


def _require_unchanged(record_file: Path, loaded: LoadedRecord) -> None:
    if load_document(record_file).document != loaded.document:
        msg = f"{record_file.name} was written by its run just now: nothing was changed; try again"
        raise CardCallbackError(msg)


def _goes_on(run_id: str, folder: Path) -> bool:
    return any(journal.name.startswith(f"{run_id}-") and is_alive(journal) for journal in journals_in(folder))


def _require_writable(*folders: Path) -> None:
    for folder in folders:
        if not os.access(folder, os.W_OK | os.X_OK):
            state = "cannot be written" if folder.is_dir() else "is not there"
            msg = f"the folder {folder} {state}: nothing was changed"
            raise CardCallbackError(msg)


def _all_drawn(record: RunRecord, folder: Path) -> bool:
    return all((folder / name).is_file() for name in pictures_of(record))
