"""From records to a comparison; pure."""

from __future__ import annotations

import string
from collections.abc import Sequence

import msgspec

from cardcallback.carbon import USER_BOUNDARY, assess_footprint, check_pue
from cardcallback.compare.cost import costs_of
from cardcallback.compare.model import Cell, Comparison, Group, Ratio, Row
from cardcallback.compare.prices import CostInput
from cardcallback.compare.quantities import Quantity, as_cell, quantities
from cardcallback.compare.ratio import ratios
from cardcallback.compare.whole_machine import with_verdict
from cardcallback.compare.work import (
    SAME_LOSS,
    SAME_LOSS_SHARE,
    device_words,
    differences,
    gpu_is_unused,
    same_work,
    unlike_tokens,
    work_key,
)
from cardcallback.errors import CardCallbackError
from cardcallback.record import CarbonFactor, RunRecord
from cardcallback.units import format_number, format_percent

MOST_GROUPS = len(string.ascii_uppercase)
_LEAST = 2


def compare_runs(
    records: Sequence[RunRecord],
    *,
    factor: CarbonFactor | None = None,
    pue: float | None = None,
    prices: CostInput | None = None,
    target_loss: float | None = None,
) -> Comparison:
    """Runs side by side: what makes them unequal, their figures, and ratios where those mean something.

    Runs of one work on one kind of machine are one group: its figure is the median, with the range. Ratios are of
    each group over the first. One of energies is given only where both hold the same parts of a machine, all of
    them known; one of totals (time, energy, CO2e) only for the same steps or the same held-out loss reached; and an
    interval only where both groups repeated their run.

    Args:
        records: two or more.
        factor: grams of CO2e per kWh for all of them; each one's own is shown beside it.
        pue: building overhead, applied to whole machines' energy alone.
        prices: what electricity and machines cost; without them no cost is shown.
        target_loss: the held-out loss at which all of them were to end; those that reached it did the same work.

    Raises:
        CardCallbackError: fewer than two runs, the same run twice, more groups than letters, or senseless prices or
            overhead.
    """
    _check(records)
    check_pue(pue)
    groups = _grouped(records)
    if len(groups) > MOST_GROUPS:
        msg = f"{len(groups)} kinds of run are more than a table shows: compare {MOST_GROUPS} at most at once"
        raise CardCallbackError(msg)
    works = [same_work(groups[0], group, target_loss) for group in groups[1:]]
    rows = quantities(factor, pue, own_factors=_why_own_factors_differ(records))
    described = tuple(_group(letter, group) for letter, group in zip(string.ascii_uppercase, groups, strict=False))
    comparison = Comparison(
        groups=described,
        differences=differences(groups),
        rows=tuple(_row(quantity, groups, [why or None for _, why in works]) for quantity in rows),
        same_work=tuple(name for name, _ in works),
        notes=(*_overhead_notes(groups, factor, pue), *_notes(groups, [name for name, _ in works], target_loss)),
    )
    if prices is None or prices.is_empty():
        return comparison
    costs, break_even = costs_of(comparison, groups, prices)
    return msgspec.structs.replace(comparison, costs=costs, break_even=break_even)


def _check(records: Sequence[RunRecord]) -> None:
    if len(records) < _LEAST:
        msg = "one run compares with nothing: give two records or more"
        raise CardCallbackError(msg)
    seen: set[str] = set()
    for record in records:
        if record.run_id in seen:
            msg = f"the run {record.run_id} was given twice: give each run once"
            raise CardCallbackError(msg)
        seen.add(record.run_id)


def _grouped(records: Sequence[RunRecord]) -> list[list[RunRecord]]:
    groups: dict[tuple[object, ...], list[RunRecord]] = {}
    for record in records:
        hardware = record.hardware
        machine = (
            tuple(device.name for device in hardware.accelerators),
            hardware.machine.name,
            hardware.machine.processor,
            record.simulated,
            record.energy.gpu.scope,
            gpu_is_unused(record),
        )
        groups.setdefault((machine, work_key(record)), []).append(record)
    return list(groups.values())


def _group(letter: str, records: Sequence[RunRecord]) -> Group:
    first = records[0]
    simulated = any(record.simulated for record in records)
    hardware = first.hardware
    machine = hardware.machine.name or hardware.machine.processor
    known = ", ".join(part for part in (machine, device_words(first)) if part) or "hardware not known"
    return Group(
        letter=letter,
        # A simulated device stands for none that can be bought, whatever name it was given.
        label="simulated device" if simulated else known,
        run_ids=tuple(record.run_id for record in records),
        simulated=simulated,
        accuracy=first.energy.gpu.instrument_accuracy,
    )


