"""The front matter of a detailed card: what the person states and the run measured, as the Hub reads it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from cardcallback.detailed_card.licences import licence_metadata
from cardcallback.hub_id import is_hub_id
from cardcallback.impact import EnvironmentalImpact
from cardcallback.record import RunRecord
from cardcallback.render.card.emissions import emissions_metadata, hardware_text
from cardcallback.render.card.front_matter import set_key
from cardcallback.render.card.objectives import library_of
from cardcallback.render.card.values import published_base_model
from cardcallback.render.text import clean

if TYPE_CHECKING:
    from cardcallback.detailed_card.card import DetailedModelCard

# What the Hub takes: ISO 639-1 to -3, and two words of its own.
_LANGUAGE = re.compile(r"[a-z]{2,3}|code|multilingual")


def front_matter(card: DetailedModelCard, record: RunRecord | None, impact: EnvironmentalImpact | None) -> str:
    """The YAML between the dashes, with a final newline; never empty, since the Hub's client asks for a block."""
    keys = {**_stated(card), **(_recorded(card, record, impact) if record is not None else {})}
    matter = ""
    for key, value in keys.items():
        matter = set_key(matter, key, value)
    return matter


def _stated(card: DetailedModelCard) -> dict[str, Any]:
    languages = [code for text in card.language if _LANGUAGE.fullmatch(code := text.strip().lower())]
    base_model = card.base_model.strip()
    return {
        "model_name": clean(card.model_name),
        **licence_metadata(clean(card.license)),
        **({"language": list(dict.fromkeys(languages))} if languages else {}),
        **({"base_model": base_model} if is_hub_id(base_model) else {}),
    }


def _recorded(card: DetailedModelCard, record: RunRecord, impact: EnvironmentalImpact | None) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    base_model = published_base_model(record)
    if base_model and not card.base_model.strip():
        keys["base_model"] = base_model
    is_adapter = record.training.trains_adapter
    if is_adapter and (base_model or is_hub_id(card.base_model.strip())):
        keys["base_model_relation"] = "adapter"
    keys["library_name"] = library_of(record.training)
    measured = impact.measured if impact is not None else None
    if measured is not None:
        told = msgspec.structs.replace(record, carbon=measured.carbon)
        emissions = emissions_metadata(told, hardware_text(told))
        keys |= {"co2_eq_emissions": emissions} if emissions else {}
    return keys
