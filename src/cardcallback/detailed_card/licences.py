"""Which licence names the Hub takes as an id; any other is "other" with a name."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources

_LONGEST_NAME = 96


def licence_metadata(name: str) -> dict[str, str]:
    """The front-matter keys for a licence; empty where none is given."""
    plain = name.strip().lower()
    if not plain:
        return {}
    if plain in _hub_licences():
        return {"license": plain}
    slug = re.sub(r"[^a-z0-9.]+", "-", plain[: 4 * _LONGEST_NAME])[:_LONGEST_NAME].strip("-.")
    return {"license": "other", **({"license_name": slug} if slug and slug != "other" else {})}


@lru_cache(maxsize=1)
def _hub_licences() -> frozenset[str]:
    # Of hub-docs, docs/hub/repositories-licenses.md, and what model cards have carried since. An id that is missing
    # there is published as "other" with its name, which the Hub takes as well.
    text = resources.files("cardcallback.detailed_card").joinpath("hub_licences.txt").read_text(encoding="utf-8")
    return frozenset(text.split()) - {"other"}
