"""Hours of devices, which are the run's time times the devices it ran on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from cardcallback.check.facts import Fact, Facts
from cardcallback.check.finding import Finding, error, shown
from cardcallback.check.other_things import is_of_another_model, is_of_other_thing, is_of_pretraining, names_family
from cardcallback.check.run_times import run_times
from cardcallback.units import SECONDS_PER_HOUR, format_number

RULE = "figures"
# Of several computers the GPUs of one may be all that is counted.
_COMPUTERS = re.compile(r"\b(?:nodes|machines|computers|hosts|servers)\b", re.IGNORECASE)
# What was wanted or is of more than this run.
_OF_MORE = re.compile(
    r"\b(?:budget|limit|target|quota|plan\w*|expect\w*|estimat\w*|experiments?|sweeps?|ablations?|including|project|"
    r"would|failed|earlier|previous|search|stages?|phases?|sft|dpo)\b",
    re.IGNORECASE,
)
_ONE = re.compile(
    r"(?<![\w.,-])1\s*(?:[x\u00d7]\s*(?=[A-Z])|(?:[A-Z][\w-]*\s+){0,4}GPU\b)|"
    r"\b(?:GPUs|num_devices|gpu count)\W{1,6}1\b|\b(?:single|one)[- ](?:[\w-]+ ){0,3}GPU\b",
    re.IGNORECASE,
)
_OUR_ENERGY = re.compile(r"\|\s*GPU energy(?:, \d+ devices)?\s*\|\s*\**\d")
# A row of several sizes of a model.
_SIZE = re.compile(r"\d[\d.]*\s?[bm]", re.IGNORECASE)
_ROOM = 0.12


def device_hour_findings(facts: Facts) -> Iterator[Finding]:
    """GPU hours that no number of GPUs on the card gives with the run's time."""
    seconds = {one.figure.value for one in run_times(facts) if one.figure.kind == "time"}
    text = "\n".join(line.prose for line in facts.card.prose_lines(ours=True))
    # Our own section says of how many devices its energy is, where there were more than one.
    is_told = any(line.is_ours and _OUR_ENERGY.match(line.prose) for line in facts.card.lines)
    is_counted = is_told or len(facts.counts) > 1 or _ONE.search(text) is not None
    if not seconds or max(seconds) > min(seconds) * (1 + _ROOM) or not is_counted or _COMPUTERS.search(text):
        return
    counts = facts.counts | {one * other for one, other in combinations(facts.counts, 2)}
    for stated in facts.of("device_time"):
        if not _is_of_run(facts, stated) or _fits(stated, seconds, counts):
            continue
        most = format_number(max(seconds) * max(facts.counts) / SECONDS_PER_HOUR)
        what = f"{shown(stated.figure.text)}, and the stated time on the stated GPUs gives {most} GPU hours"
        yield error(RULE, stated.line.number, what, "calculate it again, or say what else they hold")


def _is_of_run(facts: Facts, fact: Fact) -> bool:
    said = f"{' '.join(fact.line.headings[-1:])} {fact.label} {fact.column} {fact.cell}"
    if fact.line.is_ours or fact.figure.value <= 0 or _OF_MORE.search(said):
        return False
    if names_family(fact.cell[: fact.figure.begin]) or _SIZE.fullmatch(fact.label):
        return False
    return not (is_of_other_thing(fact) or is_of_pretraining(fact) or is_of_another_model(fact, facts.card.names))


def _fits(stated: Fact, seconds: set[float], counts: set[int]) -> bool:
    figure = stated.figure
    return any(
        figure.low - _ROOM * time * count <= time * count <= figure.high + _ROOM * time * count
        for time in seconds
        for count in counts
    )
