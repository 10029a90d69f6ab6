"""What a comparison holds: groups of runs, their differences, and rows of figures with their ratios."""

from __future__ import annotations

from typing import Literal

import msgspec

from cardcallback.record import InstrumentAccuracy, Scope

Verdict = Literal["lower", "higher", "undecided"]
Bound = Literal["least", "most"]
RowName = Literal[
    "time",
    "gpu_energy",
    "system_energy",
    "cpu_energy",
    "mean_power",
    "highest_power",
    "energy_per_token_processed",
    "energy_per_token_non_padding",
    "energy_per_token_in_loss",
    "tokens_per_second_processed",
    "tokens_per_second_non_padding",
    "emissions_common_factor",
    "emissions_own_factor",
    "training_loss",
    "held_out_loss",
    "system_memory_peak",
    "torch_memory_allocated_peak",
    "torch_memory_reserved_peak",
    "accelerator_process_memory_peak",
    "resident_memory_peak",
]


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of one run, or of one group of them.

    Of a group ``value`` is the median over its runs and ``values`` are theirs; ``low`` and ``high`` are the smallest
    and the largest that repetition and recording together leave open, ``None`` where nothing bounds them. ``is_part``
    says that a figure lacks what nobody watched, or whose end nobody knows: no ratio of it is given. ``bound`` then
    says on which side of it the whole is: "least" (it was more), "most" (it was less), ``None`` (either). Without a
    value there is a ``reason``.
    """

    value: float | None
    values: tuple[float, ...] = ()
    low: float | None = None
    high: float | None = None
    scope: Scope | None = None
    is_part: bool = False
    bound: Bound | None = None
    reason: str | None = None
    detail: str | None = None


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """A group's figure over the first group's.

    ``low`` and ``high`` hold only where both groups repeated their run. Without a ``value`` there is a ``reason``,
    and ``verdict`` says, of energies that hold different parts of a machine, whether the whole machine's is lower or
    higher over published ranges of what the rest takes; ``basis`` names those.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None
    verdict: Verdict | None = None
    basis: str | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One quantity over all groups; ``ratios`` has one for each group but the first."""

    name: RowName
    unit: str
    cells: tuple[Cell, ...]
    ratios: tuple[Ratio, ...] = ()


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something in which the groups are not, or not known to be, alike: one value for each group, in words."""

    name: str
    values: tuple[str, ...]
    is_work: bool = False


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Runs of one work on one kind of machine. ``letter`` is its name; simulated devices have no other.

    ``accuracy`` is that of its GPUs' energy sensor, which no interval holds.
    """

    letter: str
    label: str
    run_ids: tuple[str, ...]
    simulated: bool
    accuracy: InstrumentAccuracy | None = None

    @property
    def count(self) -> int:
        """How many runs it holds."""
        return len(self.run_ids)


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """Of one run of a group (the median), each with what it leaves out or why it is ``None``.

    ``electricity`` is of the measured energy alone, ``energy_name`` saying which; ``is_part`` where that is a part of
    it. ``purchase_share`` is the price of the machine by the hours of its life, ``purchase_reason`` what it lacks for
    that. ``is_least_time`` says of both that the hours are the least it took.
    """

    letter: str
    electricity: float | None = None
    electricity_reason: str | None = None
    energy_name: str | None = None
    is_part: bool = False
    is_least_time: bool = False
    rent: float | None = None
    purchase_share: float | None = None
    purchase_reason: str | None = None


class BreakEven(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs over the life of the owned machine cost as much as renting the other for each; or why not."""

    owned: str
    rented: str
    runs: float | None = None
    reason: str | None = None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Groups side by side. ``same_work`` says on what the totals may be divided by each other, or why not."""

    groups: tuple[Group, ...]
    differences: tuple[Difference, ...]
    rows: tuple[Row, ...]
    same_work: tuple[str | None, ...]
    notes: tuple[str, ...] = ()
    costs: tuple[Costs, ...] = ()
    break_even: tuple[BreakEven, ...] = ()
