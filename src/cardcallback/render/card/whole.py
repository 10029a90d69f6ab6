"""A card from a record and the text to keep: the section rendered as the card it goes into needs it."""

from __future__ import annotations

from functools import partial

from cardcallback.record import RunRecord
from cardcallback.render.card.compose import ComposedCard, compose_card, replace_section
from cardcallback.render.exported import Weights
from cardcallback.render.lettered import lettered
from cardcallback.render.section import render_section


def render_card(  # noqa: PLR0913 - each is another fact about the card
    record: RunRecord,
    *,
    body: str,
    body_kind: str,
    pictures: bool,
    trainer_card: str | None = None,
    weights: Weights | None = None,
    model_index: bool = False,
    own_labels: str | None = None,
    fills_templates: bool = False,
) -> ComposedCard:
    """As ``compose_card``, with the section rendered here.

    Args:
        record: the run; ``record.card`` is what the last composition of this card left in it.
        body: the card to keep, whole.
        body_kind: "person", "template", "trainer" or "hub template".
        pictures: whether the run's pictures lie beside the card.
        trainer_card: what the trainer last wrote.
        weights: what lies beside the card, where that is not what training left there.
        model_index: whether the held-out results go into the front matter too.
        own_labels: the text of the person's own label map.
        fills_templates: whether front matter that a template language is to make first stays as it is, with a warning.

    Raises:
        CardCallbackError: the front matter is not valid YAML or cannot be edited safely.
    """
    return compose_card(
        lettered(record),
        body=body,
        trainer_card=trainer_card,
        section=partial(render_section, pictures=pictures, weights=weights),
        body_kind=body_kind,
        weights=weights,
        model_index=model_index,
        own_labels=own_labels,
        fills_templates=fills_templates,
    )


def show_pictures(composed: ComposedCard, *, pictures: bool) -> ComposedCard:
    """The same card with the run's pictures in its section, or without: what it holds else is not composed again."""
    return replace_section(composed, render_section(composed.told, pictures=pictures))
