"""Cards as other programs write them, and a short way to compose them, for the tests of cards."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import msgspec
import pytest
from huggingface_hub import ModelCard, ModelCardData

from cardcallback.carbon import assess_footprint, factor_for, find_place
from cardcallback.record import RunRecord
from cardcallback.render.card.compose import ComposedCard, compose_card
from cardcallback.render.card.filling import fill_placeholders
from cardcallback.testing import make_record

SECTION = "## Training, hardware and environmental impact\n\n| | Result |\n|---|---|\n| Time | 1 h 52 min |\n"
FOLDER = "/home/ada/models/gemma"


def with_place(place: str = "DE") -> RunRecord:
    """A run whose CO2e was calculated for a place."""
    record = make_record()
    return msgspec.structs.replace(record, carbon=assess_footprint(record.energy, factor_for(find_place(place))).carbon)


def without_base() -> RunRecord:
    """A run on a model that was loaded from a folder and never named."""
    return make_record(training=msgspec.structs.replace(make_record().training, base_model=None))


def filled(body: str) -> str:
    """The body with the made-up record's values; a second time changes nothing."""
    record = make_record()
    first = fill_placeholders(body, record)
    twice = fill_placeholders(first.text, record, known=first.fills)
    assert (twice.text, twice.fills) == (first.text, first.fills)
    return first.text


def compose(body: str, record: RunRecord | None = None, *, section: str = SECTION, **arguments: Any) -> ComposedCard:
    """``compose_card`` with what most tests do not care about."""
    defaults = {"trainer_card": None, "body_kind": "person"}
    return compose_card(record or make_record(), body=body, section=lambda _: section, **(defaults | arguments))


def again(composed: ComposedCard, record: RunRecord, **arguments: Any) -> ComposedCard:
    """Compose a result once more, with what the record remembers of it."""
    remembered = msgspec.structs.replace(record, card=composed.card)
    return compose(composed.text, remembered, **({"trainer_card": composed.text} | arguments))


def metadata(text: str) -> dict[str, Any]:
    """The front matter as the Hub's own client reads it."""
    return dict(ModelCard(text).data.to_dict())


def trl_card(base_model: str | None = None) -> str:
    """What TRL's ``create_model_card`` writes."""
    spec = importlib.util.find_spec("trl")
    if spec is None or spec.origin is None:
        pytest.skip("trl is not installed")
    card = ModelCard.from_template(
        ModelCardData(
            base_model=base_model,
            library_name="transformers",
            licence="license",
            model_name="output",
            tags=["generated_from_trainer", "trl", "sft"],
        ),
        template_path=str(Path(spec.origin).parent / "templates" / "lm_model_card.md"),
        base_model=base_model,
        model_name="output",
        hub_model_id="ada/output",
        trainer_name="SFT",
        trl_version="1",
        transformers_version="5",
        pytorch_version="2",
        datasets_version="4",
        tokenizers_version="1",
    )
    return str(card)


def peft_updated(text: str, base_model: str) -> str:
    """What PEFT's updater makes of a card: keys and tags set anew, lines rejoined, its version added."""
    card = ModelCard(text)
    card.data["library_name"] = "peft"
    card.data["tags"] = sorted([f"base_model:adapter:{base_model}", "lora", "transformers"])
    card.data["base_model"] = base_model
    lines = card.text.splitlines()
    if "- PEFT 0.21.2" not in lines:
        if "### Framework versions" in lines:
            lines.insert(lines.index("### Framework versions") + 2, "- PEFT 0.21.2")
        else:
            lines.append("### Framework versions\n\n- PEFT 0.21.2")
    card.text = "\n".join(lines)
    return str(card)
