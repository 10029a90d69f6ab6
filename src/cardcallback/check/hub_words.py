"""The words of ``hub_words.yaml``."""

from __future__ import annotations

import difflib
from functools import lru_cache
from importlib import resources

import msgspec
from ruamel.yaml import YAML


class HubWords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the Hub knows by name."""

    keys: tuple[str, ...]
    relations: tuple[str, ...]
    languages: tuple[str, ...]
    iso_639_1: tuple[str, ...]
    pipeline_tags: tuple[str, ...]


@lru_cache(maxsize=1)
def hub_words() -> HubWords:
    """The words that ship."""
    text = resources.files("cardcallback.check").joinpath("hub_words.yaml").read_text(encoding="utf-8")
    return msgspec.convert(YAML(typ="safe", pure=True).load(text), HubWords)


def nearest(word: str, words: tuple[str, ...], cutoff: float = 0.75) -> str | None:
    """The word that was most likely meant, or None."""
    found = difflib.get_close_matches(word.lower(), words, n=1, cutoff=cutoff)
    return found[0] if found else None
