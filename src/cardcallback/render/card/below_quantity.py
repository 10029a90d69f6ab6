"""Labels that are a thing's name by themselves, and below a quantity ask for that of it: "GPU" below "Energy"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cardcallback.render.card.label_rows import NAMES, SIZES, LabelRows
from cardcallback.render.card.labelled import normalize_label
from cardcallback.render.card.own_run import Neighbours
from cardcallback.render.card.slots import Slot

QUANTITIES = frozenset(
    {
        "energy",
        "gpu_energy",
        "carbon_emitted",
        "training_time",
        "gpu_hours",
        "mean_gpu_power",
        "peak_memory",
        "grid_factor",
    }
)
# Of several rows, which may be of other runs or parts.
SUMS = frozenset({"total", "all", "overall", "sum", "gesamt", "summe", "\u5408\u8ba1", "\u5408\u8a08"})
_RESULTS = frozenset({"training_loss", "validation_loss", "final_loss", "perplexity_tuned", "throughput"})
# What the phases of a run make up together.
SUMMED = frozenset({"energy", "gpu_energy", "carbon_emitted", "training_time", "gpu_hours"})
# The last words of what asks for a quantity that the map has no label for, or another one by.
_WORDS = frozenset(
    {"power", "memory", "cost", "costs", "price", "energy", "emissions", "time", "loss", "utilization", "temperature",
     "clock", "speed", "throughput", "latency", "leistung", "speicher", "kosten", "puissance", "m\u00e9moire",
     "potencia",
     "memoria"}
)  # fmt: skip
_PARTS = frozenset({"gpu", "gpus", "cpu", "cpus", "ram", "dram", "memory", "machine", "system", "whole machine"})
# Below a quantity it asks how that was found out, not how the model was trained.
_OF_MEASURING = frozenset({"method"})
# What a heading says of how its figures are divided: "Energy by phase".
_DIVIDED = re.compile(
    r"\s+(?:(?:by|per|nach|pro|par|por)\s+(?:phases?|phasen|fase|components?|komponenten?|componente|devices?|"
    r"parts?|sources?)|breakdown)$",
    re.IGNORECASE,
)


def label_below(rows: LabelRows, slot: Slot, label: str, headings: Sequence[str], neighbours: Neighbours) -> str | None:
    """The label as it is meant below the heading or list item right above it; None where that is not known.

    Args:
        rows: finds the rows of labels.
        slot: where the label stands.
        label: as it stands there.
        headings: the headings and items above it, the nearest last.
        neighbours: what else stands below the same headings, and beside them.
    """
    if slot.kind not in {"line", "cell"} or not headings:
        return label
    # "Time", then "Training", then "GPU": what is between is only a part of the run.
    beside, phase = neighbours.rows(slot), rows.phase(headings[-1])
    is_of_phase = len(headings) > 1 and phase is not None
    parent = _DIVIDED.sub("", headings[-2] if is_of_phase else headings[-1])
    own, above = ({row.value for row in rows.of(name, None)} for name in (label, parent))
    is_quantity = above & (QUANTITIES | _RESULTS) or not _WORDS.isdisjoint(normalize_label(parent).split()[-1:])
    is_part = is_of_phase and bool(above & SUMMED) and own <= SUMMED | NAMES
    # The sum of parts that were not all measured; below "Energy", then "Training" and "Evaluation", the whole run's.
    is_sum = bool(above & QUANTITIES and normalize_label(label) in SUMS and beside & _PARTS)
    if is_sum or (is_part and any(rows.phase(one) not in {None, phase} for one in neighbours.headings(slot))):
        return None
    if above & QUANTITIES and own == _OF_MEASURING:
        return _first_known(rows, f"{parent} {label}", f"{parent} measurement {label}")
    if not is_quantity or (above & own and not own & SIZES) or (own and not own & NAMES):
        return label
    in_list = slot.introduction is not None and normalize_label(slot.introduction) == normalize_label(headings[-1])
    if not in_list and not is_of_phase and not beside - SUMS <= _PARTS:
        asked = {row.value for name in beside for row in rows.of(name, None)}
        # Where the quantity itself is asked for too, or another one, it is a list of all sorts of things.
        return None if above & QUANTITIES and own and asked.isdisjoint(QUANTITIES | {"hours_used"}) else label
    known = _first_known(rows, f"{label} {parent}", f"{parent} {label}")
    return label if known is None and not own else known


def _first_known(rows: LabelRows, *labels: str) -> str | None:
    return next((label for label in labels if rows.of_used(label, None)), None)
