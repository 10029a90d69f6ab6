"""Which licence names the Hub takes as an id; any other is "other" with a name."""

from __future__ import annotations

import re

from cardcallback.hub_licences import OTHER, hub_licences

_LONGEST_NAME = 96


def licence_metadata(name: str) -> dict[str, str]:
    """The front-matter keys for a licence; empty where none is given."""
    plain = name.strip().lower()
    if not plain:
        return {}
    if plain != OTHER and plain in hub_licences():
        return {"license": plain}
    slug = re.sub(r"[^a-z0-9.]+", "-", plain[: 4 * _LONGEST_NAME])[:_LONGEST_NAME].strip("-.")
    return {"license": OTHER, **({"license_name": slug} if slug and slug != OTHER else {})}
