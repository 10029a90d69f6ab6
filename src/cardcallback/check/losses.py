"""Losses and perplexities: a perplexity is e to the power of the loss it is of."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from cardcallback.check.facts import table_cells
from cardcallback.check.finding import Finding, error, shown
from cardcallback.check.reading import CardText, Line

RULE = "perplexity"
_LOSS = re.compile(r"\bloss\b", re.IGNORECASE)
_PERPLEXITY = re.compile(r"\b(?:perplexity|ppl)\b", re.IGNORECASE)
_NAMED = re.compile(
    r"(?P<name>\b(?:[A-Za-z-]+\s+){0,3}(?:loss|perplexity|ppl)\b[^:|\d=]{0,30}?)\s*(?:[:=]|\bof\b|\bis\b)\s*[*_`]*(?P<number>\d+(?:\.\d+)?)(?!\s*%|[\d.]*\s*→)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"^[*_~\s]*(?P<number>\d+(?:,\d{3})*(?:\.\d+)?)[*_\s]*(?:\(.*\))?[*_\s]*$")
# Measured on other text or counted by other units than the loss beside it.
_OTHER_TEXT = re.compile(
    r"wiki|ptb|\bc4\b|lambada|pile|word|byte|char|bits|dpo|reward|contrastive|mse|preference", re.IGNORECASE
)
_BASE = re.compile(r"\b(?:base|baseline|before|original|untuned|pre-?trained)\b", re.IGNORECASE)
_OF_BASE = re.compile(rf"\s*\(?(?:(?:for|of|with)\s+(?:the|its|our)\s+)?{_BASE.pattern}", re.IGNORECASE)
_TRAINING = re.compile(r"\btrain", re.IGNORECASE)
_HELD_OUT = re.compile(r"\b(?:val|valid|validation|eval|evaluation|held|test|dev)\b|held-out", re.IGNORECASE)
_ROOM = 0.01
# Each perplexity is held against each loss.
_MOST_NUMBERS = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class _Named:
    """One loss or perplexity; ``group`` is what it shares with the other that it belongs to."""

    name: str
    value: float
    half: float
    line: int
    groups: tuple[tuple[object, ...], ...]


def loss_findings(card: CardText) -> Iterator[Finding]:
    """Perplexities that no loss beside them gives, and ones below 1."""
    named = list(islice(_named_numbers(card), _MOST_NUMBERS))
    losses = [one for one in named if _LOSS.search(one.name) and not _PERPLEXITY.search(one.name)]
    for one in named:
        if not _PERPLEXITY.search(one.name) or _OTHER_TEXT.search(one.name):
            continue
        if one.value + one.half < 1:
            yield error(
                RULE, one.line, f"a perplexity of {one.value:g}, and none is below 1", "it may be the loss: check it"
            )
            continue
        beside = [loss for loss in losses if set(loss.groups) & set(one.groups) and not _OTHER_TEXT.search(loss.name)]
        beside = [loss for loss in beside if bool(_BASE.search(loss.name)) == bool(_BASE.search(one.name))]
        held_out = [loss for loss in beside if _HELD_OUT.search(loss.name) or not _TRAINING.search(loss.name)]
        if held_out and not any(_is_exp(one, loss) for loss in (*beside, *held_out)):
            loss = held_out[0]
            of_loss = f"the loss {loss.value:g} on line {loss.line}, {_exp(loss.value)}"
            what = f"the perplexity {one.value:g} is not exp of {of_loss}{_slip(one, loss)}"
            yield error(RULE, one.line, what, "calculate it again, or say what it was measured on")


def _named_numbers(card: CardText) -> Iterator[_Named]:
    heads: dict[int, list[str]] = {}
    for line in card.prose_lines():
        if line.table is None:
            yield from _in_text(line)
            continue
        cells = table_cells(line.prose)
        columns = heads.setdefault(line.table, cells)
        for number, cell in enumerate(cells[1:], start=1):
            found = _NUMBER.match(cell)
            if found is None or line.number == line.table:
                continue
            column = columns[number] if number < len(columns) else ""
            by_row = _LOSS.search(cells[0]) or _PERPLEXITY.search(cells[0])
            name, group = (cells[0], (line.table, column)) if by_row else (column, (line.table, line.number))
            if _LOSS.search(name) or _PERPLEXITY.search(name):
                yield _made(name, found["number"], line.number, (group,))


def _in_text(line: Line) -> Iterator[_Named]:
    for found in _NAMED.finditer(line.prose):
        # "The loss was 1.87 for the base model and 1.04 for ours."
        behind = _OF_BASE.match(line.prose, found.end())
        name = found["name"] + (behind.group() if behind is not None else "")
        yield _made(name, found["number"], line.number, (("text", line.headings),))


def _made(name: str, number: str, line: int, groups: tuple[tuple[object, ...], ...]) -> _Named:
    written = number.replace(",", "")
    half = 0.5 * 10.0 ** -len(written.partition(".")[2])
    return _Named(name=" ".join(name.split()), value=float(written), half=half, line=line, groups=groups)


def _is_exp(perplexity: _Named, loss: _Named) -> bool:
    if loss.value > 50:
        return False
    low, high = math.exp(loss.value - loss.half) * (1 - _ROOM), math.exp(loss.value + loss.half) * (1 + _ROOM)
    return low <= perplexity.value + perplexity.half and perplexity.value - perplexity.half <= high


def _exp(loss: float) -> str:
    return f"{math.exp(loss):.4g}" if loss < 50 else "out of all reason"


def _slip(perplexity: _Named, loss: _Named) -> str:
    if abs(2**loss.value - perplexity.value) <= perplexity.half + _ROOM * perplexity.value:
        return " (as if 2 had been taken for e)"
    if shown(str(perplexity.value)) == str(loss.value):
        return " (it is the loss itself)"
    return ""
