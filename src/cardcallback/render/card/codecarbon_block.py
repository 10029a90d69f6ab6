"""The Environmental Impact that sentence-transformers and SetFit print from CodeCarbon: our section stands for it."""

from __future__ import annotations

import re
from typing import Any

from cardcallback.errors import CardCallbackError
from cardcallback.record import RunRecord
from cardcallback.render.card.emissions import EMISSIONS_KEY, emissions_metadata
from cardcallback.render.card.front_matter import key_source, split_card
from cardcallback.render.card.matter_data import parse_matter

# Their templates' own lines, to the letter: what a person changed in them, or another tool wrote, is not theirs.
_BLOCK = re.compile(
    r"^### Environmental Impact[ \t]*\r?\n"
    r"Carbon emissions were measured using \[CodeCarbon\]\(https://github\.com/mlco2/codecarbon\)\.[ \t]*\r?\n"
    r"(?:- \*\*(?:Energy Consumed|Carbon Emitted|Hours Used)\*\*: [^\r\n]*\r?\n)+"
    r"(?:(?:[ \t]*\r?\n)*### Training Hardware[ \t]*\r?\n"
    r"(?:- \*\*(?:On Cloud|GPU Model|CPU Model|RAM Size)\*\*: [^\r\n]*\r?\n)+)?"
    r"(?:[ \t]*\r?\n)*",
    re.MULTILINE,
)


def without_codecarbon(text: str, record: RunRecord) -> str:
    """A tool's card without CodeCarbon's section, and without its metadata where the record has a figure for that.

    One subject has one section. CodeCarbon's estimate for a place of its own stays in the metadata only
    where nothing else is known.
    """
    card = split_card(text)
    body = _BLOCK.sub("", card.body, count=1)
    matter = card.matter or ""
    if emissions_metadata(record, None) is not None and _is_codecarbons(matter):
        lines = key_source(matter, EMISSIONS_KEY)
        matter = matter.replace(lines, "", 1) if lines else matter
    if (body, matter) == (card.body, card.matter or ""):
        return text
    return card.with_matter(matter).with_body(body).join()


def _is_codecarbons(matter: str) -> bool:
    try:
        value: Any = parse_matter(matter).get(EMISSIONS_KEY)
    except CardCallbackError:
        return False  # whoever edits it says what is wrong with it
    return isinstance(value, dict) and value.get("source") == "codecarbon"
