"""The cells of a comparison in words: plain text, escaped only where it becomes Markdown."""

from __future__ import annotations

from collections.abc import Callable

from cardcallback.compare import BreakEven, Cell, Costs, Group, Ratio, Row
from cardcallback.render.text import clean
from cardcallback.units import (
    JOULES_PER_MILLIJOULE,
    format_bytes,
    format_count,
    format_duration,
    format_emissions,
    format_energy,
    format_money,
    format_number,
    format_power,
    format_result,
)

_LONGEST = 600
_BOUNDS = {None: "", "least": "at least ", "most": "at most "}
_QUANTITIES = {
    "time": "time",
    "gpu_energy": "GPU energy",
    "system_energy": "whole machine's energy",
    "cpu_energy": "processor's energy",
    "mean_power": "mean GPU power",
    "highest_power": "highest 1-second mean of GPU power",
    "energy_per_token_processed": "GPU energy a token processed",
    "energy_per_token_non_padding": "GPU energy a token without padding",
    "energy_per_token_in_loss": "GPU energy a token in the loss",
    "tokens_per_second_processed": "tokens processed a second",
    "tokens_per_second_non_padding": "tokens without padding a second",
    "emissions_common_factor": "CO2e, one grid for all",
    "emissions_own_factor": "CO2e, each in its own grid",
    "training_loss": "last training loss",
    "held_out_loss": "held-out loss",
    "system_memory_peak": "memory of the whole machine, highest seen",
    "torch_memory_allocated_peak": "PyTorch's allocator, highest allocated",
    "torch_memory_reserved_peak": "PyTorch's allocator, highest reserved",
    "accelerator_process_memory_peak": "GPU memory of the job, highest seen",
    "resident_memory_peak": "resident memory of the job, highest seen",
}


def quantity_words(row: Row) -> str:
    """What a row is of."""
    return _QUANTITIES[row.name]


def cell_words(cell: Cell, unit: str, remember: Callable[[str], str]) -> str:
    """A figure with its range; ``remember`` turns what has to be said at length into a mark."""
    if cell.value is None:
        return f"none {remember(cell.reason or 'not in the record')}"
    form = _form(unit)
    words = f"{_BOUNDS[cell.bound]}{form(cell.value)}"
    low, high = cell.low, cell.high
    if low is not None and high is not None and form(low) != form(high):
        words += f" ({form(low)} to {form(high)})"
    return f"{words} {remember(cell.detail)}" if cell.detail else words


def ratio_words(ratio: Ratio, remember: Callable[[str], str]) -> str:
    """A ratio with its interval, or what stands in its place."""
    if ratio.value is None:
        why = remember(ratio.reason or "")
        if ratio.verdict is None:
            return f"no ratio {why}"
        judged = f"whole machine {ratio.verdict}" if ratio.verdict != "undecided" else "whole machine undecided"
        basis = f" {remember(ratio.basis)}" if ratio.basis else ""
        return f"no ratio {why}; {judged}{basis}"
    words = format_number(ratio.value)
    if ratio.low is not None and ratio.high is not None:
        return f"{words} ({format_number(ratio.low)} to {format_number(ratio.high)})"
    return f"{words}, interval not known"


def group_words(group: Group) -> str:
    """Who a letter is."""
    runs = "1 run" if group.count == 1 else f"{format_count(group.count)} runs, median and range"
    kind = f"device {group.letter}, simulated" if group.simulated else clean(group.label, _LONGEST)
    return f"{group.letter}: {kind} ({runs})"


def cost_rows(costs: tuple[Costs, ...], remember: Callable[[str], str]) -> list[tuple[str, ...]]:
    """Costs of a run, in the currency that was given, one row for each kind that somebody priced."""
    rows = []
    if any(cost.electricity is not None for cost in costs):
        cells = (_electricity(cost, remember) for cost in costs)
        rows.append(("electricity of the measured energy", *cells))
    for name, values, lacking in (
        ("rent for the hours it took", [cost.rent for cost in costs], [None for _ in costs]),
        (
            "share of the purchase price, by hours of life",
            [cost.purchase_share for cost in costs],
            [cost.purchase_reason for cost in costs],
        ),
    ):
        if any(one is not None for one in (*values, *lacking)):
            told = [
                f"none {remember(why)}" if why is not None else _of_hours(cost, value)
                for cost, value, why in zip(costs, values, lacking, strict=True)
            ]
            rows.append((name, *told))
    return rows


def _of_hours(cost: Costs, value: float | None) -> str:
    if value is None:
        return "not given"
    return f"{'at least ' if cost.is_least_time else ''}{format_money(value)}"


def _electricity(cost: Costs, remember: Callable[[str], str]) -> str:
    if cost.electricity is None:
        return f"none {remember(cost.electricity_reason or 'energy not measured')}"
    whose = "of the GPU alone" if cost.energy_name == "gpu" else "of the whole machine"
    least = "at least " if cost.is_part else ""
    return f"{least}{format_money(cost.electricity)} {remember(whose)}"


def break_even_words(one: BreakEven) -> str:
    """When an owned machine is cheaper than a rented one."""
    pair = f"{one.owned} owned against {one.rented} rented"
    if one.runs is None:
        return f"{pair}: no break-even ({one.reason})"
    return f"{pair}: break-even at {format_number(one.runs)} runs over its life"


def _form(unit: str) -> Callable[[float], str]:
    forms: dict[str, Callable[[float], str]] = {
        "seconds": format_duration,
        "joules": format_energy,
        "watts": format_power,
        "grams": format_emissions,
        "bytes": format_bytes,
        "joules/token": _per_token,
        "tokens/second": format_number,
    }
    return forms.get(unit, format_result)


def _per_token(joules: float) -> str:
    return f"{format_number(joules)} J" if joules >= 1 else f"{format_number(joules / JOULES_PER_MILLIJOULE)} mJ"
