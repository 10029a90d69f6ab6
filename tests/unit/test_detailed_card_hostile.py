"""Whatever a field or a record says, it is text in the card: no tag, link, heading, row or key comes from it."""

from __future__ import annotations

import unicodedata
from collections import Counter

import pytest
import yaml
from detailed_cards import TODAY, card_of_text
from hostile_records import HOSTILE, hostile_record
from huggingface_hub import ModelCard
from hypothesis import given, settings
from hypothesis import strategies as st
from test_hostile_values import structure

from cardcallback.detailed_card.fields import LONGEST_CELL
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


def shape(text: str, *, lists: bool) -> Counter[str]:
    """The elements of the card; list items only where no text of ours may hold a list."""
    found = structure(text)
    return Counter({kind: count for kind, count in found.items() if lists or not kind.startswith("list_item")})


TAME = structure(card_text("x y", hostile_record("x y")))


def is_harmless(text: str, *, lists: bool = True) -> None:
    """The card has the shape, the keys and the letters of a tame one, and the Hub's client can read it."""
    card = card_text(text, hostile_record(text))
    assert {kind: count for kind, count in shape(card, lists=lists).items() if count > TAME[kind]} == {}
    matter = yaml.safe_load(split_card(card).matter or "")
    assert set(matter) <= KEYS
    assert matter.get("license") in {None, "other"}
    assert not [letter for letter in card if unicodedata.category(letter)[0] == "C" and letter != "\n"]
    assert ModelCard(card).data.to_dict().get("model_name")


@pytest.mark.parametrize("text", [text for text in HOSTILE if text.strip()], ids=lambda text: ascii(text[:24]))
def test_a_hostile_text_is_text(text: str) -> None:
    """In every field of the card and every text of the record at once."""
    is_harmless(text.lstrip() if len(text) > LONGEST_CELL else text)


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab1 \n\t|\\`*_[]()<>#!~$&-+=.:/@'\"{}%?,\u202e\x1b\ud800é漢"), max_size=40))
def test_any_text_is_text(text: str) -> None:
    """As above, for what nobody thought of; the four longer texts may hold lists, and nothing else."""
    is_harmless(f"a {text} b", lists=False)
