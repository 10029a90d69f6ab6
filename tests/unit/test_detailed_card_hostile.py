"""Whatever a field or a record says, no tag, heading, row or key comes from it, and links and code only of prose."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import Any

import pytest
import yaml
from detailed_cards import TODAY, card_of_text
from hostile_records import HOSTILE, hostile_record
from huggingface_hub import ModelCard
from hypothesis import given, settings
from hypothesis import strategies as st
from test_hostile_values import MARKDOWN, structure

from cardcallback import EnvironmentalImpact
from cardcallback.detailed_card.fields import LONGEST_CELL
from cardcallback.impact import Equivalent, Equivalents
from cardcallback.record import RunRecord
from cardcallback.render.card.front_matter import split_card

KEYS = {
    "base_model",
    "base_model_relation",
    "co2_eq_emissions",
    "language",
    "library_name",
    "license",
    "license_name",
    "model_name",
}


def card_text(text: str, record: RunRecord | None) -> str:
    """The card whose every text is ``text``, short enough not to be refused."""
    return card_of_text(text[: LONGEST_CELL - 2]).render(record, generated_on=TODAY)


# What a person's prose may hold.
LIVE = ("link_open", "code_inline", "em_open", "fence")


def shape(text: str, *, lists: bool) -> Counter[str]:
    """The elements of the card; list items only where no text of ours may hold a list."""
    found = Counter({kind: count for kind, count in structure(text).items() if not kind.startswith(LIVE)})
    return Counter({kind: count for kind, count in found.items() if lists or not kind.startswith("list_item")})


def addresses(text: str) -> list[str]:
    """Where the card's links go."""
    pieces = [child for token in MARKDOWN.parse(split_card(text).body) for child in token.children or ()]
    return [str(piece.attrs["href"]) for piece in pieces if piece.type == "link_open"]


TAME = structure(card_text("x y", hostile_record("x y")))


def is_harmless(text: str, *, lists: bool = True) -> None:
    """The card has the shape, the keys and the letters of a tame one, and the Hub's client can read it."""
    card = card_text(text, hostile_record(text))
    assert {kind: count for kind, count in shape(card, lists=lists).items() if count > TAME[kind]} == {}
    assert [address for address in addresses(card) if not address.startswith(("https://", "http://"))] == []
    matter = yaml.safe_load(split_card(card).matter or "")
    assert set(matter) <= KEYS
    assert matter.get("license") in {None, "other"}
    assert not [letter for letter in card if unicodedata.category(letter)[0] == "C" and letter != "\n"]
    assert ModelCard(card).data.to_dict().get("model_name")


@pytest.mark.parametrize("text", [text for text in HOSTILE if text.strip()], ids=lambda text: ascii(text[:24]))
def test_a_hostile_text_is_text(text: str) -> None:
    """In every field of the card and every text of the record at once."""
    is_harmless(text.lstrip() if len(text) > LONGEST_CELL else text)


def report_of(text: str) -> str:
    """Two reports: an estimate and a run's, with ``text`` as every text in them."""
    rate = Equivalent(value=2.0, unit=text, source=f"a {text}")
    rates = Equivalents(tree_kilograms_per_year=rate, car_grams_per_kilometre=rate, phone_charge_watt_hours=rate)
    given: dict[str, Any] = {"equivalents": rates, "carbon_reduction_measures": [text], "grid_carbon_intensity": 100.0}
    estimate = EnvironmentalImpact(4.0, 1, text, 100.0, factor_source=f"a {text}", **given)
    return estimate.generate_report() + EnvironmentalImpact.from_record(hostile_record(text), **given).generate_report()


@pytest.mark.parametrize("text", [text for text in HOSTILE if text.strip()], ids=lambda text: ascii(text[:24]))
def test_a_hostile_text_is_text_in_a_report(text: str) -> None:
    """The report alone, which people paste into a card of their own."""
    tame = structure(report_of("x y"))
    assert {kind: count for kind, count in structure(report_of(text)).items() if count > tame[kind]} == {}


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab1 \n\t|\\`*_[]()<>#!~$&-+=.:/@'\"{}%?,\u202e\x1b\ud800é漢"), max_size=40))
def test_any_text_is_text(text: str) -> None:
    """As above, for what nobody thought of; the four longer texts may hold lists, and nothing else."""
    is_harmless(f"a {text} b", lists=False)
