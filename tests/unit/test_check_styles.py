"""Good cards of many styles raise no word, and one slip in each is found."""

from __future__ import annotations

import pytest
from card_inputs import peft_updated, trl_card
from card_styles import GOOD_CARDS

from cardcallback.check import check_card

SLIPS = {
    "a person's adapter card": ("0.30 kg CO2eq", "0.30 g CO2eq", "emissions"),
    "Unsloth": ("base_model: unsloth/", "base_model: ./unsloth/out/", "local-path"),
    "sentence-transformers": ("0.017 kg of CO2", "17.0 kg of CO2", "emissions"),
    "transformers": ("total_train_batch_size: 128", "total_train_batch_size: 64", "figures"),
    "Axolotl": ("Ppl: 3.0138", "Ppl: 2.1482", "perplexity"),
}


@pytest.mark.parametrize("name", GOOD_CARDS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_good_card_raises_no_word(name: str, newline: str) -> None:
    """Neither an error nor a hint."""
    assert check_card(GOOD_CARDS[name].replace("\n", newline)) == ()


@pytest.mark.parametrize("name", GOOD_CARDS)
def test_one_slip_in_it_is_found(name: str) -> None:
    """On its line, by the rule that it breaks."""
    right, wrong, rule = SLIPS[name]
    card = GOOD_CARDS[name]
    assert right in card
    found = check_card(card.replace(right, wrong, 1))
    assert {one.rule for one in found if one.severity == "error"} == {rule}


def test_a_trainers_card_that_peft_updated_gives_hints_alone() -> None:
    """TRL names no license, and writes a misspelt key."""
    found = check_card(peft_updated(trl_card("google/gemma-3-4b-it"), "google/gemma-3-4b-it"))
    assert {one.severity for one in found} == {"hint"}


@pytest.mark.parametrize(
    "piece", ["1 kWh × 2 g/kWh = 3 g CO2 ", "<!--", "[a", "- a: 1 h\n", "| a | 1 kWh |\n", "---\n", "9"]
)
def test_an_endless_card_is_checked(piece: str) -> None:
    """A hundred kilobytes of one piece take no search that begins again at each: with one, this would take hours."""
    check_card("---\nlicense: mit\n---\n# H\n\n" + piece * (100_000 // len(piece)))
