"""A tool's Environmental Impact from CodeCarbon: one section and one figure, never two of each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from card_inputs import compose, metadata, with_place

from cardcallback.card_authors import author_of
from cardcallback.testing.records import make_record

TEMPLATE = (Path(__file__).parent.parent / "fixtures" / "templates" / "sentence_transformers.md").read_text("utf-8")
KEY = "co2_eq_emissions:\n  emissions: 4.2\n  energy_consumed: 0.012\n  source: codecarbon\n"
SETFIT = (
    "---\nlibrary_name: setfit\nco2_eq_emissions:\n  emissions: 4.2\n  source: codecarbon\n---\n# SetFit\n\n"
    "### Environmental Impact\nCarbon emissions were measured using [CodeCarbon](https://github.com/mlco2/codecarbon).\n"
    "- **Carbon Emitted**: 0.004 kg of CO2\n- **Hours Used**: 0.1 hours\n\n"
    "### Training Hardware\n- **On Cloud**: No\n- **GPU Model**: x\n- **CPU Model**: x\n- **RAM Size**: 1 GB\n\n"
    "### Framework Versions\n- Python: 3.11\n"
)


def _with_key(text: str) -> str:
    """The library's card with the key that its template prints the section from."""
    opening, matter, body = text.split("---\n", 2)
    return f"{opening}---\n{matter}{KEY}---\n{body}"


CARDS = {"sentence-transformers": _with_key(TEMPLATE), "SetFit": SETFIT}
every_card = pytest.mark.parametrize("name", CARDS)


@every_card
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_our_section_stands_for_the_tools(name: str, newline: str) -> None:
    """With a place of ours: one section, our figure in text and metadata, the rest of the card as it was."""
    card = CARDS[name].replace("\n", newline)
    composed = compose(card, with_place(), trainer_card=card, body_kind="trainer")
    assert len(re.findall(r"^#+ .*environmental impact", composed.text, re.IGNORECASE | re.MULTILINE)) == 1
    assert "CodeCarbon](" not in composed.text
    assert "### Training Hardware" not in composed.text
    assert "### Framework Versions" in composed.text
    assert metadata(composed.text)["co2_eq_emissions"]["emissions"] == 37
    assert "4.2" not in composed.text
    assert composed.told.carbon is not None


@every_card
def test_without_a_place_the_estimate_stays_in_the_metadata(name: str) -> None:
    """Nobody else has a figure then; the section is ours all the same."""
    card = CARDS[name]
    composed = compose(card, make_record(), trainer_card=card, body_kind="trainer")
    assert "### Environmental Impact" not in composed.text
    assert metadata(composed.text)["co2_eq_emissions"]["emissions"] == 4.2


@every_card
def test_a_persons_card_keeps_it(name: str) -> None:
    """Whoever took the section into a card of their own means it."""
    card = CARDS[name]
    composed = compose(card, with_place(), body_kind="person")
    assert "Carbon emissions were measured using [CodeCarbon]" in composed.text
    assert metadata(composed.text)["co2_eq_emissions"]["emissions"] == 4.2


def test_an_edited_section_stays() -> None:
    """Only the template's own lines are taken out."""
    card = SETFIT.replace("- **Hours Used**: 0.1 hours", "- measured twice")
    assert "- measured twice" in compose(card, with_place(), body_kind="trainer").text


@every_card
def test_composing_again_changes_nothing(name: str) -> None:
    """The card without the section is what it was made from."""
    card = CARDS[name]
    first = compose(card, with_place(), trainer_card=card, body_kind="trainer")
    assert compose(first.text, with_place(), trainer_card=first.text, body_kind="trainer").text == first.text


def test_a_generated_card_is_no_persons() -> None:
    """The library's own first sentence tells it, as Hugging Face's and TRL's do."""
    sentence = "This is a [sentence-transformers](https://www.SBERT.net) model finetuned from [a/b](https://x)."
    assert author_of(f"# Model\n\n{sentence}\n") == "tool"
    assert author_of("# Model\n\nMine, made with sentence-transformers.\n") == "person"
