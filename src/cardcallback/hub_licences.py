"""The licence ids that the Hub knows: one list for writing a card and for checking one."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

OTHER = "other"


@lru_cache(maxsize=1)
def hub_licences() -> tuple[str, ...]:
    """Every id in order, "other" and "unknown" among them."""
    # Of hub-docs, docs/hub/repositories-licenses.md, and what model cards have carried since. An id that is missing
    # there is published as "other" with its name, which the Hub takes as well.
    text = resources.files("cardcallback").joinpath("hub_licences.txt").read_text(encoding="utf-8")
    return tuple(text.split())
