"""Steps, epochs, examples and batches of one training, and tokens beside time and energy."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cardcallback.check.facts import Facts, table_cells
from cardcallback.check.finding import Finding, error, shown
from cardcallback.check.reading import CardText
from cardcallback.check.run_times import run_seconds
from cardcallback.units import format_count, format_number

RULE = "figures"
_NAMES = {
    "steps": re.compile(r"^(?:(?:total|training|optimi[sz]er|global|max)\s)*steps$"),
    "epochs": re.compile(r"^(?:num\s|number of\s|training\s)?epochs$"),
    "examples": re.compile(
        r"^(?:(?:number of\s|num\s)?(?:training|train)\s(?:examples|samples)|(?:training\s)?dataset size|"
        r"training set(?: size)?)$"
    ),
    "batch": re.compile(r"^(?:total train batch size|effective batch size|global batch size|total batch size)$"),
}
_PAIR = re.compile(
    r"^[\s>*_`+-]*(?P<label>[A-Za-z][A-Za-z_ -]{2,40}?)[*_`]*\s*[:=]\s*[*_`]*(?P<value>[\d][\d,.]*)\b(?P<rest>.*)$"
)
_VALUE = re.compile(r"^[*_~`]*(?P<value>\d[\d,.]*)\b(?P<rest>.*)$")
# Packed sequences are fewer than examples; streams have no length.
_OTHERWISE = re.compile(
    r"\bpack(?:ed|ing)\b(?!\W{1,6}(?:false|no\b))|\bstream|early stop|\bresum|\bstage\b|\bDPO\b", re.IGNORECASE
)
_STEP_ROOM = 2.0
_TOKEN_ROOM = 0.1
_OF_TRAINING = re.compile(r"train|throughput|speed", re.IGNORECASE)
_OF_USE = re.compile(r"infer|generati|decod|prefill|serv|brows|device|latenc", re.IGNORECASE)


def step_findings(facts: Facts) -> Iterator[Finding]:
    """Arithmetic that does not hold, each once."""
    yield from _steps(facts.card)
    yield from _tokens(facts)


def _steps(card: CardText) -> Iterator[Finding]:
    """Steps are examples times epochs through the batch, unless sequences are packed or data streams."""
    named = dict(_named(card))
    text = "\n".join(line.prose for line in card.prose_lines())
    if len(named) < len(_NAMES) or _OTHERWISE.search(text):
        return
    steps, line = named["steps"]
    wanted = named["examples"][0] * named["epochs"][0] / max(named["batch"][0], 1)
    if wanted > 0 and not wanted / _STEP_ROOM <= steps <= wanted * _STEP_ROOM:
        what = f"{format_count(steps)} steps, and examples × epochs / batch are {format_count(wanted)}"
        yield error(RULE, line, what, "check the four figures, or say what tells them apart, such as packing")


def _named(card: CardText) -> Iterator[tuple[str, tuple[float, int]]]:
    """The four figures with their lines; one that stands twice with two values is left out."""
    found: dict[str, set[tuple[float, int]]] = {}
    for line in card.prose_lines():
        cells = table_cells(line.prose) if line.table is not None else []
        pair = _VALUE.match(cells[1]) if len(cells) == 2 else _PAIR.match(line.prose) if line.table is None else None
        if pair is None or "%" in pair["rest"]:
            continue
        label = " ".join(re.sub(r"[_*`-]+", " ", cells[0] if cells else pair["label"]).lower().split())
        for name, pattern in _NAMES.items():
            if pattern.match(label):
                found.setdefault(name, set()).add((float(pair["value"].replace(",", "").rstrip(".")), line.number))
    for name, values in found.items():
        if len({value for value, _ in values}) == 1:
            yield name, min(values)


def _tokens(facts: Facts) -> Iterator[Finding]:
    """A line's tokens a second over the run's time are its tokens; energy a token times tokens is the energy."""
    hours = run_seconds(facts)
    energies = [one.figure for one in facts.of("energy")]
    for line, on_line in facts.lines.items():
        text = on_line[0].line.prose
        tokens = [one.figure for one in on_line if one.figure.kind == "tokens"]
        speeds = [one.figure for one in on_line if one.figure.kind == "rate"]
        rates = [one.figure for one in on_line if one.figure.kind == "energy" and one.figure.rate == "token"]
        if len(tokens) != 1 or not _OF_TRAINING.search(text) or _OF_USE.search(text):
            continue
        if len(speeds) == 1 and hours and not any(_near(speeds[0].value * one, tokens[0].value) for one in hours):
            wanted = format_number(tokens[0].value / hours[0])
            yield error(
                RULE,
                line,
                f"{shown(speeds[0].text)}; the tokens over the run's time are {wanted}",
                "calculate it again",
            )
        elif (
            len(rates) == 1
            and energies
            and not any(_near(rates[0].value * tokens[0].value, one.value) for one in energies)
        ):
            what = f"{shown(rates[0].text)} a token, times {shown(tokens[0].text)}, is no energy on the card"
            yield error(RULE, line, what, "calculate it again")


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= _TOKEN_ROOM * max(one, other)
