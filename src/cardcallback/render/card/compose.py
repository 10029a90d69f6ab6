"""A whole card from a body, what the trainer wrote, our section and the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from cardcallback.errors import CardCallbackError
from cardcallback.record import Card, Fill, RunRecord
from cardcallback.render.card.codecarbon_block import without_codecarbon
from cardcallback.render.card.earlier_emissions import earlier_fills
from cardcallback.render.card.emissions import EMISSIONS_KEY
from cardcallback.render.card.fill_report import FillReport
from cardcallback.render.card.filling import fill_placeholders, states_emissions
from cardcallback.render.card.front_matter import SplitCard, split_card
from cardcallback.render.card.matter_data import parse_matter
from cardcallback.render.card.metadata import complete_metadata, emissions_owner
from cardcallback.render.card.metadata_edit import MetadataEdit
from cardcallback.render.card.open_keys import TEMPLATE_STAYS, without_open_lines, without_template
from cardcallback.render.card.section_block import place_section, section_spans
from cardcallback.render.exported import Weights

# Bodies whose front matter a program wrote.
_GENERATED_KINDS = frozenset({"trainer", "hub template"})
_TRAINER_KIND = "trainer"


@dataclass(frozen=True, kw_only=True, slots=True)
class CardReport:
    """What a person should know: ``warnings`` ask for something, ``remarks`` only explain.

    ``placeholders`` says what became of each.
    """

    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    placeholders: FillReport = field(default_factory=FillReport)


@dataclass(frozen=True, kw_only=True, slots=True)
class ComposedCard:
    """The card's text, what the record has to remember of it, and what to tell the person.

    ``told`` is the record as its section tells it.
    """

    text: str
    card: Card
    report: CardReport
    told: RunRecord


def compose_card(  # noqa: PLR0913 - each is another fact about the card
    record: RunRecord,
    *,
    body: str,
    trainer_card: str | None,
    section: Callable[[RunRecord], str],
    body_kind: str,
    weights: Weights | None = None,
    model_index: bool = False,
    own_labels: str | None = None,
    fills_templates: bool = False,
) -> ComposedCard:
    """Complete a card; outside fills, our section and the front-matter keys we own not a byte changes.

    Composing the result again gives the same text.

    Args:
        record: the run; ``record.card`` is what the last composition of this card left in it.
        body: the card to keep: a person's, a template, the trainer's or the Hub's template, whole.
        trainer_card: what the trainer last wrote, whose front-matter keys are added where ``body`` lacks them.
        section: gives our section as Markdown, without comments around it, from the record as the card tells it:
            where somebody else states CO2e, without ``carbon``, since two different figures help nobody.
        body_kind: "person", "template", "trainer" or "hub template".
        weights: what lies beside the card, where that is not what training left there.
        model_index: whether the held-out results go into the front matter too.
        own_labels: the text of a person's own label map.
        fills_templates: whether front matter that a template language is to make first stays as it is, with a warning.

    Raises:
        CardCallbackError: the front matter is not valid YAML or cannot be edited safely.
    """
    # A section that ours stands for is left out of a trainer's own text only.
    card = without_open_lines(split_card(without_codecarbon(body, record) if body_kind == _TRAINER_KIND else body))
    card, aside = without_template(card) if fills_templates else (card, "")
    trainer_card = None if trainer_card is None else without_codecarbon(trainer_card, record)
    # As the record remembers it, and the CO2e of another place.
    known = (*record.card.filled, *earlier_fills(card, record, known=record.card.filled, own_labels=own_labels))
    by_person = body_kind not in _GENERATED_KINDS
    owner = _emissions_stated_by(record, card, trainer_card, by_person=by_person, known=known, own_labels=own_labels)
    told = record if owner is None else msgspec.structs.replace(record, carbon=None)
    edit = (
        MetadataEdit(card=card, warnings=[TEMPLATE_STAYS])
        if aside
        else complete_metadata(
            card,
            told,
            trainer_card=trainer_card,
            by_person=by_person,
            known=known,
            weights=weights,
            wants_results=model_index,
        )
    )
    hidden = section_spans(edit.card.body)
    filled = fill_placeholders(edit.card.body, told, known=known, hidden=hidden, own_labels=own_labels)
    text, marks = place_section(
        filled.text, section(told), before_citation=body_kind == _TRAINER_KIND, newline=edit.card.newline
    )
    result = edit.card.with_body(text)
    _check(result)
    return ComposedCard(
        text=aside + result.join(),
        card=Card(body=body_kind, filled=(*edit.fills, *filled.fills)),
        report=CardReport(
            warnings=(*_emissions_warning(owner), *edit.warnings, *marks),
            remarks=(*edit.remarks, *filled.remarks),
            placeholders=filled.report,
        ),
        told=told,
    )


def replace_section(composed: ComposedCard, section: str) -> ComposedCard:
    """A composed card with another section in the place of its own, and nothing else changed."""
    card = split_card(composed.text)
    text, _ = place_section(card.body, section, before_citation=False, newline=card.newline)
    return replace(composed, text=card.with_body(text).join())


def default_hub_template() -> str:
    """The Hub's annotated template with every placeholder still in it, without front matter."""
    # Loaded here: it takes longer to load than everything else a card needs.
    from huggingface_hub import ModelCard, ModelCardData  # noqa: PLC0415

    template = Path(str(ModelCard.default_template_path))
    return split_card(str(ModelCard.from_template(ModelCardData(), template_path=str(template)))).body.lstrip("\n")


def _emissions_stated_by(
    record: RunRecord,
    card: SplitCard,
    trainer_card: str | None,
    *,
    by_person: bool,
    known: Sequence[Fill],
    own_labels: str | None,
) -> str | None:
    """Who else states CO2e in the card: "person" or "trainer"; None too where we have none to state."""
    if record.carbon is None:
        return None
    owner = emissions_owner(card, trainer_card, by_person=by_person, known=known)
    if owner is not None:
        return owner
    hidden = section_spans(card.body)
    if not states_emissions(card.body, record, known=known, hidden=hidden, own_labels=own_labels):
        return None
    return "person" if by_person else "trainer"


def _emissions_warning(owner: str | None) -> tuple[str, ...]:
    if owner is None:
        return ()
    whose = "a person's" if owner == "person" else "the trainer's"
    return (f"the card states CO2e already ({whose} {EMISSIONS_KEY} or text), which stays; ours is left out of it",)


def _check(card: SplitCard) -> None:
    """What is written must be read back as it was meant: a broken card can end a training run."""
    read = split_card(card.join())
    if (read.matter, read.body) != (card.matter, card.body):
        msg = "the card's front matter and text cannot be told apart: separate them by a line of three dashes"
        raise CardCallbackError(msg)
    parse_matter(read.matter)
