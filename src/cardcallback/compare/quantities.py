"""The rows of a comparison, and the runs of one group in one cell of each."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cardcallback.compare.cells import (
    cpu_energy,
    emissions_at,
    gpu_energy,
    held_out_loss,
    highest_power,
    mean_gpu_power,
    memory_peak,
    own_emissions,
    per_token,
    system_energy,
    time,
    tokens_per_second,
    training_loss,
)
from cardcallback.compare.model import Cell, RowName
from cardcallback.compare.work import scope_words
from cardcallback.record import CarbonFactor, RunRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """A row of the comparison.

    ``is_total`` grows with the work, and ``is_of_tokens`` with what a token is; no ratio explains what has none.
    """

    name: RowName
    unit: str
    read: Callable[[RunRecord], Cell]
    has_scope: bool = False
    is_total: bool = False
    is_of_tokens: bool = False
    has_ratio: bool = True


def as_cell(readings: Sequence[Cell]) -> Cell:
    """The runs of one group in one cell."""
    known = [reading for reading in readings if reading.value is not None]
    values = tuple(reading.value for reading in known if reading.value is not None)
    if not values:
        return Cell(value=None, reason=readings[0].reason or "not in the record")
    scopes = {reading.scope for reading in known}
    if len(scopes) > 1:
        # A median over figures of different parts of a machine would be of none of them.
        held = " or ".join(sorted(scope_words(scope) for scope in scopes))
        return Cell(value=None, reason=f"its runs' figures hold different parts: {held}")
    lows, highs = [reading.low for reading in known], [reading.high for reading in known]
    missing = len(readings) - len(known)
    details = [f"no figure in {missing} of {len(readings)} runs"] if missing else []
    details += [reading.detail for reading in known if reading.detail]
    return Cell(
        value=statistics.median(values),
        values=values,
        low=None if None in lows else min(low for low in lows if low is not None),
        high=None if None in highs else max(high for high in highs if high is not None),
        scope=next(iter(scopes)),
        is_part=any(reading.is_part for reading in known),
        bound=next((reading.bound for reading in known if reading.bound is not None), None),
        detail="; ".join(dict.fromkeys(details)) or None,
    )


def quantities(factor: CarbonFactor | None, pue: float | None, *, own_factors: str | None) -> tuple[Quantity, ...]:
    """The rows in order.

    Args:
        factor: one grid's factor for all runs, or ``None``.
        pue: building overhead, for whole machines' energy alone.
        own_factors: why each one's own factors do not compare, or ``None`` where they do.
    """
    no_common = Cell(value=None, reason="no place given for all: --location or --carbon-intensity")
    no_own = Cell(value=None, reason=own_factors)
    own = own_emissions if own_factors is None else lambda _: no_own
    common = emissions_at(factor, pue) if factor is not None else lambda _: no_common
    return (
        Quantity(name="time", unit="seconds", read=time, is_total=True),
        Quantity(name="gpu_energy", unit="joules", read=gpu_energy, has_scope=True, is_total=True),
        Quantity(name="system_energy", unit="joules", read=system_energy, has_scope=True, is_total=True),
        Quantity(name="cpu_energy", unit="joules", read=cpu_energy, has_scope=True, is_total=True),
        Quantity(name="mean_power", unit="watts", read=mean_gpu_power, has_scope=True),
        Quantity(name="highest_power", unit="watts", read=highest_power, has_scope=True),
        *(
            Quantity(name=name, unit="joules/token", read=per_token(kind), has_scope=True, is_of_tokens=True)
            for name, kind in _PER_TOKEN
        ),
        *(
            Quantity(name=name, unit="tokens/second", read=tokens_per_second(kind), is_of_tokens=True)
            for name, kind in _PER_SECOND
        ),
        Quantity(name="emissions_common_factor", unit="grams", read=common, has_scope=True, is_total=True),
        Quantity(name="emissions_own_factor", unit="grams", read=own, has_scope=True, is_total=True),
        Quantity(name="training_loss", unit="", read=training_loss, has_ratio=False),
        Quantity(name="held_out_loss", unit="", read=held_out_loss, has_ratio=False),
        *(Quantity(name=name, unit="bytes", read=memory_peak(field), has_ratio=False) for name, field in _MEMORY),
    )


_PER_TOKEN: tuple[tuple[RowName, str], ...] = (
    ("energy_per_token_processed", "processed"),
    ("energy_per_token_non_padding", "non_padding"),
    ("energy_per_token_in_loss", "in_loss"),
)
_PER_SECOND: tuple[tuple[RowName, str], ...] = (
    ("tokens_per_second_processed", "processed"),
    ("tokens_per_second_non_padding", "non_padding"),
)
_MEMORY: tuple[tuple[RowName, str], ...] = (
    ("system_memory_peak", "system_peak"),
    ("torch_memory_allocated_peak", "torch_peak_allocated"),
    ("torch_memory_reserved_peak", "torch_peak_reserved"),
    ("accelerator_process_memory_peak", "accelerator_process_peak"),
    ("resident_memory_peak", "process_peak_rss"),
)
