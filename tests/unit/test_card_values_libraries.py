"""Libraries are called alike wherever a card names them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from cardcallback.render.card.values import card_values
from cardcallback.render.section.recipe_model import method_words
from cardcallback.testing import make_record


@pytest.mark.parametrize(
    ("library", "name"),
    [("axolotl", "Axolotl"), ("llamafactory", "LLaMA-Factory"), ("transformers", "Transformers"), ("trl", "TRL")],
)
def test_a_library_has_one_name(library: str, name: str) -> None:
    """In the recipe beside the trainer, and where a template asks for the framework."""
    training = replace(make_record().training, trainer="Trainer", trainer_library=library)
    record = replace(make_record(), training=training, software={library: "1.2.3"})
    assert f"({name} Trainer)" in method_words(training)
    assert card_values(record)["framework"] == f"{name} 1.2.3 (Trainer)"


def test_a_library_that_nobody_listed_keeps_its_own_name() -> None:
    """Escaped, as every outside string is."""
    training = replace(make_record().training, trainer="Trainer", trainer_library="my*trainers")
    assert "(my\\*trainers Trainer)" in method_words(training)
