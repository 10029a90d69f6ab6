"""``co2_eq_emissions`` as the Hub's client really reads it: grams, from the first digits it finds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cardcallback.check.finding import Finding, error, hint, shown
from cardcallback.check.reading import CardText
from cardcallback.render.card.emissions import EMISSIONS_KEY
from cardcallback.render.card.front_matter import plain

RULE = "emissions-key"
# The client takes the first of these in the value's text and nothing else (utils/endpoint_helpers.py).
_AS_READ = re.compile(r"\d+\.\d+|\d+")
_PLAIN = re.compile(r"\d+(?:\.\d+)?")
_CURE = "write grams of CO2e as a plain decimal, without unit, separator or exponent"


def emissions_findings(card: CardText) -> Iterator[Finding]:
    """What in the key is misread, or not read at all."""
    if EMISSIONS_KEY not in card.data:
        return
    value: Any = plain(card.data[EMISSIONS_KEY])
    line = card.matter_line(EMISSIONS_KEY)
    if isinstance(value, dict):
        if "emissions" not in value:
            what = f"{EMISSIONS_KEY} has no emissions, at which the Hub's client fails"
            yield error(RULE, line, what, "add emissions in grams, or take the whole key out")
            return
        yield from _source(line, value)
        line = card.matter_line(EMISSIONS_KEY, after="emissions")
        value = value["emissions"]
    yield from _value(card, line, value)


def stated_grams(card: CardText) -> float | None:
    """The grams as the Hub reads them; None where it reads none."""
    value = plain(card.data.get(EMISSIONS_KEY))
    value = value.get("emissions") if isinstance(value, dict) else value
    found = _AS_READ.search(str(value)) if value else None
    return None if found is None else float(found.group())


def _value(card: CardText, line: int | None, value: Any) -> Iterator[Finding]:
    if value is None or isinstance(value, (bool, list, dict)):
        yield error(RULE, line, f"the emissions are {shown(str(value))}, which is no figure", _CURE)
        return
    if value == 0:
        yield hint(RULE, line, "emissions of 0 count as absent on the Hub", "leave the key out, or give the figure")
        return
    written = _written(card, line, value)
    read = _AS_READ.search(written)
    if _PLAIN.fullmatch(written):
        return
    as_read = f"the Hub reads {read.group()} g" if read else "the Hub reads no figure"
    yield error(RULE, line, f"the emissions are written {shown(written)}: {as_read}", _CURE)


def _written(card: CardText, line: int | None, value: Any) -> str:
    """The value as it stands in the card: a number's own text tells what the reader's rounding hides."""
    text = card.text.splitlines()[line - 1] if line is not None and isinstance(value, (int, float)) else ""
    found = re.search(r":\s*([^\s#,}]+)\s*(?:#.*|[,}].*)?$", text)
    return found.group(1) if found else str(value)


def _source(line: int | None, value: dict[str, Any]) -> Iterator[Finding]:
    if not value.get("source"):
        what = f"{EMISSIONS_KEY} does not say where the figure comes from"
        yield hint(RULE, line, what, "add source: measured or estimated, of what, with which factor")