def _row(quantity: Quantity, groups: Sequence[Sequence[RunRecord]], unlike: Sequence[str | None]) -> Row:
    cells = tuple(as_cell([quantity.read(record) for record in group]) for group in groups)
    if not quantity.has_ratio:
        return Row(name=quantity.name, unit=quantity.unit, cells=cells)
    evidence = [_mixed_evidence(groups[0], group) for group in groups[1:]]
    if quantity.is_of_tokens:
        unlike = [unlike_tokens(groups[0][0], group[0]) for group in groups[1:]]
    elif not quantity.is_total:
        unlike = [None] * len(evidence)
    reasons = [mixed or why for mixed, why in zip(evidence, unlike, strict=True)]
    if quantity.has_scope:
        reasons = [why or _unlike_use(cells, groups, place) for place, why in enumerate(reasons, start=1)]
    found = ratios(cells, has_scope=quantity.has_scope, unlike=reasons)
    if quantity.name == "gpu_energy":
        found = tuple(
            _judged(one, groups[0], group, why) for one, group, why in zip(found, groups[1:], reasons, strict=True)
        )
    return Row(name=quantity.name, unit=quantity.unit, cells=cells, ratios=found)


def _unlike_use(cells: Sequence[Cell], groups: Sequence[Sequence[RunRecord]], place: int) -> str | None:
    """Why a figure of GPUs at work and one of GPUs that stood beside the work have no ratio; whole machines' have."""
    unused = [number for number in (0, place) if gpu_is_unused(groups[number][0])]
    if len(unused) != 1 or cells[unused[0]].scope != groups[unused[0]][0].energy.gpu.scope:
        return None
    return f"the job of {string.ascii_uppercase[unused[0]]} did not use the GPU, whose energy is what it drew meanwhile"


def _judged(found: Ratio, first: Sequence[RunRecord], other: Sequence[RunRecord], unlike: str | None) -> Ratio:
    """Of energies of the same work that hold different parts: which whole machine used more, as far as is published."""
    simulated = any(record.simulated for record in (*first, *other))  # published ranges are of devices with a name
    if found.value is not None or unlike is not None or simulated:
        return found
    return with_verdict(found, first, other)


def _mixed_evidence(first: Sequence[RunRecord], other: Sequence[RunRecord]) -> str | None:
    kinds = {record.simulated for record in (*first, *other)}
    return "one is simulated and one is measured" if len(kinds) > 1 else None


def _why_own_factors_differ(records: Sequence[RunRecord]) -> str | None:
    boundaries = {factor.boundary for record in records if record.carbon for factor in record.carbon.factors}
    if any(record.carbon is None for record in records):
        return "not every run has a place: see cardcallback render --location"
    if USER_BOUNDARY in boundaries:
        return "what a factor without a stated boundary holds is not known: factors compare only with one boundary"
    return None if len(boundaries) == 1 else f"the factors have different boundaries: {', '.join(sorted(boundaries))}"


def _overhead_notes(
    groups: Sequence[Sequence[RunRecord]], factor: CarbonFactor | None, pue: float | None
) -> tuple[str, ...]:
    """Where a building overhead that was given is in no figure."""
    if pue is None:
        return ()
    given = f"the building overhead of {format_number(pue)} was given and not applied"
    if factor is None:
        return (f"{given}: it belongs to CO2e, so give --location or --carbon-intensity too",)
    without = [
        letter
        for letter, group in zip(string.ascii_uppercase, groups, strict=False)
        if any(_overhead(record, factor, pue) is None for record in group)
    ]
    where = f"{given} to {', '.join(without)}: it belongs to the whole machine's energy, which was not measured there"
    return (where,) if without else ()


def _overhead(record: RunRecord, factor: CarbonFactor, pue: float) -> float | None:
    carbon = assess_footprint(record.energy, factor, pue).carbon
    return None if carbon is None else carbon.pue


def _notes(
    groups: Sequence[Sequence[RunRecord]], works: Sequence[str | None], target_loss: float | None
) -> tuple[str, ...]:
    notes = []
    if SAME_LOSS in works and target_loss is not None:
        reached = f"a held-out loss of {format_number(target_loss)}"
        notes.append(f"all were to end at {reached} and reached it: what one went beyond that is in its figures")
    elif SAME_LOSS in works:
        share = format_percent(SAME_LOSS_SHARE, 1)
        notes.append(f"held-out losses within {share} of each other count as the same, and then totals are divided")
    unused = [letter for letter, group in zip(string.ascii_uppercase, groups, strict=False) if gpu_is_unused(group[0])]
    if unused:
        notes.append(f"GPU energy of {', '.join(unused)}: what the GPU drew while the job did not use it")
    if any(record.simulated for group in groups for record in group):
        notes.append("figures of simulated devices say nothing about any device that can be bought")
    if any(len(group) == 1 for group in groups):
        notes.append("of a run that was not repeated nobody knows how much the next would differ: no ratio interval")
    return tuple(notes)
