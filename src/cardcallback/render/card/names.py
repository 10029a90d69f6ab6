"""Which model and data set names may be published, and which are places on somebody's disk."""

from __future__ import annotations

import re
from pathlib import Path

from cardcallback import handlers

# A repository of the Hub: one name, or an owner and a name.
_HUB_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:/[A-Za-z0-9._-]*[A-Za-z0-9])?")
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_RELATION_TAG = re.compile(r"(base_model:(?:(?:adapter|finetune|quantized|merge):)?)(.+)", re.DOTALL)


def is_hub_name(name: str) -> bool:
    """Whether ``name`` can be a repository of the Hub."""
    return _HUB_NAME.fullmatch(name) is not None


def looks_local(name: str) -> bool:
    """Whether ``name`` can only be a folder: no repository name and no web address."""
    return not is_hub_name(name) and _ADDRESS.match(name) is None


def is_local(name: str) -> bool:
    """As ``looks_local``, or a name that could be a repository's but is a folder here.

    For names that a library wrote: it takes ``models/gemma`` from the script as it stands, and only the
    disk tells such a folder from a repository.
    """
    try:
        return looks_local(name) or Path(name).exists()
    except OSError as error:
        handlers.pass_on(error)
        return True


def split_relation_tag(tag: str) -> tuple[str, str] | None:
    """A tag such as ``base_model:adapter:google/gemma-3-4b-it`` as prefix and model, or None."""
    found = _RELATION_TAG.fullmatch(tag)
    return None if found is None else (found.group(1), found.group(2))
