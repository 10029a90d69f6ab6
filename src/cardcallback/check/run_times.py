"""How long a card says its run took: which labels are of the run's whole time, and which of something else."""

from __future__ import annotations

import re
from functools import cache

from cardcallback.check.facts import Fact, Facts
from cardcallback.check.other_things import is_of_another_model, is_of_other_thing, is_of_pretraining
from cardcallback.render.card.labelled import normalize_label
from cardcallback.render.card.labels import label_index
from cardcallback.render.card.quantities import split_unit

_TIME_VALUES = frozenset({"training_time", "hours_used"})
_MAY_BE = re.compile(
    r"\b(?:train|hours? used|duration|wall|run ?time|elapsed|gpu[- ]hours?|time)\b|train", re.IGNORECASE
)
# A card with more is a log: the rules compare each with each.
MOST_TIMES = 20
OTHER_TIME = re.compile(
    r"infer|latenc|generati|response|evaluat|before|load|suspend|warm|read every|sampl|per |step|session|visit|gap|"
    r"first token|\bdata\b|dataset|collect|annotat|download|tokeni[sz]|prepar|convert|merg|export|compil|queue|"
    r"\bdebug|\baudio\b|\brecording",
    re.IGNORECASE,
)
# Of a part of the run, of which a card may have several.
OF_PARTS = re.compile(r"\bper\b|stage|phase|epoch|/|sft|dpo|each|step", re.IGNORECASE)


def run_times(facts: Facts) -> list[Fact]:
    """Times beside a label of the run's whole time, as the label map has it; of devices too."""
    return [one for one in facts.of("time", "device_time") if one.figure.value > 0 and _is_of_run(one)]


def run_seconds(facts: Facts) -> list[float]:
    """How long the run may have taken, in seconds, by whatever speaks of its time."""
    times = [
        one.figure.value
        for one in facts.of("time", "device_time")
        if one.figure.value > 0 and _MAY_BE.search(one.about) and not OTHER_TIME.search(one.about)
    ]
    return list(dict.fromkeys(times))[:MOST_TIMES]


def _is_of_run(fact: Fact) -> bool:
    label = fact.label or fact.column
    if OF_PARTS.search(label) or OTHER_TIME.search(label) or is_of_pretraining(fact):
        return False
    if is_of_other_thing(fact) or is_of_another_model(fact, ""):
        return False
    plain, whole = normalize_label(split_unit(label)[0]), _labels()
    words = plain.split()
    # What follows a label says more of it: "Training time on one node".
    return plain in whole or any(whole.get(" ".join(words[:count])) for count in range(1, len(words)))


@cache
def _labels() -> dict[str, bool]:
    """The labels of a run's time, and whether each says so without a heading above it."""
    found: dict[str, bool] = {}
    for name, rows in label_index().by_label.items():
        row = next((one for one in rows if one.value is not None), None)
        if row is not None and row.value in _TIME_VALUES:
            found[name] = not (row.section or row.heading or row.column)
    return found
