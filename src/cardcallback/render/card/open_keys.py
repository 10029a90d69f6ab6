"""What a template left open in a front matter, which is nobody's word: values, and a line that stands for all keys."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from cardcallback.errors import CardCallbackError
from cardcallback.render.card.front_matter import SplitCard
from cardcallback.render.card.matter_data import parse_matter

# A whole line that a template language is to put keys in place of, such as the Hub's own "{{ card_data }}".
_OPEN_LINE = re.compile(r"^\{\{\s*\w[^{}\r\n]*\}\}[ \t]*(?:\r\n|\r|\n)", re.MULTILINE)
_TEMPLATE = re.compile(r"\{[%{#]|<%|\$\{")
TEMPLATE_STAYS = (
    "the front matter is a template, which is no YAML before it is filled in: it stays as it is, without this run's "
    "keys; the card below it was completed"
)
_OPEN = re.compile(
    r"(?-i:X+(?:[.,]X+)?|N)|x{2,}(?:[.,]x+)?|#+|_+|\.{3,}|\u2026|"
    r"\?+|tbd|tba|todo|fixme|to be (?:determined|added|filled(?: in)?)|"
    r"more information needed|needs more information|"
    r"(?:the |your |insert |name of )?(?:the )?base[ _-]?model(?:[ _-](?:name|id))?|"
    r"(?:your |insert )?model[ _-]?(?:name|id)|e\.g\..*|for example.*|(?:insert|enter|fill)[ :_].*|your\b.*|.* here|"
    r"(?:value|number|grams?|emissions)|<[^<>]+>|\{\{.*\}\}",
    re.IGNORECASE | re.DOTALL,
)


def without_open_lines(card: SplitCard) -> SplitCard:
    """The card without such lines, which YAML reads as something else or not at all."""
    return card if card.matter is None else replace(card, matter=_OPEN_LINE.sub("", card.matter))


def without_template(card: SplitCard) -> tuple[SplitCard, str]:
    """A card whose front matter a template language is to make, without it, and what stands before its body.

    Any other card comes back as it is, with nothing before it.
    """
    if card.matter is None or _TEMPLATE.search(card.matter) is None:
        return card, ""
    try:
        parse_matter(card.matter)
    except CardCallbackError:
        bare = replace(card, mark="", opening="", matter=None, closing="")
        return bare, card.join().removesuffix(card.body)
    return card, ""


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
