"""Values of a front matter that a template left open, which are nobody's word."""

from __future__ import annotations

import re
from typing import Any

_OPEN = re.compile(
    r"(?-i:X+(?:[.,]X+)?|N)|x{2,}(?:[.,]x+)?|#+|_+|\.{3,}|\u2026|"
    r"\?+|tbd|tba|todo|fixme|to be (?:determined|added|filled(?: in)?)|"
    r"more information needed|needs more information|"
    r"(?:the |your |insert |name of )?(?:the )?base[ _-]?model(?:[ _-](?:name|id))?|"
    r"(?:your |insert )?model[ _-]?(?:name|id)|e\.g\..*|for example.*|(?:insert|enter|fill)[ :_].*|your\b.*|.* here|"
    r"(?:value|number|grams?|emissions)|<[^<>]+>|\{\{.*\}\}",
    re.IGNORECASE | re.DOTALL,
)


def is_open(value: Any) -> bool:
    """Whether a value is a placeholder; of a list all of it, of an object its emissions.

    YAML reads ``[X]`` as a list, so what stands in brackets is looked at without them.
    """
    if isinstance(value, dict):
        return "emissions" in value and is_open(value["emissions"])
    if isinstance(value, list):
        return bool(value) and all(is_open(one) for one in value)
    if not isinstance(value, str):
        return False
    return _OPEN.fullmatch(value.strip().removeprefix("[").removesuffix("]").strip()) is not None
