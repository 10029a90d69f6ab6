"""Figures beside labels that the label map knows, held against each other; and a base model that is a folder."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from cardcallback.check.facts import Facts
from cardcallback.check.finding import Finding, error, hint, shown
from cardcallback.check.quantities import figures_of
from cardcallback.check.reading import CardText
from cardcallback.hub_id import is_hub_checkpoint
from cardcallback.render.card.labelled import normalize_label
from cardcallback.render.card.labels import LabelIndex, label_index
from cardcallback.units import format_count, format_number

RULE = "figures"
_COUNT = re.compile(r"[`*_~]*(?P<count>\d{1,3}(?:,\d{3})+|\d{1,9})[`*_]*")
_FOLDER = re.compile(r"^[`*_\[(]*(?:\.{1,2}/|~/)|(?:^|/)checkpoint-\d+(?!\w)")
_LETTERS = {"k": 1e3, "m": 1e6, "b": 1e9}
# "0,768" is a decimal comma.
_NUMBER = r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
# "29.8 M (0.77 % of 3.88 B)", as libraries print trainable parameters and people write them.
_SHARE = re.compile(
    rf"(?<![\w.,])(?P<part>{_NUMBER})\s*(?P<a>[KMB])?(?:\s*param\w*)?\s*\(\s*~?(?P<share>{_NUMBER})\s*%\s*(?:of\s+)?"
    rf"(?P<whole>{_NUMBER})\s*(?P<b>[KMB])?(?![\w%])",
    re.IGNORECASE,
)
# Below it a number in front of brackets is a step's, an epoch's or a table's.
_FEWEST_PARAMETERS = 1000
_ROOM = 0.1
_TOKEN_ROOM = 2.0
_OF_USE = re.compile(r"infer|generati|decod|prefill|serv|brows|device|latenc|pre-?train", re.IGNORECASE)
# Tokens that are no run's.
_OF_LENGTH = re.compile(r"context|length|\bmax|window|sequence|vocab|l\u00e4nge|longueur|\bper\b", re.IGNORECASE)


def labelled_findings(facts: Facts, hours: list[float], own_labels: str | None = None) -> Iterator[Finding]:
    """Products, shares and speeds that do not hold.

    Args:
        facts: those of the card.
        hours: the seconds that the run may have lasted, by the card.
        own_labels: the text of the person's own label map.
    """
    card, index = facts.card, label_index(own_labels)
    counts = dict(_counts(card, index))
    yield from _batches(counts)
    yield from _tokens(card, index, counts)
    yield from _base_models(card, index)
    yield from _trainable(card)
    yield from _speeds(facts, hours)


def _value(index: LabelIndex, label: str | None) -> str | None:
    rows = index.by_label.get(normalize_label(label or ""), ())
    return next((row.value for row in rows if row.value), None)


def _counts(card: CardText, index: LabelIndex) -> Iterator[tuple[str, tuple[int, int]]]:
    """Whole numbers by the value that their label asks for, with their line; none that stands there twice."""
    found: dict[str, set[tuple[int, int]]] = {}
    for slot in card.slots:
        is_value = slot.kind == "line" or (slot.kind == "cell" and slot.only_column)
        count = _COUNT.fullmatch(slot.text.strip()) if is_value else None
        name = _value(index, slot.label) if count is not None else None
        if count is not None and name is not None:
            number = int(count["count"].replace(",", ""))
            found.setdefault(name, set()).add((number, card.line_of(slot.begin)))
    yield from ((name, next(iter(values))) for name, values in found.items() if len(values) == 1)


def _batches(counts: dict[str, tuple[int, int]]) -> Iterator[Finding]:
    """The effective batch is the batch per device times accumulation times devices."""
    if not {"batch_size", "gradient_accumulation", "effective_batch_size"} <= counts.keys():
        return
    effective, line = counts["effective_batch_size"]
    devices = counts.get("gpu_count") or counts.get("gpu_names")  # "GPUs: 2"
    of_device = counts["batch_size"][0] * counts["gradient_accumulation"][0]
    product = of_device * (devices[0] if devices else 1)
    if product and effective != product and (devices or effective % product):
        what = f"an effective batch of {format_count(effective)}, and its parts multiply to {format_count(product)}"
        # A model that is split over devices takes one batch on several of them.
        is_split = effective > 0 and not effective % of_device and not product % effective
        cure = "calculate it again" + (", unless the model was split over the devices" if is_split else "")
        yield (hint if is_split else error)(RULE, line, what, cure)


def _tokens(card: CardText, index: LabelIndex, counts: dict[str, tuple[int, int]]) -> Iterator[Finding]:
    """More tokens than so many steps of so many sequences hold at their longest."""
    if not {"steps", "effective_batch_size", "max_length"} <= counts.keys():
        return
    most = math.prod(counts[name][0] for name in ("steps", "effective_batch_size", "max_length"))
    for slot in card.slots:
        is_value = slot.kind in {"line", "cell"} and _value(index, slot.label) in {"tokens", "tokens_processed"}
        stated = figures_of(slot.text, "tokens")[:1] if is_value else []
        if stated and most and all(low > most * (1 + _ROOM) for low, _ in stated[0].ranges):
            what = (
                f"{shown(slot.text)}, and the stated steps, batch and length hold {format_number(most / 1e6)} M at most"
            )
            yield error(RULE, card.line_of(slot.begin), what, "check the count and its unit")


def _base_models(card: CardText, index: LabelIndex) -> Iterator[Finding]:
    for slot in card.slots:
        is_base = slot.kind in {"line", "cell"} and _value(index, slot.label) == "base_model"
        if is_base and _FOLDER.search(slot.text) and not is_hub_checkpoint(slot.text.strip("`*_ ")):
            what = f"the base model is a folder of one machine: {shown(slot.text)}"
            yield error(
                "metadata", card.line_of(slot.begin), what, "give the id on the Hub of the model it was made from"
            )


def _trainable(card: CardText) -> Iterator[Finding]:
    for line in card.prose_lines():
        for found in _SHARE.finditer(line.prose):
            part, whole = (_number(found[name], found[unit]) for name, unit in (("part", "a"), ("whole", "b")))
            share = _number(found["share"], None)
            if whole > part >= _FEWEST_PARAMETERS and abs(part / whole * 100 - share) > _ROOM * max(
                share, part / whole * 100
            ):
                what = f"{shown(found.group())}: that would be {format_number(part / whole * 100, 2)} %"
                yield error(RULE, line.number, what, "calculate it again")


def _number(written: str, letter: str | None) -> float:
    return float(written.replace(",", "")) * _LETTERS.get((letter or "").lower(), 1.0)


def _speeds(facts: Facts, hours: list[float]) -> Iterator[Finding]:
    """The card's only tokens over the run's time are its only speed, give or take padding and evaluation."""
    figures = [one for one in facts.facts if one.figure.rate is None and not one.line.is_ours]
    tokens, speeds = ([one for one in figures if one.figure.kind == kind] for kind in ("tokens", "rate"))
    if len(tokens) != 1 or len(speeds) != 1 or not hours or tokens[0].line.number == speeds[0].line.number:
        return
    if _OF_LENGTH.search(tokens[0].line.prose):
        return
    if any(_OF_USE.search(f"{one.line.prose} {' '.join(one.line.headings)}") for one in (*tokens, *speeds)):
        return
    wanted = [tokens[0].figure.value / seconds for seconds in hours]
    stated = speeds[0].figure.value
    if stated > 0 and not any(stated / _TOKEN_ROOM <= one <= stated * _TOKEN_ROOM for one in wanted):
        what = f"{shown(speeds[0].figure.text)}; the tokens over the run's time are {format_number(wanted[0])} a second"
        yield error(RULE, speeds[0].line.number, what, "calculate it again")
