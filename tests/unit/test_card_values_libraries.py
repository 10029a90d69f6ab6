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


@pytest.mark.parametrize(
    ("software", "framework"),
    [
        ({}, "sentence-transformers (Trainer)"),
        ({"sentence-transformers": "5.1.0", "transformers": "5.0.0"}, "sentence-transformers 5.1.0 (Trainer), "),
    ],
)
def test_a_library_is_known_by_either_of_its_names(software: dict[str, str], framework: str) -> None:
    """That of its module, and that of its distribution, which a source tree on the path does not tell."""
    training = replace(make_record().training, trainer="Trainer", trainer_library="sentence_transformers")
    assert str(card_values(replace(make_record(), training=training, software=software))["framework"]).startswith(
        framework
    )


def test_the_trainer_stands_beside_its_own_library() -> None:
    """SetFit's trains with sentence-transformers, and is none of its trainers."""
    training = replace(make_record().training, trainer="Trainer", trainer_library="setfit")
    software = {"transformers": "5.0.0", "sentence-transformers": "5.1.0", "setfit": "1.2.0"}
    words = card_values(replace(make_record(), training=training, software=software))["framework"]
    assert words == "SetFit 1.2.0 (Trainer), sentence-transformers 5.1.0, Transformers 5.0.0"


def test_a_library_that_nobody_listed_keeps_its_own_name() -> None:
    """Escaped, as every outside string is."""
    training = replace(make_record().training, trainer="Trainer", trainer_library="my*trainers")
    assert "(my\\*trainers Trainer)" in method_words(training)
