"""Whether the base model that a card names can be that of a run, by their names alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from cardcallback.errors import CardCallbackError
from cardcallback.publishing.place import Place
from cardcallback.record import RunRecord
from cardcallback.render.card.front_matter import split_card
from cardcallback.render.card.matter_data import parse_matter
from cardcallback.render.card.values import published_base_model

# What other formats of the same weights are called by.
_FORMAT = re.compile(
    r"(?:[-_.](?:unsloth|bnb|[48]bit|int[48]|awq|gptq|fp8|nf4|gguf|mlx|onnx|quantized|bf16|fp16))+$", re.IGNORECASE
)
_SIZE = re.compile(r"(?<![a-z0-9.])\d+(?:\.\d+)?[bm](?![a-z0-9])", re.IGNORECASE)
_FAMILY = re.compile(r"[a-z]{3,}")
_TITLE = re.compile(r"^#[ \t]+(\S.*)$", re.MULTILINE)


def base_contradiction(place: Place, record: RunRecord, card_text: str | None) -> str | None:
    """The base model that the card there names, where it is neither the run's nor what the run made of it."""
    base = published_base_model(record)
    stated = _stated_names(card_text)
    if base is None or not stated:
        return None
    known = [base, *(stage.base_model for stage in record.stages if stage.base_model)]
    titles = [place.name, *_titles(card_text or "")]
    for name in stated:
        if any(_is_of(name, one) for one in known) or _may_be_tuned(name, base, titles):
            return None
    return f"the card there names the base model {', '.join(stated)}, the run's is {base}"


def _stated_names(card_text: str | None) -> list[str]:
    try:
        stated: Any = parse_matter(split_card(card_text or "").matter).get("base_model")
    except CardCallbackError:
        return []  # completing the card says what is wrong with it
    names = stated if isinstance(stated, list) else [stated]
    # What is no repository's id is a folder or a placeholder, and says nothing.
    return [name for name in names if isinstance(name, str) and name.count("/") == 1 and re.match(r"[\w.-]+/\w", name)]


def _is_of(name: str, base: str) -> bool:
    """The same weights, by whoever uploaded them, or what is named after them."""
    return _bare(base) in _bare(name)


def _may_be_tuned(name: str, base: str, titles: Iterable[str]) -> bool:
    """Whether it can be the repository of the tuned weights, of which a merged or converted copy names itself one."""
    sizes, base_sizes = ({size.lower() for size in _SIZE.findall(one)} for one in (name, base))
    if sizes and base_sizes and not sizes & base_sizes:
        return False
    owner = name.partition("/")[0]
    family, base_family = (_FAMILY.match(_bare(one)) for one in (name, base))
    if family and base_family and family[0] == base_family[0] and owner != base.partition("/")[0]:
        return True
    return any(title.startswith(f"{owner}/") or _bare(title).startswith(_bare(name)) for title in titles)


def _titles(card_text: str) -> list[str]:
    return _TITLE.findall(split_card(card_text).body)[:1]


def _bare(name: str) -> str:
    """A name without its owner or folder and the format of its weights, in lower case."""
    return _FORMAT.sub("", name.rstrip("/").rpartition("/")[2]).lower()
